import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as SendFlag from "../../src/cli/SendFlag.ts"
import * as CodecName from "../../src/client/bridge/CodecName.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Offer = Schema.Struct({
  stream: Schema.Literals([
    "video/vp8",
    "video/h264",
    "audio/opus",
    "audio/pcmu",
    "audio/l16",
    "audio/mpeg4-generic",
    "video/mpeg4-generic",
    "audio/x-mine"
  ]),
  channels: integer(1, 8),
  clockRate: integer(1, 999_999_999),
  payloadType: integer(96, 127),
  ssrc: integer(1, 0xffffffff)
})

describe("--send", () => {
  it("reads an rtpmap with kind, payload type and SSRC", () => {
    assert.deepStrictEqual(Result.getOrThrow(SendFlag.parse("video/VP8/90000:96:11111")), {
      kind: "video",
      codec: "vp8",
      clockRate: 90_000,
      payloadType: 96,
      ssrc: 11_111
    })
    assert.deepStrictEqual(Result.getOrThrow(SendFlag.parse("audio/opus/48000/2:111")), {
      kind: "audio",
      codec: "opus",
      clockRate: 48_000,
      payloadType: 111
    })
  })

  it.prop("reads whatever the rtpmap of a stream is", [Offer], ([{ channels, stream, ...offer }]) => {
    const [kind, encodingName] = stream.split("/") as ["audio" | "video", string]
    const codec = CodecName.of(encodingName, channels)
    const text = `${kind}/${CodecName.rtpmapOf(codec, offer.clockRate)}:${offer.payloadType}:${offer.ssrc}`
    assert.deepStrictEqual(Result.getOrThrow(SendFlag.parse(text)), { ...offer, kind, codec })
  })

  it("refuses what cannot be, with one line that says how it is written", () => {
    const wrong: ReadonlyArray<readonly [text: string, words: RegExp]> = [
      ["", /cannot be read/],
      ["vp8", /cannot be read/],
      ["video/VP8/90000", /cannot be read/],
      ["film/VP8/90000:96", /cannot be read/],
      ["video/VP8/90000:96:11111:5", /cannot be read/],
      ["video/VP8/90000:96:", /cannot be read/],
      ["video/VP 8/90000:96", /codec that no rtpmap has/],
      ["video/$(ls)/90000:96", /codec that no rtpmap has/],
      ["video/VP8/0:96", /clock rate or channels of 0/],
      ["audio/L16/44100/0:96", /clock rate or channels of 0/],
      ["video/A-CODEC-WITH-A-LONG-NAME/90000:96", /more than 16 characters/],
      ["video/VP8/90000:128", /payload type 128, but there are 0 to 127/],
      ["video/VP8/90000:72", /payload type 72, which RTCP is told from RTP by/],
      ["video/VP8/90000:96:0", /SSRC 0, but/],
      ["video/VP8/90000:96:4294967296", /SSRC 4294967296, but/]
    ]
    for (const [text, words] of wrong) {
      const { message } = Result.getOrThrow(Result.flip(SendFlag.parse(text)))
      assert.match(message, words)
      assert.match(message, /write KIND\/CODEC\/CLOCKRATE/)
      assert.notInclude(message, "\n")
    }
  })

  it("refuses a well-known codec as what it is not, and says what was meant", () => {
    const meant: ReadonlyArray<readonly [text: string, words: string]> = [
      ["audio/H264/90000:98", "H264 is video: write video/H264/90000:98"],
      ["audio/vp8/90000:96:5", "vp8 is video: write video/vp8/90000:96:5"],
      ["video/opus/48000/2:111", "opus is audio: write audio/opus/48000/2:111"],
      ["video/L16/44100/2:99", "L16 is audio: write audio/L16/44100/2:99"]
    ]
    for (const [text, words] of meant) {
      assert.strictEqual(Result.getOrThrow(Result.flip(SendFlag.parse(text))).message, `--send "${text}": ${words}`)
    }
  })

  it("refuses one SSRC for two streams", () => {
    const twice = SendFlag.parseAll(["video/VP8/90000:96:5", "audio/opus/48000/2:111", "audio/PCMU/8000:0:5"])
    assert.match(Result.getOrThrow(Result.flip(twice)).message, /SSRC 5 is in two --send/)
  })
})
