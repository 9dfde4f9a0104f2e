import { Effect, Schema } from "effect"
import { HttpApiClient } from "effect/http-api"
import { AdminApi, type Work } from "../admin/AdminApi.ts"
import * as DemoProcess from "./DemoProcess.ts"

const Ready = Schema.fromJsonString(Schema.Struct({ address: Schema.String, http: Schema.String }))

/** Starts a relay in a folder, where it makes its keys. It ends with the scope. */
export const start = Effect.fnUntraced(function* (directory: string, more: ReadonlyArray<string>) {
  const name = "the relay"
  const relay = yield* DemoProcess.start({
    name,
    // The same machine encodes for everybody: that it is busy is no reason to show the call with less.
    args: ["run", "--json", "--throttle", "off", "--host", "127.0.0.1", "--port", "0", "--admin-port", "0", ...more],
    cwd: directory
  })
  const { address, http } = yield* DemoProcess.decode(name, Ready, yield* DemoProcess.firstLine(relay))
  return { address, admin: yield* HttpApiClient.make(AdminApi, { baseUrl: http }) }
})

export const ask = <A, E, R>(question: Effect.Effect<A, E, R>) =>
  Effect.mapError(
    question,
    (error) => new DemoProcess.DemoFailed({ message: `the relay did not answer: ${String(error)}` })
  )

/** What a relay has done between two looks at it. */
export const RelayWork = Schema.Struct({
  packetsIn: Schema.Int,
  packetsOut: Schema.Int,
  cpuMicrosPerPacket: Schema.Finite,
  rssMb: Schema.Finite
})
export type RelayWork = typeof RelayWork.Type

export const workOf = (before: typeof Work.Type, after: typeof Work.Type): RelayWork => {
  const packetsOut = after.packetsOut - before.packetsOut
  const cpuMicros = (after.cpuSeconds - before.cpuSeconds) * 1_000_000
  return {
    packetsIn: after.packetsIn - before.packetsIn,
    packetsOut,
    cpuMicrosPerPacket: Math.round((10 * cpuMicros) / Math.max(1, packetsOut)) / 10,
    rssMb: Math.round(after.residentMemoryBytes / 1e6)
  }
}

/** The same for people. */
export const formatWork = ({ cpuMicrosPerPacket, packetsIn, packetsOut, rssMb }: RelayWork): string =>
  `relay: ${packetsIn} packets in, ${packetsOut} out, ${cpuMicrosPerPacket} us CPU each, ${rssMb} MB`
