import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Duet from "./Duet.ts"
import * as RelayLife from "./RelayLife.ts"
import * as Specimens from "./Specimens.ts"

/** What the device gets back for a replayed message: nothing, the answer of the first time, or an order to prove itself. */
type Echo = "nothing" | ControlMessage.ControlMessage["_tag"]

const inWorld = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    Effect.provide(RelayLife.world),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

const tagsOf = (datagrams: ReadonlyArray<Uint8Array>): ReadonlyArray<string> =>
  Raw.messagesIn(datagrams).map(({ _tag }) => _tag)

/** A message of ada's as it was captured, and the device at the address that it came from. */
interface Captured {
  readonly name: string
  readonly bytes: Uint8Array
  readonly from: Duet.Device
  /** What comes back when it is replayed from there. */
  readonly echo: Echo
}

/** Ada and lin in a call, and everything that ada has sent on the way there, as somebody on the path has captured it. */
const captured = Effect.gen(function* () {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const devices = { ada: yield* Raw.open(Duet.addresses.ada), lin: yield* Raw.open(Duet.addresses.lin) }
  const eve = yield* Raw.open(Duet.eveAddress)
  const { place: lin } = yield* Duet.join(devices.lin, { name: "lin", ssrc: 2, deviceTag: 12 })
  const { place: joined, request: join } = yield* Duet.join(devices.ada, { name: "ada", ssrc: 1, deviceTag: 11 })

  const resume = Duet.resume(joined, 21)
  const answers = yield* devices.ada.answersTo(resume)
  const { epoch, legTag, ticket } = Raw.only(answers, "ResumeSuccess")
  const roster = Raw.only(answers, "RosterDirective")
  const { counter, transactionId } = roster
  const acknowledgement = Raw.signed({ _tag: "DirectiveSuccess", transactionId, counter }, joined.token.key)
  yield* devices.ada.sendBytes(acknowledgement)
  const resumed: Duet.Place = { ...joined, deviceTag: 21, legTag, epoch, ticket }

  yield* network.rebind(Duet.addresses.ada, "172.16.0.9:4444")
  const former = yield* Raw.open(Duet.addresses.ada)
  const { cookie } = Raw.only(yield* devices.ada.answersTo(Duet.ping(resumed)), "Challenge")
  const move = Duet.ping(resumed, cookie)
  Raw.only(yield* devices.ada.answersTo(move), "PingSuccess")
  const ada: Duet.Place = { ...resumed, cookie }
  const ping = Duet.ping(ada)
  Raw.only(yield* devices.ada.answersTo(ping), "PingSuccess")

  const subscribe = Duet.subscribe(ada)
  Raw.only(yield* devices.ada.answersTo(subscribe), "SubscribeSuccess")

  yield* Duet.isUnharmed(ada, lin, [eve])
  const feedback = Specimens.feedbackFrame({ ...ada, ssrc: lin.ssrc }, ada.sequence++)
  yield* devices.ada.sendBytes(feedback)
  yield* Duet.passSeconds(30, ada, lin)
  const messages: ReadonlyArray<Captured> = [
    { name: "join", bytes: join, from: former, echo: "JoinSuccess" },
    { name: "resume", bytes: resume, from: former, echo: "ResumeSuccess" },
    { name: "directive answer", bytes: acknowledgement, from: devices.ada, echo: "nothing" },
    { name: "move", bytes: move, from: devices.ada, echo: "PingSuccess" },
    { name: "ping", bytes: ping, from: devices.ada, echo: "PingSuccess" },
    { name: "subscribe", bytes: subscribe, from: devices.ada, echo: "SubscribeSuccess" },
    { name: "feedback", bytes: feedback, from: devices.ada, echo: "nothing" }
  ]
  return { ada, lin, eve, former, messages }
})
type Scene = Effect.Success<typeof captured>

const directives = new Set(["RosterDirective", "VideoDirective", "ExtrasDirective"])

/** Sends each again, from where it came from and from elsewhere, and sees that nothing comes of it. */
const replay = Effect.fnUntraced(function* ({ eve, lin }: Scene, messages: ReadonlyArray<Captured>) {
  for (const { bytes, echo, from, name } of messages) {
    lin.device.received.length = 0
    // What a session that has been restored tells its device is no answer.
    const echoes = (yield* from.answersTo(bytes)).filter((bytes) => !directives.has(tagsOf([bytes])[0]!))
    assert.deepStrictEqual(tagsOf(echoes), echo === "nothing" ? [] : [echo], `${name} from the same address`)
    if (echo === "Challenge") assert.isAtMost(echoes[0]!.length, bytes.length)
    const toEve = yield* eve.answersTo(bytes)
    assert.isTrue(
      toEve.every(({ length }) => length <= bytes.length) && tagsOf(toEve).every((tag) => tag === "Challenge"),
      `${name} from elsewhere: ${tagsOf(toEve).join()}`
    )
    assert.deepStrictEqual(lin.device.received, [], `lin hears of the ${name}`)
  }
})

const echoing = (messages: ReadonlyArray<Captured>, echoes: Readonly<Record<string, Echo>>): ReadonlyArray<Captured> =>
  messages.map((message) => ({ ...message, echo: echoes[message.name] ?? "nothing" }))

const timeoutMs = 60_000

describe("a captured message that is sent again", () => {
  it.effect(
    "half a minute later, from the same and from another address: has no effect",
    () =>
      Effect.gen(function* () {
        const scene = yield* captured
        yield* replay(scene, scene.messages)
        yield* Duet.isUnharmed(scene.ada, scene.lin, [scene.eve, scene.former])
      }).pipe(RelayLife.during, inWorld),
    timeoutMs
  )

  it.effect(
    "when its cookie has expired, after 601 seconds: has no effect",
    () =>
      Effect.gen(function* () {
        const scene = yield* captured
        yield* Duet.passSeconds(601, scene.ada, scene.lin)
        const echoes = {
          join: "Challenge",
          resume: "Challenge",
          move: "PingSuccess",
          ping: "PingSuccess",
          subscribe: "SubscribeSuccess"
        } as const
        yield* replay(scene, echoing(scene.messages, echoes))
        yield* Duet.isUnharmed(scene.ada, scene.lin, [scene.eve, scene.former])
      }).pipe(RelayLife.during, inWorld),
    timeoutMs
  )

  it.effect(
    "when the relay has restarted and remembers nothing: has no effect, and the device resumes",
    () =>
      Effect.gen(function* () {
        const scene = yield* RelayLife.during(captured)
        yield* Effect.gen(function* () {
          yield* TestClock.adjust("2 seconds")
          // The ticket was used: the epoch in the store is newer.
          // The session is restored for whatever comes from its address; it believes no ping of before.
          const echoes = {
            join: "Challenge",
            resume: "Refused",
            move: "Challenge",
            ping: "Challenge",
            subscribe: "Challenge"
          } as const
          yield* replay(scene, echoing(scene.messages, echoes))
          const { ada, lin } = scene
          for (const place of [lin, ada]) {
            const answers = yield* place.device.answersTo(Duet.resume(place, place.deviceTag))
            const { epoch, legTag } = Raw.only(answers, "ResumeSuccess")
            Object.assign(place, { legTag, epoch, sequence: 0 })
          }
          yield* Duet.passSeconds(30, ada, lin)
          yield* Duet.isUnharmed(ada, lin, [scene.eve, scene.former])
        }).pipe(RelayLife.during)
      }).pipe(inWorld),
    timeoutMs
  )

  it.effect(
    "a subscription of before the relay has restarted is not believed, also when its device has proved itself",
    () =>
      Effect.gen(function* () {
        const { ada, messages } = yield* RelayLife.during(captured)
        yield* Effect.gen(function* () {
          yield* TestClock.adjust("2 seconds")
          const { cookie } = Raw.only(yield* ada.device.answersTo(Duet.ping(ada)), "Challenge")
          const ping = Effect.suspend(() => ada.device.answersTo(Duet.ping(ada, cookie)))
          assert.isUndefined(Raw.only(yield* ping, "PingSuccess").subscriptionVersion)
          const { bytes } = messages.find(({ name }) => name === "subscribe")!
          assert.notInclude(tagsOf(yield* ada.device.answersTo(bytes)), "SubscribeSuccess")
          assert.isUndefined(Raw.only(yield* ping, "PingSuccess").subscriptionVersion)
          Raw.only(yield* ada.device.answersTo(Duet.subscribe(ada)), "SubscribeSuccess")
          assert.strictEqual(Raw.only(yield* ping, "PingSuccess").subscriptionVersion, 1)
        }).pipe(RelayLife.during)
      }).pipe(inWorld),
    timeoutMs
  )

  it.effect(
    "a leave of an earlier session does not end the one that the device has now",
    () =>
      Effect.gen(function* () {
        const { ada, eve, former, lin } = yield* captured
        const leave = Duet.leave(ada)
        Raw.only(yield* ada.device.answersTo(leave), "LeaveSuccess")
        const { place } = yield* Duet.join(ada.device, { name: "ada", ssrc: 1, deviceTag: 31 })
        yield* Duet.passSeconds(30, place, lin)
        assert.deepStrictEqual(tagsOf(yield* ada.device.answersTo(leave)), ["LeaveSuccess"])
        assert.deepStrictEqual(yield* eve.answersTo(leave), [])
        yield* Duet.isUnharmed(place, lin, [eve, former])
      }).pipe(RelayLife.during, inWorld),
    timeoutMs
  )

  it.effect(
    "a resume of before the device has left and come again does not take its place, also at a relay that remembers nothing",
    () =>
      Effect.gen(function* () {
        const { place, scene } = yield* RelayLife.during(
          Effect.gen(function* () {
            const scene = yield* captured
            Raw.only(yield* scene.ada.device.answersTo(Duet.leave(scene.ada)), "LeaveSuccess")
            yield* Duet.passSeconds(30, scene.lin)
            const { place } = yield* Duet.join(scene.ada.device, { name: "ada", ssrc: 1, deviceTag: 31 })
            yield* Duet.passSeconds(30, place, scene.lin)
            return { place, scene }
          })
        )
        yield* Effect.gen(function* () {
          yield* TestClock.adjust("2 seconds")
          const { bytes, from } = scene.messages.find(({ name }) => name === "resume")!
          const refused = Raw.only(yield* from.answersTo(bytes), "Refused")
          assert.strictEqual(refused.error.code, ControlMessage.refusalCodes.ticketInvalid)
          Raw.only(yield* place.device.answersTo(Duet.resume(place, 41)), "ResumeSuccess")
        }).pipe(RelayLife.during)
      }).pipe(inWorld),
    timeoutMs
  )

  it.effect(
    "a join of a device that has left brings nobody back",
    () =>
      Effect.gen(function* () {
        const scene = yield* captured
        const { ada, lin, messages } = scene
        Raw.only(yield* ada.device.answersTo(Duet.leave(ada)), "LeaveSuccess")
        yield* Duet.passSeconds(30, lin)
        yield* replay(
          scene,
          messages.filter(({ name }) => name === "join")
        )
      }).pipe(RelayLife.during, inWorld),
    timeoutMs
  )
})
