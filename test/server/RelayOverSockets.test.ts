import { it } from "@effect/vitest"
import * as SystemCalls from "../../src/sockets/batched/SystemCalls.ts"
import * as DatagramNetworkBatched from "../../src/sockets/DatagramNetworkBatched.ts"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as RelaySuite from "../suites/RelaySuite.ts"

const link = { ...LinkEmulator.perfect, latencyMs: 1 }
RelaySuite.suite("simulated", { layer: SimulatedNetwork.layer(link), host: "10.0.0.1", time: "virtual" })
RelaySuite.suite("portable", { layer: DatagramNetworkPortable.layer, host: "127.0.0.1", time: "real" })

const calls = SystemCalls.load()
if ("reason" in calls) it.skip(`a relay over DatagramNetworkBatched: ${calls.reason}`, () => {})
else RelaySuite.suite("batched", { layer: DatagramNetworkBatched.layer(calls), host: "127.0.0.1", time: "real" })
