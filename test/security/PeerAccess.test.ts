import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Duet from "./Duet.ts"
import * as RelayLife from "./RelayLife.ts"

/**
 * Servers that send where a client tells them to are doors into the network behind them: CVE-2020-26262 (coturn: 0.0.0.0,
 * ::1 and :: as peers), CVE-2026-27624 (::ffff:127.0.0.1), Slack's TURN servers. This relay has no message that names a
 * destination; whatever is named all the same must stay without effect.
 */
const inside = "10.9.9.9:80"
const named = [
  inside,
  "127.0.0.1:9478",
  "0.0.0.0:9478",
  "[::1]:9478",
  "[::]:9478",
  "[::ffff:127.0.0.1]:9478",
  "[64:ff9b::7f00:1]:9478",
  "169.254.169.254:80",
  "224.0.0.1:5353",
  "255.255.255.255:67",
  "10.0.0.1:3478",
  "10.0.0.3:5000"
]

/** MAPPED-ADDRESS, XOR-MAPPED-ADDRESS, ALTERNATE-SERVER, RESPONSE-ORIGIN, OTHER-ADDRESS: passed over in any message. */
const understood = [0x0001, 0x0020, 0x8023, 0x802b, 0x802c]
/** XOR-PEER-ADDRESS and XOR-RELAYED-ADDRESS, TURN's own, make a message one that is not ours. */
const ofTurn = [0x0012, 0x0016]
/** CreatePermission, ChannelBind, Connect, Send: RFC 8656 section 17, RFC 6062 section 6.1. */
const turnMethods = [0x008, 0x009, 0x00a, 0x006]

/** An attribute's value in the plain form: reserved, family, port, address. */
const valueOf = (text: string): Uint8Array => {
  const packed = Result.getOrThrow(PackedAddress.parse(text))
  const isIpv4 = PackedAddress.isIpv4(packed)
  const value = new Uint8Array(isIpv4 ? 8 : 20)
  const view = new DataView(value.buffer)
  view.setUint8(1, isIpv4 ? 1 : 2)
  view.setUint16(2, packed[0]!)
  const words = isIpv4 ? packed.slice(4) : packed.slice(1)
  words.forEach((word, index) => view.setUint32(4 + 4 * index, word))
  return value
}

/** The message with the address in every attribute that could mean it: these, and our RELAY. */
const naming = (message: Uint8Array, address: string, attributes: ReadonlyArray<number>): Uint8Array => {
  const withAddresses = attributes.reduce((soFar, type) => Stun.appendAttribute(soFar, type, valueOf(address)), message)
  return Stun.appendAttribute(withAddresses, 0x5a08, new TextEncoder().encode(address))
}

const inWorld = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    RelayLife.during,
    Effect.provide(RelayLife.world),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

describe("peer access", () => {
  it.effect("no message makes the relay send anywhere but to its sender, whatever it names and whoever signs it", () =>
    inWorld(
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const stranger = yield* Raw.open(Duet.eveAddress)
        const behind = yield* Raw.open(inside)
        const devices = { ada: yield* Raw.open(Duet.addresses.ada), lin: yield* Raw.open(Duet.addresses.lin) }
        const { place: lin } = yield* Duet.join(devices.lin, { name: "lin", ssrc: 2, deviceTag: 12 })
        const { place: ada } = yield* Duet.join(devices.ada, { name: "ada", ssrc: 1, deviceTag: 11 })
        yield* Duet.passSeconds(20, ada, lin)

        let pings = 0
        for (const address of named) {
          const mappedAddress = Result.getOrThrow(PackedAddress.parse(address))
          const session = { ticket: ada.ticket, legTag: ada.legTag, epoch: ada.epoch, mappedAddress, relayTimeMs: 0 }
          const common = () => ({ transactionId: Raw.transactionId(), counter: ++ada.counter, legTag: ada.legTag })
          const error = { code: 300, reason: "" }
          const relays = [address]
          const messages: ReadonlyArray<ControlMessage.ControlMessage> = [
            { _tag: "BindingRequest", transactionId: Raw.transactionId() },
            { _tag: "BindingSuccess", transactionId: Raw.transactionId(), mappedAddress },
            { _tag: "PingRequest", ...common() },
            { _tag: "PingSuccess", transactionId: Raw.transactionId(), mappedAddress, relays },
            { _tag: "LeaveRequest", ...common(), legTag: 4711 },
            { _tag: "ResumeRequest", ...common(), ticket: new Uint8Array(80), epoch: 1 },
            { _tag: "JoinRequest", ...common(), token: ada.token.claimsBytes, streams: [] },
            { _tag: "JoinSuccess", transactionId: Raw.transactionId(), relays, ...session },
            { _tag: "ResumeSuccess", transactionId: Raw.transactionId(), relays, ...session },
            { _tag: "GoingAwayDirective", ...common(), inMs: 0, relays },
            { _tag: "DirectiveSuccess", transactionId: Raw.transactionId(), counter: 1 },
            { _tag: "Refused", method: "Join", transactionId: Raw.transactionId(), error, relays }
          ]
          const datagrams = messages.flatMap((message) => [
            naming(ControlMessage.encode(message), address, understood),
            naming(ControlMessage.encode(message), address, [...ofTurn, ...understood])
          ])
          for (const method of turnMethods) {
            for (const kind of ["request", "indication"] as const) {
              const header = Stun.encodeHeader({ class: kind, method, transactionId: Raw.transactionId() })
              datagrams.push(naming(header, address, ofTurn))
            }
          }
          for (const sender of [stranger, ada.device]) {
            for (const message of datagrams) {
              yield* sender.sendBytes(MessageIntegrity.sign(message, ada.token.key))
              yield* sender.sendBytes(Stun.appendFingerprint(message))
            }
            yield* TestClock.adjust("100 millis")
          }
          pings += Raw.messagesIn(ada.device.received.splice(0)).filter(({ _tag }) => _tag === "PingSuccess").length
          assert.deepStrictEqual([behind.received, lin.device.received], [[], []], `names ${address}`)
        }
        assert.strictEqual(pings, named.length, "what names an address and is in order otherwise is answered")
        assert.strictEqual(network.undeliverable(), 0, "nothing was sent to where nobody is")
        yield* Duet.passSeconds(10, ada, lin)
        yield* Duet.isUnharmed(ada, lin, [stranger, behind])
      })
    )
  )
})
