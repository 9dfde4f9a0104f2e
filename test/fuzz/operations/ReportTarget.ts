import * as ArrivalRecorder from "../../../src/media/ArrivalRecorder.ts"
import * as DepartureRecorder from "../../../src/media/DepartureRecorder.ts"
import * as SentHistory from "../../../src/media/SentHistory.ts"
import * as Feedback from "../../../src/protocol/Feedback.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"

type Operation =
  /** So many frames are sent, one behind the other. Milliseconds. */
  | { readonly op: "send"; readonly frames: number; readonly everyMs: number }
  /** Of the frames sent, the one so far behind the newest arrives, and some that follow it. */
  | { readonly op: "arrive"; readonly back: number; readonly frames: number }
  | { readonly op: "pass"; readonly ms: number }
  | { readonly op: "report"; readonly bytesMax: number }

interface Case {
  readonly firstHop: number
  readonly operations: ReadonlyArray<Operation>
}

/** How long a sender has to know what it has sent, and how much of it: as DepartureRecorder and SentHistory say. */
const departuresKeptMs = 1000
const historyKeptMs = 1500
const keptMax = 4096
/** Further apart than this, two arrivals are taken for two different times of the numbers' lap. */
const distanceMax = Feedback.arrivalsMax
/** Half a tick. Milliseconds. */
const roundingMs = 0.5 / Feedback.ticksPerMs + 1e-6

export const check = ({ firstHop, operations }: Case): void => {
  const departures = DepartureRecorder.make()
  const history = SentHistory.make()
  history.highest = (firstHop - 1) & 0xffff
  const arrivals = ArrivalRecorder.make()
  const report = Feedback.make()
  let nowMs = 5000
  const sentAtMs: Array<number> = []
  /** By frame: when it arrived, and whether that was reported. */
  const arrived = new Map<number, { readonly atMs: number; isReported: boolean }>()
  let newest = -1
  /** The first frame that the next report is to cover. */
  let covered = -1

  const hopOf = (frame: number): number => (firstHop + frame) & 0xffff

  const checkSender = () => {
    const count = sentAtMs.length
    for (let frame = Math.max(0, count - keptMax); frame < count; frame++) {
      const known = DepartureRecorder.sentAtMs(departures, hopOf(frame))
      const ageMs = nowMs - sentAtMs[frame]!
      hold(known === sentAtMs[frame] || Number.isNaN(known), "a departure is known as it was, or not at all", () =>
        show(frame)
      )
      hold(ageMs >= departuresKeptMs || !Number.isNaN(known), "a young departure is known", () =>
        show([frame, count, ageMs])
      )
      const at = SentHistory.find(history, hopOf(frame))
      hold(at < 0 || history.packets[at] === frame, "a number finds the packet that was sent under it", () =>
        show([frame, at])
      )
      hold(at >= 0 || ageMs >= historyKeptMs, "what was sent a moment ago is found", () => show([frame, count, ageMs]))
    }
  }

  const arrive = (frame: number) => {
    if (newest >= 0 && Math.abs(frame - newest) > distanceMax) return
    const before = arrived.get(frame)
    const isNew = ArrivalRecorder.handleFrame(arrivals, hopOf(frame), nowMs)
    hold(!isNew || before === undefined, "no frame is new twice", () => show([frame, before]))
    hold(isNew || before !== undefined || frame < newest, "a frame ahead of all others is new", () =>
      show([frame, newest])
    )
    if (newest < 0) covered = frame
    if (isNew) arrived.set(frame, { atMs: nowMs, isReported: frame < covered })
    newest = Math.max(newest, frame)
  }

  const takeReport = (bytesMax: number) => {
    ArrivalRecorder.fillReport(arrivals, report)
    const bytes = new Uint8Array(bytesMax)
    report.requestCount = 0
    report.keyFrameCount = 0
    const view = new DataView(bytes.buffer)
    const length = Feedback.write(view, 0, bytesMax, report, ArrivalRecorder.toTicks(nowMs))
    ArrivalRecorder.markReported(arrivals, report.arrivalCount)
    hold(Feedback.read(view, 0, length, report), "what was written is read")
    if (newest < 0) {
      hold(report.arrivalCount === 0, "nothing is reported before something has arrived")
      return
    }
    // What is too much to be waited for is passed over.
    const first = Math.max(covered, newest - Feedback.arrivalsMax + 1)
    hold(report.baseHopSequence === hopOf(first), "a report begins where the one before has ended", () =>
      show([report.baseHopSequence, hopOf(first), first, newest])
    )
    for (let i = 0; i < report.arrivalCount; i++) {
      const arrival = arrived.get(first + i)
      const ticks = report.arrivalTicks[i]!
      hold(
        (ticks !== Feedback.notReceived) === (arrival !== undefined),
        "what has arrived is reported, and nothing else",
        () => show([first + i, ticks, arrival])
      )
      if (arrival === undefined) continue
      const reportedMs = (report.referenceTicks + ticks) / Feedback.ticksPerMs
      hold(Math.abs(reportedMs - arrival.atMs) <= 2 * roundingMs, "an arrival is reported when it was", () =>
        show([first + i, reportedMs, arrival.atMs])
      )
      hold(!arrival.isReported, "an arrival is reported once", () => show(first + i))
      arrival.isReported = true
    }
    covered = first + report.arrivalCount
  }

  for (const operation of operations) {
    switch (operation.op) {
      case "send":
        for (let n = 0; n < operation.frames; n++) {
          const frame = sentAtMs.push(nowMs) - 1
          DepartureRecorder.handleFrame(departures, hopOf(frame), 100, nowMs)
          SentHistory.add(history, hopOf(frame), frame, 0, 0, nowMs)
          nowMs += operation.everyMs
        }
        checkSender()
        break
      case "arrive":
        for (let n = 0; n < operation.frames; n++) {
          const frame = sentAtMs.length - 1 - operation.back + n
          if (frame >= 0 && frame < sentAtMs.length) arrive(frame)
        }
        break
      case "pass":
        nowMs += operation.ms
        break
      case "report":
        takeReport(operation.bytesMax)
    }
  }
}

const drawOperation = (draw: Dice.Dice): Operation => {
  const op = Dice.pickWeighted(draw, { send: 4, arrive: 8, pass: 3, report: 4 })
  switch (op) {
    case "send":
      return { op, frames: Dice.pick(draw, [1, 2, 10, 64, 65, 500]), everyMs: Dice.pick(draw, [0, 0.3, 1, 20]) }
    case "arrive":
      return {
        op,
        back: Dice.pick(draw, [0, 1, 2, 10, 63, 64, 200, 1023, 1024]),
        frames: Dice.pick(draw, [1, 1, 2, 30, 64])
      }
    case "pass":
      return { op, ms: Dice.pick(draw, [0.1, 1, 63.25, 250, 8191.75, 8192, 20_000]) }
    case "report":
      return { op, bytesMax: Dice.pick(draw, [16, 17, 20, 100, 1188]) }
  }
}

export const target = define<Case>({
  name: "reports",
  about:
    "what a leg notes of frames, sent and arrived, against plain lists: every arrival is reported once, and when it was",
  smokeCases: 400,
  draw: (draw) => ({
    firstHop: Dice.pick(draw, [0, 1, 0x7ff0, 0xfff0]),
    operations: Dice.many(Dice.integer(draw, 1, 50), () => drawOperation(draw))
  }),
  check,
  *smaller(input) {
    for (const operations of Smaller.lists(input.operations)) yield { ...input, operations }
  },
  show: ({ firstHop, operations }) =>
    [`hop sequences from ${firstHop}`, ...operations.map((operation) => JSON.stringify(operation))].join("\n")
})
