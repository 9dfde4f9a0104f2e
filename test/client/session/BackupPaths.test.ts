import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as BackupPaths from "../../../src/client/session/BackupPaths.ts"

const relay = (number: number) => Uint32Array.of(3478, 0, 0, 0xffff, 0xcb007100 + number)
const [a, b, c] = [relay(1), relay(2), relay(3)]
const cookie = (byte: number) => new Uint8Array(12).fill(byte)

/** Polls every 50 ms; who is asked and `answers` does so at once. */
const askedUntil = (
  paths: BackupPaths.BackupPaths,
  relays: ReadonlyArray<Uint32Array>,
  [fromMs, untilMs]: readonly [number, number],
  answers: (relay: Uint32Array, nowMs: number) => boolean
) => {
  const asked: Array<readonly [Uint32Array, number]> = []
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 50) {
    const next = BackupPaths.poll(paths, relays, nowMs)
    if (next === undefined) continue
    asked.push([next, nowMs])
    if (answers(next, nowMs)) BackupPaths.handleCookie(paths, next, cookie(1), nowMs)
  }
  return asked
}

describe("BackupPaths", () => {
  it("asks the first relay at once and every five seconds, and nobody else", () => {
    const asked = askedUntil(BackupPaths.make(), [a, b], [0, 12_000], () => true)
    assert.deepStrictEqual(asked, [
      [a, 0],
      [a, 5000],
      [a, 10_000]
    ])
  })

  it("passes over who does not answer three times, for half a minute", () => {
    const paths = BackupPaths.make()
    const asked = askedUntil(paths, [a, b], [0, 3000], (relay) => relay !== a)
    assert.deepStrictEqual(asked, [
      [a, 0],
      [a, 500],
      [a, 1000],
      [b, 1500]
    ])
    assert.deepStrictEqual(BackupPaths.inOrder(paths, [a, b, c], 3000), [b, c, a])
    assert.deepStrictEqual(BackupPaths.inOrder(paths, [a, b, c], 31_500), [a, b, c])
  })

  it("takes back who answers late", () => {
    const paths = BackupPaths.make()
    askedUntil(paths, [a, b], [0, 3000], (relay) => relay !== a)
    BackupPaths.handleCookie(paths, a, cookie(2), 3000)
    assert.deepStrictEqual(BackupPaths.inOrder(paths, [a, b], 3000), [a, b])
  })

  it("asks anew at once when another relay becomes the first, or the device has another address", () => {
    const paths = BackupPaths.make()
    askedUntil(paths, [a, b], [0, 1000], () => true)
    assert.deepStrictEqual(
      askedUntil(paths, [b, a], [1000, 2000], () => true),
      [[b, 1000]]
    )
    BackupPaths.forget(paths)
    assert.deepStrictEqual(
      askedUntil(paths, [b, a], [2000, 3000], () => true),
      [[b, 2000]]
    )
    assert.isUndefined(BackupPaths.cookieFor(BackupPaths.make(), a))
  })

  it("shows a relay its own cookie, or the newest there is", () => {
    const paths = BackupPaths.make()
    BackupPaths.handleCookie(paths, a, cookie(1), 1000)
    BackupPaths.handleCookie(paths, b, cookie(2), 2000)
    assert.deepStrictEqual(BackupPaths.cookieFor(paths, a), cookie(1))
    assert.deepStrictEqual(BackupPaths.cookieFor(paths, c), cookie(2))
    BackupPaths.poll(paths, [a], 3000)
    assert.deepStrictEqual(BackupPaths.cookieFor(paths, c), cookie(1), "who is not named any more is forgotten")
  })

  const Alive = Schema.Array(Schema.Boolean).check(Schema.isMaxLength(8))
  it.prop("ends with the first relay that answers, if there is one", [Alive], ([alive]) => {
    const relays = alive.map((_, index) => relay(index))
    const paths = BackupPaths.make()
    askedUntil(paths, relays, [0, 20_000], (asked) => alive[relays.findIndex((other) => other === asked)]!)
    const first = alive.indexOf(true)
    if (first >= 0) assert.strictEqual(BackupPaths.inOrder(paths, relays, 20_000)[0], relays[first])
  })
})
