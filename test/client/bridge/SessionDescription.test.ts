import { assert, describe, it } from "@effect/vitest"
import * as SessionDescription from "../../../src/client/bridge/SessionDescription.ts"

const description: SessionDescription.Description = {
  participant: "ada",
  host: "127.0.0.1",
  ssrc: 22_222,
  kind: "audio",
  codec: "opus",
  clockRate: 48_000,
  payloadType: 111,
  rtpPort: 6000,
  rtcpPort: 6001,
  srtpKey: undefined
}

const lines = (changes: Partial<SessionDescription.Description>) =>
  SessionDescription.format({ ...description, ...changes }).split("\r\n")

describe("session description", () => {
  it("has the two channels that Opus always says", () => {
    assert.include(lines({}), "a=rtpmap:111 opus/48000/2")
    assert.include(lines({}), "m=audio 6000 RTP/AVPF 111")
  })

  it("has the channels that are not the usual ones", () => {
    assert.include(lines({ codec: "l16/2", clockRate: 44_100, payloadType: 99 }), "a=rtpmap:99 L16/44100/2")
    assert.include(lines({ codec: "pcmu", clockRate: 8000, payloadType: 0 }), "a=rtpmap:0 PCMU/8000")
  })

  it("has one channel where the roster says something else", () => {
    assert.include(lines({ codec: "x/many", clockRate: 8000 }), "a=rtpmap:111 X/MANY/8000")
  })

  it("asks for no key frames of audio", () => {
    assert.notInclude(lines({}), "a=rtcp-fb:111 nack pli")
    assert.include(lines({ kind: "video" }), "a=rtcp-fb:111 nack pli")
  })

  it("says that pictures of H.264 may be cut", () => {
    assert.include(lines({ kind: "video", codec: "h264", payloadType: 97 }), "a=fmtp:97 packetization-mode=1")
  })

  it("names the key when the programs encrypt", () => {
    const srtpKey = "AL8pd+qXWoOlPa91bDNcqeIIOIyKq58aFhMRd+qO"
    assert.include(lines({ srtpKey }), "m=audio 6000 RTP/SAVPF 111")
    assert.include(lines({ srtpKey }), `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${srtpKey}`)
  })

  it("knows addresses of IPv6", () => {
    assert.include(lines({ host: "::1" }), "c=IN IP6 ::1")
  })

  it("cannot be broken by the name of a participant", () => {
    const named = lines({ participant: "ada\r\na=evil \u0000b" })
    assert.strictEqual(named.length, lines({}).length)
    assert.include(named, "s=ada a=evil  b")
    assert.include(named, "a=ssrc:22222 cname:ada_a=evil__b")
  })
})
