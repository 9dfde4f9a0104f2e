import { NotAvailable, type Relay, type RunningRelay } from "./Relay.ts"

/** Several relays: those that run, and those that this machine does not have, with the reason. */
export interface Relays {
  readonly running: ReadonlyMap<Relay, RunningRelay>
  readonly missing: ReadonlyMap<Relay, string>
}

export const startAll = async (relays: Iterable<Relay>, core: number | undefined): Promise<Relays> => {
  const running = new Map<Relay, RunningRelay>()
  const missing = new Map<Relay, string>()
  for (const relay of relays) {
    try {
      running.set(relay, await relay.start({ core }))
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error
      missing.set(relay, error.message)
    }
  }
  return { running, missing }
}
