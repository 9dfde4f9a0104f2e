import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as ResendRing from "../../../src/client/bridge/ResendRing.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import { integer, sized } from "../Samples.ts"

const packetOf = (sequenceNumber: number, timestamp = 0): Uint8Array =>
  RtpHeader.encode({ marker: false, payloadType: 96, sequenceNumber, timestamp, ssrc: 1, payload: Uint8Array.of(1) })

describe("ResendRing", () => {
  it.prop(
    "has the last packets, and the very ones, wherever the wrap falls",
    [integer(0, 0xffff), integer(1, 1200), Arbitrary.array(integer(0, 9), { maxLength: 200 })],
    ([start, count, dice]) => {
      const self = ResendRing.make()
      const given = Array.from({ length: count }, (_, i) => packetOf((start + i) & 0xffff))
      // Some are lost in the call, and some of those come later than their successors.
      const lost = new Set(dice.map((die, i) => (i * 7 + die) % count))
      const late = [...lost].filter((position) => position % 2 === 0 && position > count - 300)
      given.forEach((packet, position) => {
        if (!lost.has(position)) ResendRing.store(self, packet, 1)
      })
      for (const position of late) ResendRing.store(self, given[position]!, 2)
      const kept = given.filter(
        (_, position) => position >= count - ResendRing.ringPackets && (!lost.has(position) || late.includes(position))
      )
      const newest = kept.slice(-ResendRing.budgetMax)
      for (const packet of newest) {
        assert.strictEqual(ResendRing.take(self, (packet[2]! << 8) | packet[3]!, 100), packet)
      }
      const isGone = lost.has(0) ? !late.includes(0) : count > ResendRing.ringPackets + lost.size
      if (isGone) assert.isUndefined(ResendRing.take(self, start, 200))
    },
    sized(200)
  )

  it("a packet that comes a lap late does not push out its successor", () => {
    const self = ResendRing.make()
    const old = packetOf(7)
    const successor = packetOf(7 + ResendRing.ringPackets)
    const startMs = 90_000
    ResendRing.store(self, successor, startMs)
    ResendRing.store(self, old, startMs + 100)
    assert.strictEqual(ResendRing.take(self, 7 + ResendRing.ringPackets, startMs + 100), successor)
    assert.isUndefined(ResendRing.take(self, 7, startMs + 100))
    // Of a sender that has started anew, much later.
    const laterMs = startMs + ResendRing.keptMs
    ResendRing.store(self, old, laterMs)
    assert.strictEqual(ResendRing.take(self, 7, laterMs), old)
  })

  it("sends nothing too old, nothing twice at once, and no more than it has sent", () => {
    const self = ResendRing.make()
    for (let number = 0; number < 300; number++) ResendRing.store(self, packetOf(number), 0)
    assert.isDefined(ResendRing.take(self, 299, 5))
    assert.isUndefined(ResendRing.take(self, 299, 5 + ResendRing.resendMsMin - 1))
    assert.isDefined(ResendRing.take(self, 299, 5 + ResendRing.resendMsMin))
    assert.isUndefined(ResendRing.take(self, 298, ResendRing.keptMs + 1))
    for (let number = 0; number < ResendRing.budgetMax - 2; number++) {
      assert.isDefined(ResendRing.take(self, number, 50), `${number}`)
    }
    assert.isUndefined(ResendRing.take(self, 298, 50))
    ResendRing.store(self, packetOf(300), 50)
    assert.isDefined(ResendRing.take(self, 298, 50))
    assert.isUndefined(ResendRing.take(self, 297, 50))
  })
})
