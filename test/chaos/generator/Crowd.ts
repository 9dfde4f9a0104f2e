import { Clock, Effect, Exit, Scope } from "effect"
import * as KeyRing from "../../../src/access/KeyRing.ts"
import * as CallClient from "../../../src/client/CallClient.ts"
import * as FlowLog from "./FlowLog.ts"
import * as Member from "./Member.ts"
import * as Order from "./Order.ts"

/** The participants of one generator. */
export interface Crowd {
  members: ReadonlyArray<Member.Member>
}

export const make = (): Crowd => ({ members: [] })

/** At a time: a join costs both sides cryptography, and media of others goes on meanwhile. */
const joinsAtOnce = 8

/** The packets of one participant are so far apart. Milliseconds. */
const packetMs = 20
/** Participants take turns: not all speak in the same moment, nor does each wake this process and every relay. */
const turns = 2

const ringOf = ({ id, secret }: Order.Key): KeyRing.KeyRing =>
  KeyRing.make({ keys: [{ id, secret: new Uint8Array(Buffer.from(secret, "base64url")) }] })

const isAtHome = ({ plan, session }: Member.Member, relays: ReadonlyArray<string>): boolean =>
  session !== undefined && session.ended === undefined && session.relay === relays[plan.relay]

export const gather = Effect.fnUntraced(function* (self: Crowd, { key, members, relays }: Order.GatherOrder) {
  const known = new Map(self.members.map((member) => [member.plan.member, member]))
  self.members = members.map((plan) => known.get(plan.member) ?? Member.make(plan))
  const away = self.members.filter((member) => !isAtHome(member, relays))
  yield* Effect.forEach(away, Member.leave, { concurrency: joinsAtOnce, discard: true })
  const ring = ringOf(key)
  yield* Effect.forEach(away, (member) => Member.join(member, ring, relays), {
    concurrency: joinsAtOnce,
    discard: true
  })
  return { answer: "gathered", joined: away.length } satisfies Order.GatherAnswer
})

/** For ever: what is due by the clock is sent, late if it has to be, and nothing is left out. */
export const speak = Effect.fnUntraced(function* (self: Crowd) {
  const startMs = yield* nowMs
  for (let turn = 0; ; turn++) {
    const waitMs = startMs + (turn * packetMs) / turns - (yield* nowMs)
    if (waitMs > 0) yield* Effect.sleep(waitMs)
    for (let place = turn % turns; place < self.members.length; place += turns) {
      yield* Member.speak(self.members[place]!)
    }
  }
})

/** The clock by which packets arrive. Milliseconds. */
const nowMs = Effect.map(Clock.Clock, (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)

export const measure = Effect.fnUntraced(function* (self: Crowd, { fromMs, untilMs }: Order.MeasureOrder) {
  const members = yield* Effect.forEach(self.members, report)
  return {
    answer: "measured",
    flows: flowsOf(self).map(({ receiver, sender }): Order.HeardFlow => {
      const pausesMs = FlowLog.pausesBetween(Member.heardOf(receiver, sender.plan.member), fromMs, untilMs)
      return {
        sender: sender.plan.member,
        receiver: receiver.plan.member,
        gapMs: Math.max(...pausesMs),
        silentForMs: pausesMs.at(-1)!,
        pauses: pausesMs.length,
        longPausesMs: pausesMs.filter((pauseMs) => pauseMs > Order.longPauseMs)
      }
    }),
    members,
    repeated: sum(self.members.flatMap(({ heard }) => [...heard.values()].map(({ repeated }) => repeated))),
    strangers: sum(self.members.map(({ strangers }) => strangers))
  } satisfies Order.MeasureAnswer
})

const sum = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0)

const flowsOf = ({ members }: Crowd) =>
  members.flatMap((receiver) =>
    members
      .filter((sender) => sender !== receiver && sender.plan.call === receiver.plan.call)
      .map((sender) => ({ sender, receiver }))
  )

const report = Effect.fnUntraced(function* ({ plan, session }: Member.Member) {
  const { member } = plan
  if (session === undefined) return { member, ended: "not joined", moves: 0, movesFalse: 0 } as Order.MemberReport
  const { client, ended, relay } = session
  const { moves, movesFalse } = yield* client.statistics
  return { member, moves, movesFalse, ...(ended === undefined ? { relay } : { ended }) } as Order.MemberReport
})

export const probe = Effect.fnUntraced(function* ({ call, key, number, patienceMs, relays }: Order.ProbeOrder) {
  const startedAtMs = yield* nowMs
  const scope = yield* Scope.make()
  const token = yield* Member.mint(ringOf(key), call, `probe-${number}`, "group-audio")
  const refusal = yield* CallClient.join({ relays, token, streams: [], sharedSecret: undefined }).pipe(
    Scope.provide(scope),
    Effect.as(undefined),
    Effect.catch(({ message }) => Effect.succeed(message)),
    Effect.timeoutOrElse({ duration: patienceMs, orElse: () => Effect.succeed("no answer") })
  )
  const elapsedMs = (yield* nowMs) - startedAtMs
  // Its farewell may have to wait for what it was sent to find out.
  yield* Effect.forkDetach(Scope.close(scope, Exit.void))
  const answer: Order.ProbeAnswer = { answer: "probed", elapsedMs, ...(refusal === undefined ? {} : { refusal }) }
  return answer
})
