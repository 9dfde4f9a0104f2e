import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, Metric, Predicate, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { NetAddress } from "effect/net"
import { PrometheusMetrics } from "effect/observability"
import { createServer } from "node:http"
import { Call } from "../actor/CallRpcs.ts"
import type * as CallTable from "../pipeline/CallTable.ts"
import { PipelineMetrics } from "../pipeline/PipelineMetrics.ts"
import { RelayCore } from "../pipeline/RelayCore.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { ActorSilent, AdminApi, Broken, CallNotHere, type CallReport, NotReady } from "./AdminApi.ts"

const cpuSeconds = Metric.gauge("process_cpu_seconds", { description: "User and system CPU time of the process" })
const residentMemory = Metric.gauge("process_resident_memory_bytes", { description: "Resident memory of the process" })

/** Where nodes are being given up it takes longer; who looks can look again. */
const actorAnswersWithin = "2 seconds"

const cpuSecondsNow = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1_000_000
}

const reportOf = (call: CallTable.LocalCall): CallReport => ({
  id: call.id,
  participants: [...call.sessions.values()].map(({ leg, participant }) => ({
    id: participant,
    address: PackedAddress.format(leg.hop.send.address),
    roundTripMs: leg.hop.roundTrip.smoothedMs ?? null,
    packetsSent: leg.hop.send.packetsSent,
    packetsResent: leg.hop.send.packetsResent,
    streams: leg.streams.map(({ bytes, description, packets, packetsRepaired }) => ({
      ssrc: description.ssrc,
      kind: description.kind,
      codec: description.codec,
      packets,
      bytes,
      packetsRepaired
    }))
  }))
})

const handlers = HttpApiBuilder.group(
  AdminApi,
  "relay",
  Effect.fn(function* (handlers) {
    const { calls, draining, fault, options, port, started } = yield* RelayCore
    const actorOf = yield* Call.client
    const notHere = (id: string) => new CallNotHere({ message: `nobody on this relay is in the call "${id}"` })
    return handlers.handleAll({
      healthz: () =>
        Effect.suspend(() => {
          if (fault.reason !== undefined) return new Broken({ status: "broken", reason: fault.reason })
          return Effect.succeed({
            status: "ok" as const,
            relay: options.relayId,
            address: PackedAddress.format(port.address),
            socket: port.description,
            calls: calls.calls.size,
            participants: calls.sessionsByTag.size
          })
        }),
      readyz: () =>
        Effect.suspend(() => {
          if (fault.reason !== undefined) return new NotReady({ status: "broken" })
          if (draining.isOpen()) return new NotReady({ status: "draining" })
          if (!started.isOpen()) return new NotReady({ status: "starting" })
          return Effect.succeed({ status: "ready" as const })
        }),
      work: () =>
        Effect.sync(() => ({
          packetsIn: port.counters.received,
          packetsOut: port.counters.sent,
          cpuSeconds: cpuSecondsNow(),
          residentMemoryBytes: process.memoryUsage.rss()
        })),
      call: ({ params }) => {
        const call = calls.calls.get(params.id)
        return call === undefined ? Effect.fail(notHere(params.id)) : Effect.succeed(reportOf(call))
      },
      callEstimates: ({ params }) => {
        const call = calls.calls.get(params.id)
        if (call === undefined) return Effect.fail(notHere(params.id))
        return actorOf(call.id)
          .Estimates()
          .pipe(
            Effect.map((estimates) =>
              estimates.map(({ downlinkBps, roundTripMs, ...estimate }) => ({
                ...estimate,
                downlinkBps: downlinkBps === 0 ? null : downlinkBps,
                roundTripMs: roundTripMs === 0 ? null : roundTripMs
              }))
            ),
            Effect.timeout(actorAnswersWithin),
            Effect.mapError(() => new ActorSilent({ message: `the actor of the call "${params.id}" does not answer` }))
          )
      }
    })
  })
)

/** Prometheus text, brought up to date for each scrape. */
const metrics = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const { publish } = yield* PipelineMetrics
    const scrape = Effect.gen(function* () {
      yield* publish
      yield* Metric.update(cpuSeconds, cpuSecondsNow())
      yield* Metric.update(residentMemory, process.memoryUsage.rss())
      const text = yield* PrometheusMetrics.format()
      return HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
    })
    yield* router.add("GET", "/metrics", scrape)
  })
)

/** The port could not be opened. */
export class AdminPortNotOpened extends Schema.TaggedError<AdminPortNotOpened>()("AdminPortNotOpened", {
  message: Schema.String
}) {}

/** The HTTP server beside a relay. */
export class AdminServer extends Context.Service<
  AdminServer,
  {
    /** `undefined`: there is none. */
    readonly port: number | undefined
  }
>()("tandem/admin/AdminServer") {}

/** No HTTP. */
export const layerNone = Layer.succeed(AdminServer, { port: undefined })

const bound = Layer.effect(
  AdminServer,
  Effect.map(HttpServer.HttpServer, ({ address }) => ({
    port: NetAddress.isInetAddress(address) ? address.port : undefined
  }))
)

/** `/healthz`, `/readyz`, `/metrics`, `/work`, `/calls/:id`, `/calls/:id/estimates` over HTTP. For operators: do not open it to the world. */
export const layer = (options: { readonly host: string; readonly port: number }) =>
  HttpRouter.serve(Layer.mergeAll(Layer.provide(HttpApiBuilder.layer(AdminApi), handlers), metrics), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    Layer.provideMerge(bound),
    Layer.provide(NodeHttpServer.layer(createServer, options)),
    Layer.catchTag("ServeError", ({ cause }) =>
      Layer.effect(
        AdminServer,
        Effect.fail(
          new AdminPortNotOpened({ message: `HTTP port ${options.port} on ${options.host} ${whyNot(cause)}` })
        )
      )
    )
  )

/** What is wrong, and what to do. */
const whyNot = (cause: unknown): string => {
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : String(cause)
  switch (code) {
    case "EADDRINUSE":
      return "is in use: stop the program that has it, or choose another with --admin-port"
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "cannot be opened, that is no address of this machine: set TANDEM_ADMIN_HOST to one"
    case "EACCES":
      return "needs more rights: choose one from 1024 on with --admin-port"
    default:
      return `cannot be opened (${code}): choose another with --admin-port or TANDEM_ADMIN_HOST`
  }
}
