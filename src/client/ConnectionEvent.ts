import type { QualityExtra } from "../protocol/QualityExtra.ts"

/** What happens to the connection with the relay. Addresses are text, "203.0.113.7:3478". */
export type ConnectionEvent =
  /** The relay is heard: after the join, and again after it was suspect. */
  | { readonly _tag: "Connected"; readonly relay: string; readonly mappedAddress: string }
  /** Nothing was heard of the relay although something should be. Media is still sent; most often it comes back. */
  | { readonly _tag: "Suspect"; readonly relay: string }
  /** The network shows this device under another address. Media goes on. */
  | { readonly _tag: "Moved"; readonly mappedAddress: string }
  /** Another relay, or the same one once more, has taken over. Streams, numbers and keys go on unbroken. */
  | { readonly _tag: "Resumed"; readonly relay: string; readonly mappedAddress: string }
  /**
   * The relay is busy: all that it and this device go without for now, in the order in which it is given up. Nothing: all is
   * allowed again. The client does what there is to do; which video to send comes with `videoDirectives`.
   */
  | { readonly _tag: "ExtrasWithheld"; readonly extras: ReadonlyArray<QualityExtra> }
  /** The relay is about to stop. The client moves by itself. */
  | { readonly _tag: "GoingAway"; readonly inMs: number }
  /** The last event: this client is of no use any more. One line for people. */
  | { readonly _tag: "Ended"; readonly reason: string }
