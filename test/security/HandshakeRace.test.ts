import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import type * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Duet from "./Duet.ts"
import * as Mutations from "./Mutations.ts"
import * as RawPort from "./RawPort.ts"
import * as RelayLife from "./RelayLife.ts"
import * as Specimens from "./Specimens.ts"

/**
 * Enable Security, "A Novel DoS Vulnerability affecting WebRTC Media Servers" (2024): servers that took a foreign
 * ClientHello for the handshake of a call that was being set up lost the call. Here the handshake is the join.
 */

const inWorld = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    RelayLife.during,
    Effect.provide(RelayLife.world),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

/** Another port of ada's own host: the same address to everybody who looks at addresses alone. */
const attackerPort = 6000

describe("handshake race", () => {
  for (const count of [1, 10, 1000]) {
    it.effect(
      `${count} foreign joins, ClientHellos and frames at every moment of a join: the call comes up and stays`,
      () =>
        Effect.gen(function* () {
          const [host] = Duet.addresses.ada.split(":") as [string]
          const attacker = yield* RawPort.open({
            host,
            port: attackerPort,
            relay: Raw.relayAddress,
            received: () => undefined
          })
          const ada = yield* Raw.mint("ada")
          // The attacker knows ada's claims, and guesses the rest; his cookie is good for his own port.
          const cookie = AddressCookie.make(Raw.keyRing, attacker.address, 1_800_000_001)
          const guessed = { token: { ...ada, key: new Uint8Array(32) }, legTag: 11, epoch: 1, ssrc: 1, cookie }
          const specimens = Specimens.specimens(guessed).filter(({ make }) => make(0).length <= 1500)
          const next = Mutations.make(specimens, LegPair.dice(count))
          const attack = Effect.gen(function* () {
            for (let n = 0; n < count; n++) {
              const bytes = n < specimens.length ? specimens[n]!.make(n) : next(n)
              if (!attacker.add(bytes)) {
                yield* attacker.flush
                attacker.add(bytes)
              }
            }
            yield* attacker.flush
            yield* TestClock.adjust("20 millis")
          })

          const devices = { ada: yield* Raw.open(Duet.addresses.ada), lin: yield* Raw.open(Duet.addresses.lin) }
          const { place: lin } = yield* Duet.join(devices.lin, { name: "lin", ssrc: 2, deviceTag: 12 })
          yield* attack
          const join: Omit<ControlMessage.JoinRequest, "transactionId" | "counter"> = {
            _tag: "JoinRequest",
            token: ada.claimsBytes,
            legTag: 11,
            streams: [Raw.audio(1)]
          }
          const request = (counter: number, cookie?: Uint8Array) =>
            Raw.signed({ ...join, transactionId: Raw.transactionId(), counter, ...(cookie && { cookie }) }, ada.key)
          const challenge = Raw.only(yield* devices.ada.answersTo(request(1)), "Challenge")
          yield* attack
          const granted = Raw.only(yield* devices.ada.answersTo(request(2, challenge.cookie)), "JoinSuccess")
          yield* attack
          const place: Duet.Place = {
            device: devices.ada,
            token: ada,
            ssrc: 1,
            deviceTag: 11,
            legTag: granted.legTag,
            epoch: granted.epoch,
            ticket: granted.ticket,
            cookie: challenge.cookie,
            sequence: 0,
            counter: 10
          }
          yield* Duet.passSeconds(20, place, lin)
          for (let n = 0; n < 10; n++) {
            yield* attack
            yield* Duet.isUnharmed(place, lin)
          }
        }).pipe(inWorld),
      60_000
    )
  }
})
