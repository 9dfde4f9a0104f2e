import { Effect, Stream } from "effect"
import type * as CallToken from "../../src/access/CallToken.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"

/** A call of two, end-to-end encrypted, that goes on while something happens to its relay. */
export interface RunningCall {
  /** Both speak, 50 packets a second each, until it is interrupted. */
  readonly speak: Effect.Effect<never>
  readonly outcome: () => ReadonlyArray<Heard>
}

/** What one of them has heard of the other. */
export interface Heard {
  readonly sent: number
  /** Each once and in order, every byte as it was sent. */
  readonly heard: number
  /** The first packet that was not so. */
  readonly firstWrong: string | undefined
  readonly resumed: number
}

const audioMs = 20
const samplesPerPacket = 960
const payloadBytes = 80

/** Its number, and behind it bytes that no other packet has. */
const payloadOf = (number: number): Uint8Array => {
  const payload = Uint8Array.from({ length: payloadBytes }, (_, at) => (number * 31 + at * 7) & 0xff)
  new DataView(payload.buffer).setUint32(0, number)
  return payload
}

/** The number of a packet that is as it was sent, else -1. */
const numberOf = (payload: Uint8Array): number => {
  if (payload.length !== payloadBytes) return -1
  const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0)
  return payload.every((byte, at) => at < 4 || byte === ((number * 31 + at * 7) & 0xff)) ? number : -1
}

export const start = Effect.fnUntraced(function* (options: {
  readonly relay: string
  readonly members: ReadonlyArray<{ readonly token: CallToken.CallToken; readonly host: string }>
}) {
  const members = yield* Effect.forEach(options.members, ({ host, token }) =>
    CallClient.join({
      relays: [options.relay],
      token,
      streams: [{ kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 }],
      sharedSecret: new Uint8Array(32).fill(3),
      host
    })
  )
  const sent = members.map(() => 0)
  const heard = members.map(() => 0)
  const newest = members.map(() => -1)
  const resumed = members.map(() => 0)
  const firstWrong = members.map((): string | undefined => undefined)

  const hear =
    (listener: number) =>
    ({ participant, payload }: ReceivedPacket) =>
      Effect.sync(() => {
        const number = numberOf(payload)
        if (participant === members[1 - listener]!.participant && number > newest[listener]!) {
          newest[listener] = number
          heard[listener]!++
        } else firstWrong[listener] ??= `${number} of ${participant} after ${newest[listener]}`
      })
  yield* Effect.forEach(members, (member, listener) =>
    Effect.forkScoped(Stream.runForEach(member.packets, hear(listener)))
  )
  yield* Effect.forEach(members, (member, listener) =>
    Effect.forkScoped(
      Stream.runForEach(member.connection, ({ _tag }) =>
        Effect.sync(() => void (_tag === "Resumed" && resumed[listener]!++))
      )
    )
  )

  const say = Effect.forEach(members, (member, speaker) => {
    const number = sent[speaker]!++
    const timestamp = (number * samplesPerPacket) >>> 0
    return member.send(member.streams[0]!, {
      payload: payloadOf(number),
      timestamp,
      marker: false,
      descriptor: 0x9e
    })
  })
  const call: RunningCall = {
    speak: Effect.forever(Effect.andThen(say, Effect.sleep(audioMs))),
    outcome: () =>
      members.map((_, listener) => ({
        sent: sent[1 - listener]!,
        heard: heard[listener]!,
        firstWrong: firstWrong[listener],
        resumed: resumed[listener]!
      }))
  }
  return call
})
