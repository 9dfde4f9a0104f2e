import * as GilbertElliott from "./GilbertElliott.ts"
import * as Random from "./Random.ts"

/** How a link loses packets. */
export type LossModel =
  | { readonly kind: "none" }
  /** Each by itself. */
  | { readonly kind: "random"; readonly lossRatio: number }
  | ({ readonly kind: "bursts" } & GilbertElliott.Options)
  /** From `firstAtMs` on for `lengthMs`, again every `everyMs`, which is Infinity for once. */
  | {
      readonly kind: "outages"
      readonly firstAtMs: number
      readonly lengthMs: number
      readonly everyMs: number
      readonly lossRatio: number
    }

export const none: LossModel = { kind: "none" }

/** The models under which topologies are compared; on each access link, in each direction. */
export const named = {
  random2: { kind: "random", lossRatio: 0.02 },
  /** A cell or a Wi-Fi that is bad for 120 ms, once in 6 s on average. */
  bursts120: {
    kind: "bursts",
    goodMeanMs: 5880,
    badMeanMs: 120,
    bad: "exponential",
    goodLossRatio: 0,
    badLossRatio: 0.7
  },
  /** A handover: next to nothing passes for 300 ms, once in 15 s on average. */
  outages300: {
    kind: "bursts",
    goodMeanMs: 14_700,
    badMeanMs: 300,
    bad: "fixed",
    goodLossRatio: 0,
    badLossRatio: 0.95
  }
} as const satisfies Record<string, LossModel>

/** A model with its dice. Changed in place; asked in the order of time. */
export interface LossProcess {
  readonly model: LossModel
  readonly dice: Random.Random
  /** Of `bursts`. */
  readonly states: GilbertElliott.GilbertElliott | undefined
}

export const make = (model: LossModel, seed: string, name: string): LossProcess => ({
  model,
  dice: Random.make(seed, `${name} losses`),
  states: model.kind === "bursts" ? GilbertElliott.make(model, seed, name) : undefined
})

/** Whether a packet that passes now is lost. */
export const isLost = (self: LossProcess, timeMs: number): boolean => {
  const { model } = self
  if (self.states !== undefined) return GilbertElliott.isLost(self.states, timeMs)
  if (model.kind === "random") return Random.uniform(self.dice) < model.lossRatio
  if (model.kind !== "outages" || timeMs < model.firstAtMs) return false
  const sinceMs = model.everyMs === Infinity ? timeMs - model.firstAtMs : (timeMs - model.firstAtMs) % model.everyMs
  return sinceMs < model.lengthMs && Random.uniform(self.dice) < model.lossRatio
}
