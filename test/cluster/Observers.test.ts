import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Observers from "../../src/cluster/Observers.ts"
import type { Standing } from "../../src/cluster/Quorum.ts"

const runners = (condemned: ReadonlyArray<boolean>): ReadonlyArray<Standing> =>
  condemned.map((isCondemned, index) => ({ address: `10.0.0.${index}:7478`, isCondemned }))

const arbitraryCluster = Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Boolean), { maxLength: 40 }), runners)

/** Who of them pings whom: the observers of each. */
const observers = (cluster: ReadonlyArray<Standing>) => {
  const observed = new Map(cluster.map(({ address }) => [address, Observers.observedBy(address, cluster)]))
  const living = cluster.filter(({ isCondemned }) => !isCondemned).map(({ address }) => address)
  return { observed, living, of: (target: string) => living.filter((self) => observed.get(self)!.includes(target)) }
}

describe("Observers", () => {
  it.prop(
    "everybody is observed by four of the living, or by all others there are",
    [arbitraryCluster],
    ([cluster]) => {
      const { living, of } = observers(cluster)
      for (const { address } of cluster) {
        const others = living.filter((other) => other !== address)
        assert.strictEqual(of(address).length, Math.min(Observers.observersMax, others.length))
        assert.notInclude(of(address), address)
      }
    }
  )

  it.prop("nobody observes more than four of the living", [arbitraryCluster], ([cluster]) => {
    const { living, observed } = observers(cluster)
    for (const self of living) {
      const pinged = observed.get(self)!.filter((address) => living.includes(address))
      assert.isAtMost(pinged.length, Observers.observersMax)
    }
  })

  it.prop("the order in which the table has them does not matter", [arbitraryCluster], ([cluster]) => {
    for (const { address } of cluster) {
      assert.deepStrictEqual(
        Observers.observedBy(address, cluster.toReversed()),
        Observers.observedBy(address, cluster)
      )
    }
  })

  it("when one is condemned the others keep all but one of those who observe them, so no verdict on another is lost", () => {
    const cluster = runners(Array.from({ length: 20 }, () => false))
    const before = observers(cluster)
    for (const { address: dead } of cluster) {
      const after = observers(cluster.map((runner) => ({ ...runner, isCondemned: runner.address === dead })))
      for (const { address } of cluster) {
        const lost = before.of(address).filter((observer) => observer !== dead && !after.of(address).includes(observer))
        assert.deepStrictEqual(lost, [])
      }
    }
  })

  it("a machine that dies with ten of a hundred runners leaves nearly all of them two who notice", () => {
    const cluster = runners(Array.from({ length: 100 }, () => false))
    const { of } = observers(cluster)
    const dead = cluster.slice(40, 50).map(({ address }) => address)
    const noticed = dead.filter((address) => of(address).filter((observer) => !dead.includes(observer)).length >= 2)
    assert.isAtLeast(noticed.length, 9)
  })

  it("one that is not in the table observes nobody", () => {
    assert.deepStrictEqual(Observers.observedBy("10.0.1.1:7478", runners([false, false])), [])
  })
})
