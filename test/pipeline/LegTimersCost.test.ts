import { assert, describe, it } from "@effect/vitest"
import * as LegTable from "../../src/pipeline/LegTable.ts"
import * as LegTimers from "../../src/pipeline/LegTimers.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as Relay from "./RelayHarness.ts"

/** Somebody who is in a call and silent. `looked` is called whenever a leg's place in the wheel is read. */
const silentLeg = (n: number, looked: () => void): RelayLeg.RelayLeg => {
  const leg = RelayLeg.make({
    call: CallId.make("silent"),
    participant: ParticipantId.make(`silent-${n}`),
    streams: [],
    receiveTag: 100_000 + n,
    sendTag: n + 1,
    epoch: 1,
    address: Relay.addressOf(100 + n),
    repair: true
  })
  return new Proxy(leg, {
    get: (target, key) => {
      if (key === "dueTick") looked()
      return Reflect.get(target, key) as unknown
    }
  })
}

const runMs = 2500

/** A call of three beside silent participants, of whom some wait in the wheel for a deadline that is far away. */
const run = (silent: number, waiting: number) => {
  const relay = Relay.make(3)
  const { legs, timers } = relay.forwarding
  let looks = 0
  for (let n = 0; n < silent; n++) {
    const leg = silentLeg(n, () => looks++)
    LegTable.add(legs, leg)
    if (n >= waiting) continue
    leg.hop.deadlineMs = 60_000 + n
    LegTimers.schedule(timers, leg)
  }
  looks = 0
  let sent = 0
  for (let nowMs = 0; nowMs < runMs; nowMs += LegTimers.tickMs) {
    if (nowMs % 20 === 0) sent += relay.receive(nowMs, Relay.frame({ from: 0, repair: nowMs / 20 })).length
    sent += relay.poll(nowMs).length
  }
  return { looks, sent, inWheel: timers.size }
}

describe("what polling the legs costs", () => {
  it("nothing for those that are idle, however many they are", () => {
    const alone = run(0, 0)
    assert.isAbove(alone.sent, 250)
    for (const silent of [10, 10_000]) assert.deepStrictEqual(run(silent, 0), alone, `${silent} idle legs`)
  })

  it("a look in a lap of the wheel for those that wait, whatever the others do", () => {
    const alone = run(0, 0)
    const { inWheel, looks, sent } = run(10_000, 1000)
    assert.strictEqual(sent, alone.sent)
    assert.strictEqual(inWheel, alone.inWheel + 1000)
    assert.isAtMost(looks, 1000, "a look for each in 2.5 s, at 500 polls")
    assert.isAbove(looks, 0)
  })

  it("a poll in between two ticks looks at nobody", () => {
    const relay = Relay.make(2)
    let looks = 0
    for (let n = 0; n < 100; n++) {
      const leg = silentLeg(n, () => looks++)
      leg.hop.deadlineMs = 10
      LegTimers.schedule(relay.forwarding.timers, leg)
    }
    looks = 0
    for (let nowMs = 0; nowMs < 10; nowMs += 0.5) relay.poll(nowMs)
    assert.strictEqual(looks, 0)
    relay.poll(10)
    assert.isAtLeast(looks, 100)
  })
})
