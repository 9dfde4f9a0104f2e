import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

/** Whether the relay works, and what it is. */
export const Health = Schema.Struct({
  status: Schema.Literal("ok"),
  relay: Schema.String,
  /** UDP address that it is bound to. */
  address: Schema.String,
  /** How datagrams travel: "batched system calls, segmentation offload"; or why not so. */
  socket: Schema.String,
  calls: Schema.Int,
  participants: Schema.Int
})

/** A part without which the relay is of no use has ended: start it again. */
export class Broken extends Schema.TaggedError<Broken>()(
  "Broken",
  { status: Schema.Literal("broken"), reason: Schema.String },
  { httpApiStatus: 503 }
) {}

/** Devices may be sent here. */
export const Ready = Schema.Struct({ status: Schema.Literal("ready") })

/** Devices should not be sent here, though those that are here are served. */
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { status: Schema.Literals(["starting", "draining", "broken"]) },
  { httpApiStatus: 503 }
) {}

/** The work done since the start. */
export const Work = Schema.Struct({
  /** Datagrams of every kind. */
  packetsIn: Schema.Int,
  packetsOut: Schema.Int,
  /** User and system time of the whole process. */
  cpuSeconds: Schema.Finite,
  residentMemoryBytes: Schema.Int
})

const StreamReport = Schema.Struct({
  ssrc: Schema.Int,
  kind: Schema.String,
  codec: Schema.String,
  /** Taken in, each once. */
  packets: Schema.Int,
  bytes: Schema.Int,
  /** Of them, lost on the way here and brought by a resend. */
  packetsRepaired: Schema.Int
})

const ParticipantReport = Schema.Struct({
  id: Schema.String,
  address: Schema.String,
  /** `null` until it has been measured. */
  roundTripMs: Schema.NullOr(Schema.Finite),
  packetsSent: Schema.Int,
  packetsResent: Schema.Int,
  streams: Schema.Array(StreamReport)
})

/** One call as far as it is on this relay. */
export const CallReport = Schema.Struct({ id: Schema.String, participants: Schema.Array(ParticipantReport) })
export type CallReport = typeof CallReport.Type

/** What the call's actor knows of all its legs, whichever relay they are on: what the relays have reported in the last 30 s. */
export const CallEstimates = Schema.Array(
  Schema.Struct({
    participant: Schema.String,
    relay: Schema.String,
    /** Since it was reported. */
    ageMs: Schema.Finite,
    /** What comes from the device, with all headers. */
    uplinkBps: Schema.Finite,
    /** What the path to the device is believed to carry; `null` while it has not been sent video. */
    downlinkBps: Schema.NullOr(Schema.Finite),
    /** Of the packets of each direction: what did not come at once, and what had to be sent again. */
    uplinkLossRatio: Schema.Finite,
    downlinkLossRatio: Schema.Finite,
    /** `null` until it has been measured. */
    roundTripMs: Schema.NullOr(Schema.Finite)
  })
)

/** The call's actor does not answer; the call itself goes on. */
export class ActorSilent extends Schema.TaggedError<ActorSilent>()(
  "ActorSilent",
  { message: Schema.String },
  { httpApiStatus: 503 }
) {}

/** Nobody on this relay is in that call. */
export class CallNotHere extends Schema.TaggedError<CallNotHere>()(
  "CallNotHere",
  { message: Schema.String },
  { httpApiStatus: 404 }
) {}

/** What operators and tools may ask. It changes nothing. */
export const AdminApi = HttpApi.make("tandem").add(
  HttpApiGroup.make("relay", { topLevel: true }).add(
    HttpApiEndpoint.get("healthz", "/healthz", { success: Health, error: Broken }),
    HttpApiEndpoint.get("readyz", "/readyz", { success: Ready, error: NotReady }),
    HttpApiEndpoint.get("work", "/work", { success: Work }),
    HttpApiEndpoint.get("call", "/calls/:id", {
      params: { id: Schema.String },
      success: CallReport,
      error: CallNotHere
    }),
    HttpApiEndpoint.get("callEstimates", "/calls/:id/estimates", {
      params: { id: Schema.String },
      success: CallEstimates,
      error: [CallNotHere, ActorSilent]
    })
  )
)
