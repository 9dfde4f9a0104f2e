import { assert } from "@effect/vitest"
import * as Fs from "node:fs"
import type { TestContext } from "vitest"
import * as Processes from "../cli/Processes.ts"
import * as PlayerPorts from "./PlayerPorts.ts"
import * as Programs from "./Programs.ts"

/** Ports of 127.0.0.1: even for RTP, the next for RTCP. */
export interface Ports {
  readonly rtpPort: number
  readonly rtcpPort: number
}

/** What a bridge says of a stream that somebody else in the call sends. */
export interface BridgedStream {
  readonly ssrc: number
  /** Path of its session description. */
  readonly sdp: string
}

/** Finds the line in which a bridge says that a stream has begun. */
export const streamOf = (ssrc: number) =>
  Programs.json<BridgedStream>((line) => line["event"] === "stream" && line.ssrc === ssrc)

/** More arguments of `tandem`, for each process. */
export interface Options {
  readonly relay?: ReadonlyArray<string>
  readonly sending?: ReadonlyArray<string>
  readonly receiving?: ReadonlyArray<string>
  /** A command that puts all of them somewhere. */
  readonly within?: ReadonlyArray<string>
}

/** A relay and two bridges in a call, each a process: one takes in what others' programs send, one gives it out. */
export interface BridgedCall {
  readonly folder: string
  /** Port of the relay. */
  readonly relayPort: number
  /** Where the k-th stream that is sent goes to. */
  readonly inputs: ReadonlyArray<Ports>
  /** Where the first stream that comes out goes to: a player may wait there. */
  readonly player: Ports
  /** Waits for a stream to come out. */
  readonly stream: (ssrc: number) => Promise<BridgedStream>
  /** Another participant, with the same call and keys. */
  readonly join: (command: "bridge" | "call", name: string, ...args: ReadonlyArray<string>) => Programs.Program
  /** Ends the bridges, then the relay, and checks that they do so without complaint. */
  readonly close: () => Promise<void>
}

/** A folder that is removed after the test. */
export const temporaryFolder = (context: TestContext): string => {
  const folder = Processes.temporaryFolder()
  context.onTestFinished(() => Fs.rmSync(folder, { recursive: true }))
  return folder
}

/** Starts all three; `streams` as in `tandem bridge --send`. */
export const open = async (
  context: TestContext,
  streams: ReadonlyArray<string>,
  { receiving = [], relay: ofRelay = [], sending = [], within = [] }: Options = {}
): Promise<BridgedCall> => {
  const folder = temporaryFolder(context)
  const tandem = (...args: ReadonlyArray<string>) =>
    Programs.start(context, folder, [...Processes.tandem, ...args], within)
  // What repair is worth is measured beside programs that encode: the relay is to withhold none of it for that.
  const relay = tandem(
    "run",
    "--json",
    "--throttle",
    "off",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--admin-port",
    "0",
    ...ofRelay
  )
  const { address } = await relay.line(Programs.json<{ address: string }>(({ address }) => address !== undefined))
  const join = (command: "bridge" | "call", name: string, ...args: ReadonlyArray<string>) =>
    tandem(command, "--json", "--relay", address, "--call", "bridged", "--as", name, ...args)
  const readiness = Programs.json<{ inputs: ReadonlyArray<Ports> }>(({ event }) => event === "ready")

  const sender = join("bridge", "studio", ...streams.flatMap((stream) => ["--send", stream]), ...sending)
  const rtpPort = await PlayerPorts.take()
  const receiver = join("bridge", "hall", "--out-port", String(rtpPort), ...receiving)
  const [{ inputs }] = await Promise.all([sender.line(readiness), receiver.line(readiness)])

  return {
    folder,
    relayPort: Number(address.split(":").at(-1)),
    inputs,
    player: { rtpPort, rtcpPort: rtpPort + 1 },
    stream: (ssrc) => receiver.line(streamOf(ssrc)),
    join,
    close: async () => {
      const ended = await Promise.all([sender.stop(), receiver.stop()])
      for (const { exitCode, stderr } of [...ended, await relay.stop()]) {
        // A relay logs which socket it has.
        const complaints = stderr.split("\n").filter((line) => !/^$|\] INFO /.test(line))
        assert.deepStrictEqual(complaints, [])
        assert.strictEqual(exitCode, 0)
      }
    }
  }
}
