import * as JitterBuffer from "../../../src/media/JitterBuffer.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"

/** A packet of the stream comes, or the buffer is asked what is due. */
type Operation =
  /** `ahead`: from the newest so far. */
  | { readonly op: "packet"; readonly ahead: number; readonly afterMs: number }
  | { readonly op: "poll"; readonly afterMs: number }

interface Case {
  readonly firstSequence: number
  readonly firstTimestamp: number
  readonly delay: JitterBuffer.Options["delay"]
  readonly repairMs: number
  readonly operations: ReadonlyArray<Operation>
}

const clockRate = 48_000
const ticksPerPacket = 960
/** Beyond this many the oldest gap is given up, as JitterBuffer says. */
const waitingMax = 2048

const fixed = (delayMs: number) => ({ minMs: delayMs, maxMs: delayMs })

interface Packet extends JitterBuffer.Buffered {
  readonly number: number
}

const check = ({ delay, firstSequence, firstTimestamp, operations, repairMs }: Case): void => {
  const buffer = JitterBuffer.make<Packet>({ clockRate, delay, repairMs })
  const given = new Set<number>()
  const out: Array<Packet> = []
  let nowMs = 1000
  let newest = 0
  const poll = () => {
    const before = out.length
    JitterBuffer.poll(buffer, nowMs, out)
    for (let place = Math.max(1, before); place < out.length; place++) {
      hold(out[place]!.number > out[place - 1]!.number, "packets come out in their order, and once", () =>
        show(out.slice(place - 1, place + 1))
      )
    }
    hold(JitterBuffer.nextDeadlineMs(buffer) > nowMs, "what is due is out", () => show([nowMs, buffer.waiting.size]))
    hold(buffer.waiting.size <= waitingMax, "what waits is bounded", () => show(buffer.waiting.size))
    // A gap is waited for; what follows without one is not.
    hold(!buffer.waiting.has(buffer.next), "nothing waits without a gap", () => show(buffer.next))
  }
  for (const operation of operations) {
    nowMs += operation.afterMs
    if (operation.op === "packet") {
      const number = newest + operation.ahead
      // Whoever is before it takes each packet once.
      if (given.has(number)) continue
      given.add(number)
      newest = Math.max(newest, number)
      const lateBefore = buffer.packetsLate
      JitterBuffer.handlePacket(buffer, {
        number,
        sequenceNumber: (firstSequence + number) & 0xffff,
        timestamp: (firstTimestamp + number * ticksPerPacket) >>> 0,
        arrivedAtMs: nowMs
      })
      const isLate = buffer.packetsLate > lateBefore
      hold(!isLate || number < (out.at(-1)?.number ?? -Infinity), "a packet is late when one behind it is out", () =>
        show(number)
      )
    } else poll()
    const { packetsLate, waiting } = buffer
    hold(out.length + waiting.size + packetsLate === given.size, "every packet is out, waits, or was late", () =>
      show([out.length, waiting.size, packetsLate, given.size])
    )
  }
  nowMs = Infinity
  JitterBuffer.poll(buffer, nowMs, out)
  hold(out.length + buffer.packetsLate === given.size, "at the end everything comes out")
}

const drawOperation = (draw: Dice.Dice): Operation => {
  const afterMs = Dice.pick(draw, [0, 1, 20, 20, 20, 150, 2000])
  if (Dice.chance(draw, 0.4)) return { op: "poll", afterMs }
  const ahead = Dice.pickWeighted(draw, { next: 10, hole: 2, late: 3, far: 1 })
  switch (ahead) {
    case "next":
      return { op: "packet", ahead: 1, afterMs }
    case "hole":
      return { op: "packet", ahead: Dice.integer(draw, 2, 60), afterMs }
    case "late":
      return { op: "packet", ahead: -Dice.integer(draw, 1, 80), afterMs }
    case "far":
      return { op: "packet", ahead: Dice.integer(draw, 100, 30_000), afterMs }
  }
}

export const target = define<Case>({
  name: "jitter",
  about:
    "a jitter buffer: every packet comes out once and in order, waits for a gap, or was late; nothing waits in vain",
  smokeCases: 1200,
  draw: (draw) => ({
    firstSequence: Dice.pick(draw, [0, 1, 0x7fff, 0xfffe]),
    firstTimestamp: Dice.pick(draw, [0, 0x7fff_ff00, 0xffff_ff00]),
    delay: Dice.pick(draw, [fixed(0), fixed(60), fixed(300), { minMs: 20, maxMs: 400 }]),
    repairMs: Dice.pick(draw, [0, 0, 1000]),
    operations: Dice.many(Dice.integer(draw, 1, 80), () => drawOperation(draw))
  }),
  check,
  *smaller(input) {
    for (const operations of Smaller.lists(input.operations)) yield { ...input, operations }
  },
  show: ({ operations, ...start }) =>
    [JSON.stringify(start), ...operations.map((operation) => JSON.stringify(operation))].join("\n")
})
