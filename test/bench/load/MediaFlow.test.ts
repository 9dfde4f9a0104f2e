import { assert, describe, it } from "@effect/vitest"
import type * as Dgram from "node:dgram"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as MediaFlow from "./MediaFlow.ts"

const payloadBytes = 200

/** A stream whose datagrams go into an array instead of a socket. */
const setUp = () => {
  const sent: Array<Buffer> = []
  const send = (bytes: Buffer, offset: number, length: number) => sent.push(Buffer.from(bytes.subarray(offset, length)))
  const socket = { send } as unknown as Dgram.Socket
  const nothing = async () => {}
  const sender = {
    socket,
    join: nothing,
    leave: nothing,
    poll: () => {},
    packetOffset: () => HopFrame.headerBytes,
    writeHeader: (view: DataView) => view.setUint32(0, 0xc0000000)
  }
  const tally = MediaFlow.makeTally()
  const flow = MediaFlow.make({ sender, ssrc: 7, receivers: 1, payloadBytes })
  const arrivals: MediaFlow.Arrivals = { flow, newest: -1 }
  for (let n = 0; n < 3; n++) MediaFlow.send(flow, 100 + 20 * n, tally)
  const receive = (datagram: Buffer, nowMs = 150) =>
    MediaFlow.receive(arrivals, datagram, HopFrame.headerBytes, nowMs, tally)
  return { sent, tally, receive }
}

describe("MediaFlow", () => {
  it("takes in what was sent, and says how long it was under way", () => {
    const { receive, sent, tally } = setUp()
    assert.deepStrictEqual(
      sent.map((datagram) => receive(datagram)),
      [50, 30, 10]
    )
    assert.deepStrictEqual(tally, { sent: 3, received: 3, wrong: 0 })
  })

  it("sees a change of any byte behind the hop header", () => {
    const { receive, sent, tally } = setUp()
    const [datagram] = sent
    let changed = 0
    for (let at = HopFrame.headerBytes; at < datagram!.length; at++) {
      const other = Buffer.from(datagram!)
      other[at]! ^= 1 << (at % 8)
      assert.strictEqual(receive(other), -1, `byte ${at}`)
      changed++
    }
    assert.deepStrictEqual(tally, { sent: 3, received: 0, wrong: changed })
  })

  it("sees what comes twice, late, too short or too long", () => {
    const { receive, sent, tally } = setUp()
    const [first, second, third] = sent as [Buffer, Buffer, Buffer]
    assert.strictEqual(receive(second), 30)
    assert.strictEqual(receive(second), -1)
    assert.strictEqual(receive(first), -1)
    assert.strictEqual(receive(third.subarray(0, -1)), -1)
    assert.strictEqual(receive(Buffer.concat([third, Buffer.of(0)])), -1)
    assert.deepStrictEqual(tally, { sent: 3, received: 1, wrong: 4 })
  })

  it("sends another payload in every stream", () => {
    const payloadOf = ({ sent }: ReturnType<typeof setUp>) => sent[0]!.subarray(-100).toString("hex")
    assert.notStrictEqual(payloadOf(setUp()), payloadOf(setUp()))
  })
})
