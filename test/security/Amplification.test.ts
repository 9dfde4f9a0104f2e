import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Ledger from "./Ledger.ts"
import * as RawPort from "./RawPort.ts"
import * as Specimens from "./Specimens.ts"

const timeoutMs = 60_000
const strangerHost = "198.51.100.66"

const withRelay = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    Effect.provide(Raw.layerRelay()),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

/** A stranger whose every datagram and answer is written down. */
const open = Effect.gen(function* () {
  const ledger = Ledger.make()
  let number = 0
  const port = yield* RawPort.open({
    host: strangerHost,
    port: 4000,
    relay: Raw.relayAddress,
    received: (bytes, offset, length) => Ledger.answer(ledger, bytes, offset, length)
  })
  /** All of them, as fast as the relay takes them. */
  const sendAll = Effect.fnUntraced(function* (datagrams: Iterable<(number: number) => Uint8Array>) {
    for (const make of datagrams) {
      const bytes = make(++number)
      if (!port.add(bytes)) {
        yield* port.flush
        yield* TestClock.adjust("10 millis")
        port.add(bytes)
      }
      Ledger.ask(ledger, number, bytes)
    }
    yield* port.flush
    yield* TestClock.adjust("100 millis")
  })
  return { ledger, address: port.address, sendAll }
})

/** Who has a right token, and has not proved the address: without a cookie, and with another address's. */
const strangers = Effect.fnUntraced(function* (address: Uint32Array) {
  const token = yield* Raw.mint("ada")
  const elsewhere = address.slice()
  elsewhere[0]!++
  const cookie = AddressCookie.make(Raw.keyRing, elsewhere, 1_800_000_000)
  return Specimens.specimens({ token, legTag: 0x01020304, epoch: 1, ssrc: 1, cookie })
})

const isJudged = ({ ledger }: { readonly ledger: Ledger.Ledger }) => {
  assert.deepStrictEqual(ledger.violations, [])
  assert.isAtMost(ledger.bytesOut, ledger.bytesIn)
}

describe("amplification, before an address is proved", () => {
  it.effect(
    "no beginning of any kind of datagram is answered with more bytes than it has, and all together with fewer",
    () =>
      withRelay(
        Effect.gen(function* () {
          const stranger = yield* open
          for (const { make, name } of yield* strangers(stranger.address)) {
            const lengths = Array.from({ length: Math.min(make(0).length, 1600) + 1 }, (_, length) => length)
            yield* stranger.sendAll(lengths.map((length) => (number: number) => make(number).subarray(0, length)))
            isJudged(stranger)
            assert.isAbove(stranger.ledger.datagramsIn, 0, name)
          }
          assert.isAtLeast(stranger.ledger.answers, 4, "joins and resumes are challenged")
        })
      ),
    timeoutMs
  )

  it.effect(
    "no message is answered with more bytes than it has when it is cut at its attributes and made whole again",
    () =>
      withRelay(
        Effect.gen(function* () {
          const stranger = yield* open
          const whole = (bytes: Uint8Array) => Specimens.numbered(Stun.appendFingerprint(bytes), 0)
          for (const { make } of yield* strangers(stranger.address)) {
            const message = make(1)
            if (message.length > 1500 || message.length < Stun.headerBytes || !Stun.isControl(message[0]!)) continue
            const cuts = Array.from({ length: message.length / 4 - 4 }, (_, word) => 20 + 4 * word)
            yield* stranger.sendAll(
              cuts.map((cut) => (number: number) => Specimens.numbered(whole(message.subarray(0, cut)), number))
            )
          }
          isJudged(stranger)
        })
      ),
    timeoutMs
  )

  it.effect(
    "of all 16,384 types of bare messages only Binding is answered",
    () =>
      withRelay(
        Effect.gen(function* () {
          const stranger = yield* open
          const bare = (type: number) => {
            const bytes = Stun.encodeHeader({ class: "request", method: 0, transactionId: new Uint8Array(12) })
            new DataView(bytes.buffer).setUint16(0, type)
            return bytes
          }
          const types = Array.from({ length: 0x4000 }, (_, type) => type)
          yield* stranger.sendAll(types.map((type) => (number: number) => Specimens.numbered(bare(type), number)))
          yield* stranger.sendAll(
            types.map((type) => (number: number) => Specimens.numbered(Stun.appendFingerprint(bare(type)), number))
          )
          isJudged(stranger)
          assert.strictEqual(stranger.ledger.answers, 2)
          assert.strictEqual(stranger.ledger.bindingAnswers, 2)
        })
      ),
    timeoutMs
  )

  it.effect("Binding is answered with 40 bytes for 20, ten times a second: what a forged source makes of it", () =>
    withRelay(
      Effect.gen(function* () {
        const stranger = yield* open
        for (let second = 0; second < 10; second++) {
          yield* stranger.sendAll(
            Array.from({ length: 1000 }, () => (number: number) => Specimens.numbered(Raw.binding(), number))
          )
          yield* TestClock.adjust("900 millis")
        }
        isJudged(stranger)
        assert.isAtMost(stranger.ledger.bindingAnswers, 110)
        assert.isAtLeast(stranger.ledger.bindingAnswers, 90)
      })
    )
  )

  it.effect("an echo service on the other side makes no loop: no answer is a question", () =>
    withRelay(
      Effect.gen(function* () {
        let echoed = 0
        const echo = yield* RawPort.open({
          host: strangerHost,
          port: 7,
          relay: Raw.relayAddress,
          received: (bytes, offset, length) => {
            echoed++
            echo.add(bytes.slice(offset, offset + length))
          }
        })
        let sent = 0
        for (const { make } of yield* strangers(echo.address)) {
          const bytes = make(++sent)
          if (bytes.length > 1500) continue
          echo.add(bytes)
          for (let turn = 0; turn < 10; turn++) {
            yield* echo.flush
            yield* TestClock.adjust("30 millis")
          }
        }
        assert.isAtLeast(echoed, 4)
        assert.isAtMost(echoed, sent, "each is answered once at most, and the answer not at all")
      })
    )
  )
})
