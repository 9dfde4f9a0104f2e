import { assert, describe, it } from "@effect/vitest"
import * as ProgramCommands from "../../src/cli/ProgramCommands.ts"
import type { InputStatistics } from "../../src/client/bridge/BridgeInput.ts"
import type { OutputStatistics } from "../../src/client/bridge/BridgeOutput.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"

const srtpKey = "AL8pd+qXWoOlPa91bDNcqeIIOIyKq58aFhMRd+qO"
const keyInHex = "00bf2977ea975a83a53daf756c335ca9e208388c8aab9f1a16131177ea8e"
const plain = { host: "127.0.0.1", srtpKey: undefined, srtcp: false }

const ports = (rtpPort: number) => ({ rtpPort, rtcpPort: rtpPort + 1 })
const drops = { foreign: 0, oversized: 0, unread: 0, sendFailed: 0 }

const inputOf = (codec: string, ssrc: number): InputStatistics => ({
  stream: { ssrc, kind: "video", codec, clockRate: 90_000, payloadType: 96 },
  bridge: ports(5100),
  packets: 0,
  packetsDuplicate: 0,
  packetsRequested: 0,
  dropped: { malformed: 0, otherSsrc: 0, rtpPort: drops, rtcpPort: drops }
})

const outputOf = (codec: string): OutputStatistics => ({
  participant: ParticipantId.make("ada"),
  stream: new StreamDescription({ ssrc: 11_111, kind: "video", codec, clockRate: 90_000 }),
  payloadType: 96,
  player: ports(6000),
  bridge: ports(40_000),
  packets: 0,
  packetsResent: 0,
  keyFrameRequests: 0,
  playerReport: undefined,
  dropped: { malformed: 0, rtpPort: drops, rtcpPort: drops }
})

/** Every command names all of these. */
const names = (command: string | undefined, ...parts: ReadonlyArray<string>) => {
  for (const part of parts) assert.include(command, part)
  assert.notInclude(command, "undefined")
  assert.notMatch(command!, / {2}|\n/)
}

describe("commands of programs that send", () => {
  it("name ports, payload type and SSRC", () => {
    const [gstreamer, ffmpeg] = ProgramCommands.senders(inputOf("vp8", 11_111), plain, 7001)
    names(gstreamer, "pt=96 ssrc=11111", "host=127.0.0.1 port=5100", "port=5101 bind-port=7001")
    names(gstreamer, "udpsrc address=127.0.0.1 port=7001 ! rtp.recv_rtcp_sink_0")
    names(ffmpeg, "-ssrc 11111 -payload_type 96 -f rtp", `"rtp://127.0.0.1:5100?rtcpport=5101&pkt_size=1200"`)
    assert.notInclude(gstreamer, "srtp")
  })

  it("have SSRCs of 32 bits as each program takes them", () => {
    const [gstreamer, ffmpeg] = ProgramCommands.senders(inputOf("vp8", 4_000_000_000), plain, 7001)
    names(gstreamer, "ssrc=4000000000")
    names(ffmpeg, "-ssrc -294967296")
  })

  it("encrypt RTP, and RTCP if that is wanted", () => {
    const [gstreamer] = ProgramCommands.senders(inputOf("vp8", 1), { ...plain, srtpKey }, 7001)
    names(gstreamer, `srtpenc name=srtp key=${keyInHex}`, "rtp.send_rtcp_src_0 ! udpsink")
    const [withSrtcp, ffmpeg] = ProgramCommands.senders(inputOf("vp8", 1), { ...plain, srtpKey, srtcp: true }, 7001)
    names(withSrtcp, "rtp.send_rtcp_src_0 ! srtp.rtcp_sink_0 srtp.rtcp_src_0 ! udpsink")
    assert.notInclude(withSrtcp, "udpsrc")
    names(ffmpeg, `-srtp_out_params ${srtpKey} "srtp://127.0.0.1:5100`)
  })

  it("are none of ffmpeg where RTP is encrypted and RTCP is not: it cannot", () => {
    const surroundings = { ...plain, srtpKey }
    const commands = [
      ...ProgramCommands.senders(inputOf("vp8", 1), surroundings, 7001),
      ...ProgramCommands.players(outputOf("vp8"), "a.sdp", surroundings)
    ]
    assert.strictEqual(commands.length, 2)
    for (const command of commands) assert.match(command, /^gst-launch-1\.0 /)
    assert.deepStrictEqual(ProgramCommands.senders(inputOf("h264", 1), surroundings, 7001), [])
  })

  it("are those that exist for the codec", () => {
    for (const codec of ["l16/2", "constructor"]) {
      assert.deepStrictEqual(ProgramCommands.senders(inputOf(codec, 1), plain, 7001), [])
    }
    const forH264 = ProgramCommands.senders(inputOf("h264", 1), plain, 7001)
    assert.strictEqual(forH264.length, 1)
    names(forH264[0], "ffmpeg", "libx264")
  })

  it("write addresses of IPv6 as each program reads them", () => {
    const [gstreamer, ffmpeg] = ProgramCommands.senders(inputOf("vp8", 1), { ...plain, host: "::1" }, 7001)
    names(gstreamer, "host=::1 port=5100")
    names(ffmpeg, "rtp://[::1]:5100?")
  })
})

describe("commands of programs that play", () => {
  it("name ports and the description, and wait for repairs", () => {
    const [ffplay, gstreamer] = ProgramCommands.players(outputOf("vp8"), "sdp/ada-11111.sdp", plain)
    names(ffplay, "-max_delay 300000 -i sdp/ada-11111.sdp")
    names(gstreamer, "latency=300", "address=127.0.0.1 port=6000", "encoding-name=VP8,payload=96", "rtpvp8depay")
    names(gstreamer, "port=6001 ! rtp.recv_rtcp_sink_0", "rtp.send_rtcp_src_0 ! udpsink host=127.0.0.1 port=40001")
  })

  it("decrypt what is encrypted", () => {
    const [gstreamer] = ProgramCommands.players(outputOf("vp8"), "a.sdp", { ...plain, srtpKey })
    names(gstreamer, "application/x-srtp,", `srtp-key=(buffer)${keyInHex}`, "ssrc=(uint)11111", "srtcp-cipher=null")
    const [, withSrtcp] = ProgramCommands.players(outputOf("vp8"), "a.sdp", { ...plain, srtpKey, srtcp: true })
    names(withSrtcp, "srtcp-cipher=aes-128-icm")
    assert.notInclude(withSrtcp, "rtcp_sink")
  })

  it("ask for key frames of pictures alone", () => {
    const video = outputOf("vp8")
    const audio = { ...video, stream: new StreamDescription({ ...video.stream, kind: "audio", codec: "opus" }) }
    assert.include(ProgramCommands.players(video, "a.sdp", plain)[1], ",rtcp-fb-nack-pli=true")
    assert.notInclude(ProgramCommands.players(audio, "a.sdp", plain)[1], "nack-pli")
  })

  it("leave a codec that is not known here to the player", () => {
    const [, gstreamer] = ProgramCommands.players(outputOf("av1"), "a.sdp", plain)
    names(gstreamer, "! decodebin !")
  })

  it("are none for the name of a codec that is something to a shell", () => {
    for (const codec of ['"$(ls)"', "`ls`", "a;b", "a&b", "a'b", "vp8/x"]) {
      assert.deepStrictEqual(ProgramCommands.players(outputOf(codec), "a.sdp", plain), [])
    }
  })

  it("quote a path with spaces for the shell", () => {
    const [ffplay] = ProgramCommands.players(outputOf("vp8"), "my calls/o'hara-1.sdp", plain)
    names(ffplay, `-i 'my calls/o'\\''hara-1.sdp'`)
  })
})
