import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import { planOf } from "../../src/call/ForwardingPlan.ts"
import { empty } from "../../src/call/CallState.ts"
import * as SentVideo from "../../src/pipeline/SentVideo.ts"
import type { Session } from "../../src/pipeline/Session.ts"
import { ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"

const ada = ParticipantId.make("ada")
const lin = ParticipantId.make("lin")
const video = (ssrc: number) => new StreamDescription({ ssrc, kind: "video", clockRate: 90_000, codec: "vp8" })
const audio = new StreamDescription({ ssrc: 1, kind: "audio", clockRate: 48_000, codec: "opus" })

const place = { relay: RelayId.make("relay"), epoch: 1, restores: 0 }

/** What `newsOf` knows of a session. */
const sessionOf = (restores = 0) => ({ participant: ada, restores, videoTold: undefined }) as unknown as Session

const planFor = (
  rows: ReadonlyArray<Omit<ForwardingPlan["rows"][number], "from">>,
  others: ReadonlyArray<ParticipantId> = [lin]
): ForwardingPlan => ({
  ...planOf(empty),
  participants: [
    { id: ada, streams: [audio, video(2), video(3)], ...place },
    ...others.map((id) => ({ id, streams: [video(9)], ...place }))
  ],
  rows: [...rows.map((row) => ({ ...row, from: ada })), { ssrc: 9, from: lin, to: [] }]
})

const everything = planFor([
  { ssrc: 1, to: [] },
  { ssrc: 2, to: [lin] },
  { ssrc: 3, to: [lin] }
])

describe("SentVideo", () => {
  it("of a plan in which all video is wanted there is no news, unless the session was restored", () => {
    assert.isUndefined(SentVideo.newsOf(sessionOf(), everything, 100))
    assert.deepStrictEqual(SentVideo.newsOf(sessionOf(1), everything, 100), { version: 100, streams: [] })
  })

  it("tells of what nobody wants and of rates, of a device's own video alone, once", () => {
    const session = sessionOf()
    const plan = planFor([
      { ssrc: 1, to: [] },
      { ssrc: 2, to: [lin], rateBps: 150_000 },
      { ssrc: 3, to: [], rateBps: 600_000 }
    ])
    const streams = [
      { ssrc: 2, rateBps: 150_000 },
      // Nobody gets it: then it is not to be sent, whatever its rate.
      { ssrc: 3, rateBps: 0 }
    ]
    assert.deepStrictEqual(SentVideo.newsOf(session, plan, 100), { version: 100, streams })
    assert.isUndefined(SentVideo.newsOf(session, plan, 101))
    assert.deepStrictEqual(SentVideo.newsOf(session, everything, 102), { version: 102, streams: [] })
    assert.isUndefined(SentVideo.newsOf(session, everything, 103))
  })

  it("who is alone is told nothing", () => {
    const alone = planFor([{ ssrc: 2, to: [] }], [])
    assert.isUndefined(SentVideo.newsOf(sessionOf(), alone, 100))
  })

  it.prop(
    "versions grow, also when the clock is set back",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })))],
    ([times]) => {
      const session = sessionOf()
      let before = 0
      for (const [index, unixSeconds] of times.entries()) {
        const plan = planFor([{ ssrc: 2, to: [lin], rateBps: 50_000 * (1 + (index % 2)) }])
        const { version } = SentVideo.newsOf(session, plan, unixSeconds)!
        assert.isAbove(version, before)
        before = version
      }
    }
  )
})
