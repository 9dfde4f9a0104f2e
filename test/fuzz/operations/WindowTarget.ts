import * as ReplayWindow from "../../../src/access/ReplayWindow.ts"
import * as CounterWindow from "../../../src/media/CounterWindow.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"

/** Something that takes each number once, and what is too old not at all. */
interface Window {
  readonly size: number
  readonly accept: (number: number) => boolean
}

const windows: Readonly<Record<string, () => Window>> = {
  ReplayWindow: () => {
    const self = ReplayWindow.make()
    return { size: ReplayWindow.windowSize, accept: (number) => ReplayWindow.accept(self, number) }
  },
  CounterWindow: () => {
    const self = CounterWindow.make()
    const accept = (number: number) => {
      if (!CounterWindow.isNew(self, number)) return false
      CounterWindow.remember(self, number)
      hold(!CounterWindow.isNew(self, number), "what is remembered is not new")
      return true
    }
    return { size: CounterWindow.windowPackets, accept }
  }
}

interface Case {
  readonly window: string
  readonly start: number
  /** Each from the highest so far. */
  readonly steps: ReadonlyArray<number>
}

const check = ({ start, steps, window: name }: Case): void => {
  const window = windows[name]!()
  const accepted = new Set<number>()
  let highest = -1
  for (const step of [0, ...steps]) {
    const number = Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, (highest < 0 ? start : highest) + step))
    const isExpected = !accepted.has(number) && highest - number < window.size
    hold(window.accept(number) === isExpected, "a number is taken once, unless it is too old", () =>
      show({ number, highest })
    )
    if (!isExpected) continue
    accepted.add(number)
    highest = Math.max(highest, number)
  }
}

const edges = [1, 2, 31, 32, 33, 62, 63, 64, 65, 2015, 2016, 2017, 2047, 2048, 2049, 4096, 70_000, 2 ** 40]

export const target = define<Case>({
  name: "windows",
  about: "windows of counters against a plain set: each number once, and none that is too old",
  smokeCases: 1500,
  draw: (draw) => ({
    window: Dice.pick(draw, Object.keys(windows)),
    start: Dice.pick(draw, [0, 1, 31, 64, 0xffff, 2 ** 32 - 3, 2 ** 53 - 5000]),
    steps: Dice.many(Dice.integer(draw, 1, 80), () => {
      const size = Dice.chance(draw, 0.6) ? Dice.integer(draw, 0, 5) : Dice.pick(draw, edges)
      return Dice.chance(draw, 0.5) ? size : -size
    })
  }),
  check,
  *smaller(input) {
    for (const steps of Smaller.lists(input.steps)) yield { ...input, steps }
  },
  show: (input) => JSON.stringify(input)
})
