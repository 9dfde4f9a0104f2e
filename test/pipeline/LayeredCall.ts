import { assert } from "@effect/vitest"
import * as LayerRoutes from "../../src/pipeline/LayerRoutes.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as Relay from "./RelayHarness.ts"

const { startOfFrameFlag: start, endOfFrameFlag: end, independentFlag: key, discardableFlag: spare } = HopFrame
const ssrcOf = (participant: number, layer: number): number => 0xc000_0000 + 16 * participant + layer
export const frameMs = 40
/** Of a frame of each layer: packets, and bytes of each. 25 a second: about 0.12 and 0.9 Mbit/s. */
const frames = [
  { packets: 1, bytes: 500 },
  { packets: 4, bytes: 1050 }
] as const

interface Got {
  readonly layer: number
  readonly atMs: number
  readonly sequenceNumber: number
  readonly descriptor: number
  readonly hasHole: boolean
}

/** Participant 0 sends `layers` layers of a source to the others, each of whom has the room that is set for him. */
export const makeCall = (
  participants: number,
  layers: number,
  spareEvery = Infinity,
  isDeclared = layers > 1,
  lowestKbps = 150
) => {
  const descriptionsOf = (n: number) =>
    Array.from({ length: layers }, (_, layer) => {
      const description = { ssrc: ssrcOf(n, layer), kind: "video", clockRate: 90_000, codec: "vp8" } as const
      return new StreamDescription(
        isDeclared
          ? {
              ...description,
              simulcast: { source: 3, layer, heightPixels: 0, maxKbps: layer === 0 ? lowestKbps : 1200 }
            }
          : description
      )
    })
  const relay = Relay.make(participants, descriptionsOf)
  const { forwarding, legs } = relay
  const [sender] = legs
  const allow = (allowed = (_receiver: number) => layers - 1, isSent = (_layer: number) => true) => {
    for (const [layer, stream] of sender!.streams.entries()) {
      stream.targets = legs.filter((_, receiver) => receiver > 0 && layer <= allowed(receiver) && isSent(layer))
    }
    LayerRoutes.connect([{ from: sender!, streams: descriptionsOf(0) }], legs, nowMs)
  }
  let nowMs = 0
  allow()
  const roomBps = legs.map(() => NaN)
  const got = legs.map((): Array<Got> => [])
  const asked: Array<{ readonly layer: number; readonly atMs: number }> = []
  const sequences = Array.from({ length: layers }, () => 0)
  const needsKey = Array.from({ length: layers }, () => true)
  let repair = 0
  let frame = 0

  const take = (sent: ReadonlyArray<Relay.Sent>): void => {
    for (const one of sent) {
      const type = Relay.typeOf(one)
      if (type === HopFrame.FrameType.Feedback && one.to === 0) {
        for (const ssrc of Relay.readFeedback(one).keyFrames) {
          asked.push({ layer: ssrc & 15, atMs: nowMs })
          needsKey[ssrc & 15] = true
        }
      }
      if (type !== HopFrame.FrameType.Video) continue
      const view = new DataView(one.bytes.buffer, one.bytes.byteOffset)
      got[one.to]!.push({
        layer: RtpHeader.ssrcAt(view, HopFrame.headerBytes) & 15,
        atMs: nowMs,
        sequenceNumber: RtpHeader.sequenceNumberAt(view, HopFrame.headerBytes),
        descriptor: one.bytes[1]!,
        hasHole: (one.bytes[0]! & HopFrame.gapFlag) !== 0
      })
    }
  }

  const sendFrame = (layer: number): void => {
    const { bytes, packets } = frames[layer]!
    const isKey = needsKey[layer]!
    needsKey[layer] = false
    const isSpare = !isKey && frame % spareEvery === spareEvery - 1
    for (let packet = 0; packet < packets; packet++) {
      const descriptor =
        (packet === 0 ? start : 0) | (packet === packets - 1 ? end : 0) | (isKey ? key : 0) | (isSpare ? spare : 0)
      const made = Relay.frame({
        from: 0,
        repair: repair++ & 0xffff,
        type: HopFrame.FrameType.Video,
        descriptor,
        ssrc: ssrcOf(0, layer),
        timestamp: frame * 3600,
        payload: new Uint8Array(bytes)
      })
      const view = new DataView(made.bytes.buffer)
      view.setUint16(HopFrame.headerBytes + 2, sequences[layer]!++ & 0xffff)
      take(relay.receive(nowMs, made))
    }
  }

  return {
    relay,
    forwarding,
    legs,
    roomBps,
    got,
    asked,
    allow,
    /** Layers that the sender does not send now. */
    stopped: new Set<number>(),
    now: () => nowMs,
    run(ms: number) {
      for (const until = nowMs + ms; nowMs < until; nowMs += 5) {
        for (const [receiver, leg] of legs.entries()) {
          const known = { targetBps: 0, packetsBefore: 0, repairsBefore: 0, sinceMs: 0, repairShare: 0 }
          if (receiver > 0) leg.downlink = { ...known, shareBps: roomBps[receiver]!, atMs: nowMs }
        }
        if (nowMs % frameMs === 0) {
          for (let layer = 0; layer < layers; layer++) if (!this.stopped.has(layer)) sendFrame(layer)
          frame++
        }
        take(relay.poll(nowMs))
      }
    },
    layersOf: (receiver: number, sinceMs: number) => [
      ...new Set(got[receiver]!.filter(({ atMs }) => atMs >= sinceMs).map(({ layer }) => layer))
    ]
  }
}

/** Whole frames; a layer begins with a key frame; every hole in a layer's numbers is marked, and nothing else is. */
export const checkStream = (got: ReadonlyArray<Got>): void => {
  const last = new Map<number, Got>()
  let before: Got | undefined
  for (const packet of got) {
    const sameLayer = last.get(packet.layer)
    const hasGap = sameLayer !== undefined && packet.sequenceNumber !== ((sameLayer.sequenceNumber + 1) & 0xffff)
    const begins = before !== undefined && before.layer !== packet.layer
    if (begins) assert.isTrue(HopFrame.startsKeyFrame(packet.descriptor), `at ${packet.atMs} ms`)
    if (sameLayer !== undefined) assert.strictEqual(packet.hasHole, hasGap || begins, `at ${packet.atMs} ms`)
    if (hasGap && !begins) {
      assert.isTrue((sameLayer.descriptor & end) !== 0 && (packet.descriptor & start) !== 0, `at ${packet.atMs} ms`)
    }
    last.set(packet.layer, packet)
    before = packet
  }
}
