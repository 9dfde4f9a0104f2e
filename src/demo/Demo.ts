import { Effect, FileSystem, Path, Result, Schedule, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"
import type { CallReport } from "../admin/AdminApi.ts"
import * as EndToEndEncryption from "../client/EndToEndEncryption.ts"
import { CallSummary } from "../client/tracks/CallSummary.ts"
import * as FrameLog from "../client/tracks/FrameLog.ts"
import * as DemoProcess from "./DemoProcess.ts"
import * as DemoRelay from "./DemoRelay.ts"
import * as DemoReport from "./DemoReport.ts"
import * as MachineStalls from "./MachineStalls.ts"

export interface Options {
  readonly participants: number
  /** What every process does to what it sends: each hop is impaired once, in each direction. Text of `--impair` without a seed. */
  readonly impair: string | undefined
  readonly seed: string
  /** Delay that `impair` puts on each hop. Milliseconds. */
  readonly hopDelayMs: number
  readonly repair: boolean
  /** Ogg Opus and IVF files that everybody sends. */
  readonly audio: string
  readonly video: string
}

const Summary = Schema.fromJsonString(CallSummary)

const call = "demo"
/**
 * The participants begin one after another, as people do: processes that all run their code for the first time at once
 * would show how fast the machine compiles, not how the call is. Milliseconds.
 */
const startApartMs = 1000
/** So long that all of eight send at once for most of it, and most of it is not the beginning. Milliseconds. */
const playForMs = 20_000
/**
 * After the last frame of all, everybody stays for the last resends, for the reports to be read, and for whoever began
 * late because the answer to its join was lost twice. Milliseconds.
 */
const lingerMs = 3000
/** What comes later than in time is late, and no more: only what has not come after this is missing. Milliseconds. */
const playoutDelayMs = 1000
const lookEvery = "250 millis"

/** A relay and its participants, each a process of its own, and what became of every frame. */
export const run = Effect.fn("Demo.run")(
  function* (options: Options) {
    const fileSystem = yield* FileSystem.FileSystem
    const directory = yield* fileSystem.makeTempDirectoryScoped({ prefix: "tandem-demo-" })
    const common = options.repair ? [] : ["--no-repair"]
    // One seed makes the whole run, and yet no two processes lose the same packets.
    const impairedBy = (process: number) =>
      options.impair === undefined
        ? common
        : [...common, "--impair", `${options.impair},seed=${options.seed}-${process}`]

    const { address, admin } = yield* DemoRelay.start(directory, impairedBy(0))
    const workBefore = yield* DemoRelay.ask(admin.work())
    const stalls = yield* MachineStalls.watch

    // The participants share it; the relay never sees it.
    const random = yield* SecureRandom.SecureRandom
    const sharedSecret = EndToEndEncryption.formatSecret(yield* random.randomBytes(EndToEndEncryption.secretBytes))
    const participants = yield* Effect.forEach(
      Array.from({ length: options.participants }, (_, n) => n + 1),
      (n) => startParticipant(options, { n, directory, address, sharedSecret, impairment: impairedBy(n) })
    )
    const reports = new Map<number, CallReport["participants"][number]["streams"][number]>()
    const look = Effect.map(admin.call({ params: { id: call } }), ({ participants }) => {
      for (const { streams } of participants) for (const stream of streams) reports.set(stream.ssrc, stream)
    })
    yield* Effect.forkScoped(Effect.repeat(Effect.ignore(look), Schedule.spaced(lookEvery)))
    const ended = yield* Effect.forEach(participants, awaitParticipant, { concurrency: "unbounded" })
    const work = yield* DemoRelay.ask(admin.work())

    // Every stream to everybody else, whether anything of it arrived or not.
    const streams = ended.flatMap((sender) =>
      sender.summary.sent.flatMap((sent) =>
        ended
          .filter((receiver) => receiver !== sender)
          .map((receiver) => {
            const arrived = receiver.summary.received.find(({ ssrc }) => ssrc === sent.ssrc)
            const inLog = (end: Ended, event: "sent" | "received") =>
              end.frames.filter((frame) => frame.ssrc === sent.ssrc && frame.event === event)
            return DemoReport.streamReport({
              from: sender.summary.participant,
              to: receiver.summary.participant,
              kind: sent.kind,
              sent: inLog(sender, "sent"),
              received: inLog(receiver, "received"),
              packetsSent: sent.packets,
              packetsReceived: arrived?.packets ?? 0,
              repairedUpstream: reports.get(sent.ssrc)?.packetsRepaired ?? 0,
              repairedDownstream: arrived?.packetsRepaired ?? 0,
              delayMs: 2 * options.hopDelayMs,
              playoutDelayMs,
              stalls
            })
          })
      )
    )
    const report: DemoReport.DemoReport = {
      participants: options.participants,
      streams,
      stalls: MachineStalls.report(stalls),
      relay: DemoRelay.workOf(workBefore, work)
    }
    return report
  },
  Effect.provide([FetchHttpClient.layer, SecureRandom.layerWebCrypto])
)

const startParticipant = Effect.fnUntraced(function* (
  options: Options,
  place: {
    readonly n: number
    readonly directory: string
    readonly address: string
    readonly sharedSecret: string
    readonly impairment: ReadonlyArray<string>
  }
) {
  const path = yield* Path.Path
  const name = `p${place.n}`
  const frameLog = path.join(place.directory, `${name}.frames`)
  const media = ["--audio", path.resolve(options.audio), "--video", path.resolve(options.video)]
  const stayMs = lingerMs + (options.participants - place.n) * startApartMs
  const others = String(options.participants - 1)
  const timing = [
    "--wait-for",
    others,
    "--start-after",
    String(place.n * startApartMs),
    "--linger",
    String(stayMs),
    "--play-for",
    String(playForMs),
    "--playout-delay",
    String(playoutDelayMs)
  ]
  const rest = ["--frame-log", frameLog, ...place.impairment]
  const process = yield* DemoProcess.start({
    name: `participant ${name}`,
    args: ["call", "--json", "--relay", place.address, "--call", call, "--as", name, ...media, ...timing, ...rest],
    cwd: place.directory,
    env: { TANDEM_SHARED_SECRET: place.sharedSecret },
    givesWay: true
  })
  return { process, frameLog }
})

interface Ended {
  readonly summary: CallSummary
  readonly frames: ReadonlyArray<FrameLog.FrameRecord>
}

const awaitParticipant = Effect.fnUntraced(function* ({
  frameLog,
  process
}: Effect.Success<ReturnType<typeof startParticipant>>): Effect.fn.Return<
  Ended,
  DemoProcess.DemoFailed,
  FileSystem.FileSystem
> {
  const fileSystem = yield* FileSystem.FileSystem
  const summary = yield* DemoProcess.decode(process.name, Summary, yield* DemoProcess.output(process))
  const text = yield* fileSystem.readFileString(frameLog).pipe(Effect.orElseSucceed(() => ""))
  const frames = FrameLog.parse(text)
  if (Result.isFailure(frames)) {
    return yield* new DemoProcess.DemoFailed({ message: `line ${frames.failure} of ${frameLog} is not a frame` })
  }
  return { summary, frames: frames.success }
})
