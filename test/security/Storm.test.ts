import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CookielessJoins from "./CookielessJoins.ts"
import * as Heap from "./Heap.ts"
import * as Ledger from "./Ledger.ts"
import * as StormScenes from "./StormScenes.ts"

/** Slices of what `npm run security` does a million and a hundred thousand times. */

const seed = 20_310_509

describe("storms of datagrams", () => {
  it.effect(
    "150,000 mutated and random ones over the simulated network do no harm",
    () =>
      Effect.gen(function* () {
        const report = yield* StormScenes.simulated({ datagrams: 150_000, slices: 10, seed })
        assert.deepStrictEqual(StormScenes.complaints(report), [], `seed ${seed}`)
      }),
    60_000
  )

  it.live(
    "10,000 mutated and random ones over UDP do no harm",
    () =>
      Effect.gen(function* () {
        const report = yield* StormScenes.overUdp({ datagrams: 10_000, slices: 1, seed })
        assert.deepStrictEqual(StormScenes.complaints(report), [], `seed ${seed}`)
      }),
    60_000
  )

  it.live(
    "joins without a cookie from 16,384 addresses leave nothing behind",
    () =>
      Effect.gen(function* () {
        const report = yield* CookielessJoins.run(2)
        assert.deepStrictEqual(CookielessJoins.complaints(report), [])
      }),
    60_000
  )
})

describe("the storms' own measures", () => {
  it("a ledger sees an answer that is too long, one to nothing, and one that is no message", () => {
    const question = new Uint8Array(20)
    new DataView(question.buffer).setUint32(8, 7)
    const answerOf = (length: number, number: number, first = 3) => {
      const bytes = new Uint8Array(length)
      new DataView(bytes.buffer).setUint32(8, number)
      bytes[0] = first
      return bytes
    }
    const complaintsAbout = (answer: Uint8Array) => {
      const ledger = Ledger.make()
      Ledger.ask(ledger, 7, question)
      Ledger.answer(ledger, answer, 0, answer.length)
      return ledger.violations.length
    }
    assert.strictEqual(complaintsAbout(answerOf(20, 7)), 0)
    assert.strictEqual(complaintsAbout(answerOf(24, 7)), 1)
    assert.strictEqual(complaintsAbout(answerOf(20, 8)), 1)
    assert.strictEqual(complaintsAbout(answerOf(20, 7, 0xc8)), 1)
  })

  it("a slope is what each slice adds, and ten bytes a datagram are seen", () => {
    assert.strictEqual(Heap.slopeBytes([5, 7, 9, 11]), 2)
    const kept: Array<Uint8Array> = []
    const slices = Array.from({ length: 5 }, () => {
      for (let i = 0; i < 1000; i++) kept.push(new Uint8Array(1000))
      return Heap.usedBytes()
    })
    assert.isAbove(Heap.slopeBytes(slices), 900_000)
    assert.strictEqual(kept.length, 5000)
  })
})
