import { Clock, Effect, Exit, Scope, Stream } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import type { ConnectionEvent } from "../../src/client/ConnectionEvent.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Raw from "../server/RawDevice.ts"

/** A participant who talks all the time, and notes what it hears. */
export interface SwarmDevice {
  readonly number: number
  readonly call: string
  readonly client: CallClient.CallClient
  readonly received: Array<ReceivedPacket>
  readonly events: Array<{ readonly event: ConnectionEvent; readonly atMs: number }>
  /** Packets that it has sent: each carries its call and its number. */
  said: number
  readonly leave: Effect.Effect<void>
}

const secret = new Uint8Array(32).fill(3)
const audio = { kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 } as const
const packetMs = 20

export const nameOf = (number: number): string => `p${number}`

/** What a packet says: the call that it is of, who has said it, and which of his packets it is. */
export const sayingOf = ({ payload }: ReceivedPacket): string => new TextDecoder().decode(payload)
export const saying = (call: string, number: number, said: number): string => `${call} ${nameOf(number)} ${said}`

export const join = Effect.fnUntraced(function* (
  number: number,
  call: string,
  relays: ReadonlyArray<string>,
  seed: number
) {
  const draw = LegPair.dice(seed ^ (number * 0x85ebca6b))
  const secureBytes: SecureBytes = (size) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256))
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const client = yield* CallClient.join({
    relays,
    token: yield* Raw.mint(nameOf(number), call),
    streams: [audio],
    sharedSecret: secret,
    // Every packet is wanted, however late.
    playoutDelayMs: 300,
    host: `10.0.1.${number}`
  }).pipe(Effect.provideService(SecureBytes, secureBytes), Scope.provide(scope))
  const device: SwarmDevice = {
    number,
    call,
    client,
    received: [],
    events: [],
    said: 0,
    leave: Scope.close(scope, Exit.void)
  }
  const clock = yield* Clock.Clock
  const note = <A>(stream: Stream.Stream<A>, take: (item: A) => void) =>
    Effect.forkIn(
      Stream.runForEach(stream, (item) => Effect.sync(() => take(item))),
      scope
    )
  yield* note(client.packets, (packet) => void device.received.push(packet))
  yield* note(client.connection, (event) => {
    device.events.push({ event, atMs: clock.currentTimeMillisUnsafe() })
  })
  const talk = Effect.suspend(() => {
    const payload = new TextEncoder().encode(saying(call, number, device.said))
    return client.send(client.streams[0]!, {
      payload,
      timestamp: (device.said++ * 960) >>> 0,
      marker: false,
      descriptor: 127
    })
  })
  yield* Effect.forkIn(Effect.forever(Effect.andThen(talk, Effect.sleep(packetMs))), scope)
  return device
})
