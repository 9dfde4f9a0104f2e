import { assert, describe, it } from "@effect/vitest"
import * as PlayerSlots from "../../../src/client/bridge/PlayerSlots.ts"

const { slotsMax } = PlayerSlots

describe("PlayerSlots", () => {
  it("gives the k-th stream slot k, and a stream that comes back its own", () => {
    const slots = PlayerSlots.make()
    assert.deepStrictEqual(
      [10, 20, 30].map((ssrc) => PlayerSlots.take(slots, ssrc)),
      [0, 1, 2]
    )
    PlayerSlots.release(slots, 20)
    PlayerSlots.release(slots, 10)
    assert.strictEqual(PlayerSlots.take(slots, 40), 3)
    assert.strictEqual(PlayerSlots.take(slots, 20), 1)
    assert.strictEqual(PlayerSlots.take(slots, 10), 0)
  })

  it("gives the slot that has been free for longest when all have been used", () => {
    const slots = PlayerSlots.make()
    for (let ssrc = 0; ssrc < slotsMax; ssrc++) PlayerSlots.take(slots, ssrc)
    assert.strictEqual(PlayerSlots.take(slots, 1000), undefined)
    for (const ssrc of [7, 3, 99]) PlayerSlots.release(slots, ssrc)
    assert.deepStrictEqual(
      [1000, 1001, 1002, 1003].map((ssrc) => PlayerSlots.take(slots, ssrc)),
      [7, 3, 99, undefined]
    )
    PlayerSlots.release(slots, 1001)
    assert.strictEqual(PlayerSlots.take(slots, 3), 3)
  })

  it("keeps no more than its slots, whoever comes and goes", () => {
    const slots = PlayerSlots.make()
    for (let ssrc = 0; ssrc < 10_000; ssrc++) {
      assert.isDefined(PlayerSlots.take(slots, ssrc))
      PlayerSlots.release(slots, ssrc)
    }
    assert.strictEqual(slots.slots.length, slotsMax)
  })
})
