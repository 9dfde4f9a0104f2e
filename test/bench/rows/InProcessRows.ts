import { Effect } from "effect"
import * as Figure from "../Figure.ts"
import * as ForwardBatch from "../ForwardBatch.ts"
import * as SimulatedForwardBatch from "../SimulatedForwardBatch.ts"
import * as StandingBy from "../StandingBy.ts"

/** Forwarding alone, without sockets. */
interface Case {
  readonly name: string
  readonly receivers: number
  readonly payloadBytes: number
}

const caseOf = (receivers: number, payloadBytes: number): Case => ({
  name: `forwardBatch, 1 to ${receivers}, ${payloadBytes} B`,
  receivers,
  payloadBytes
})
const cases: ReadonlyArray<Case> = [caseOf(1, 200), caseOf(1, 1000), caseOf(7, 200)]

const portPayloadBytes = 200
const portName = `forwardBatch, 1 to 1, ${portPayloadBytes} B, from a port`

/** One packet in and one out; writing the packet is a part of it. Microseconds. */
const oneToOneMicrosMax = 0.6

const unit = "us a packet in"

const standingByName = "estimating, pacing, standing by to protect, 1 to 1"
/** 15 % of what the relay takes for a packet of 1,000 bytes, the system's share too: docs/results. Microseconds. */
const standingByMicrosMax = 0.6

/** Nanoseconds of one round, by name: forwarding, and of it what the harness itself costs. */
export interface Round {
  readonly forwardNs: Readonly<Record<string, number>>
  readonly harnessNs: Readonly<Record<string, number>>
  /** What a packet costs more with all that legs do beside forwarding. Missing when it was not wanted. */
  readonly standingByNs?: number
}

/** One round in this process. */
export const measure = async (isWanted: (name: string) => boolean, batches: number): Promise<Round> => {
  const forwardNs: Record<string, number> = {}
  const harnessNs: Record<string, number> = {}
  for (const { name, payloadBytes, receivers } of cases.filter(({ name }) => isWanted(name))) {
    const measured = ForwardBatch.measure(receivers, payloadBytes, batches)
    forwardNs[name] = measured.forwardNs
    harnessNs[name] = measured.harnessNs
  }
  if (isWanted(portName)) {
    forwardNs[portName] = await Effect.runPromise(SimulatedForwardBatch.measure(portPayloadBytes, batches))
  }
  return { forwardNs, harnessNs, ...(isWanted(standingByName) ? { standingByNs: StandingBy.measure(batches) } : {}) }
}

const microsOf = (rounds: ReadonlyArray<Readonly<Record<string, number>>>, name: string) =>
  rounds.map((round) => round[name]! / 1000)

export const figuresOf = (rounds: ReadonlyArray<Round>): ReadonlyArray<Figure.Figure> => {
  const forwardNs = rounds.map((round) => round.forwardNs)
  const harnessNs = rounds.map((round) => round.harnessNs)
  return [
    ...Object.keys(forwardNs[0] ?? {}).map((name) => {
      const isOneToOne = cases.some((other) => other.name === name && other.receivers === 1)
      return Figure.figureOf(name, unit, microsOf(forwardNs, name), isOneToOne ? oneToOneMicrosMax : undefined)
    }),
    ...Object.keys(harnessNs[0] ?? {}).map((name) =>
      Figure.figureOf(`${name}, harness alone`, unit, microsOf(harnessNs, name))
    ),
    ...standingBy(rounds)
  ]
}

const standingBy = (rounds: ReadonlyArray<Round>): ReadonlyArray<Figure.Figure> => {
  const micros = rounds.flatMap(({ standingByNs }) => (standingByNs === undefined ? [] : [standingByNs / 1000]))
  if (micros.length === 0) return []
  return [Figure.figureOf(standingByName, "us more a packet in", micros, standingByMicrosMax)]
}
