import type { HeapUse } from "../Inspector.ts"
import type { Language, RelayPlace } from "../load/LoadOrder.ts"

/** Something that forwards packets, to be measured. */
export interface Relay {
  /** In the output: "tandem, portable socket". */
  readonly name: string
  readonly language: Language
  readonly start: (options: StartOptions) => Promise<RunningRelay>
}

export interface StartOptions {
  /** `undefined`: wherever the system puts it. */
  readonly core: number | undefined
  /** Whether its memory is to be measured, not its speed. */
  readonly inspected: boolean
}

export interface RunningRelay {
  readonly pid: number
  readonly place: RelayPlace
  /** Datagrams that it says it has sent since its start. */
  readonly packetsOut: () => Promise<number>
  /** Of those who are with it. */
  readonly participants: () => Promise<number>
  /** Collects garbage. Of an inspected relay only. */
  readonly collect: () => Promise<HeapUse>
  readonly end: () => Promise<void>
}
