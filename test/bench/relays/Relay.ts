import type { Language, RelayPlace } from "../load/LoadOrder.ts"

/** Something that forwards packets, to be measured. */
export interface Relay {
  /** In the output: "tandem, portable". */
  readonly name: string
  readonly language: Language
  /** Fails with `NotAvailable` where the machine lacks what it takes. */
  readonly start: (options: StartOptions) => Promise<RunningRelay>
}

export interface StartOptions {
  /** `undefined`: wherever the system puts it. */
  readonly core: number | undefined
}

export interface RunningRelay {
  readonly pid: number
  readonly place: RelayPlace
  /** Datagrams that it says it has sent since its start. Missing for one that does not say. */
  readonly packetsOut?: () => Promise<number>
  /** Before it is given a load, until it has forgotten the one before. Left out: none. Milliseconds. */
  readonly restMs?: number
  readonly end: () => Promise<void>
}

/** What is measured without this relay goes on. The message finishes the sentence "not measured: ...". */
export class NotAvailable extends Error {}
