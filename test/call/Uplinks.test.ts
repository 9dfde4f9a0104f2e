import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Uplinks from "../../src/call/Uplinks.ts"

const Uplink = Schema.Struct({
  legTag: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  uplinkBps: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))
})

describe("Uplinks", () => {
  it.prop("are read as they were written, but for what 16 bits cannot say", [Schema.Array(Uplink)], ([all]) => {
    const decoded = Result.getOrThrow(Uplinks.decode(Uplinks.encode(all)))
    assert.strictEqual(decoded.length, Math.min(Uplinks.entriesMax, all.length))
    decoded.forEach(({ legTag, uplinkBps }, i) => {
      assert.strictEqual(legTag, all[i]!.legTag)
      assert.isTrue(uplinkBps <= all[i]!.uplinkBps && uplinkBps >= all[i]!.uplinkBps * (1 - 1 / 1024))
    })
  })

  it.prop("arbitrary bytes are refused or are uplinks, and never throw", [Schema.Uint8Array], ([bytes]) => {
    assert.strictEqual(Result.isSuccess(Uplinks.decode(bytes)), bytes.length % 6 === 0)
  })

  it("more than a call has legs are refused", () => {
    assert.isTrue(Result.isFailure(Uplinks.decode(new Uint8Array(6 * (Uplinks.entriesMax + 1)))))
  })
})
