import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AllocationInput, Layer, Wish } from "../../../src/call/allocation/AllocationInput.ts"
import { allocate } from "../../../src/call/allocation/BandwidthAllocation.ts"
import * as ExhaustiveSearch from "./ExhaustiveSearch.ts"
import { faultsOf, quantile, rateOf, utilityOf } from "./Measures.ts"
import { dice, oneOf, randomCall, type Shape } from "./RandomCalls.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))

const camera: ReadonlyArray<Layer> = [
  { minBps: 100_000, maxBps: 200_000 },
  { minBps: 300_000, maxBps: 700_000 },
  { minBps: 900_000, maxBps: 2_500_000 }
]

const wish = (source: number, change: Partial<Wish> = {}): Wish => ({ source, weight: 1, maxBps: Infinity, ...change })

/** Participant 0 sends a camera, and each of the others receives it with a downlink of his own. */
const oneSends = (uplinkBps: number, downlinks: ReadonlyArray<number>, layers = camera): AllocationInput => ({
  sources: [{ sender: 0, layers }],
  senders: [{ uplinkBps }],
  receivers: downlinks.map((downlinkBps) => ({ downlinkBps, wishes: [wish(0)] }))
})

const rates = (input: AllocationInput): ReadonlyArray<number> => {
  const allocation = allocate(input)
  return input.receivers.map((_, receiver) => rateOf(input, allocation, receiver, 0))
}

describe("BandwidthAllocation", () => {
  it("a source that nobody wants is off", () => {
    const input = { ...oneSends(Infinity, [Infinity]), receivers: [{ downlinkBps: Infinity, wishes: [] }] }
    assert.deepStrictEqual(allocate(input), { layers: [[0, 0, 0]], choices: [[]] })
  })

  it("one layer for receivers who are alike, at the best rate that they can have", () => {
    const input = oneSends(Infinity, [2_100_000, 2_200_000])
    assert.deepStrictEqual(allocate(input), { layers: [[0, 0, 2_000_000]], choices: [[2], [2]] })
  })

  it("layers for receivers who differ", () => {
    assert.deepStrictEqual(rates(oneSends(Infinity, [2_100_000, 450_000, 150_000])), [2_000_000, 400_000, 150_000])
  })

  it("layers that would be close are one", () => {
    const overlapping = [
      { minBps: 100_000, maxBps: 1_000_000 },
      { minBps: 100_000, maxBps: 2_500_000 }
    ]
    assert.deepStrictEqual(
      rates(oneSends(Infinity, [910_000, 1_210_000, 1_210_000], overlapping)),
      [900_000, 1_200_000, 1_200_000]
    )
    // For one of twenty who has a little more there is no layer.
    const downlinks = [1_210_000, ...Array.from({ length: 19 }, () => 910_000)]
    assert.strictEqual(Math.max(...rates(oneSends(Infinity, downlinks, overlapping))), 900_000)
  })

  it("layers share the uplink", () => {
    assert.deepStrictEqual(rates(oneSends(800_000, [5_000_000, 5_000_000, 150_000])), [700_000, 700_000, 100_000])
  })

  it("no more than is of use at the size at which it is shown", () => {
    const input = {
      ...oneSends(Infinity, []),
      receivers: [{ downlinkBps: Infinity, wishes: [wish(0, { maxBps: 150_000 })] }]
    }
    assert.deepStrictEqual(rates(input), [150_000])
  })

  it("who is on stage has more than who is not", () => {
    const input: AllocationInput = {
      sources: [0, 1, 2].map((sender) => ({ sender, layers: camera })),
      senders: [0, 1, 2].map(() => ({ uplinkBps: Infinity })),
      receivers: [{ downlinkBps: 1_500_000, wishes: [wish(0), wish(1, { weight: 4 }), wish(2, { weight: 0.25 })] }]
    }
    const allocation = allocate(input)
    const [other, onStage, offScreen] = [0, 1, 2].map((at) => rateOf(input, allocation, 0, at))
    assert.isAbove(onStage!, other!)
    assert.isAtLeast(other!, offScreen!)
  })

  it("a camera and a screen of one sender share his uplink by weight", () => {
    const input: AllocationInput = {
      sources: [0, 0].map((sender) => ({ sender, layers: camera })),
      senders: [{ uplinkBps: 1_300_000 }],
      receivers: [{ downlinkBps: Infinity, wishes: [wish(0, { weight: 0.25 }), wish(1, { weight: 4 })] }]
    }
    const allocation = allocate(input)
    assert.deepStrictEqual(faultsOf(input, allocation), [])
    assert.isAbove(rateOf(input, allocation, 0, 1), rateOf(input, allocation, 0, 0))
    assert.isAbove(rateOf(input, allocation, 0, 0), 0)
  })

  it("who may not have the highest layer gets the one below it, beside those who may, or with them where there is room for one", () => {
    const receivers = [
      { downlinkBps: Infinity, wishes: [wish(0)] },
      { downlinkBps: Infinity, wishes: [wish(0, { layerMax: 1 })] }
    ]
    assert.deepStrictEqual(rates({ ...oneSends(Infinity, []), receivers }), [2_500_000, 700_000])
    assert.deepStrictEqual(rates({ ...oneSends(900_000, []), receivers }), [700_000, 700_000])
  })

  const anyNumber: ReadonlyArray<number> = [
    0,
    -0,
    1,
    -1,
    0.5,
    1e5,
    1e6,
    1e308,
    -1e308,
    Infinity,
    -Infinity,
    NaN,
    2 ** 31,
    3
  ]

  it.prop("no numbers make it throw, and what comes out keeps to its bounds", [Seed], ([seed]) => {
    const draw = dice(seed)
    const any = (): number => oneOf(draw, anyNumber)
    const some = <A>(max: number, make: (at: number) => A): Array<A> =>
      Array.from({ length: Math.floor(draw() * max) }, (_, at) => make(at))
    const drawn = (): AllocationInput => ({
      sources: some(5, () => ({ sender: any(), layers: some(6, () => ({ minBps: any(), maxBps: any() })) })),
      senders: some(5, () => ({ uplinkBps: any() })),
      receivers: some(5, () => ({
        downlinkBps: any(),
        wishes: some(5, (at) => ({
          source: draw() < 0.2 ? any() + 100 : at,
          weight: any(),
          maxBps: any(),
          ...(draw() < 0.3 && { layerMax: any() })
        }))
      }))
    })
    const input = drawn()
    const allocation = allocate(input)
    assert.deepStrictEqual(faultsOf(input, allocation), [], `seed ${seed}`)
    const other = drawn()
    const after = allocate(other, { input, allocation })
    assert.deepStrictEqual(faultsOf(other, after), [], `seed ${seed}`)
  })

  const shapes: ReadonlyArray<Shape> = [
    { participants: 2, layers: 3 },
    { participants: 3, layers: 3 },
    { participants: 4, layers: 2 },
    { participants: 2, layers: 2, sources: 2 }
  ]

  it.prop(
    "calls of any size keep to their bounds, and the same call has the same answer",
    [Seed],
    ([seed]) => {
      const draw = dice(seed)
      const call = () =>
        randomCall(dice(seed), { participants: 2 + (seed % 19), layers: 3, sources: 1 + (seed % 2), wishes: 9 })
      const allocation = allocate(call())
      assert.deepStrictEqual(faultsOf(call(), allocation), [], `seed ${seed}`)
      allocate(randomCall(draw, { participants: 7, layers: 3 }))
      assert.deepStrictEqual(allocate(call()), allocation, `seed ${seed}`)
    },
    { arbitrary: { runs: 30 } }
  )

  for (const shape of shapes) {
    const { layers, participants, sources = 1 } = shape
    it(`at least 95 % of the best that is possible: ${participants} participants, ${layers} layers, ${sources} sources`, () => {
      const ratios: Array<number> = []
      for (let seed = 1; seed <= 60; seed++) {
        const input = randomCall(dice(seed), shape)
        const allocation = allocate(input)
        const utility = utilityOf(input, allocation)
        const best = ExhaustiveSearch.bestUtility(input, utility)
        assert.deepStrictEqual(faultsOf(input, allocation), [], `seed ${seed}`)
        assert.isAtLeast(utility, 0.95 * best, `seed ${seed}`)
        ratios.push(best === 0 ? 1 : utility / best)
      }
      assert.isAtLeast(quantile(ratios, 0.5), 0.99)
    })
  }

  it("the search that this is held against leaves nothing out", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const input = randomCall(dice(seed), { participants: 2, layers: 2 })
      const best = ExhaustiveSearch.bestUtility(input, 0)
      assert.closeTo(best, ExhaustiveSearch.bestUtilityOfAll(input), 1e-9, `seed ${seed}`)
    }
  })
})
