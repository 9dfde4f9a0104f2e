/** Which case runs, and since when: shared between the thread that fuzzes and the one that watches it. */
export type Progress = SharedArrayBuffer

const places = { target: 0, number: 1, startedAtMs: 2 } as const
const nothing = -1

export const make = (): Progress => {
  const shared = new SharedArrayBuffer(Object.keys(places).length * Float64Array.BYTES_PER_ELEMENT)
  new Float64Array(shared).fill(nothing)
  return shared
}

/** `nowMs`: of a clock that both threads have. */
export const started = (self: Progress, target: number, number: number, nowMs: number): void => {
  const view = new Float64Array(self)
  view[places.target] = target
  view[places.number] = number
  view[places.startedAtMs] = nowMs
}

/** From here on it may take as long as it takes. */
export const ended = (self: Progress): void => {
  new Float64Array(self)[places.startedAtMs] = nothing
}

export interface Running {
  readonly target: number
  readonly number: number
  readonly ms: number
}

export const runningFor = (self: Progress, nowMs: number): Running | undefined => {
  const view = new Float64Array(self)
  const startedAtMs = view[places.startedAtMs]!
  return startedAtMs === nothing
    ? undefined
    : { target: view[places.target]!, number: view[places.number]!, ms: nowMs - startedAtMs }
}
