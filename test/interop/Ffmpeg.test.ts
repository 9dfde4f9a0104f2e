import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as OggOpusReader from "../../src/client/files/OggOpusReader.ts"
import { speech } from "../client/Samples.ts"
import * as BridgedCall from "./BridgedCall.ts"
import * as PlayerPorts from "./PlayerPorts.ts"
import * as Programs from "./Programs.ts"
import * as Tools from "./Tools.ts"

const ssrc = 22_222
const seconds = 6
/** Of 20 ms each. */
const packets = 50 * seconds
/** SRTP master key and salt in base64, which ffmpeg reads in the session description. */
const key = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e"
const encrypted = ["--srtcp", "--srtp-key", key]
const quiet = ["-hide_banner", "-loglevel", "warning"]
/** What may be behind a session description, and how long a packet is waited for. Microseconds. */
const input = ["-protocol_whitelist", "file,udp,rtp,srtp,crypto", "-max_delay", "300000"]

const lossOnEveryHop = (...more: ReadonlyArray<string>): BridgedCall.Options => {
  const of = (hop: string) => ["--impair", `loss=0.05,seed=ffmpeg ${hop}`, ...more]
  return { sending: [...of("up"), "--srtcp"], relay: of("relay"), receiving: [...of("down"), ...encrypted] }
}

/** Sends the sample speech again and again, both RTP and RTCP encrypted. */
const send = (context: TestContext, { folder, inputs: [ports] }: BridgedCall.BridgedCall): Programs.Program => {
  const file = Path.join(import.meta.dirname, "../../samples/speech.opus")
  const media = ["-re", "-stream_loop", "-1", "-i", file, "-c:a", "copy", "-f", "rtp"]
  // Numbers that do not wrap: a packet that comes late over a wrap fails ffmpeg's authentication.
  const stream = ["-payload_type", "97", "-ssrc", String(ssrc), "-seq", "1000"]
  const protection = ["-srtp_out_suite", "AES_CM_128_HMAC_SHA1_80", "-srtp_out_params", key]
  const to = `srtp://127.0.0.1:${ports!.rtpPort}?rtcpport=${ports!.rtcpPort}`
  return Programs.start(context, folder, ["ffmpeg", "-nostdin", ...quiet, ...media, ...stream, ...protection, to])
}

/** Writes what comes in some seconds to a file, as it is. How many packets ffmpeg has missed. */
const record = async (context: TestContext, call: BridgedCall.BridgedCall) => {
  const { sdp } = await call.stream(ssrc)
  const output = ["-t", String(seconds), "-c:a", "copy", "received.opus"]
  const ffmpeg = Programs.start(context, call.folder, ["ffmpeg", "-nostdin", ...quiet, ...input, "-i", sdp, ...output])
  const { exitCode, stderr } = await ffmpeg.ended
  assert.strictEqual(exitCode, 0, stderr)
  assert.notInclude(stderr, "HMAC")
  const missed = [...stderr.matchAll(/RTP: missed (-?\d+) packets/g)].map(([, count]) => Number(count))
  return {
    missed: missed.reduce((sum, count) => sum + count, 0),
    file: Path.join(call.folder, "received.opus")
  }
}

/** What ffprobe says of every packet that another participant's bridge gives out in some seconds. */
const probe = async (context: TestContext, call: BridgedCall.BridgedCall): Promise<string> => {
  const port = String(await PlayerPorts.take())
  const foyer = call.join("bridge", "foyer", ...encrypted, "--out-port", port, "--sdp", "foyer")
  const { sdp } = await foyer.line(BridgedCall.streamOf(ssrc))
  const output = ["-show_packets", "-of", "compact", "-read_intervals", `%+${seconds}`]
  const ffprobe = Programs.start(context, call.folder, ["ffprobe", ...quiet, ...input, "-i", sdp, ...output])
  const { exitCode, stderr, stdout } = await ffprobe.ended
  assert.strictEqual(exitCode, 0, stderr)
  assert.notInclude(stderr, "HMAC")
  await foyer.stop()
  return stdout
}

/** Whether these packets stand in the sample without a hole, the beginning of which follows its end. */
const areFromSample = (received: ReadonlyArray<Uint8Array>): boolean => {
  const text = (packets: ReadonlyArray<Uint8Array>) => packets.map((bytes) => Buffer.from(bytes).toString("hex")).join()
  const sample = speech.packets.map(({ bytes }) => bytes)
  return text([...sample, ...sample]).includes(text(received))
}

describe("ffmpeg with SRTP through two bridges and a relay", { timeout: 120_000 }, () => {
  it("misses nothing of what 5 % loss on every hop takes, and decrypts and decodes what it gets", async (context) => {
    Tools.need(context, "ffmpeg", "ffprobe")
    const streams = [`audio/opus/48000/2:97:${ssrc}`]
    const [call, callWithoutRepair] = await Promise.all([
      BridgedCall.open(context, streams, lossOnEveryHop()),
      BridgedCall.open(context, streams, lossOnEveryHop("--no-repair"))
    ])
    const senders = [send(context, call), send(context, callWithoutRepair)]
    const [repaired, unrepaired, probed] = await Promise.all([
      record(context, call),
      record(context, callWithoutRepair),
      probe(context, call)
    ])
    console.log(`of ${packets} packets ffmpeg missed ${repaired.missed}, without repair ${unrepaired.missed}`)
    for (const sender of senders) await sender.stop()
    await Promise.all([call.close(), callWithoutRepair.close()])

    assert.isAtMost(repaired.missed, 0.01 * packets)
    assert.isAtLeast(unrepaired.missed, 0.05 * packets)
    const received = Result.getOrThrow(OggOpusReader.read(new Uint8Array(Fs.readFileSync(repaired.file))))
    assert.isAtLeast(received.packets.length, packets - 2)
    if (repaired.missed === 0) assert.isTrue(areFromSample(received.packets.map(({ bytes }) => bytes)))
    assert.strictEqual(Tools.run(context, "ffmpeg", "-v", "warning", "-i", repaired.file, "-f", "null", "-"), "")
    // ffprobe knows the sender's clock by its encrypted reports. The second of them comes after 5 s.
    assert.include(probed, "Producer Reference Time")
  })
})
