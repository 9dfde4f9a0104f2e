import { assert, describe, it } from "@effect/vitest"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as BridgedCall from "./BridgedCall.ts"
import * as Capture from "./Capture.ts"
import * as Programs from "./Programs.ts"
import * as Tools from "./Tools.ts"

const ssrc = 33_333
const speech = Path.join(import.meta.dirname, "../../samples/speech.opus")
/** Everybody pings within five seconds. */
const seconds = 7
/** Until what was lost last has been repaired. Milliseconds. */
const lingerMs = 1000

const join = 0x0240
const ping = 0x0242
const leave = 0x0243
const directive = 0x0246
const success = 0x0100
const error = 0x0110
const typeText = (type: number): string => `0x${type.toString(16).padStart(4, "0")}`

const fingerprint = "0x8028"
const integritySha256 = "0x001c"
/** As tshark numbers what it thinks of a checksum. */
const isGood = "1"

const hopHeaderBytes = 12
/** Of the hop header's first byte: two bits, four of the type, resend, gap. */
const isHopFrame = (payload: Buffer): boolean => payload[0]! >> 6 === 3
const isResend = ({ payload }: Capture.CapturedDatagram): boolean => (payload[0]! & 2) !== 0
/** Audio, audio onset and video are the first of the types. */
const isMedia = ({ payload }: Capture.CapturedDatagram): boolean =>
  isHopFrame(payload) && ((payload[0]! >> 2) & 15) <= 2

const wholeOf = ({ payload }: Capture.CapturedDatagram): string => payload.toString("hex")
const behindHopHeader = ({ payload }: Capture.CapturedDatagram): string =>
  payload.subarray(hopHeaderBytes).toString("hex")
/** SSRC of an RTP packet: four bytes from the eighth, two letters each. */
const isOfFfmpeg = (packet: string): boolean => Number.parseInt(packet.slice(16, 24), 16) === ssrc
const unique = (texts: ReadonlyArray<string>): Array<string> => [...new Set(texts)].sort()

/** A call through losses: ffmpeg behind a bridge and a device speak, another bridge gives out both. */
const captureCall = async (context: TestContext) => {
  const capture = await Capture.begin(context)
  const impair = (hop: string) => ["--impair", `loss=0.05,seed=capture ${hop}`]
  const call = await BridgedCall.open(context, [`audio/opus/48000/2:97:${ssrc}`], {
    sending: impair("up"),
    // On the loopback interface what the kernel is to cut is captured uncut.
    relay: [...impair("relay"), "--socket", "portable"],
    receiving: impair("down"),
    within: capture.within
  })
  const device = call.join("call", "ada", "--passphrase", "two words", "--audio", speech)
  const inputPort = call.inputs[0]!.rtpPort
  const source = ["-re", "-i", speech, "-t", String(seconds), "-c:a", "copy"]
  const to = ["-f", "rtp", "-payload_type", "97", "-ssrc", String(ssrc), `rtp://127.0.0.1:${inputPort}`]
  const ffmpeg = ["ffmpeg", "-nostdin", "-loglevel", "error", ...source, ...to] as const
  const { exitCode, stderr } = await Programs.start(context, call.folder, ffmpeg, capture.within).ended
  assert.strictEqual(exitCode, 0, stderr)
  await new Promise((resolve) => setTimeout(resolve, lingerMs))
  await device.stop()
  await call.close()
  const datagrams = await capture.end(call.relayPort)
  return {
    uplink: datagrams.filter(({ to }) => to === call.relayPort),
    downlink: datagrams.filter(({ from }) => from === call.relayPort),
    intoBridge: datagrams.filter(({ to }) => to === inputPort),
    outOfBridge: datagrams.filter(({ to }) => to === call.player.rtpPort)
  }
}

/** tshark takes it for a whole STUN message, with the proof and the checksum that RFC 8489 wants at its end. */
const checkControlMessage = ({ field, to }: Capture.CapturedDatagram): void => {
  const type = Number(field("stun.type")[0])
  const about = `${typeText(type)}: ${field("_ws.expert.message").join("; ")}`
  assert.strictEqual(field("frame.protocols")[0], "eth:ethertype:ip:udp:stun", about)
  assert.isEmpty(field("_ws.malformed"), about)
  // Attributes of our own are all that it does not know.
  for (const message of field("_ws.expert.message")) assert.match(message, /^Unknown attribute 0x5a0[1-9a-d]$/)
  assert.strictEqual(field("stun.att.type").at(-1), fingerprint, about)
  assert.deepStrictEqual(field("stun.att.crc32.status"), [isGood], about)
  // Who has not shown an address gets no proof: there is no room in an answer that must not be larger.
  if ((type & error) !== error) assert.include(field("stun.att.type"), integritySha256, about)
  if (type === (join | success)) {
    assert.deepStrictEqual([field("stun.att.ipv4"), field("stun.att.port")], [["127.0.0.1"], [String(to)]])
  }
}

/** Nothing has come that was not sent, and nothing twice. On a busy machine a repair may be too late. */
const checkUnchanged = (sent: ReadonlyArray<string>, received: ReadonlyArray<string>): void => {
  const known = new Set(sent)
  assert.isEmpty(received.filter((packet) => !known.has(packet)))
  assert.strictEqual(new Set(received).size, received.length)
  assert.isAtLeast(received.length, 0.95 * known.size)
}

describe("a call as tshark sees it", { timeout: 120_000 }, () => {
  it("is STUN and untouched RTP", async (context) => {
    Tools.need(context, "tshark", "ffmpeg")
    const { downlink, intoBridge, outOfBridge, uplink } = await captureCall(context)

    const onTheHops = [...uplink, ...downlink]
    const control = onTheHops.filter(({ payload }) => payload[0]! < 4)
    const hopFrames = onTheHops.filter(({ payload }) => isHopFrame(payload))
    assert.strictEqual(control.length + hopFrames.length, onTheHops.length)
    for (const message of control) checkControlMessage(message)
    for (const { field } of hopFrames) assert.strictEqual(field("frame.protocols")[0], "eth:ethertype:ip:udp:data")
    const expected = [join, join | error, directive, ping, leave].map(typeText)
    const answers = [join, directive, ping, leave].map((request) => typeText(request | success))
    assert.includeMembers(unique(control.map(({ field }) => field("stun.type")[0]!)), [...expected, ...answers])

    const up = uplink.filter(isMedia)
    const down = downlink.filter(isMedia)
    assert.isTrue(up.some(isResend) && down.some(isResend))
    const carried = unique(up.map(behindHopHeader))
    assert.isAbove(carried.filter((packet) => !isOfFfmpeg(packet)).length, 10 * seconds)
    assert.isAbove(carried.filter(isOfFfmpeg).length, 45 * seconds)
    checkUnchanged(intoBridge.map(wholeOf), carried.filter(isOfFfmpeg))
    checkUnchanged(carried, unique(down.map(behindHopHeader)))
    checkUnchanged(intoBridge.map(wholeOf), outOfBridge.map(wholeOf))
  })
})
