import type { BridgeInput } from "./BridgeInput.ts"
import type { BridgeOutput } from "./BridgeOutput.ts"

/** What the owner of a bridge is told. */
export type BridgeEvent =
  /** A stream of another participant has begun: a program can play it. */
  | { readonly _tag: "StreamStarted"; readonly output: BridgeOutput; readonly sdpPath: string }
  /** Its sender has left. */
  | { readonly _tag: "StreamEnded"; readonly output: BridgeOutput }
  /** A program sends with another SSRC than was offered, which goes nowhere. Told once for every input. */
  | { readonly _tag: "OtherSsrc"; readonly input: BridgeInput; readonly ssrc: number }
