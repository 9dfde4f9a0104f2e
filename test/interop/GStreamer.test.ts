import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as MachineStalls from "../../src/demo/MachineStalls.ts"
import * as BridgedCall from "./BridgedCall.ts"
import * as JitterBufferReport from "./JitterBufferReport.ts"
import * as Programs from "./Programs.ts"
import * as Tools from "./Tools.ts"

const ssrc = 11_111
/** SRTP master key and salt, which only the two GStreamer programs have. */
const key = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
/** How long the calls are. Seconds. */
const nearSeconds = 16
const farSeconds = 20
/** How long the receiver waits for a packet. Milliseconds. */
const latencyMs = 300
/** On perfect links: who is late here has been held up by the machine, which would delay repairs several times so long. */
const controlLatencyMs = 50
/** A repair has some 40 ms to spare: a machine that stood still for more than this share of a call has held up some. */
const stalledRatioMax = 0.01

/** What send_video.py says at its end. */
interface SenderReport {
  readonly packetsSent: number
  readonly keyFrameRequests: number
  readonly reportBlocks: ReadonlyArray<{ ssrc: number; packetsLost: number; roundTripMs: number }>
}

interface Outcome extends JitterBufferReport.JitterBufferReport {
  readonly sender: SenderReport
  /** For how much of the time the machine stood still. */
  readonly stalledRatio: number
}

/** Lets the programs run. How much of that time the machine did not. */
const letRun = (seconds: number): Promise<number> =>
  MachineStalls.watch.pipe(
    Effect.tap(Effect.sleep(1000 * seconds)),
    Effect.map((stalls) => MachineStalls.report(stalls).totalMs / (1000 * seconds)),
    Effect.scoped,
    Effect.provide(NodeFileSystem.layer),
    Effect.runPromise
  )

/** Starts one of the two scripts; resolves when it plays. */
const play = async (context: TestContext, name: string, options: Readonly<Record<string, string | number>>) => {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const script = Path.join(import.meta.dirname, "gstreamer", name)
  const program = Programs.start(context, import.meta.dirname, [Tools.python, "-B", script, ...args])
  await program.line(Programs.json(({ event }) => event === "playing"))
  return {
    /** Ends it. What it says then. */
    end: async <A>(): Promise<A> => {
      const { exitCode, stderr } = await program.stop()
      assert.strictEqual(exitCode, 0, stderr)
      return program.line(Programs.json<A>(({ event }) => event === "ended"))
    }
  }
}

/** GStreamer to GStreamer through a call. */
const watch = async (
  context: TestContext,
  call: BridgedCall.BridgedCall,
  latency: number,
  seconds: number
): Promise<Outcome> => {
  const { inputs, player } = call
  const ofStream = { ssrc, key }
  const receiver = await play(context, "receive_video.py", {
    ...ofStream,
    "rtp-port": player.rtpPort,
    "rtcp-port": player.rtcpPort,
    latency,
    "ask-after": seconds / 2
  })
  const sender = await play(context, "send_video.py", {
    ...ofStream,
    "rtp-port": inputs[0]!.rtpPort,
    "rtcp-port": inputs[0]!.rtcpPort
  })
  await call.stream(ssrc)
  const stalledRatio = await letRun(seconds)
  const received = await receiver.end<JitterBufferReport.JitterBufferReport>()
  const outcome = { ...received, sender: await sender.end<SenderReport>(), stalledRatio }
  await call.close()
  return outcome
}

const describeOutcome = (name: string, outcome: Outcome): string => {
  const { "num-late": late, "num-lost": lost, "num-pushed": pushed } = outcome.jitterBuffer
  const { keyFrameWaitSeconds, packets, pictures, sender, stalledRatio } = outcome
  const told = sender.reportBlocks.at(-1)?.packetsLost
  return (
    `${name}: ${pushed} packets, ${lost} lost, ${late} late, ` +
    `${JitterBufferReport.framesMissingMax(packets)} frames missing in a row, ${pictures} pictures, ` +
    `key frame ${keyFrameWaitSeconds?.toFixed(2)} s after the request; the sender was told of ${told} lost; ` +
    `the machine stood still for ${(100 * stalledRatio).toFixed(1)} %`
  )
}

const lossOnEveryHop = (what: string, seed: string, ...more: ReadonlyArray<string>): BridgedCall.Options => {
  const of = (hop: string) => ["--impair", `${what},seed=${seed} ${hop}`, ...more]
  return { sending: of("up"), relay: of("relay"), receiving: of("down") }
}

const streams = [`video/VP8/90000:96:${ssrc}`]

/** The same at the same time with perfect links, through losses, and through losses without repair. */
const tryOnce = async (context: TestContext, seed: string) => {
  const [perfect, lossy, lossyWithoutRepair] = await Promise.all([
    BridgedCall.open(context, streams),
    BridgedCall.open(context, streams, lossOnEveryHop("loss=0.05", seed)),
    BridgedCall.open(context, streams, lossOnEveryHop("loss=0.05", seed, "--no-repair"))
  ])
  const [control, repaired, unrepaired] = await Promise.all([
    watch(context, perfect, controlLatencyMs, nearSeconds),
    watch(context, lossy, latencyMs, nearSeconds),
    watch(context, lossyWithoutRepair, latencyMs, nearSeconds)
  ])
  console.log(
    [
      describeOutcome("perfect links", control),
      describeOutcome(`5 % lost on every hop, seed ${seed}`, repaired),
      describeOutcome("the same without repair", unrepaired)
    ].join("\n")
  )
  return { control, repaired, unrepaired }
}

const isPerfect = (outcome: Outcome): boolean =>
  JitterBufferReport.lossRatio(outcome) === 0 && JitterBufferReport.framesMissingMax(outcome.packets) === 0

/** Twice as much is lost, and a resend takes 100 ms on each hop: repair packets have to help. */
const tryFarOnce = async (context: TestContext, seed: string) => {
  const [perfect, lossy] = await Promise.all([
    BridgedCall.open(context, streams),
    BridgedCall.open(context, streams, lossOnEveryHop("loss=0.1,delay=50ms", seed))
  ])
  const [control, repaired] = await Promise.all([
    watch(context, perfect, controlLatencyMs, farSeconds),
    watch(context, lossy, latencyMs, farSeconds)
  ])
  console.log(
    [
      describeOutcome("perfect links", control),
      describeOutcome(`10 % lost and 50 ms on every hop, seed ${seed}`, repaired)
    ].join("\n")
  )
  return { control, repaired }
}

/**
 * Judges one try, or as many as are void: those whose control lost something, or that fell short while the machine stood
 * still. A try that falls short on a machine that ran is what the test says.
 */
const tryUntilJudged = async <A extends { readonly control: Outcome }>(
  context: TestContext,
  tryOne: (context: TestContext, seed: string) => Promise<A>,
  judge: (outcomes: A) => void
): Promise<void> => {
  for (const seed of ["one", "two", "three"]) {
    const outcomes = await tryOne(context, seed)
    const { control } = outcomes
    if (!isPerfect(control)) continue
    try {
      return judge(outcomes)
    } catch (fault) {
      if (control.stalledRatio <= stalledRatioMax) throw fault
      console.log(`void, for the machine stood still: ${String(fault)}`)
    }
  }
  return assert.fail("three times the machine held up the programs: is it busy with something else?")
}

describe("GStreamer through two bridges and a relay", () => {
  it(
    "its jitter buffer misses next to nothing of what 5 % loss on every hop takes",
    { timeout: 200_000 },
    async (context) => {
      Tools.need(context, "gstreamer")
      await tryUntilJudged(context, tryOnce, ({ control, repaired, unrepaired }) => {
        assert.isAtLeast(repaired.packets.length, 60 * nearSeconds)
        assert.isAtMost(JitterBufferReport.lossRatio(repaired), 0.003)
        assert.isAtMost(JitterBufferReport.framesMissingMax(repaired.packets), 4)
        assert.isAtLeast(repaired.pictures, 0.9 * control.pictures)
        // Two hops lose 1 - 0.95 * 0.95 of them.
        assert.isAtLeast(JitterBufferReport.lossRatio(unrepaired), 0.05)

        for (const { hasSenderReport, keyFrames, keyFrameWaitSeconds, sender } of [control, repaired]) {
          assert.isTrue(hasSenderReport)
          // One begins the stream, one has been asked for.
          assert.isAtLeast(sender.keyFrameRequests, 1)
          assert.isAtLeast(keyFrames, 2)
          assert.isBelow(keyFrameWaitSeconds!, 3)
          assert.isAtLeast(sender.reportBlocks.length, 3)
          assert.isTrue(sender.reportBlocks.every((block) => block.ssrc === ssrc && block.roundTripMs < 1000))
        }
        // The sender hears how the hop to the relay is, before repair: its encoder may have to slow down.
        assert.strictEqual(control.sender.reportBlocks.at(-1)!.packetsLost, 0)
        const told = repaired.sender.reportBlocks.at(-1)!.packetsLost / repaired.sender.packetsSent
        assert.isTrue(told > 0.02 && told < 0.09, `the sender was told of ${told}`)
      })
    }
  )

  it("and half a per cent of what 10 % loss takes on hops of 50 ms", { timeout: 200_000 }, async (context) => {
    Tools.need(context, "gstreamer")
    await tryUntilJudged(context, tryFarOnce, ({ control, repaired }) => {
      assert.isAtLeast(repaired.packets.length, 60 * farSeconds)
      assert.isAtMost(JitterBufferReport.missingRatio(repaired), 0.005)
      assert.isAtLeast(repaired.pictures, 0.9 * control.pictures)
    })
  })
})

describe("frames that are missing in a row", () => {
  const packetsOf = (frames: number, without: ReadonlyArray<number>) =>
    Array.from(
      { length: 3 * frames },
      (_, n) => [(65_530 + n) & 0xffff, (4_294_900_000 + 3000 * Math.floor(n / 3)) >>> 0, n % 3 === 2 ? 1 : 0] as const
    ).filter((_, n) => !without.includes(n))

  it.for([
    ["nothing", [], 0],
    ["a packet within a frame", [40], 1],
    ["a packet between two frames", [41], 2],
    ["frames where all numbers wrap", [4, 5, 6, 7, 8, 9, 10], 3],
    ["packets of three frames", [43, 46, 49], 3],
    ["packets of frames far apart", [40, 61, 82], 1]
  ] as const)("%s is lost: %s", ([, without, missing]) => {
    assert.strictEqual(JitterBufferReport.framesMissingMax(packetsOf(50, without)), missing)
  })
})
