import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Volumes from "../../src/call/Volumes.ts"

const Volume = Schema.Struct({
  legTag: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  levels: Schema.Uint8Array
})

describe("Volumes", () => {
  it.prop("are read as they were written, the newest levels of too many", [Schema.Array(Volume)], ([volumes]) => {
    const decoded = Result.getOrThrow(Volumes.decode(Volumes.encode(volumes)))
    assert.deepStrictEqual(
      decoded.map(({ legTag, levels }) => [legTag, levels]),
      volumes.slice(0, Volumes.entriesMax).map(({ legTag, levels }) => [legTag, levels.slice(-Volumes.levelsMax)])
    )
  })

  it.prop("any bytes are volumes or refused", [Schema.Uint8Array], ([bytes]) => {
    const decoded = Volumes.decode(bytes)
    if (Result.isSuccess(decoded)) assert.deepStrictEqual(Volumes.encode(decoded.success), bytes)
  })

  it("of more legs than a call has are refused", () => {
    const one = Volumes.encode([{ legTag: 7, levels: Uint8Array.of(30) }])
    const bytes = Uint8Array.from({ length: (Volumes.entriesMax + 1) * one.length }, (_, i) => one[i % one.length]!)
    assert.isTrue(Result.isFailure(Volumes.decode(bytes)))
  })
})
