import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import type * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as SequenceNumber from "../../src/protocol/SequenceNumber.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as FakeRelay from "./FakeRelay.ts"
import {
  audioPacket,
  device,
  deviceHost,
  during,
  joined,
  lin,
  linkMs,
  observe,
  optionsOf,
  relayA,
  relayB,
  rosterOf,
  run
} from "./Scene.ts"

/** The client speaks, a packet every 20 ms, for as long as the test runs. */
const speakOn = Effect.fnUntraced(function* (client: CallClient.CallClient) {
  let number = 0
  const next = Effect.suspend(() => client.send(client.streams[0]!, audioPacket(number++)))
  yield* next.pipe(Effect.repeat(Schedule.spaced("20 millis")), Effect.forkScoped({ startImmediately: true }))
})

const tagsOf = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map(({ _tag }) => _tag)

const requestsOf = <Tag extends FakeRelay.FakeRelay["requests"][number]["message"]["_tag"]>(
  relay: FakeRelay.FakeRelay,
  tag: Tag
) => relay.requests.filter(({ message }) => message._tag === tag)

/** A client in a call at relay A, which knows relay B. */
const joinedWithBackup = Effect.fnUntraced(function* () {
  const backup = yield* FakeRelay.make(relayB)
  const relay = yield* FakeRelay.make(relayA)
  relay.behaviour.relays = [backup.address]
  const client = yield* during(5 * linkMs, CallClient.join(optionsOf([relayA])))
  const observed = yield* observe(client)
  return { relay, backup, client, observed }
})

const refuse = ({ _tag, transactionId }: FakeRelay.Request, code: number): ControlMessage.Refused => ({
  _tag: "Refused",
  method: _tag === "JoinRequest" ? "Join" : "Resume",
  transactionId,
  error: { code, reason: "" },
  relays: []
})

describe("connection", () => {
  it.effect("is kept by a ping every five seconds, with growing counters", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      yield* TestClock.adjust("60 seconds")
      const pings = requestsOf(relay, "PingRequest")
      assert.strictEqual(pings.length, 12)
      const counters = relay.requests.map(({ message }) => message.counter)
      assert.deepStrictEqual(
        counters,
        [...new Set(counters)].sort((a, b) => a - b)
      )
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected"])
      assert.approximately((yield* client.statistics).roundTripMs!, 2 * linkMs, 1)
    }).pipe(run(60))
  )

  it.effect("is not suspected while one side speaks, nor when it begins or stops", () =>
    Effect.gen(function* () {
      const { client, observed } = yield* joined()
      yield* TestClock.adjust("7 seconds")
      for (let spurt = 0; spurt < 3; spurt++) {
        for (let number = 0; number < 50; number++) {
          yield* client.send(client.streams[0]!, audioPacket(number))
          yield* TestClock.adjust(20)
        }
        yield* TestClock.adjust("4 seconds")
      }
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected"])
    }).pipe(run(61))
  )

  it.effect("that is silent for 300 ms is suspect; it is pinged often, and trusted again when it answers", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const { client, observed, relay } = yield* joined()
      yield* speakOn(client)
      yield* TestClock.adjust("2 seconds")
      const link = { ...LinkEmulator.perfect, latencyMs: linkMs }
      const pings = () => requestsOf(relay, "PingRequest").length
      yield* network.setLink(relayA, deviceHost, { ...link, lossRatio: 1 })
      yield* TestClock.adjust("1100 millis")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Suspect"])
      // Suspect 300 ms after the last report, which was up to 100 ms old; from then on every 150 ms.
      assert.isAtLeast(pings(), 6)
      assert.isAtMost(pings(), 8)
      yield* network.setLink(relayA, deviceHost, link)
      yield* TestClock.adjust("250 millis")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Suspect", "Connected"])
      const before = pings()
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(pings(), before, "and left alone")
    }).pipe(run(62))
  )

  it.effect("survives an address translator that forgets: media is back one round trip after the ping", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const { client, observed, relay } = yield* joined()
      yield* speakOn(client)
      yield* TestClock.adjust("2 seconds")
      const newDevice = `${deviceHost}:6000`
      yield* network.rebind(device, newDevice)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(observed.connection.slice(1), [
        { _tag: "Suspect", relay: relay.address },
        { _tag: "Moved", mappedAddress: newDevice },
        { _tag: "Connected", relay: relay.address, mappedAddress: newDevice }
      ])
      const proved = relay.requests.find(({ message, source }) => "cookie" in message && source === newDevice)!
      const asked = relay.requests.find(({ source }) => source === newDevice)!
      assert.strictEqual(proved.atMs - asked.atMs, 2 * linkMs)
      const firstBack = relay.packets.find(({ atMs }) => atMs >= proved.atMs)!
      assert.isAtMost(firstBack.atMs - proved.atMs, 20, "the next packet is taken")
    }).pipe(run(63))
  )

  it.effect("moves to a fresh port when the application says that the network has changed", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined({ host: "0.0.0.0", port: 0 })
      yield* speakOn(client)
      yield* TestClock.adjust("1 second")
      const oldAddress = relay.requests.at(-1)!.source
      yield* client.networkChanged
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Moved", "Connected"])
      assert.notStrictEqual(relay.requests.at(-1)!.source, oldAddress)
      const before = relay.packets.length
      yield* TestClock.adjust("1 second")
      assert.isAtLeast(relay.packets.length - before, 48)
      const { traffic } = yield* client.statistics
      assert.isAbove(traffic.datagramsSent, 100, "both ports count")
    }).pipe(run(64))
  )

  it.effect("resumes at the next relay when the first has died; nothing starts anew", () =>
    Effect.gen(function* () {
      const { backup, client, observed, relay } = yield* joinedWithBackup()
      const other = lin(1)
      yield* relay.direct(rosterOf(9, [other.entry]))
      yield* speakOn(client)
      yield* TestClock.adjust("2 seconds")
      yield* relay.sendMedia(other.audio, audioPacket(0))
      yield* TestClock.adjust("100 millis")
      relay.behaviour.isDead = true
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Suspect", "Resumed"])
      const resume = requestsOf(backup, "ResumeRequest").at(-1)!.message as ControlMessage.ResumeRequest
      assert.deepStrictEqual(resume.ticket, Uint8Array.of(1, 2, 3, 1))
      assert.strictEqual(resume.epoch, 1)
      const join = requestsOf(relay, "JoinRequest").at(-1)!.message as ControlMessage.JoinRequest
      assert.isAbove(resume.counter, join.counter)
      assert.notStrictEqual(resume.legTag, join.legTag)
      const before = relay.packets.at(-1)!
      const after = backup.packets[0]!
      // What may have been lost on its way to the first is sent again; from there on nothing is missing.
      const passedMs = (after.timestamp - before.timestamp) / 48
      assert.strictEqual(SequenceNumber.distance(before.sequenceNumber, after.sequenceNumber), passedMs / 20)
      assert.isAtMost(passedMs, 20)
      for (const [index, { sequenceNumber }] of backup.packets.entries()) {
        assert.strictEqual(sequenceNumber, (after.sequenceNumber + index) & SequenceNumber.mask)
      }
      // The new relay counts rosters on its own, and the streams of those who stay go on.
      yield* backup.direct(rosterOf(1, [other.entry]))
      yield* backup.sendMedia(other.audio, audioPacket(1))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(tagsOf(observed.roster), ["Joined"])
      assert.deepStrictEqual(
        observed.packets.map(({ missedBefore, timestamp }) => [missedBefore, timestamp]),
        [
          [0, 0],
          [0, 960]
        ]
      )
    }).pipe(run(65))
  )

  it.effect("takes each packet once while two relays send the same", () =>
    Effect.gen(function* () {
      const { backup, client, observed, relay } = yield* joinedWithBackup()
      const other = lin(1)
      const double = lin(1)
      yield* relay.direct(rosterOf(1, [other.entry]))
      yield* TestClock.adjust(100)
      yield* relay.direct({ _tag: "GoingAwayDirective", counter: 2, inMs: 5000, relays: [] })
      for (let number = 0; number < 50; number++) {
        yield* relay.sendMedia(other.audio, audioPacket(number))
        if (backup.hop !== undefined) yield* backup.sendMedia(double.audio, audioPacket(number))
        else double.audio.nextSequenceNumber = other.audio.nextSequenceNumber
        yield* TestClock.adjust(20)
      }
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(
        observed.packets.map(({ timestamp }) => timestamp),
        Array.from({ length: 50 }, (_, number) => number * 960)
      )
      const { received } = yield* client.statistics
      assert.isAbove(received[0]!.packetsDuplicate, 30)
    }).pipe(run(66))
  )

  it.effect("moves away in time from a relay that stops", () =>
    Effect.gen(function* () {
      const { backup, client, observed, relay } = yield* joinedWithBackup()
      yield* speakOn(client)
      yield* TestClock.adjust("1 second")
      yield* relay.direct({ _tag: "GoingAwayDirective", counter: 1, inMs: 500, relays: [backup.address] })
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "GoingAway", "Resumed"])
      assert.deepStrictEqual(relay.acknowledged, [1])
      // Said again by the relay that was left: answered, and that is all.
      yield* relay.direct({ _tag: "GoingAwayDirective", counter: 2, inMs: 400, relays: [relay.address] })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "GoingAway", "Resumed"])
      assert.deepStrictEqual(relay.acknowledged, [1, 2])
      const sequences = [...relay.packets, ...backup.packets].map(({ sequenceNumber }) => sequenceNumber)
      const unique = new Set(sequences)
      assert.strictEqual(unique.size, (sequences.at(-1)! - sequences[0]! + 1) & 0xffff, "no packet is missing")
    }).pipe(run(67))
  )

  it.effect("waits for the successor of a relay that stops and names nobody", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      yield* speakOn(client)
      yield* relay.direct({ _tag: "GoingAwayDirective", counter: 1, inMs: 500, relays: [] })
      yield* TestClock.adjust("400 millis")
      relay.behaviour.isDead = true
      relay.hop = undefined
      yield* TestClock.adjust("5 seconds")
      relay.behaviour.isDead = false
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "GoingAway", "Suspect", "Resumed"])
    }).pipe(run(68))
  )

  it.effect("does not wait for ever for a relay that is to stop some day, nor for one that has stopped before", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      yield* speakOn(client)
      const goesAway = { _tag: "GoingAwayDirective", inMs: 0xffff_ffff, relays: [] } as const
      yield* relay.direct({ ...goesAway, counter: 1 })
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "GoingAway"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "GoingAway", "Resumed"])
      yield* relay.direct({ ...goesAway, counter: 2 })
      yield* TestClock.adjust("1 second")
      relay.behaviour.isDead = true
      relay.hop = undefined
      yield* TestClock.adjust("5 seconds")
      relay.behaviour.isDead = false
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection).slice(3), ["GoingAway", "Suspect", "Resumed"])
    }).pipe(run(75))
  )

  it.effect("joins again when no ticket is valid any more", () =>
    Effect.gen(function* () {
      const { backup, client, observed, relay } = yield* joinedWithBackup()
      yield* speakOn(client)
      yield* TestClock.adjust("1 second")
      relay.behaviour.isDead = true
      backup.behaviour.instead = (request) => (request._tag === "ResumeRequest" ? refuse(request, 441) : undefined)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Suspect", "Resumed"])
      // The cookie that was good for the resume is good for the join.
      assert.strictEqual(requestsOf(backup, "JoinRequest").length, 1)
    }).pipe(run(69))
  )

  it.effect("ends when no ticket is valid and the token is not either", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(100_000)
      const { observed, relay } = yield* joined({ token: FakeRelay.tokenUntil(10) })
      relay.behaviour.instead = (request) =>
        request._tag === "ResumeRequest" ? refuse(request, 441) : request._tag === "PingRequest" ? "none" : undefined
      yield* TestClock.adjust("20 seconds")
      const last = observed.connection.at(-1)!
      assert.isTrue(last._tag === "Ended" && last.reason.includes("the token has expired"), JSON.stringify(last))
    }).pipe(run(70))
  )

  it.effect("ends after 30 seconds without any relay, and with it all streams", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      yield* speakOn(client)
      yield* TestClock.adjust("1 second")
      relay.behaviour.isDead = true
      yield* TestClock.adjust("29 seconds")
      assert.notInclude(tagsOf(observed.connection), "Ended")
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual(tagsOf(observed.connection), ["Connected", "Suspect", "Ended"])
      const { dropped } = yield* client.statistics
      assert.strictEqual(dropped.unread, 0)
    }).pipe(run(71))
  )

  it.effect("is found again when the network was away for ten seconds", () =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const { client, observed } = yield* joined()
      yield* speakOn(client)
      yield* TestClock.adjust("1 second")
      const gone = { ...LinkEmulator.perfect, latencyMs: linkMs, lossRatio: 1 }
      yield* network.setLink(deviceHost, relayA, gone)
      yield* TestClock.adjust("10 seconds")
      yield* network.setLink(deviceHost, relayA, { ...gone, lossRatio: 0 })
      yield* TestClock.adjust("5 seconds")
      assert.notInclude(tagsOf(observed.connection), "Ended")
      assert.include(["Connected", "Resumed"], observed.connection.at(-1)!._tag)
    }).pipe(run(72))
  )

  it.effect("is left politely, once, and for good", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      yield* during(200, client.leave)
      yield* client.leave
      yield* client.send(client.streams[0]!, audioPacket(0))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requestsOf(relay, "LeaveRequest").length, 1)
      assert.isUndefined(relay.hop)
      assert.deepStrictEqual(observed.connection.at(-1), { _tag: "Ended", reason: "left the call" })
      assert.deepStrictEqual(relay.packets, [])
    }).pipe(run(73))
  )

  it.effect("is left by the end of its scope", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      const scope = yield* Scope.make()
      yield* during(100, Scope.provide(CallClient.join(optionsOf([relayA])), scope))
      assert.isDefined(relay.hop)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust(linkMs)
      assert.isUndefined(relay.hop)
      const leaves = requestsOf(relay, "LeaveRequest").map(({ message }) => message.transactionId.join())
      assert.strictEqual(leaves.length, 2)
      assert.strictEqual(new Set(leaves).size, 1)
    }).pipe(run(74))
  )
})
