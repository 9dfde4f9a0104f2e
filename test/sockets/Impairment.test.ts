import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Impairment from "../../src/sockets/Impairment.ts"

const message = (text: string): string => Result.getOrThrow(Result.flip(Impairment.parse(text))).message

describe("Impairment", () => {
  it("reads every key", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(
        Impairment.parse("loss=0.05,delay=20ms,jitter=5ms,rate=2mbps,reorder=0.01,duplicate=0.02,seed=rainy")
      ),
      {
        ...Impairment.none,
        lossRatio: 0.05,
        latencyMs: 20,
        jitterMs: 5,
        rateBps: 2_000_000,
        reorderRatio: 0.01,
        duplicateRatio: 0.02,
        seed: "rainy"
      }
    )
  })

  it("leaves what is not named as it is without impairment", () => {
    assert.deepStrictEqual(Result.getOrThrow(Impairment.parse("loss=1")), { ...Impairment.none, lossRatio: 1 })
    assert.deepStrictEqual(Result.getOrThrow(Impairment.parse("loss=0")), Impairment.none)
  })

  it("reads units and spaces between the keys", () => {
    const { latencyMs, rateBps } = Result.getOrThrow(Impairment.parse("delay=1.5s, rate=300kbps"))
    assert.deepStrictEqual({ latencyMs, rateBps }, { latencyMs: 1500, rateBps: 300_000 })
  })

  it("says in one line what is wrong and which keys there are", () => {
    assert.strictEqual(
      message("lose=0.05"),
      'impairment "lose=0.05": "lose" is not a key; write key=value with commas between, ' +
        "the keys are loss, delay, jitter, rate, reorder, duplicate, seed"
    )
    assert.include(message("loss=5"), "loss must be a share from 0 to 1, like 0.05;")
    assert.include(message("loss=-0.1"), "loss must be a share")
    assert.include(message("loss=5%"), "loss must be a share")
    assert.include(message("loss"), "loss must be a share")
    assert.include(message("loss=0.1=0.2"), "loss must be a share")
    assert.include(message("delay=20"), "delay must be a time, like 20ms or 1s;")
    assert.include(message("delay=1.2.3ms"), "delay must be a time")
    assert.include(message("jitter=5kbps"), "jitter must be a time")
    assert.include(message("rate=0bps"), "rate must be bits a second above 0, like 300kbps or 2mbps;")
    assert.include(message("rate=2constructor"), "rate must be bits a second")
    assert.include(message("seed="), "seed must be any text")
    assert.include(message("loss=0.1,loss=0.2"), "loss is given twice")
    assert.include(message("loss=0.1,"), '"" is not a key')
    assert.include(message("toString=1"), '"toString" is not a key')
  })

  it.prop("any text is read or refused in one line", [Schema.String], ([text]) => {
    const result = Impairment.parse(`loss=${text}`)
    if (Result.isFailure(result)) return assert.notInclude(result.failure.message, "\n")
    assert.isAtLeast(result.success.lossRatio, 0)
    assert.isAtMost(result.success.lossRatio, 1)
  })
})
