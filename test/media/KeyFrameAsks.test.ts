import { assert, describe, it } from "@effect/vitest"
import * as KeyFrameAsks from "../../src/media/KeyFrameAsks.ts"
import * as KeyFrameRequest from "../../src/media/KeyFrameRequest.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as LegKinds from "./LegKinds.ts"

describe.each(LegKinds.all)("KeyFrameAsks of a $name", ({ Near, at, kind, wrap }) => {
  const send = (self: KeyFrameAsks.KeyFrameAsks, hopSequence: number) => {
    const request = KeyFrameRequest.make(hopSequence >>> 0)
    KeyFrameRequest.handleRequest(request)
    KeyFrameRequest.poll(request, 0)
    KeyFrameAsks.handleSent(self, { request, tag: 1, hopSequence, askedAtMs: 0 })
    return request
  }
  const lostBy = (self: KeyFrameAsks.KeyFrameAsks, base: number, arrived: ReadonlyArray<boolean>) => {
    const report = Feedback.make()
    report.baseHopSequence = base
    report.arrivalCount = arrived.length
    arrived.forEach((is, n) => (report.arrivalTicks[n] = is ? n : Feedback.notReceived))
    const lost: Array<KeyFrameAsks.Ask> = []
    KeyFrameAsks.handleReport(self, report, lost)
    return lost.map(({ request }) => request)
  }

  it.prop(
    "tells what a report says is lost, and what none will tell any more, wherever numbers wrap",
    [Near],
    ([near]) => {
      const first = at(near)
      const self = KeyFrameAsks.make(kind)
      const requests = [0, 2, 4, 5, 9].map((ahead) => send(self, wrap(first + ahead)))
      assert.deepStrictEqual(lostBy(self, 0, []), [])
      assert.deepStrictEqual(lostBy(self, wrap(first + 1), [false, true, true, false, true]), [
        requests[0],
        requests[2]
      ])
      assert.deepStrictEqual(
        requests.map(({ asked }) => asked),
        [0, 1, 0, 1, 1]
      )
      assert.deepStrictEqual(lostBy(self, wrap(first + 6), [true, true, true]), [])
      assert.deepStrictEqual(lostBy(self, wrap(first + 9), [false]), [requests[4]])
    }
  )

  it("remembers so many, and none from long ago", () => {
    const self = KeyFrameAsks.make(kind)
    for (let number = 0; number < 2 * kind.asksMax; number++) send(self, number)
    assert.strictEqual(self.underWay.length, kind.asksMax)
    assert.strictEqual(self.underWay[0]!.hopSequence, kind.asksMax)
    const newest = send(self, wrap(20_000))
    assert.strictEqual(self.underWay.length, 1)
    assert.deepStrictEqual(lostBy(self, wrap(19_999), [true, false]), [newest])
    send(self, wrap(20_010))
    KeyFrameAsks.release(self)
    assert.deepStrictEqual(lostBy(self, wrap(20_010), [false]), [])
  })
})
