import { Effect, Layer } from "effect"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { DatagramNetwork, type DatagramPort } from "../../src/sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"

/** Which packets are lost, and how many have been. */
export interface Losses {
  readonly draw: () => number
  readonly ratio: number
  lost: number
}

export const make = (draw: () => number, ratio: number): Losses => ({ draw, ratio, lost: 0 })
export const none = (): Losses => make(() => 1, 0)

/** Media that is sent for the first time: what is sent again always arrives, and so do feedback and control messages. */
const mayBeLost = (batch: PacketBatch.SendBatch, place: number): boolean => {
  const at = place * PacketBatch.headerBytesMax
  const isFrame = batch.headerLengths[place] === HopFrame.headerBytes && batch.headers[at]! >= HopFrame.firstByteMin
  return isFrame && HopFrame.isMedia(HopFrame.typeAt(batch.headers, at)) && !HopFrame.isResend(batch.headers, at)
}

const move = (batch: PacketBatch.SendBatch, from: number, to: number): void => {
  const header = from * PacketBatch.headerBytesMax
  batch.headers.copyWithin(to * PacketBatch.headerBytesMax, header, header + PacketBatch.headerBytesMax)
  batch.headerLengths[to] = batch.headerLengths[from]!
  batch.bodyOffsets[to] = batch.bodyOffsets[from]!
  batch.bodyLengths[to] = batch.bodyLengths[from]!
  batch.dropPrecedence[to] = batch.dropPrecedence[from]!
  PackedAddress.copy(batch.addresses, from, batch.addresses, to)
}

const loseFrom = (port: DatagramPort, losses: Losses): DatagramPort => ({
  ...port,
  send: (batch) =>
    Effect.suspend(() => {
      let kept = 0
      for (let place = 0; place < batch.count; place++) {
        if (mayBeLost(batch, place) && losses.draw() < losses.ratio) losses.lost++
        else move(batch, place, kept++)
      }
      batch.count = kept
      return Effect.andThen(
        port.send(batch),
        Effect.sync(() => PacketBatch.reset(batch))
      )
    })
})

/** A network whose ports lose packets before they are sent. */
export const layer = (losses: Losses): Layer.Layer<DatagramNetwork, never, DatagramNetwork> =>
  Layer.effect(
    DatagramNetwork,
    Effect.map(DatagramNetwork, (network) =>
      DatagramNetwork.of({ open: (options) => Effect.map(network.open(options), (port) => loseFrom(port, losses)) })
    )
  )
