import { Clock, Effect } from "effect"
import * as Dgram from "node:dgram"
import * as CallToken from "../../src/access/CallToken.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as Relay from "../../src/server/Relay.ts"
import { keyRing } from "../server/RawDevice.ts"
import * as Heap from "./Heap.ts"
import * as RelayCounters from "./RelayCounters.ts"

/** Joins from addresses that nobody has proved, over UDP: 127.0.0.0/8 is as many addresses as anybody needs. */

export interface JoinsReport {
  readonly joins: number
  /** Never counted by the relay. */
  readonly lost: number
  readonly heapBytes: ReadonlyArray<number>
  readonly bytesIn: number
  /** All that the relay has sent. */
  readonly bytesOut: number
  readonly challenged: number
  /** What the relay keeps in the end. */
  readonly kept: { readonly legs: number; readonly calls: number; readonly participants: number }
}

/**
 * Addresses between two looks at the heap: as many as the portable socket keeps destinations, twice, so that its table is
 * as full at every look.
 */
export const sliceJoins = 8192
const groupJoins = 128
/** Milliseconds without news from the relay until what is missing counts as lost. */
const patienceMs = 2000

const loopback = "127.0.0.1"

const hostOf = (n: number): string => `127.${1 + (n >> 16)}.${(n >> 8) & 0xff}.${n & 0xff}`

/** Opens a socket at an address of its own, sends, and closes it: the answer finds nobody. */
const sendFrom = (host: string, bytes: Uint8Array, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = Dgram.createSocket("udp4")
    socket.on("error", reject)
    socket.bind({ address: host, port: 0 }, () => {
      socket.send(bytes, port, loopback, () => socket.close(() => resolve()))
    })
  })

const transactionIdOf = (n: number): Uint8Array => {
  const id = new Uint8Array(Stun.transactionIdBytes)
  new DataView(id.buffer).setUint32(0, n)
  return id
}

const storm = Effect.fnUntraced(function* (slices: number) {
  const { adminPort, port } = yield* Relay.Relay
  const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const joinOf = (n: number): Uint8Array => {
    const token = CallToken.mint(keyRing, {
      callClass: "group-audio",
      call: CallId.make(`call-${n >> 3}`),
      participant: ParticipantId.make(`p${n}`),
      expiresAtSeconds: nowSeconds + 300
    })
    const message: ControlMessage.JoinRequest = {
      _tag: "JoinRequest",
      transactionId: transactionIdOf(n),
      token: token.claimsBytes,
      counter: 1,
      legTag: n,
      streams: []
    }
    return MessageIntegrity.sign(ControlMessage.encode(message), token.key)
  }
  const counters = RelayCounters.read(adminPort!)
  const before = yield* counters
  const heapBytes: Array<number> = []
  let bytesIn = 0
  let lost = 0
  let n = 0
  for (let slice = 0; slice < slices; slice++) {
    for (let sent = 0; sent < sliceJoins; sent += groupJoins) {
      const taken = RelayCounters.takenIn(yield* counters)
      const group = Array.from({ length: groupJoins }, () => ({ host: hostOf(++n), bytes: joinOf(n) }))
      bytesIn += group.reduce((sum, { bytes }) => sum + bytes.length, 0)
      yield* Effect.promise(() => Promise.all(group.map(({ bytes, host }) => sendFrom(host, bytes, port))))
      const untilMs = (yield* Clock.currentTimeMillis) + patienceMs
      let arrived = RelayCounters.takenIn(yield* counters) - taken
      while (arrived < groupJoins && (yield* Clock.currentTimeMillis) < untilMs) {
        yield* Effect.sleep(1)
        arrived = RelayCounters.takenIn(yield* counters) - taken
      }
      lost += groupJoins - arrived
    }
    heapBytes.push(Heap.usedBytes())
  }
  const after = yield* counters
  const grown = (name: string, label?: string) =>
    RelayCounters.valueOf(after, name, label) - RelayCounters.valueOf(before, name, label)
  const health = yield* Effect.promise(() =>
    fetch(`http://127.0.0.1:${adminPort}/healthz`).then(
      (response) => response.json() as Promise<{ participants: number }>
    )
  )
  const report: JoinsReport = {
    joins: n,
    lost,
    heapBytes,
    bytesIn,
    bytesOut: grown("tandem_sent_bytes_total"),
    challenged: grown("tandem_control_total", "challenged"),
    kept: {
      legs: RelayCounters.valueOf(after, "tandem_legs"),
      calls: RelayCounters.valueOf(after, "tandem_calls"),
      participants: health.participants
    }
  }
  return report
})

/** So many times `sliceJoins`. */
export const run = (slices: number): Effect.Effect<JoinsReport, unknown> =>
  storm(slices).pipe(
    Effect.scoped,
    Effect.provide(
      Relay.layer({ keyRing, host: loopback, port: 0, throttle: "off", admin: { host: loopback, port: 0 } })
    )
  )

/** In which code is compiled. */
const warmUpSlices = 3

/** What was wrong, in words; nothing if nothing was. */
export const complaints = (report: JoinsReport): ReadonlyArray<string> => {
  const { bytesIn, bytesOut, challenged, heapBytes, joins, kept, lost } = report
  const found: Array<string> = []
  const demand = (is: boolean, complaint: string) => is || found.push(complaint)
  demand(lost === 0, `${lost} of ${joins} joins were never counted`)
  demand(challenged === joins, `${challenged} of ${joins} were asked for a cookie`)
  demand(bytesOut <= bytesIn, `${bytesOut} bytes for ${bytesIn}`)
  demand(
    kept.legs === 0 && kept.calls === 0 && kept.participants === 0,
    `the relay keeps ${JSON.stringify(kept)} of those who have proved nothing`
  )
  return [...found, ...Heap.complaints(heapBytes, warmUpSlices)]
}
