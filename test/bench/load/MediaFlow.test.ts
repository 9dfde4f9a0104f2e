import { assert, describe, it } from "@effect/vitest"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as MediaFlow from "./MediaFlow.ts"
import type { Participant } from "./Participant.ts"
import { makeInbox, type Wire } from "./Wire.ts"

/** Not a multiple of 4, so that there are bytes behind the last whole word. */
const payloadBytes = 203

const nothing = async () => {}

/** A stream whose datagrams go into an array instead of a socket. */
const setUp = ({ framePackets = 1 } = {}) => {
  const sent: Array<Buffer> = []
  /** How many packets went out in one go, and whether as a frame. */
  const goes: Array<readonly [packets: number, isFrame: boolean]> = []
  const sending: Wire = {
    address: new Uint32Array(5),
    onDatagram: () => {},
    send: () => {},
    prepare: (packetBytes, packetsMax) => {
      const bytes = new Uint8Array(packetBytes * packetsMax)
      const send = (packets: number, isFrame: boolean) => {
        goes.push([packets, isFrame])
        for (let i = 0; i < packets; i++) sent.push(Buffer.from(bytes.slice(i * packetBytes, (i + 1) * packetBytes)))
      }
      return { packetBytes, bytes, view: new DataView(bytes.buffer), send }
    }
  }
  const sender: Participant = {
    sending,
    address: sending.address,
    headerBytes: HopFrame.headerBytes,
    writeHeader: (view, offset, _packetBytes, place) => view.setUint32(offset, 0xc000_0000 | place),
    onPacket: () => {},
    join: nothing,
    poll: () => {},
    leave: nothing
  }
  const tally = MediaFlow.makeTally()
  const options = { sender, ssrc: 7, receivers: 1, payloadBytes, framePackets, runPackets: 4, rememberedPackets: 8 }
  const flow = MediaFlow.make(options)
  const arrivals = MediaFlow.makeArrivals(flow)
  const inbox = makeInbox(1)
  const receive = (datagram: Uint8Array, nowMs = 150) => {
    inbox.bytes.set(datagram)
    return MediaFlow.receive(arrivals, inbox, HopFrame.headerBytes, datagram.length, nowMs, tally)
  }
  const send = (packets: number, nowMs: number) => MediaFlow.send(flow, packets, nowMs, tally)
  const writeOff = () => MediaFlow.writeOff(arrivals, tally)
  return { goes, receive, send, sent, tally, writeOff }
}

/** Three packets, each for itself. */
const setUpThree = () => {
  const scene = setUp()
  for (let n = 0; n < 3; n++) scene.send(1, 100 + 20 * n)
  return scene
}

describe("MediaFlow", () => {
  it("takes in what was sent, and says how long it was under way", () => {
    const { receive, sent, tally } = setUpThree()
    assert.deepStrictEqual(
      sent.map((datagram) => receive(datagram)),
      [50, 30, 10]
    )
    assert.deepStrictEqual(tally, { sent: 3, received: 3, wrong: 0, missed: 0 })
  })

  it("sees one changed bit anywhere behind the hop header", () => {
    const { receive, sent, tally } = setUpThree()
    const [datagram] = sent
    let changed = 0
    for (let bit = 8 * HopFrame.headerBytes; bit < 8 * datagram!.length; bit++) {
      const other = Buffer.from(datagram!)
      other[bit >> 3]! ^= 1 << (bit % 8)
      assert.strictEqual(receive(other), -1, `bit ${bit}`)
      changed++
    }
    assert.strictEqual(changed, 8 * (12 + payloadBytes))
    assert.deepStrictEqual(tally, { sent: 3, received: 0, wrong: changed, missed: 0 })
    assert.strictEqual(receive(datagram!), 50)
  })

  it("sees what comes twice, late, too short or too long", () => {
    const { receive, sent, tally } = setUpThree()
    const [first, second, third] = sent as [Buffer, Buffer, Buffer]
    assert.strictEqual(receive(second), 30)
    assert.strictEqual(receive(second), -1)
    assert.strictEqual(receive(first), -1)
    assert.strictEqual(receive(third.subarray(0, -1)), -1)
    assert.strictEqual(receive(Buffer.concat([third, Buffer.of(0)])), -1)
    assert.deepStrictEqual(tally, { sent: 3, received: 1, wrong: 4, missed: 1 })
  })

  it("counts what has not come when a later one comes, and can no longer judge what is too old", () => {
    const { receive, send, sent, tally } = setUp()
    for (let n = 0; n < 10; n++) send(1, 100)
    assert.strictEqual(receive(sent[1]!), -1)
    assert.strictEqual(receive(sent[5]!), 50)
    assert.strictEqual(receive(sent[6]!), 50)
    assert.strictEqual(receive(sent[9]!), 50)
    assert.deepStrictEqual(tally, { sent: 10, received: 3, wrong: 1, missed: 7 })
  })

  it("takes in what was no longer waited for, and counts nothing twice", () => {
    const { receive, send, sent, tally, writeOff } = setUp()
    for (let n = 0; n < 4; n++) send(1, 100)
    receive(sent[0]!)
    writeOff()
    writeOff()
    assert.deepStrictEqual(tally, { sent: 4, received: 1, wrong: 0, missed: 3 })
    assert.strictEqual(receive(sent[2]!), 50)
    assert.deepStrictEqual(tally, { sent: 4, received: 2, wrong: 0, missed: 2 })
    for (let n = 0; n < 3; n++) send(1, 100)
    assert.strictEqual(receive(sent[5]!), 50)
    assert.deepStrictEqual(tally, { sent: 7, received: 3, wrong: 0, missed: 3 })
  })

  it("sends a frame in one go, and says which packet begins and which ends it", () => {
    const { goes, receive, send, sent } = setUp({ framePackets: 3 })
    send(3, 100)
    send(3, 120)
    const { endOfFrameFlag, startOfFrameFlag } = HopFrame
    assert.deepStrictEqual(goes, [
      [3, true],
      [3, true]
    ])
    const frame = [startOfFrameFlag, 0, endOfFrameFlag]
    assert.deepStrictEqual(
      sent.map((datagram) => datagram[3]),
      [...frame, ...frame]
    )
    assert.deepStrictEqual(
      sent.map((datagram) => receive(datagram)),
      [50, 50, 50, 30, 30, 30]
    )
  })

  it("sends single packets that are due together as what they are", () => {
    const { goes, send, sent } = setUp()
    send(4, 100)
    assert.deepStrictEqual(goes, [[4, false]])
    const whole = HopFrame.startOfFrameFlag | HopFrame.endOfFrameFlag
    assert.isTrue(sent.every((datagram) => datagram[3] === whole))
  })

  it("sends another payload in every stream", () => {
    const payloadOf = ({ sent }: ReturnType<typeof setUp>) => sent[0]!.subarray(-100).toString("hex")
    assert.notStrictEqual(payloadOf(setUpThree()), payloadOf(setUpThree()))
  })
})
