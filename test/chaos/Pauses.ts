import { type HeardFlow, longPauseMs } from "./generator/Order.ts"

/**
 * What this share of the pauses of all flows does not exceed. Pauses that are not long are not told one by one: among them
 * it is `longPauseMs`.
 */
export const quantileMs = (flows: ReadonlyArray<HeardFlow>, share: number): number => {
  const pauses = flows.reduce((sum, flow) => sum + flow.pauses, 0)
  const longest = flows.flatMap(({ longPausesMs }) => longPausesMs).sort((a, b) => b - a)
  return longest[Math.round(pauses * (1 - share))] ?? longPauseMs
}
