import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SwarmRun from "./SwarmRun.ts"

/** CI runs some more, and `npm run swarm` a thousand. */
const seeds = 5

describe("a swarm of relays and devices, whatever fails and in whatever order", () => {
  for (let seed = 1; seed <= seeds; seed++) {
    it.effect(`every call goes on, and nothing is left of it when it has ended (seed ${seed})`, () =>
      Effect.map(SwarmRun.inVirtualTime({ seed, steps: 4 }), ({ broken, log }) =>
        assert.deepStrictEqual(broken, [], log.join("\n"))
      )
    )
  }
})
