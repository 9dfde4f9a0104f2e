import { Clock, Effect } from "effect"
import * as FrameLog from "./FrameLog.ts"
import * as MediaTrack from "./MediaTrack.ts"

/** Where a track goes: the stream of a client, and perhaps a log of what was sent. */
export interface PlayerOptions {
  readonly payloadBytesMax: number
  /** RTP timestamp of the start. */
  readonly firstTimestamp: number
  /** Whether anybody wants the stream now. What comes due meanwhile is not sent; it goes on with a key frame. */
  readonly isWanted: () => boolean
  /** Sends the packets of one frame. */
  readonly send: (packets: ReadonlyArray<MediaTrack.TrackPacket>) => Effect.Effect<void>
  /** Called for every frame, before its first packet is sent. */
  readonly onFrame: (sent: { readonly timestamp: number; readonly digest: string; readonly atMs: number }) => void
}

/**
 * Plays a track at its own speed, as a camera or a microphone would. A frame that falls due while the process was busy is
 * sent at once, so that the track keeps its length.
 */
export const play = Effect.fnUntraced(function* (track: MediaTrack.MediaTrack, options: PlayerOptions) {
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const startedAtMs = nowMs()
  let isPaused = false
  for (const [index, frame] of track.frames.entries()) {
    const waitMs = startedAtMs + frame.timeMs - nowMs()
    if (waitMs > 0) yield* Effect.sleep(waitMs)
    isPaused = !options.isWanted() || (isPaused && !frame.keyFrame)
    if (isPaused) continue
    const timestamp = (options.firstTimestamp + frame.ticks) >>> 0
    options.onFrame({ timestamp, digest: FrameLog.digestOf(frame.bytes), atMs: nowMs() })
    yield* options.send(
      MediaTrack.packetize(track, frame, { index, timestamp, payloadBytesMax: options.payloadBytesMax })
    )
  }
})
