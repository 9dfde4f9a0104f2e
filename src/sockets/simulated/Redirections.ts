import * as PackedAddress from "../PackedAddress.ts"

/**
 * Addresses that stand for others, as those of load balancers do (RFC 3022, turned round): who sends to one of them reaches
 * the port behind it, and gets that port's answers from the address that it has sent to. Addresses are packed.
 */
export interface Redirections {
  /** By the key of the address that is sent to. */
  readonly targets: Map<number | string, Uint32Array>
  /** By sender and port behind: the address by which the one has sent to the other, if not by its own. */
  readonly flows: Map<string, Uint32Array>
}

export const make = (): Redirections => ({ targets: new Map(), flows: new Map() })

export const set = (self: Redirections, address: Uint32Array, target: Uint32Array): void => {
  self.targets.set(PackedAddress.key(address), target)
}

/** Where a datagram to this address arrives. */
export const destinationOf = (self: Redirections, source: Uint32Array, wanted: Uint32Array): Uint32Array => {
  if (self.targets.size === 0) return wanted
  const target = self.targets.get(PackedAddress.key(wanted))
  if (target === undefined) self.flows.delete(flowOf(source, wanted))
  else self.flows.set(flowOf(source, target), wanted)
  return target ?? wanted
}

/** Where a datagram comes from, as its receiver sees it. */
export const sourceOf = ({ flows }: Redirections, source: Uint32Array, destination: Uint32Array): Uint32Array =>
  (flows.size === 0 ? undefined : flows.get(flowOf(destination, source))) ?? source

const flowOf = (client: Uint32Array, server: Uint32Array): string =>
  `${PackedAddress.key(client)} ${PackedAddress.key(server)}`
