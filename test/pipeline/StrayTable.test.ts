import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as BoundedMap from "../../src/pipeline/BoundedMap.ts"
import * as StrayTable from "../../src/pipeline/StrayTable.ts"
import * as TrunkTable from "../../src/pipeline/TrunkTable.ts"
import { RelayId } from "../../src/protocol/Ids.ts"
import { dice } from "../media/LegPair.ts"

const { asksPerSecond, asksPerSecondOfPrefix, straysMax } = StrayTable
const ipv4 = (bits: number, port = 5000): Uint32Array => Uint32Array.of(port, 0, 0, 0xffff, bits)
const device = ipv4(0xc6336407)
/** How long a relay's machine has been up: the clock does not begin at 0. */
const upMs = 40 * 24 * 3_600_000

const from = (address: Uint32Array, legTag: number) => ({ address, legTag, epoch: 1, isHandedOver: false })
const trunk = () =>
  TrunkTable.to(TrunkTable.make(7), { id: RelayId.make("relay-b"), address: "203.0.113.8:3478" }, upMs)

const stateOf = (table: StrayTable.StrayTable, address: Uint32Array, legTag: number, nowMs: number) =>
  StrayTable.find(table, address, 0, legTag, nowMs)?.state._tag

/** How many of so many legs, each at a network of its own, are asked for. */
const flood = (table: StrayTable.StrayTable, legs: number, nowMs: number, draw = dice(1)): number => {
  let asked = 0
  for (let n = 0; n < legs; n++) {
    const address = ipv4(Math.floor(draw() * 2 ** 32), 1024 + Math.floor(draw() * 60_000))
    const stray = StrayTable.ask(table, from(address, Math.floor(draw() * 2 ** 32)), nowMs)
    if (stray === undefined) continue
    asked++
    StrayTable.settle(table, stray, { _tag: "Refused", isAddress: true, untilMs: nowMs + 5000 })
  }
  return asked
}

describe("StrayTable", () => {
  it("asks once for a leg, and again when the refusal is over", () => {
    const table = StrayTable.make(upMs)
    const stray = StrayTable.ask(table, from(device, 7), upMs)!
    assert.strictEqual(stateOf(table, device, 7, upMs), "Asked")
    StrayTable.settle(table, stray, { _tag: "Refused", isAddress: false, untilMs: upMs + 5000 })
    assert.strictEqual(stateOf(table, device, 7, upMs + 4999), "Refused")
    assert.strictEqual(stateOf(table, device, 7, upMs + 5000), undefined)
  })

  it("a tag that is nobody's does not stand in the way of the right one, an address that is does", () => {
    const table = StrayTable.make(upMs)
    const wrong = StrayTable.ask(table, from(device, 7), upMs)!
    StrayTable.settle(table, wrong, { _tag: "Refused", isAddress: false, untilMs: upMs + 5000 })
    assert.strictEqual(stateOf(table, device, 8, upMs), undefined)
    StrayTable.settle(table, wrong, { _tag: "Refused", isAddress: true, untilMs: upMs + 5000 })
    assert.strictEqual(stateOf(table, device, 8, upMs), "Refused")
    assert.strictEqual(stateOf(table, ipv4(0xc6336407, 5001), 8, upMs), undefined, "another port")
  })

  it("keeps what comes while it is asked, up to a bound, and drops it when it is refused", () => {
    const table = StrayTable.make(upMs)
    const stray = StrayTable.ask(table, from(device, 7), upMs)!
    for (let n = 0; n < 100; n++) StrayTable.keep(stray, Uint8Array.of(n))
    assert.deepStrictEqual(
      stray.kept.map(([first]) => first),
      Array.from({ length: 16 }, (_, n) => n)
    )
    StrayTable.settle(table, stray, { _tag: "Refused", isAddress: false, untilMs: upMs + 5000 })
    assert.strictEqual(stray.kept.length, 0)
  })

  it("what is found costs nothing: a whole relay's devices are asked for in a moment", () => {
    const table = StrayTable.make(upMs)
    for (let n = 0; n < 10_000; n++) {
      const stray = StrayTable.ask(table, from(ipv4(0x0a000000 + (n & 0xff), 1024 + (n >> 8)), n), upMs)!
      if (n % 2 === 0) StrayTable.forget(table, stray)
      else StrayTable.settle(table, stray, { _tag: "Elsewhere", trunk: trunk(), untilMs: upMs + 2000 })
    }
    assert.strictEqual(BoundedMap.sizeOf(table.byAddress), straysMax)
  })

  it("asks no more than so often, wherever random tags come from", () => {
    const table = StrayTable.make(upMs)
    const draw = dice(3)
    let asked = 0
    for (let ms = 0; ms < 10_000; ms += 10) asked += flood(table, 20, upMs + ms, draw)
    assert.isAtLeast(asked, asksPerSecond * 10)
    assert.isAtMost(asked, asksPerSecond * 11)
    assert.isAtMost(BoundedMap.sizeOf(table.byAddress), asked)
  })

  it("one network cannot use up what all have", () => {
    const table = StrayTable.make(upMs)
    let asked = 0
    for (let n = 0; n < 1000; n++) {
      if (StrayTable.ask(table, from(ipv4(0xc6336400 + (n & 0xff), n), n), upMs) !== undefined) asked++
    }
    assert.strictEqual(asked, asksPerSecondOfPrefix)
    assert.isDefined(StrayTable.ask(table, from(ipv4(0x0a000001), 1), upMs))
  })

  it.prop(
    "remembers no more than so many, and never the wrong address",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))],
    ([seed]) => {
      const table = StrayTable.make(upMs)
      const draw = dice(seed)
      for (let second = 0; second < 40; second++) flood(table, 250, upMs + second * 1000, draw)
      assert.isAtMost(BoundedMap.sizeOf(table.byAddress), straysMax)
      const other = ipv4(Math.floor(draw() * 2 ** 32), 1)
      assert.isUndefined(StrayTable.find(table, other, 0, 1, upMs))
    },
    { arbitrary: { runs: 10 } }
  )

  it("a leg whose device has just gone is not asked for", () => {
    const table = StrayTable.make(upMs)
    StrayTable.refuse(table, device, 7, upMs + 5000)
    assert.strictEqual(stateOf(table, device, 7, upMs + 4999), "Refused")
    assert.strictEqual(stateOf(table, device, 8, upMs), undefined)
  })
})
