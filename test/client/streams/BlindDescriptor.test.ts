import { assert, describe, it } from "@effect/vitest"
import * as BlindDescriptor from "../../../src/client/streams/BlindDescriptor.ts"
import { audioLevelUnknown, endOfFrameFlag, startOfFrameFlag } from "../../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"

const viewOf = (timestamp: number, marker: boolean) => {
  const payload = Uint8Array.of(1)
  const bytes = RtpHeader.encode({ marker, payloadType: 96, sequenceNumber: 1, timestamp, ssrc: 1, payload })
  return new DataView(bytes.buffer)
}

describe("BlindDescriptor", () => {
  it("tells start and end of a video frame by timestamp and marker, and nothing of key frames", () => {
    const blind = BlindDescriptor.make("video")
    const packets: ReadonlyArray<readonly [timestamp: number, marker: boolean]> = [
      [0, false],
      [0, false],
      [0, true],
      [3000, true],
      [6000, false],
      // The packet with the marker was lost on the way to us.
      [9000, true]
    ]
    assert.deepStrictEqual(
      packets.map(([timestamp, marker]) => BlindDescriptor.handlePacket(blind, viewOf(timestamp, marker))),
      [
        startOfFrameFlag,
        0,
        endOfFrameFlag,
        startOfFrameFlag | endOfFrameFlag,
        startOfFrameFlag,
        startOfFrameFlag | endOfFrameFlag
      ]
    )
  })

  it("knows of audio that it knows nothing", () => {
    const blind = BlindDescriptor.make("audio")
    assert.strictEqual(BlindDescriptor.handlePacket(blind, viewOf(0, true)), audioLevelUnknown)
  })
})
