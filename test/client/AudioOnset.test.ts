import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { audioPacket, joined, lin, linkMs, rosterOf, run } from "./Scene.ts"

const { Audio, AudioOnset } = HopFrame.FrameType
const voiceFlag = 0x80
/** Half a second of silence, then a word. */
const levels = [...Array.from({ length: 25 }, () => 70), ...Array.from({ length: 15 }, () => 30)]

describe("audio that begins to be heard", () => {
  it.effect("goes out as onset, by the levels that the application gives, or as it says itself", () =>
    Effect.gen(function* () {
      const { client, relay } = yield* joined()
      const [audio] = client.streams
      for (const [number, level] of levels.entries()) {
        yield* client.send(audio!, { ...audioPacket(number), descriptor: voiceFlag | level })
        yield* TestClock.adjust(20)
      }
      yield* client.send(audio!, { ...audioPacket(40), descriptor: 30, onset: false })
      yield* client.send(audio!, { ...audioPacket(41), descriptor: 127, onset: true })
      yield* TestClock.adjust(2 * linkMs)
      assert.deepStrictEqual(
        relay.packets.map(({ type }) => type),
        [...levels.map((_, number) => (number > 25 ? AudioOnset : Audio)), Audio, AudioOnset]
      )
    }).pipe(run(430))
  )

  it.effect("is decrypted as ever: the type is no part of what is authenticated", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const other = lin(1)
      yield* relay.direct(rosterOf(1, [other.entry]))
      yield* TestClock.adjust(2 * linkMs)
      for (const [number, level] of levels.entries()) {
        yield* relay.sendMedia(other.audio, { ...audioPacket(number), descriptor: voiceFlag | level })
        yield* TestClock.adjust(20)
      }
      yield* TestClock.adjust("1 second")
      assert.isAbove(other.audio.onsets!.onsetAtMs, 0, "there was one")
      assert.deepStrictEqual(
        observed.packets.map(({ payload }) => payload),
        levels.map((_, number) => audioPacket(number).payload)
      )
      const { received } = yield* client.statistics
      assert.isTrue(received.every(({ packetsUndecryptable }) => packetsUndecryptable === 0))
    }).pipe(run(431))
  )
})
