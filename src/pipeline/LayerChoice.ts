import * as LayerSelection from "../media/LayerSelection.ts"
import type * as PacketBatch from "../sockets/PacketBatch.ts"
import * as Downlink from "./Downlink.ts"
import type { Forwarding } from "./Forwarding.ts"
import * as KeyFrames from "./KeyFrames.ts"
import * as LayerForwarding from "./LayerForwarding.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import type { RelayStream } from "./RelayStream.ts"

/** Whoever reports for every datagram makes no more work than this. Milliseconds. */
const pollEveryMs = 50
/** A leg on which nothing flows is looked at when a frame starts that it could have. Milliseconds. */
const unwatchedAfterMs = 200

/** Chooses anew for each source that the device gets, if that is due, and asks for the key frames that it takes. */
export const poll = (self: Forwarding, receiver: RelayLeg, nowMs: number, out: PacketBatch.SendBatch): void => {
  const { downlink, layers } = receiver
  if (layers.length === 0 || nowMs - receiver.layersPolledAtMs < pollEveryMs) return
  receiver.layersPolledAtMs = nowMs
  const roomBps = Downlink.shareBps(downlink, nowMs)
  const assumedBps = Downlink.assumedBps(receiver)
  let takenBps = 0
  for (let i = 0; i < layers.length; i++) {
    const one = layers[i]!
    LayerForwarding.measure(one, nowMs)
    one.selection.roomBps = roomBps
    // Where nothing flows nothing would ever be known of the path: one may begin, whatever it takes.
    one.selection.assumedBps = takenBps === 0 ? Infinity : Math.max(0, assumedBps - takenBps)
    const asked = LayerSelection.poll(one.selection, nowMs)
    takenBps += LayerForwarding.takenBps(one)
    LayerForwarding.link(one)
    const keyFrames = one.layers[asked]?.keyFrames
    if (keyFrames !== undefined) KeyFrames.request(self, one.from, keyFrames, nowMs, out)
  }
}

/** A frame of the stream starts that somebody has waited for, or who is to get no more of it. */
export const handleFrameStart = (
  self: Forwarding,
  stream: RelayStream,
  startsKeyFrame: boolean,
  nowMs: number,
  out: PacketBatch.SendBatch
): void => {
  // Replaced as they are gone through.
  const { pending } = stream
  for (let i = 0; i < pending.length; i++) {
    const one = pending[i]!
    if (nowMs - one.receiver.layersPolledAtMs >= unwatchedAfterMs) poll(self, one.receiver, nowMs, out)
    LayerForwarding.handleFrameStart(one, stream, startsKeyFrame, nowMs)
  }
}
