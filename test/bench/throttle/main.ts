// What throttling costs: a refused join, a look at how long packets wait, and measuring the load.
import { Clock, Effect, Layer } from "effect"
import { parseArgs } from "node:util"
import * as AddressCookie from "../../../src/access/AddressCookie.ts"
import * as CallToken from "../../../src/access/CallToken.ts"
import * as KeyRing from "../../../src/access/KeyRing.ts"
import * as MessageIntegrity from "../../../src/access/MessageIntegrity.ts"
import * as SingleRunner from "../../../src/cluster/SingleRunner.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import { CallId, ParticipantId } from "../../../src/protocol/Ids.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import * as Relay from "../../../src/server/Relay.ts"
import * as SystemCalls from "../../../src/sockets/batched/SystemCalls.ts"
import * as CallStore from "../../../src/state/CallStore.ts"
import { Refused } from "../../../src/throttle/Refused.ts"
import * as Throttle from "../../../src/throttle/Throttle.ts"
import * as Statistics from "../Statistics.ts"
import * as FedNetwork from "./FedNetwork.ts"
import * as MeterCost from "./MeterCost.ts"
import * as WaitLook from "./WaitLook.ts"

const { json, rounds } = parseArgs({
  options: { json: { type: "boolean", default: false }, rounds: { type: "string", default: "7" } }
}).values

const refusalUsMax = 20
const lookNsMax = 60
/** It is less than what two rounds differ by: the median needs many. */
const looksPerRound = 5
const meterSeconds = 15
const meterShareMax = 0.005
/** As many participants as ask once in a round: nobody asks too often. */
const askers = 5000
/** Named to whoever is refused. */
const otherRelays = ["203.0.113.8:3478", "203.0.113.9:3478"]
const keyRing = KeyRing.make({ keys: [{ id: "k1", secret: new Uint8Array(32).fill(7) }] })
const id = (n: number): Uint8Array => {
  const bytes = new Uint8Array(Stun.transactionIdBytes)
  new DataView(bytes.buffer).setUint32(0, n)
  return bytes
}

const joins = (nowMs: number, round: number): ReadonlyArray<FedNetwork.Fed> =>
  Array.from({ length: askers }, (_, n) => {
    // Who was refused and asks again at once is not refused again: he gets the cookie step.
    const source = FedNetwork.sourceOf(round * askers + n)
    const { claimsBytes, key } = CallToken.mint(keyRing, {
      callClass: "group-video",
      call: CallId.make(`call-${n >> 2}`),
      participant: ParticipantId.make(`participant-${n}`),
      expiresAtSeconds: Math.floor(nowMs / 1000) + 3600
    })
    const message = ControlMessage.encode({
      _tag: "JoinRequest",
      transactionId: id(n),
      counter: 1,
      legTag: n + 1,
      token: claimsBytes,
      cookie: AddressCookie.make(keyRing, source, Math.floor(nowMs / 1000)),
      streams: []
    })
    return { bytes: MessageIntegrity.sign(message, key), source }
  })

const refusing = Layer.succeed(
  Throttle.Throttle,
  Throttle.make(() => Effect.fail(new Refused({ retryAfterMs: 5000, reason: "Overloaded" })))
)

/** CPU of the process for each, while all are handled. Microseconds. */
const usEach = Effect.fnUntraced(function* (feed: FedNetwork.Feed, datagrams: ReadonlyArray<FedNetwork.Fed>) {
  const before = process.cpuUsage()
  yield* feed.run(datagrams)
  const { system, user } = process.cpuUsage(before)
  return (system + user) / datagrams.length
})

const program = Effect.gen(function* () {
  const { feed, layer } = yield* FedNetwork.make
  yield* Layer.build(
    Relay.layerWith({
      keyRing,
      host: "10.0.0.2",
      port: 3478,
      otherRelays,
      audioRingBytes: 1 << 20,
      videoRingBytes: 1 << 20
    }).pipe(Layer.provide([refusing, SingleRunner.layer, CallStore.layerMemory, layer]))
  )
  const questions = joins(0, 0).map(({ source }, n) => ({
    bytes: Stun.appendFingerprint(ControlMessage.encode({ _tag: "BindingRequest", transactionId: id(n) })),
    source
  }))
  const refusalUs: Array<number> = []
  const bindingUs: Array<number> = []
  for (let round = 0; round <= Number(rounds); round++) {
    const us = yield* usEach(feed, joins(yield* Clock.currentTimeMillis, round))
    const answer = ControlMessage.decode(feed.answer)
    if (answer._tag !== "Success" || answer.success.message._tag !== "Refused") {
      return yield* Effect.die(new Error("a join was not refused"))
    }
    const reference = yield* usEach(feed, questions)
    if (round === 0) continue
    refusalUs.push(us)
    bindingUs.push(reference)
    yield* Effect.sleep("1 second")
  }
  const refusal = Statistics.spreadOf(refusalUs)
  const binding = Statistics.spreadOf(bindingUs)
  return { refusalUs: refusal, bindingUs: binding, refusalUsMax }
})

const refusals = await Effect.runPromise(Effect.scoped(program))
const calls = SystemCalls.load()
const looks = "reason" in calls ? [] : await Effect.runPromise(WaitLook.measure(calls, looksPerRound * Number(rounds)))
const meterShare = await Effect.runPromise(MeterCost.measure(meterSeconds))
const report = { ...refusals, lookNsMax, looks, meterShare, meterShareMax }
if (json) console.log(JSON.stringify(report))
else {
  console.log(
    `a refused join: ${Statistics.formatSpread(report.refusalUs, 1)} us of CPU, at most ${refusalUsMax} wanted`
  )
  console.log(`a binding request, for comparison: ${Statistics.formatSpread(report.bindingUs, 1)} us`)
  for (const { datagramNs, lookNs, perReceive } of looks) {
    console.log(
      `looking at how long packets wait, ${perReceive} a receive: ${Statistics.formatSpread(lookNs, 0)} ns a packet, ` +
        `of ${Statistics.formatNumber(datagramNs, 0)} there and back; at most ${lookNsMax} wanted`
    )
  }
  console.log(
    `measuring the load: ${(100 * meterShare).toFixed(2)} % of a core, at most ${100 * meterShareMax} % wanted`
  )
  if ("reason" in calls) console.log(`looking at how long packets wait: not measured, ${calls.reason}`)
}
const isCheap =
  report.refusalUs.median <= refusalUsMax &&
  looks.every(({ lookNs }) => lookNs.median <= lookNsMax) &&
  meterShare <= meterShareMax
process.exitCode = isCheap ? 0 : 1
