import { assert, describe, it } from "@effect/vitest"
import { setImmediate as nextTurn } from "node:timers/promises"
import * as BatchedWires from "./BatchedWires.ts"
import * as DgramWires from "./DgramWires.ts"
import { pollWhile, type Wire, type Wires } from "./Wire.ts"

const kinds: ReadonlyArray<readonly [name: string, make: () => Wires]> = [
  // Sockets of Node where the system has no others.
  ["batched", BatchedWires.make],
  ["dgram", () => DgramWires.make("a test")]
]

const placeOf = ({ address }: Wire) => ({ host: "127.0.0.1", port: address[0]! })

/** What a wire hears, as texts. */
const heardBy = (wire: Wire, { inbox }: Wires) => {
  const heard: Array<string> = []
  wire.onDatagram = (offset, end) => heard.push(Buffer.from(inbox.bytes.subarray(offset, end)).toString())
  return heard
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await nextTurn()
}

/** Longer than one message that the kernel cuts may have. */
const packets = 150
const textOf = (packet: number) => `packet ${String(packet).padStart(3, "0")}`

for (const [name, make] of kinds) {
  describe(`Wires, ${name}`, () => {
    it("carry single datagrams, packets in one go, and frames, in their order", async (context) => {
      const wires = make()
      context.onTestFinished(wires.closeAll)
      const receiver = await wires.open(undefined)
      const sender = await wires.open(placeOf(receiver))
      const heard = heardBy(receiver, wires)
      const train = sender.prepare(textOf(0).length, packets)
      for (let i = 0; i < packets; i++) train.bytes.set(Buffer.from(textOf(i)), i * train.packetBytes)
      sender.send(Buffer.from("first"))
      train.send(3, false)
      train.send(packets, true)
      await pollWhile(
        wires,
        until(() => heard.length === 4 + packets)
      )
      const all = Array.from({ length: packets }, (_, i) => textOf(i))
      assert.deepStrictEqual(heard, ["first", ...all.slice(0, 3), ...all])
      assert.include([0, undefined], wires.dropped())
    })

    it("hear their relay alone", async (context) => {
      const wires = make()
      context.onTestFinished(wires.closeAll)
      const [relay, stranger] = [await wires.open(undefined), await wires.open(undefined)]
      const device = await wires.open(placeOf(relay))
      const [atDevice, atStranger] = [heardBy(device, wires), heardBy(stranger, wires)]
      const toDevice = await wires.open(placeOf(device))
      const toStranger = await wires.open(placeOf(stranger))
      toDevice.send(Buffer.from("for the device"))
      toStranger.send(Buffer.from("for the stranger"))
      await pollWhile(
        wires,
        until(() => atStranger.length > 0)
      )
      assert.deepStrictEqual([atDevice, atStranger], [[], ["for the stranger"]])
    })
  })
}
