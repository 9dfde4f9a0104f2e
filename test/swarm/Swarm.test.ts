import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SwarmRun from "./SwarmRun.ts"

/** CI runs twenty-seven more, and `npm run swarm` a thousand. */
const seeds = [1, 2]
/** Seeds that have found something, with as many failures as they had then. */
const kept: ReadonlyArray<readonly [seed: number, steps: number, found: string]> = [
  [19, 5, "all relays that a device had been told of died within the five seconds between two pings"]
]

describe("a swarm of relays and devices, whatever fails and in whatever order", () => {
  const holds = (seed: number, steps: number) =>
    Effect.map(SwarmRun.inVirtualTime({ seed, steps }), ({ broken, log }) =>
      assert.deepStrictEqual(broken, [], log.join("\n"))
    )

  for (const seed of seeds) {
    it.effect(`every call goes on, and nothing is left of it when it has ended (seed ${seed})`, () => holds(seed, 4))
  }
  for (const [seed, steps, found] of kept) it.effect(`seed ${seed}: ${found}`, () => holds(seed, steps))
})
