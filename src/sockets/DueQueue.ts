/** Items by the time at which they fall due; those of the same time in the order they came. A binary heap. */
export interface DueQueue<A> {
  readonly entries: Array<{ readonly dueMs: number; readonly order: number; readonly item: A }>
  added: number
}

export const make = <A>(): DueQueue<A> => ({ entries: [], added: 0 })

const isBefore = <A>({ entries }: DueQueue<A>, i: number, j: number): boolean => {
  const a = entries[i]!
  const b = entries[j]!
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

const swap = <A>({ entries }: DueQueue<A>, i: number, j: number): void => {
  const entry = entries[i]!
  entries[i] = entries[j]!
  entries[j] = entry
}

export const add = <A>(self: DueQueue<A>, dueMs: number, item: A): void => {
  let place = self.entries.push({ dueMs, order: self.added++, item }) - 1
  while (place > 0) {
    const parent = (place - 1) >> 1
    if (!isBefore(self, place, parent)) return
    swap(self, place, parent)
    place = parent
  }
}

/** When the first item falls due; `Infinity` when there is none. */
export const nextMs = <A>(self: DueQueue<A>): number => self.entries[0]?.dueMs ?? Infinity

/** Clocks count in nanoseconds, sums of milliseconds do not come out even: what is due within this is due. */
const slackMs = 0.001

/** Takes the first item that is due at `nowMs`. */
export const take = <A>(self: DueQueue<A>, nowMs: number): A | undefined => {
  const { entries } = self
  if (nextMs(self) > nowMs + slackMs) return undefined
  const first = entries[0]
  const last = entries.pop()
  if (first === undefined || last === undefined) return undefined
  if (entries.length === 0) return first.item
  entries[0] = last
  let place = 0
  while (true) {
    const left = place * 2 + 1
    const right = left + 1
    let earliest = place
    if (left < entries.length && isBefore(self, left, earliest)) earliest = left
    if (right < entries.length && isBefore(self, right, earliest)) earliest = right
    if (earliest === place) return first.item
    swap(self, place, earliest)
    place = earliest
  }
}
