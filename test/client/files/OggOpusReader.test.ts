import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as OggOpusReader from "../../../src/client/files/OggOpusReader.ts"
import * as OggPage from "../../../src/client/files/OggPage.ts"
import * as OpusHead from "../../../src/client/files/OpusHead.ts"
import { bytesOf, concat, flipped, integer, sized, speech, speechFile } from "../Samples.ts"
import { pageOf, pagesOf } from "./OggPages.ts"

const head = OpusHead.encode({ channels: 1, preSkipSamples: 312, inputSampleRate: 48_000, outputGainDb: -1.5 })
const tags = OpusHead.encodeTags("test")
const ascii = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

const fileOf = (pages: ReadonlyArray<OggPage.OggPage>): Uint8Array => concat(pages.map(OggPage.encode))

/** The error, which is one line. */
const refusal = (file: Uint8Array): readonly [reason: string, message: string] => {
  const { message, reason } = Result.getOrThrow(Result.flip(OggOpusReader.read(file)))
  assert.notInclude(message, "\n")
  assert.include(message, "ffmpeg -i INPUT")
  return [reason, message]
}

describe("OggOpusReader", () => {
  it("reads the sample", () => {
    assert.deepStrictEqual(speech.head, { channels: 1, preSkipSamples: 312, inputSampleRate: 48_000, outputGainDb: 0 })
    assert.strictEqual(speech.packets.length, 501)
    assert.isTrue(speech.packets.every(({ durationSamples }) => durationSamples === 960))
    assert.deepStrictEqual(
      concat(speech.packets.map(({ bytes }) => bytes)),
      concat(
        pagesOf(speechFile)
          .slice(2)
          .map(({ body }) => body)
      )
    )
  })

  it("a file cut short is refused, but for one cut between pages, which is read as far as it goes", () => {
    const pageEnds: Array<number> = []
    for (const page of pagesOf(speechFile)) pageEnds.push((pageEnds.at(-1) ?? 0) + OggPage.pageBytes(page))
    const lengths = new Set(pageEnds.flatMap((end) => [end - 1, end, end + 1, end + 26, end + 27, end + 30]))
    for (let length = 1; length < speechFile.length; length += 211) lengths.add(length)
    for (const length of lengths) {
      const result = OggOpusReader.read(speechFile.subarray(0, length))
      if (pageEnds.indexOf(length) >= 1 || length > speechFile.length) {
        const { packets } = Result.getOrThrow(result)
        assert.deepStrictEqual(packets, speech.packets.slice(0, packets.length))
      } else {
        assert.strictEqual(refusal(speechFile.subarray(0, length))[0], "Truncated", `cut to ${length}`)
      }
    }
    assert.strictEqual(Result.getOrThrow(OggOpusReader.read(speechFile.subarray(0, pageEnds[2]))).packets.length, 50)
  })

  it.prop("every turned bit is noticed", [integer(0, speechFile.length * 8 - 1)], ([bit]) => {
    const [reason] = refusal(flipped(speechFile, bit))
    assert.include(["Damaged", "Truncated", "NotThisFormat"], reason)
  })

  it("a lost page is noticed", () => {
    const pages = pagesOf(speechFile)
    assert.match(refusal(fileOf(pages.toSpliced(4, 1)))[1], /pages are missing/)
  })

  it("packets may cross pages", () => {
    const packets = [1, 254, 255, 256, 510, 60_000].map((length) => bytesOf(length, length).fill(0xf8, 0, 1))
    const lacing = packets.flatMap((packet) => OggPage.lacingOf(packet.length))
    const body = concat(packets)
    const pages = [pageOf([head], { beginsStream: true }), pageOf([tags], { sequenceNumber: 1 })]
    let offset = 0
    for (let start = 0; start < lacing.length; start += 3) {
      const part = Uint8Array.from(lacing.slice(start, start + 3))
      const end = offset + part.reduce((sum, bytes) => sum + bytes, 0)
      const continued = start > 0 && lacing[start - 1] === 255
      pages.push(pageOf([], { sequenceNumber: pages.length, continued, lacing: part, body: body.slice(offset, end) }))
      offset = end
    }
    const file = Result.getOrThrow(OggOpusReader.read(fileOf(pages)))
    assert.deepStrictEqual(
      file.packets.map(({ bytes }) => bytes.slice()),
      packets
    )
    // The last packet has lost its end.
    assert.strictEqual(refusal(fileOf(pages.slice(0, -2)))[0], "Truncated")
    assert.match(refusal(fileOf(pages.with(4, { ...pages[4]!, continued: !pages[4]!.continued })))[1], /lost its/)
  })

  it("says which other codec is inside", () => {
    const starts = ["\x01vorbis", "\x7fFLAC", "Speex   ", "\x80theora", "BBCD\0", "what is this"]
    const messages = starts.map((start) => refusal(fileOf([pageOf([ascii(start)], { beginsStream: true })])))
    const names = ["Vorbis", "FLAC", "Speex", "Theora", "Dirac", "an unknown codec"]
    assert.deepStrictEqual(
      messages.map(([reason]) => reason),
      names.map(() => "OtherCodec")
    )
    for (const [index, name] of names.entries()) assert.include(messages[index]![1], `holds ${name}, not Opus`)
  })

  it("takes the Opus stream out of a file with video", () => {
    const pages = [
      pageOf([ascii("\x80theora")], { beginsStream: true, serialNumber: 2 }),
      pageOf([head], { beginsStream: true }),
      pageOf([bytesOf(300, 1)], { serialNumber: 2, sequenceNumber: 1 }),
      pageOf([tags], { sequenceNumber: 1 }),
      pageOf([bytesOf(300, 2)], { serialNumber: 2, sequenceNumber: 2, endsStream: true }),
      pageOf([Uint8Array.of(0xf8, 1)], { sequenceNumber: 2, endsStream: true })
    ]
    const { head: read, packets } = Result.getOrThrow(OggOpusReader.read(concat([fileOf(pages), ascii("more")])))
    assert.deepStrictEqual(packets, [{ bytes: Uint8Array.of(0xf8, 1), durationSamples: 960 }])
    assert.strictEqual(read.outputGainDb, -1.5)
  })

  it("says what is wrong with a stream of Opus", () => {
    const withHead = (changed: Uint8Array) =>
      refusal(fileOf([pageOf([changed], { beginsStream: true }), pageOf([tags], { sequenceNumber: 1 })]))
    assert.match(withHead(head.with(9, 6))[1], /more than two channels/)
    assert.match(withHead(head.with(18, 1))[1], /more than two channels/)
    assert.match(withHead(head.with(8, 0x10))[1], /unknown version/)
    assert.match(withHead(head.with(9, 0))[1], /identification header/)
    assert.match(withHead(head.slice(0, 18))[1], /identification header/)
    const begun = pageOf([head], { beginsStream: true })
    assert.match(refusal(fileOf([begun, pageOf([head], { sequenceNumber: 1 })]))[1], /no comment header/)
    const empty = pageOf([tags, new Uint8Array(0)], { sequenceNumber: 1 })
    assert.match(refusal(fileOf([begun, empty]))[1], /audio packet 1/)
  })

  it("says when it is no Ogg file at all", () => {
    for (const file of [ascii(""), ascii("RIFF....WAVE"), ascii("OggX"), bytesOf(1000, 1)]) {
      assert.strictEqual(refusal(file)[0], "NotThisFormat")
    }
  })

  it.prop(
    "arbitrary bytes never throw",
    [Schema.Uint8Array, Schema.Boolean],
    ([bytes, begunWell]) => {
      OggOpusReader.read(begunWell ? concat([ascii("OggS\0"), bytes]) : bytes)
    },
    sized(400)
  )

  const AnyPage = Schema.Struct({
    continued: Schema.Boolean,
    beginsStream: Schema.Boolean,
    endsStream: Schema.Boolean,
    sequenceNumber: Schema.Literals([0, 1, 2, 3]),
    packets: Schema.Array(Schema.Union([Schema.Literals(["head", "tags"]), Schema.Uint8Array]))
  })
  const headers = { head, tags }

  it.prop(
    "arbitrary pages never throw",
    [Schema.Array(AnyPage)],
    ([pages]) => {
      const drawn = pages.map(({ packets, ...fields }) =>
        pageOf(
          packets.map((packet) => (typeof packet === "string" ? headers[packet] : packet)),
          fields
        )
      )
      const begun = [pageOf([head], { beginsStream: true }), pageOf([tags], { sequenceNumber: 1 })]
      OggOpusReader.read(fileOf(drawn))
      OggOpusReader.read(fileOf([...begun, ...drawn]))
    },
    sized(40)
  )
})
