import { Effect, Fiber } from "effect"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import * as CallToken from "../../src/access/CallToken.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import { Relay } from "../../src/server/Relay.ts"
import * as LegPair from "../media/LegPair.ts"
import { keyRing } from "../server/RawDevice.ts"
import * as Heap from "./Heap.ts"
import * as Ledger from "./Ledger.ts"
import * as Member from "./Member.ts"
import * as Mutations from "./Mutations.ts"
import * as RawPort from "./RawPort.ts"
import * as RelayCounters from "./RelayCounters.ts"
import * as RunningCall from "./RunningCall.ts"
import * as Specimens from "./Specimens.ts"

export interface StormOptions {
  /** How many, in how many slices, after each of which the heap is measured. */
  readonly datagrams: number
  readonly slices: number
  readonly seed: number
  /** Of one step: the next waits until the relay has taken it in. */
  readonly stepDatagrams: number
  readonly relayAddress: string
  /** Address of attacker, device or member `n`. */
  readonly hostOf: (n: number) => string
  readonly nowSeconds: number
  /** Lets a moment pass. */
  readonly pause: Effect.Effect<void>
  /** Runs what waits for time to pass. */
  readonly passing: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export interface StormReport {
  readonly datagrams: number
  /** Sent, and never counted by the relay: the kernel had no room for them. */
  readonly lost: number
  /** After each slice. */
  readonly heapBytes: ReadonlyArray<number>
  readonly ledger: Ledger.Ledger
  readonly call: ReadonlyArray<RunningCall.Heard>
  /** What the relay counted meanwhile. */
  readonly counted: (name: string, label?: string) => number
}

/** Each at an address of its own. */
const strangers = 48
/** Every so many a datagram is not a stranger's but a participant's whose device has gone mad. */
const madEvery = 8
/** Pauses without news from the relay until what is missing counts as lost. */
const patience = 200

const mint = (ring: KeyRing.KeyRing, participant: string, nowSeconds: number, call = "storm") =>
  CallToken.mint(ring, {
    callClass: "group-video",
    call: CallId.make(call),
    participant: ParticipantId.make(participant),
    expiresAtSeconds: nowSeconds + 3600
  })

/** A fleet's key that happens to have our key's name. */
const foreignRing = KeyRing.make({ keys: [{ id: "k1", secret: new Uint8Array(32).fill(9) }] })

/** A call, and around it everything that can be done to its relay. */
export const run = Effect.fnUntraced(function* (options: StormOptions) {
  const { hostOf, nowSeconds, pause, relayAddress, seed } = options
  const draw = LegPair.dice(seed)
  const adminPort = (yield* Relay).adminPort!
  const call = yield* options.passing(
    RunningCall.start({
      relay: relayAddress,
      members: [0, 1].map((n) => ({ token: mint(keyRing, `p${n}`, nowSeconds), host: hostOf(n) }))
    })
  )
  const mad = yield* Member.join({
    relay: relayAddress,
    host: hostOf(2),
    token: mint(keyRing, "mad", nowSeconds),
    ssrc: 0x5a5a5a5a,
    pause
  })
  const ledger = Ledger.make()
  const attackers = yield* Effect.forEach(
    Array.from({ length: strangers }, (_, n) => n),
    Effect.fnUntraced(function* (n) {
      const received = (bytes: Uint8Array, offset: number, length: number) =>
        Ledger.answer(ledger, bytes, offset, length)
      const port = yield* RawPort.open({ host: hostOf(10 + n), port: 0, relay: relayAddress, received })
      const cookie = AddressCookie.make(keyRing, port.address, nowSeconds)
      const token = mint(foreignRing, "p0", nowSeconds)
      const sender = { token, legTag: mad.sender.legTag ^ (n + 1), epoch: 1, ssrc: mad.sender.ssrc, cookie }
      return { port, next: Mutations.make(Specimens.specimens(sender), draw) }
    })
  )
  const madness = Mutations.make(Specimens.specimens(mad.sender), draw)

  const speaking = yield* Effect.forkChild(call.speak)
  const before = yield* RelayCounters.read(adminPort)
  const heapBytes: Array<number> = []
  let number = 0
  let lost = 0

  const step = Effect.fnUntraced(function* (datagrams: number) {
    const taken = RelayCounters.takenIn(yield* RelayCounters.read(adminPort))
    let sent = 0
    for (let i = 0; i < datagrams; i++) {
      const isMad = ++number % madEvery === 0
      const { next, port } = isMad ? { port: mad.port, next: madness } : attackers[number % attackers.length]!
      const bytes = next(number)
      if (!port.add(bytes)) {
        yield* port.flush
        port.add(bytes)
      }
      sent++
      if (!isMad) Ledger.ask(ledger, number, bytes)
    }
    yield* Effect.forEach(attackers, ({ port }) => port.flush, { discard: true })
    yield* mad.port.flush
    let arrived = 0
    for (let waited = 0; waited < patience; waited++) {
      yield* pause
      arrived = RelayCounters.takenIn(yield* RelayCounters.read(adminPort)) - taken
      if (arrived >= sent) return
    }
    lost += sent - arrived
  })

  const sliceDatagrams = Math.ceil(options.datagrams / options.slices)
  for (let slice = 0; slice < options.slices; slice++) {
    for (let left = sliceDatagrams; left > 0; left -= options.stepDatagrams) {
      yield* step(Math.min(left, options.stepDatagrams))
    }
    heapBytes.push(Heap.usedBytes())
  }
  yield* Fiber.interrupt(speaking)
  for (let waited = 0; waited < patience && !isWhole(call.outcome()); waited++) yield* pause
  const after = yield* RelayCounters.read(adminPort)
  const report: StormReport = {
    datagrams: number,
    lost,
    heapBytes,
    ledger,
    call: call.outcome(),
    counted: (name, label) => RelayCounters.valueOf(after, name, label) - RelayCounters.valueOf(before, name, label)
  }
  return report
})

const isWhole = (call: ReadonlyArray<RunningCall.Heard>): boolean => call.every(({ heard, sent }) => heard === sent)
