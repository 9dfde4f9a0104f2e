import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { isDeepStrictEqual } from "node:util"
import type { CallClient } from "../../../src/client/CallClient.ts"
import * as FakeRelay from "../../client/FakeRelay.ts"
import * as Scene from "../../client/Scene.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import { runInVirtualTime } from "../Virtual.ts"
import * as ClientDraft from "./ClientDraft.ts"

interface Case {
  readonly seed: number
  readonly datagrams: ReadonlyArray<ClientDraft.Datagram>
}

const eveHost = "198.51.100.66"

const sessionOf = ({ hop, requests }: FakeRelay.FakeRelay): ClientDraft.Session => ({
  legTag: hop?.send.legTag ?? 0,
  epoch: hop?.send.epoch ?? 0,
  nextHop: hop?.send.nextHop ?? 0,
  lastRepair: hop?.send.lastRepair ?? 0,
  transactionId: requests.at(-1)!.message.transactionId
})

/** A client goes through the relays it was named, at most 8, before it listens to this one again. Seconds. */
const recoverySecondsMax = 60
const audioPackets = 20

/** The relay goes away until the client has come onto a new session: what has come on the old one is of the past then. */
const startAnew = Effect.fnUntraced(function* (relay: FakeRelay.FakeRelay, observed: Scene.Observed) {
  const sessions = () =>
    relay.requests.filter(({ message }) => message._tag === "ResumeRequest" || message._tag === "JoinRequest").length
  const before = sessions()
  for (let second = 0; second < recoverySecondsMax; second++) {
    const counter = Number.MAX_SAFE_INTEGER - recoverySecondsMax + second
    yield* relay.direct({ _tag: "GoingAwayDirective", counter, inMs: 0, relays: [] })
    yield* TestClock.adjust(1000)
    const isOver = observed.connection.some(({ _tag }) => _tag === "Ended")
    hold(!isOver, "nothing that is received ends a call", () => show(observed.connection.slice(-3)))
    if (sessions() > before) return
  }
  hold(false, "a client still does what its relay says", () => show(observed.connection))
})

/** Whatever has come, the call goes on. */
const checkAlive = Effect.fnUntraced(function* (
  relay: FakeRelay.FakeRelay,
  client: CallClient,
  observed: Scene.Observed
) {
  relay.behaviour.instead = () => undefined
  yield* startAnew(relay, observed)
  yield* TestClock.adjust(500)
  const other = Scene.lin(7)
  yield* relay.direct(Scene.rosterOf(1, [other.entry]))
  yield* TestClock.adjust(200)
  observed.packets.length = 0
  const heardBefore = relay.packets.length
  for (let number = 0; number < audioPackets; number++) {
    yield* relay.sendMedia(other.audio, Scene.audioPacket(number))
    yield* client.send(client.streams[0]!, Scene.audioPacket(number))
    yield* TestClock.adjust(20)
  }
  yield* TestClock.adjust(400)
  const payloads = observed.packets.filter(({ ssrc }) => ssrc === other.audio.stream.ssrc).map(({ payload }) => payload)
  const expected = Dice.many(audioPackets, (number) => Scene.audioPacket(number).payload)
  hold(isDeepStrictEqual(payloads, expected), "a client still hears", () => `${payloads.length} packets`)
  const spoken = relay.packets.length - heardBefore
  hold(spoken === audioPackets, "a client is still heard", () => `${spoken} packets`)
})

const check = ({ datagrams, seed }: Case): Promise<void> =>
  runInVirtualTime(
    Effect.gen(function* () {
      const { client, observed, relay } = yield* Scene.joined()
      const eve = yield* FakeRelay.make(eveHost)
      const known = Scene.lin(1)
      yield* relay.direct(Scene.rosterOf(1, [known.entry]))
      yield* TestClock.adjust(100)
      // Pings stay without an answer, so that there are transactions to be answered.
      relay.behaviour.instead = ({ _tag }) => (_tag === "PingRequest" ? "none" : undefined)
      let spoken = 0
      for (const datagram of datagrams) {
        const bytes = ClientDraft.bytesOf(datagram, sessionOf(relay))
        yield* (datagram.from === "eve" ? eve : relay).sendBytes(bytes, Scene.device)
        if (datagram.thenMs === 0) continue
        if (relay.hop !== undefined) yield* relay.sendMedia(known.audio, Scene.audioPacket(spoken++))
        yield* client.send(client.streams[0]!, Scene.audioPacket(spoken))
        yield* TestClock.adjust(datagram.thenMs)
      }
      const genuine = new Set(Dice.many(spoken, (number) => Scene.audioPacket(number).payload.join()))
      const foreign = observed.packets.find(
        ({ payload, ssrc }) => ssrc === known.audio.stream.ssrc && !genuine.has(payload.join())
      )
      hold(foreign === undefined, "nobody hears what nobody has said", () => show(foreign))
      yield* checkAlive(relay, client, observed)
    }).pipe(Scene.run(seed & 0x7fff_ffff))
  )

export const target = define<Case>({
  name: "client",
  about: "a client in a call: no datagram ends the call, nothing is heard that was not said, media goes on",
  smokeCases: 10,
  draw: (draw) => ({
    seed: Dice.integer(draw, 0, 0x7fff_ffff),
    datagrams: Dice.many(Dice.integer(draw, 1, 300), () => ClientDraft.drawDatagram(draw))
  }),
  check,
  minimizeCasesMax: 60,
  *smaller(input) {
    for (const datagrams of Smaller.lists(input.datagrams)) yield { ...input, datagrams }
  },
  show: ({ datagrams, seed }) => [`seed ${seed}`, ...datagrams.map((datagram) => JSON.stringify(datagram))].join("\n")
})
