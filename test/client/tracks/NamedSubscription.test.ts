import { assert, describe, it } from "@effect/vitest"
import * as NamedSubscription from "../../../src/client/tracks/NamedSubscription.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import { StreamDescription } from "../../../src/protocol/StreamDescription.ts"

const streamsOf = (first: number, videos: number) => [
  new StreamDescription({ ssrc: first, kind: "audio", clockRate: 48_000, codec: "opus" }),
  ...Array.from(
    { length: videos },
    (_, n) => new StreamDescription({ ssrc: first + 1 + n, kind: "video", clockRate: 90_000, codec: "vp8" })
  )
]
const wish = (name: string) => ({ participant: ParticipantId.make(name), place: "on-stage", heightPx: 720 }) as const

describe("subscriptions by name", () => {
  it("are the video of those who are there, in the order of the wishes", () => {
    const present = new Map([
      [ParticipantId.make("ada"), streamsOf(10, 1)],
      [ParticipantId.make("lin"), streamsOf(20, 2)],
      [ParticipantId.make("mo"), streamsOf(30, 1)]
    ])
    const entries = NamedSubscription.resolve([wish("lin"), wish("nobody"), wish("ada")], present)
    assert.deepStrictEqual(
      entries,
      [21, 22, 11].map((ssrc) => ({ ssrc, place: "on-stage", heightPx: 720 }))
    )
    assert.deepStrictEqual(NamedSubscription.resolve([wish("nobody")], present), [])
  })

  it("are no more than a relay takes", () => {
    const names = Array.from({ length: 10 }, (_, n) => `p${n}`)
    const present = new Map(names.map((name, n) => [ParticipantId.make(name), streamsOf(100 * n, 15)]))
    assert.strictEqual(NamedSubscription.resolve(names.map(wish), present).length, 64)
  })
})
