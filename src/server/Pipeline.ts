import { Layer } from "effect"
import * as Answers from "../pipeline/Answers.ts"
import { CallNotices } from "../pipeline/CallNotices.ts"
import { CallPlaces } from "../pipeline/CallPlaces.ts"
import { CallSessions } from "../pipeline/CallSessions.ts"
import * as CallUpkeep from "../pipeline/CallUpkeep.ts"
import { ControlInbox } from "../pipeline/ControlInbox.ts"
import { ControlOutbox } from "../pipeline/ControlOutbox.ts"
import * as ControlPipeline from "../pipeline/ControlPipeline.ts"
import { Directives } from "../pipeline/Directives.ts"
import { Drain } from "../pipeline/Drain.ts"
import * as ExtrasControl from "../pipeline/ExtrasControl.ts"
import * as MediaPipeline from "../pipeline/MediaPipeline.ts"
import { RelayLife } from "../pipeline/RelayLife.ts"
import { Relocations } from "../pipeline/Relocations.ts"
import * as Restoration from "../pipeline/Restoration.ts"
import { StrayInbox } from "../pipeline/StrayInbox.ts"
import { Trunks } from "../pipeline/Trunks.ts"

/**
 * The control plane and the data plane over an open port. The control plane comes last, so it is closed first: its farewell
 * still travels over the data plane, and it waits for legs that the upkeep takes away.
 */
export const layer = ControlPipeline.layer.pipe(
  Layer.provide([Restoration.layer, CallUpkeep.layer, ExtrasControl.layer]),
  Layer.provide([CallSessions.layer, CallNotices.layer, CallPlaces.layer, Trunks.layer]),
  Layer.provide([Relocations.layer, RelayLife.layer]),
  Layer.provide(Drain.layer),
  Layer.provide([Answers.Answers.layer, Directives.layer]),
  Layer.provide(ControlOutbox.layer),
  Layer.provide(MediaPipeline.layer),
  Layer.provide(StrayInbox.layer),
  Layer.provide(ControlInbox.layer)
)
