import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import type * as CallToken from "../../../src/access/CallToken.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as RtpHeader from "../../../src/protocol/RtpHeader.ts"
import * as Stun from "../../../src/protocol/Stun.ts"
import * as Raw from "../../server/RawDevice.ts"
import * as Dice from "../Dice.ts"
import { hold, show } from "../Target.ts"
import * as RelayProcess from "./RelayProcess.ts"

/** A relay, and devices that say exactly what they are told, each from two addresses; and what the relay should know of them. */

export const calls = ["red", "blue"]
export const devicesMax = 4

/** A leg as the device and the model have it. */
export interface Leg {
  readonly call: number
  readonly relayTag: number
  readonly deviceTag: number
  readonly epoch: number
  readonly ticket: Uint8Array
  /** Which of the device's addresses the relay sends to. */
  at: number
  /** Declared with the join; a resume goes on with it. */
  readonly ssrc: number
  nextFrame: number
  /** The highest counter that the relay has taken in it. */
  counter: number
  /** Of the subscription that the relay has. */
  subscriptionVersion: number | undefined
  /** When the relay has heard of the device last, by something new and its own. Milliseconds. */
  heardAtMs: number
}

export interface Device {
  readonly index: number
  readonly addresses: ReadonlyArray<string>
  readonly ports: ReadonlyArray<Effect.Success<ReturnType<typeof Raw.open>>>
  readonly tokens: ReadonlyArray<CallToken.CallToken>
  /** By address. */
  readonly cookies: Map<number, Uint8Array>
  /** Of earlier legs. */
  readonly oldTickets: Array<{ readonly ticket: Uint8Array; readonly epoch: number; readonly call: number }>
  leg: Leg | undefined
  counter: number
  /** Legs asked for. */
  tags: number
  /** It says nothing by itself: no pings, no acknowledgements. */
  isSilent: boolean
}

/** A datagram that somebody has captured. */
export interface Captured {
  readonly device: number
  readonly port: number
  readonly bytes: Uint8Array
}

interface Answer {
  readonly message: ControlMessage.ControlMessage
  readonly bytes: Uint8Array
  readonly isSigned: boolean
}

/** The device's choice for the next leg: another for each. */
export const tagOf = ({ index, tags }: Device): number => 1_000_000 * (index + 1) + tags

/** Of the stream that it declares with its next join. */
export const ssrcOf = ({ index, tags }: Device): number => 1000 * (index + 1) + tags

/** Where the header of a message has its transaction id. Bytes. */
const transactionIdOffset = 8
/** Long enough for an answer and what follows from it. Milliseconds. */
const settleMs = 60

export type SessionWorld = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (seed: number) {
  const relay = yield* RelayProcess.make(seed)
  const starting = yield* Effect.forkChild(relay.start, { startImmediately: true })
  while (starting.pollUnsafe() === undefined) yield* TestClock.adjust(10)
  const draw = Dice.ofCase(seed, "sessions", 0)
  const devices: Array<Device> = []
  for (let index = 0; index < devicesMax; index++) {
    const addresses = [`10.0.1.${index + 1}:5000`, `10.0.2.${index + 1}:5000`]
    devices.push({
      index,
      addresses,
      ports: yield* Effect.forEach(addresses, Raw.open),
      tokens: yield* Effect.forEach(calls, (call) => Raw.mint(`p${index}`, call, 86_400)),
      cookies: new Map(),
      oldTickets: [],
      leg: undefined,
      counter: 0,
      tags: 0,
      isSilent: false
    })
  }
  const captured: Array<Captured> = []
  let nowMs = 0

  const pass = Effect.fnUntraced(function* (ms: number) {
    yield* TestClock.adjust(ms)
    nowMs += ms
  })

  const keyOf = (device: Device): Uint8Array => device.tokens[device.leg?.call ?? 0]!.key

  const sendBytes = Effect.fnUntraced(function* (device: Device, port: number, bytes: Uint8Array) {
    captured.push({ device: device.index, port, bytes })
    yield* device.ports[port]!.sendBytes(bytes)
  })

  /** Everything that has come to a device: its roster is acknowledged, the rest is returned. */
  const take = Effect.fnUntraced(function* (device: Device) {
    const answers: Array<Answer> = []
    const media: Array<{ readonly bytes: Uint8Array; readonly port: number }> = []
    for (const [port, { received }] of device.ports.entries()) {
      for (const bytes of received.splice(0)) {
        if (!Stun.isControl(bytes[0]!)) {
          if (HopFrame.isMedia(HopFrame.typeAt(bytes, 0))) media.push({ bytes, port })
          continue
        }
        const { integrity, message } = Result.getOrThrow(ControlMessage.decode(bytes))
        const { leg } = device
        if (message._tag !== "RosterDirective") answers.push({ message, bytes, isSigned: integrity !== undefined })
        else if (!device.isSilent && leg !== undefined && message.legTag === leg.deviceTag) {
          const { counter, transactionId } = message
          yield* sendBytes(
            device,
            leg.at,
            Raw.signed({ _tag: "DirectiveSuccess", transactionId, counter }, keyOf(device))
          )
          leg.heardAtMs = nowMs
        }
      }
    }
    return { answers, media }
  })

  /** Sends something from one of a device's addresses, and returns the answers to it. */
  const exchange = Effect.fnUntraced(function* (device: Device, port: number, bytes: Uint8Array) {
    yield* take(device)
    yield* sendBytes(device, port, bytes)
    yield* pass(settleMs)
    const { answers } = yield* take(device)
    for (const { bytes: answer, isSigned, message } of answers) {
      const isShort = isSigned || message._tag === "BindingSuccess" || answer.length <= bytes.length
      hold(isShort, "nothing unsigned is longer than its question", () =>
        show([message._tag, answer.length, bytes.length])
      )
    }
    const id = bytes.slice(transactionIdOffset, Stun.headerBytes).join()
    return answers.flatMap(({ message }) => (message.transactionId.join() === id ? [message] : []))
  })

  const transactionId = (): Uint8Array => Dice.bytes(draw, Stun.transactionIdBytes)

  /** One RTP packet of the device's stream, in a frame of its leg. */
  const frame = (
    device: Device,
    leg: Leg,
    change: { readonly tag?: number; readonly epoch?: number; readonly ssrc?: number }
  ) => {
    const number = leg.nextFrame++ & 0xffff
    const bytes = new Uint8Array(HopFrame.headerBytes + RtpHeader.fixedHeaderBytes + 6)
    const view = new DataView(bytes.buffer)
    const type = HopFrame.typeByte(HopFrame.FrameType.Audio, 0)
    HopFrame.writeHeader(view, 0, type, 127, number, number, change.epoch ?? leg.epoch, change.tag ?? leg.relayTag)
    const ssrc = change.ssrc ?? leg.ssrc
    RtpHeader.writeHeader(view, HopFrame.headerBytes, {
      marker: false,
      payloadType: 111,
      sequenceNumber: number,
      timestamp: number * 960,
      ssrc
    })
    bytes.set(
      [device.index, leg.call, number >>> 8, number, leg.epoch, 7],
      HopFrame.headerBytes + RtpHeader.fixedHeaderBytes
    )
    return bytes
  }

  return {
    relay,
    devices,
    captured,
    draw,
    pass,
    sendBytes,
    take,
    exchange,
    transactionId,
    frame,
    keyOf,
    nowMs: () => nowMs,
    settleMs
  }
})
