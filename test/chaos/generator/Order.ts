import type { MemberPlan } from "../CallPlan.ts"

/** What a generator is told, and what it answers: JSON between two processes. */

/** Which answer is for which order. */
export interface Numbered<Body> {
  readonly number: number
  readonly body: Body
}

export interface Key {
  readonly id: string
  /** In base64url, as in a key file. */
  readonly secret: string
}

/** Everybody joins where they belong; who is there already is left alone, who is elsewhere leaves first. */
export interface GatherOrder {
  readonly order: "gather"
  readonly key: Key
  readonly members: ReadonlyArray<MemberPlan>
  /** Of each relay, by its place: "127.0.1.1:40000". */
  readonly relays: ReadonlyArray<string>
}

/** What was heard in a window of the monotonic clock. */
export interface MeasureOrder {
  readonly order: "measure"
  readonly fromMs: number
  readonly untilMs: number
}

/** One more participant joins a call, and leaves it. */
export interface ProbeOrder {
  readonly order: "probe"
  readonly key: Key
  readonly call: number
  /** Of its name: no two probes at a time have the same. */
  readonly number: number
  readonly relays: ReadonlyArray<string>
  /** When it gives up. Milliseconds. */
  readonly patienceMs: number
}

export type Order = GatherOrder | MeasureOrder | ProbeOrder

/** In a window; what one participant heard of another. */
export interface HeardFlow {
  readonly sender: number
  readonly receiver: number
  /** Longest pause. Milliseconds. */
  readonly gapMs: number
  /** From the last packet to the end of the window. Milliseconds. */
  readonly silentForMs: number
  readonly pauses: number
  /** Those of them that are longer than `longPauseMs`. Milliseconds. */
  readonly longPausesMs: ReadonlyArray<number>
}

/** A pause that is no longer is nothing to speak of. Milliseconds. */
export const longPauseMs = 30

/** One participant since it joined. */
export interface MemberReport {
  readonly member: number
  /** Missing: it is in no call any more, and why. */
  readonly relay?: string
  readonly ended?: string
  readonly moves: number
  readonly movesFalse: number
}

export interface MeasureAnswer {
  readonly answer: "measured"
  readonly flows: ReadonlyArray<HeardFlow>
  readonly members: ReadonlyArray<MemberReport>
  /** Since the generator was started: handed out twice or out of order; of another call. */
  readonly repeated: number
  readonly strangers: number
}

export interface GatherAnswer {
  readonly answer: "gathered"
  /** Joined now. */
  readonly joined: number
}

export interface ProbeAnswer {
  readonly answer: "probed"
  /** From the order to the answer. Milliseconds. */
  readonly elapsedMs: number
  /** Missing: it is in the call. */
  readonly refusal?: string
}

export type Answer =
  MeasureAnswer | GatherAnswer | ProbeAnswer | { readonly answer: "failure"; readonly message: string }
