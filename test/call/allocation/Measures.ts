import type { Allocation, AllocationInput } from "../../../src/call/allocation/AllocationInput.ts"

/** What an allocation is worth and whether it keeps to its bounds, by the definition: nothing of this is the allocator's. */

/** What a receiver gets of a wish. Bits a second. */
export const rateOf = (
  input: AllocationInput,
  { choices, layers }: Allocation,
  receiver: number,
  at: number
): number => {
  const layer = choices[receiver]![at]!
  return layer < 0 ? 0 : layers[input.receivers[receiver]!.wishes[at]!.source]![layer]!
}

export const utilityOf = (input: AllocationInput, allocation: Allocation): number => {
  let sum = 0
  for (const [receiver, { wishes }] of input.receivers.entries()) {
    for (const [at, { maxBps, weight }] of wishes.entries()) {
      sum += weight * Math.log2(1 + Math.min(rateOf(input, allocation, receiver, at), maxBps) / 50_000)
    }
  }
  return sum
}

/** What an allocation does that it must not. */
export const faultsOf = (input: AllocationInput, allocation: Allocation): ReadonlyArray<string> => {
  const faults: Array<string> = []
  const { choices, layers } = allocation
  const used = layers.map((rates) => rates.map(() => false))
  for (const [receiver, { downlinkBps, wishes }] of input.receivers.entries()) {
    let bps = 0
    for (const [at, { layerMax = Infinity, source }] of wishes.entries()) {
      const layer = choices[receiver]![at]!
      if (layer < 0) continue
      if (layer > layerMax) faults.push(`receiver ${receiver} may not have layer ${layer} of source ${source}`)
      const rate = layers[source]?.[layer] ?? 0
      if (rate === 0) faults.push(`receiver ${receiver} has a layer of source ${source} that is off`)
      else used[source]![layer] = true
      bps += rate
    }
    if (bps > Math.max(0, downlinkBps)) faults.push(`receiver ${receiver} gets ${bps} of ${downlinkBps}`)
  }
  const sent = input.senders.map(() => 0)
  for (const [source, { layers: ranges, sender }] of input.sources.entries()) {
    for (const [layer, rate] of layers[source]!.entries()) {
      if (rate === 0) continue
      const { maxBps, minBps } = ranges[layer]!
      sent[sender]! += rate
      if (rate < minBps || rate > maxBps) faults.push(`layer ${layer} of source ${source} is sent at ${rate}`)
      if (!used[source]![layer]) faults.push(`layer ${layer} of source ${source} is sent to nobody`)
    }
  }
  for (const [sender, { uplinkBps }] of input.senders.entries()) {
    if (sent[sender]! > Math.max(0, uplinkBps)) faults.push(`sender ${sender} sends ${sent[sender]} of ${uplinkBps}`)
  }
  return faults
}

/** The value below which a share of them lie. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!
