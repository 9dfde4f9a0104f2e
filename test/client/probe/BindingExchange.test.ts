import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as BindingExchange from "../../../src/client/probe/BindingExchange.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"

const address = (text: string): Uint32Array => Result.getOrThrow(PackedAddress.parse(text))

const relay = address("203.0.113.1:3478")
const other = address("203.0.113.2:3478")
const mapped = address("198.51.100.7:40000")
const id = (n: number): Uint8Array => new Uint8Array(Stun.transactionIdBytes).fill(n)

const success = (n: number, mappedAddress = mapped): Uint8Array =>
  ControlMessage.encode({ _tag: "BindingSuccess", transactionId: id(n), mappedAddress })

const refusal = (n: number, code: number): Uint8Array =>
  ControlMessage.encode({
    _tag: "Refused",
    method: "Binding",
    transactionId: id(n),
    error: { code, reason: "" },
    relays: []
  })

/** Two relays, with requests 1, 2, ... to the first at 0, 100, ... ms. Answers count for 50 ms. */
const asked = (requests: number) => {
  const exchange = BindingExchange.make([relay, other], 50)
  for (let n = 1; n <= requests; n++) {
    const transactionId = id(n)
    BindingExchange.handleSent(exchange, exchange.relays[0]!, { transactionId, counts: true }, (n - 1) * 100)
  }
  return exchange
}

const seriesOf = (exchange: BindingExchange.BindingExchange) => exchange.relays[0]!.roundTripsMs

describe("BindingExchange", () => {
  it("asks with a bare header, as any STUN server knows it", () => {
    const stun = Result.getOrThrow(Stun.decode(BindingExchange.request(id(1))))
    assert.deepInclude(stun, { class: "request", method: 1, transactionId: id(1), attributes: [] })
  })

  it("takes the answer from the asked address, by its transaction id, whatever the order", () => {
    const exchange = asked(3)
    BindingExchange.handleDatagram(exchange, relay, success(3), 210)
    BindingExchange.handleDatagram(exchange, relay, success(1), 30)
    assert.deepStrictEqual(seriesOf(exchange), [30, undefined, 10])
    assert.deepStrictEqual(exchange.relays[0]!.mapped, [mapped])
    assert.deepStrictEqual(exchange.relays[1]!.mapped, [])
  })

  it("does not take a second answer, a late one, or one that was not asked for or comes from elsewhere", () => {
    const exchange = asked(2)
    BindingExchange.handleDatagram(exchange, other, success(1), 10)
    BindingExchange.handleDatagram(exchange, address("203.0.113.1:3479"), success(1), 10)
    BindingExchange.handleDatagram(exchange, relay, success(9), 10)
    assert.deepStrictEqual(seriesOf(exchange), [undefined, undefined])
    BindingExchange.handleDatagram(exchange, relay, success(1), 20)
    BindingExchange.handleDatagram(exchange, relay, success(1, other), 40)
    BindingExchange.handleDatagram(exchange, relay, success(2), 150.001)
    assert.deepStrictEqual(seriesOf(exchange), [20, undefined])
    assert.deepStrictEqual(exchange.relays[0]!.mapped, [mapped])
    const inTime = asked(2)
    BindingExchange.handleDatagram(inTime, relay, success(2), 150)
    assert.deepStrictEqual(seriesOf(inTime), [undefined, 50])
  })

  it("takes an error as an answer without a mapped address", () => {
    const exchange = asked(1)
    BindingExchange.handleDatagram(exchange, relay, refusal(1, 401), 25)
    assert.deepStrictEqual(seriesOf(exchange), [25])
    assert.strictEqual(exchange.relays[0]!.errorCode, 401)
    assert.deepStrictEqual(exchange.relays[0]!.mapped, [])
  })

  it("keeps every mapped address once", () => {
    const exchange = asked(4)
    for (const [n, seen] of [mapped, other, mapped, other].entries()) {
      BindingExchange.handleDatagram(exchange, relay, success(n + 1, seen), n * 100 + 1)
    }
    assert.deepStrictEqual(exchange.relays[0]!.mapped, [mapped, other])
  })

  it("lets the opening request tell the mapped address, and no round trip", () => {
    const exchange = BindingExchange.make([relay], 50)
    const opening = { transactionId: id(1), counts: false }
    BindingExchange.handleSent(exchange, exchange.relays[0]!, opening, 0)
    assert.strictEqual(BindingExchange.deadlineMs(exchange), 50)
    BindingExchange.handleDatagram(exchange, relay, success(1), 40)
    assert.deepStrictEqual(seriesOf(exchange), [])
    assert.deepStrictEqual(exchange.relays[0]!.mapped, [mapped])
  })

  it("waits as long as something is open that can still be answered", () => {
    const exchange = asked(3)
    assert.strictEqual(BindingExchange.deadlineMs(exchange), 250)
    BindingExchange.handleDatagram(exchange, relay, success(3), 210)
    assert.strictEqual(BindingExchange.deadlineMs(exchange), 150)
    BindingExchange.handleSendFailed(exchange, id(2))
    BindingExchange.handleDatagram(exchange, relay, success(1), 10)
    assert.isUndefined(BindingExchange.deadlineMs(exchange))
    assert.strictEqual(exchange.relays[0]!.sendFailed, 1)
  })

  it.prop("is not changed by arbitrary bytes", [Schema.Uint8Array], ([bytes]) => {
    const exchange = asked(2)
    BindingExchange.handleDatagram(exchange, relay, bytes, 10)
    assert.deepStrictEqual(exchange, asked(2))
  })

  it("is not changed by any answer with a bit turned round but that of its mapped address", () => {
    const mappedFrom = Stun.headerBytes + Stun.attributeHeaderBytes + 2
    for (let bit = 0; bit < mappedFrom * 8; bit++) {
      const datagram = success(1)
      datagram[bit >> 3]! ^= 1 << (bit & 7)
      const exchange = asked(1)
      BindingExchange.handleDatagram(exchange, relay, datagram, 10)
      // The reserved byte before the family is to be ignored, RFC 8489 section 14.1.
      const isReserved = bit >> 3 === Stun.headerBytes + Stun.attributeHeaderBytes
      assert.deepStrictEqual(seriesOf(exchange), [isReserved ? 10 : undefined], `bit ${bit}`)
    }
  })
})
