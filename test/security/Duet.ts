import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type * as CallToken from "../../src/access/CallToken.ts"
import type * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Specimens from "./Specimens.ts"

/** A call of two raw devices, of which every byte is known, and whether it still is what it was. */

export type Device = Effect.Success<ReturnType<typeof Raw.open>>

/** One of them, as it is in the call. */
export interface Place {
  readonly device: Device
  readonly token: CallToken.CallToken
  readonly ssrc: number
  /** The device's own, in frames from the relay. */
  readonly deviceTag: number
  /** The relay's, in frames to it. */
  legTag: number
  epoch: number
  ticket: Uint8Array
  cookie: Uint8Array
  /** Of the next frame and of the next request. */
  sequence: number
  counter: number
}

export const addresses = { ada: "10.0.0.2:5000", lin: "10.0.0.3:5000" }
/** Somebody who sees everything and has an address of his own. */
export const eveAddress = "10.6.6.6:666"

/** Joins, and has the roster acknowledged. */
export const join = Effect.fnUntraced(function* (
  device: Device,
  options: { readonly name: string; readonly ssrc: number; readonly deviceTag: number }
) {
  const token = yield* Raw.mint(options.name)
  const granted = yield* Raw.join(device, token, { legTag: options.deviceTag, streams: [Raw.audio(options.ssrc)] })
  const { cookie, epoch, legTag, request, ticket } = granted
  const place: Place = { ...options, device, token, legTag, epoch, ticket, cookie, sequence: 0, counter: 10 }
  return { place, request: Raw.signed(request, token.key) }
})

export const ping = (place: Place, cookie?: Uint8Array): Uint8Array =>
  request(place, { _tag: "PingRequest", legTag: place.legTag, ...(cookie && { cookie }) })

/** The first subscription of its device. */
export const subscribe = (place: Place): Uint8Array =>
  request(place, {
    _tag: "SubscribeRequest",
    legTag: place.legTag,
    subscription: { version: 1, wanted: [] }
  })

export const leave = (place: Place): Uint8Array => request(place, { _tag: "LeaveRequest", legTag: place.legTag })

/** With the newest ticket, onto a leg whose device tag is this. */
export const resume = (place: Place, legTag: number): Uint8Array => {
  const { cookie, epoch, ticket } = place
  return request(place, { _tag: "ResumeRequest", ticket, cookie, legTag, epoch })
}

type Unnumbered =
  | Omit<ControlMessage.PingRequest, "transactionId" | "counter">
  | Omit<ControlMessage.SubscribeRequest, "transactionId" | "counter">
  | Omit<ControlMessage.LeaveRequest, "transactionId" | "counter">
  | Omit<ControlMessage.ResumeRequest, "transactionId" | "counter">

const request = (place: Place, message: Unnumbered): Uint8Array =>
  Raw.signed({ ...message, transactionId: Raw.transactionId(), counter: ++place.counter }, place.token.key)

/** The next packet of `from` is heard by `to`, byte for byte, and by nobody else. */
export const speaks = Effect.fnUntraced(function* (from: Place, to: Place, others: ReadonlyArray<Device> = []) {
  const frame = Specimens.hopFrame(HopFrame.FrameType.Audio, from, from.sequence++)
  for (const device of [to.device, ...others]) device.received.length = 0
  yield* from.device.sendBytes(frame)
  yield* TestClock.adjust("50 millis")
  assert.deepStrictEqual(mediaAt(to), [frame.slice(HopFrame.headerBytes)])
  for (const { received } of others) assert.deepStrictEqual(received, [], "nobody else hears it")
})

/** The RTP packets that have come to it, and have not been cleared away. */
export const mediaAt = ({ device, deviceTag }: Place): ReadonlyArray<Uint8Array> =>
  device.received.filter((bytes) => isMediaFrame(bytes, deviceTag)).map((bytes) => bytes.slice(HopFrame.headerBytes))

const isMediaFrame = (bytes: Uint8Array, tag: number): boolean =>
  bytes.length > HopFrame.headerBytes &&
  bytes[0]! >= HopFrame.firstByteMin &&
  HopFrame.isMedia(HopFrame.typeAt(bytes, 0)) &&
  HopFrame.legTagAt(new DataView(bytes.buffer, bytes.byteOffset), 0) === tag

/** Both are heard by each other, where they were. */
export const isUnharmed = Effect.fnUntraced(function* (ada: Place, lin: Place, others: ReadonlyArray<Device> = []) {
  yield* speaks(ada, lin, others)
  yield* speaks(lin, ada, others)
})

/** Keeps both alive while so many seconds pass. */
export const passSeconds = Effect.fnUntraced(function* (seconds: number, ...places: ReadonlyArray<Place>) {
  for (let passed = 0; passed < seconds; passed += 10) {
    for (const place of places) yield* place.device.sendBytes(ping(place))
    yield* TestClock.adjust("10 seconds")
    for (const { device } of places) device.received.length = 0
  }
})
