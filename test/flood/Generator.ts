import { Clock, Effect } from "effect"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as CallMix from "./CallMix.ts"
import * as DelayLog from "./DelayLog.ts"
import * as LiveCall from "./LiveCall.ts"
import type * as Order from "./Order.ts"
import * as Participant from "./Participant.ts"
import * as Tally from "./Tally.ts"
import * as Timeline from "./Timeline.ts"

/** What is due is looked at in turns of this length; calls take turns, so that each turn has its share. Milliseconds. */
const turnMs = 2
const audioTurns = CallMix.audioMs / turnMs
const videoTurns = CallMix.videoMs / turnMs
/** Between two looks at whether calls go on. */
const checkTurns = 50
/**
 * What is later than that is left out. Many people send independently of each other: what one process has been late with, as
 * while it does the cryptography of a join, would come all at once, and no relay's queue sees that of people. Milliseconds.
 */
const lateMsMax = 5

const now = Effect.map(Clock.Clock, (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)

/** Makes all calls of an order, each at its time, and carries them through. */
export const run = Effect.fnUntraced(function* ({
  calls,
  key,
  people,
  relay,
  startAtMs,
  timeline
}: Order.GeneratorOrder) {
  const tally = Tally.make(timeline)
  const ring = KeyRing.make({ keys: [{ id: key.id, secret: new Uint8Array(Buffer.from(key.secret, "base64url")) }] })
  const around: LiveCall.Surroundings = { ring, relay, people, tally, startAtMs, live: new Set() }
  const turns = Timeline.endMs(timeline) / turnMs
  let begun = 0
  for (let turn = 0; turn < turns; turn++) {
    const dueMs = startAtMs + turn * turnMs
    const waitMs = dueMs - (yield* now)
    if (waitMs > 0) yield* Effect.sleep(waitMs)
    const lateMs = (yield* now) - dueMs
    if (Timeline.phaseAt(timeline, turn * turnMs) !== undefined) DelayLog.add(tally.lateness, lateMs)
    while (begun < calls.length && calls[begun]!.atMs <= turn * turnMs) {
      yield* Effect.forkDetach(LiveCall.run(around, calls[begun++]!))
    }
    if (lateMs > lateMsMax) tally.turnsSkipped++
    else yield* sendTurn(around, turn)
  }
  return Tally.report(tally)
})

const sendTurn = Effect.fnUntraced(function* ({ live, startAtMs, tally }: LiveCall.Surroundings, turn: number) {
  for (const call of live) {
    const { people, plan } = call
    const place = turn + plan.call
    const speaks = place % audioTurns === 0
    const shows = CallMix.kinds[plan.callClass].hasVideo && place % videoTurns === 0
    if (place % checkTurns === 0) LiveCall.check(call, yield* now)
    if (!speaks && !shows) continue
    for (const person of people) {
      const nowMs = yield* now
      if (speaks) {
        Tally.count(tally, plan.callClass, "audioWanted", nowMs - startAtMs, people.length - 1)
        yield* Participant.speak(person, nowMs)
      }
      if (shows) yield* Participant.show(person)
    }
  }
})
