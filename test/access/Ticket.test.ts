import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as Ticket from "../../src/access/Ticket.ts"
import { idBytesMax } from "../../src/protocol/Ids.ts"
import { claimsBytesMax, encode } from "../../src/protocol/TokenClaims.ts"
import { claims, ring, ringOf, vectors, withFlippedBit } from "./Vectors.ts"

const { epoch, expiresAtSeconds, nonce, sealed } = vectors.ticket
const { claimsBytes } = vectors.token
const nowSeconds = expiresAtSeconds - 100
const Bit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
const Epoch = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

const reasonOf = (opened: Result.Result<Ticket.Ticket, Ticket.TicketNotValid>): string =>
  Result.match(opened, { onFailure: ({ reason }) => reason, onSuccess: () => "valid" })

describe("Ticket", () => {
  it("seals what the vectors say", () => {
    assert.deepStrictEqual(Ticket.seal(ring, { claimsBytes, epoch, expiresAtSeconds }, nonce), sealed)
  })

  it.prop("opens as it was sealed", [claims, Epoch], ([claims, epoch]) => {
    const ticket = { claimsBytes: encode(claims), epoch, expiresAtSeconds }
    const opened = Ticket.open(ring, Ticket.seal(ring, ticket, nonce), nowSeconds)
    assert.deepStrictEqual(opened, Result.succeed({ ...ticket, claims }))
  })

  it.prop("does not open with any bit changed", [Bit], ([bit]) => {
    assert.notStrictEqual(reasonOf(Ticket.open(ring, withFlippedBit(sealed, bit), nowSeconds)), "valid")
  })

  it.prop("opening any bytes never throws", [Schema.Uint8Array], ([bytes]) => {
    const opened = Ticket.open(ring, bytes, nowSeconds)
    const behindHead = Uint8Array.of(...sealed.subarray(0, 9), ...bytes)
    assert.isTrue(Result.isFailure(opened))
    assert.isTrue(Result.isFailure(Ticket.open(ring, behindHead, nowSeconds)))
  })

  it("is refused by a fleet with other keys, whatever their names", () => {
    const sameName = KeyRing.make({ keys: [{ id: "2031-05", secret: new Uint8Array(KeyRing.secretBytes) }] })
    assert.strictEqual(reasonOf(Ticket.open(sameName, sealed, nowSeconds)), "Forged")
    assert.strictEqual(reasonOf(Ticket.open(ringOf("may"), sealed, nowSeconds)), "UnknownKey")
  })

  it("opens over a rotation, until its key is taken out", () => {
    const made = Ticket.seal(ringOf("may", "april"), { claimsBytes, epoch, expiresAtSeconds }, nonce)
    assert.strictEqual(reasonOf(Ticket.open(ringOf("june", "may"), made, nowSeconds)), "valid")
    assert.strictEqual(reasonOf(Ticket.open(ringOf("july", "june"), made, nowSeconds)), "UnknownKey")
  })

  it("expires a minute after its time, for clocks differ", () => {
    assert.strictEqual(reasonOf(Ticket.open(ring, sealed, expiresAtSeconds + 60)), "valid")
    assert.strictEqual(reasonOf(Ticket.open(ring, sealed, expiresAtSeconds + 61)), "Expired")
  })

  it("the longest fits the message that carries it", () => {
    const longest = ringOf("k".repeat(idBytesMax))
    const ticket = { claimsBytes: new Uint8Array(claimsBytesMax), epoch, expiresAtSeconds }
    assert.isAtMost(Ticket.seal(longest, ticket, nonce).length, 320)
  })
})
