import { setTimeout as sleep } from "node:timers/promises"
import type { Scene } from "../ChaosEvent.ts"
import type { ProbeAnswer } from "../generator/Order.ts"

/** Somebody who asks in vain for so long has not been answered. Milliseconds. */
const patienceMs = 10_000
let probes = 0

/** One more participant joins each of these calls, at a relay that is there. */
export const join = (
  { fleet, generators }: Scene,
  calls: ReadonlyArray<number>,
  relay: number
): Promise<ReadonlyArray<ProbeAnswer>> => {
  const relays = [fleet.doors()[relay]!]
  return Promise.all(
    calls.map((call) => generators.probe({ key: fleet.key, call, number: probes++, relays, patienceMs }))
  )
}

/** The answers that are refusals, a line each. */
export const refusals = (answers: ReadonlyArray<ProbeAnswer>): ReadonlyArray<string> =>
  answers.flatMap(({ refusal }) => (refusal === undefined ? [] : [`a join was not granted: ${refusal}`]))

/** Until a join is granted, or for a while. Returns how long that took. Milliseconds. */
export const untilGranted = async (scene: Scene, call: number, relay: number, withinMs: number): Promise<number> => {
  const startedAtMs = performance.now()
  while (performance.now() - startedAtMs < withinMs) {
    const [answer] = await join(scene, [call], relay)
    if (answer!.refusal === undefined) break
    await sleep(100)
  }
  return performance.now() - startedAtMs
}
