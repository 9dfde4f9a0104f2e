import { assert, describe, it } from "@effect/vitest"
import * as VolumeMeter from "../../src/media/VolumeMeter.ts"

const clockRate = 48_000
const unitTicks = 960

/** Packets at these places, in 20 ms from the first; each says its number as its level. */
const metered = (places: ReadonlyArray<number>, firstTimestamp = 0) => {
  const meter = VolumeMeter.make()
  places.forEach((place, number) =>
    VolumeMeter.handlePacket(meter, number, (firstTimestamp + place * unitTicks) | 0, clockRate)
  )
  return meter
}

describe("VolumeMeter", () => {
  it("has a level for each 20 ms, wherever the timestamps wrap", () => {
    for (const first of [0, 0x7fff_ff00, 0xffff_ff00]) {
      assert.deepStrictEqual([...VolumeMeter.take(metered([0, 1, 2, 3], first))], [0, 1, 2, 3])
    }
  })

  it("counts a longer packet for as long as it is, and a pause for nothing", () => {
    assert.deepStrictEqual([...VolumeMeter.take(metered([0, 2, 4]))], [0, 1, 1, 2, 2])
    assert.deepStrictEqual([...VolumeMeter.take(metered([0, 500]))], [0, 1, 1, 1])
    const short = VolumeMeter.make()
    for (let n = 0; n < 4; n++) VolumeMeter.handlePacket(short, n, (n * unitTicks) / 2, clockRate)
    assert.deepStrictEqual([...VolumeMeter.take(short)], [0, 1, 2, 3])
  })

  it("leaves out what comes twice or too late", () => {
    assert.deepStrictEqual([...VolumeMeter.take(metered([0, 1, 1, 0, 2]))], [0, 1, 4])
  })

  it("keeps the newest half second, and each level is taken once", () => {
    const meter = metered(Array.from({ length: 60 }, (_, place) => place))
    assert.deepStrictEqual(
      [...VolumeMeter.take(meter)],
      Array.from({ length: 25 }, (_, i) => 35 + i)
    )
    assert.deepStrictEqual([...VolumeMeter.take(meter)], [])
  })

  it("is known once its sender has said a level", () => {
    const meter = VolumeMeter.make()
    VolumeMeter.handlePacket(meter, 127, 0, clockRate)
    VolumeMeter.handlePacket(meter, 0x80 | 127, unitTicks, clockRate)
    assert.isFalse(meter.isKnown)
    VolumeMeter.handlePacket(meter, 126, 2 * unitTicks, clockRate)
    assert.isTrue(meter.isKnown)
  })
})
