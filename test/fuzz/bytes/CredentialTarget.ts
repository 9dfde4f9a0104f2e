import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as AddressCookie from "../../../src/access/AddressCookie.ts"
import * as CallToken from "../../../src/access/CallToken.ts"
import * as KeyRing from "../../../src/access/KeyRing.ts"
import * as Ticket from "../../../src/access/Ticket.ts"
import * as EndToEndEncryption from "../../../src/client/EndToEndEncryption.ts"
import * as TokenClaims from "../../../src/protocol/TokenClaims.ts"
import { ring, vectors } from "../../access/Vectors.ts"
import { hexOf } from "../../protocol/ControlVectors.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import { mutate, mutateText } from "./Mutation.ts"

/** What a device carries, as bytes. */
type Sealed = "claims" | "ticket" | "cookie"
interface BytesCase {
  readonly kind: Sealed
  readonly bytes: Uint8Array
}

const { claimsBytes, credential } = vectors.token
const nowSeconds = vectors.cookie.madeAtSeconds
const address = Uint32Array.from(vectors.cookie.packedAddress)
const expiresAtSeconds = nowSeconds + 60
const nonce = new Uint8Array(Ticket.nonceBytes).fill(5)

const originals: Readonly<Record<Sealed, Uint8Array>> = {
  claims: claimsBytes,
  ticket: Ticket.seal(ring, { claimsBytes, epoch: 7, expiresAtSeconds }, nonce),
  cookie: AddressCookie.make(ring, address, nowSeconds)
}
const kinds: ReadonlyArray<Sealed> = ["claims", "ticket", "cookie"]

const checkBytes = ({ bytes, kind }: BytesCase): void => {
  const isOriginal = isDeepStrictEqual(bytes, originals[kind])
  switch (kind) {
    case "claims": {
      const claims = TokenClaims.decode(bytes)
      if (Result.isFailure(claims)) return
      // The participant's key is derived from the bytes: two forms of the same claims would be two participants.
      hold(isDeepStrictEqual(TokenClaims.encode(claims.success), bytes), "claims have one form", () =>
        show(claims.success)
      )
      return
    }
    case "ticket":
      hold(Result.isSuccess(Ticket.open(ring, bytes, nowSeconds)) === isOriginal, "a changed ticket opens nothing")
      return
    case "cookie":
      hold(AddressCookie.check(ring, bytes, address, nowSeconds) === isOriginal, "a changed cookie proves nothing")
  }
}

export const sealed = define<BytesCase>({
  name: "credentials",
  about: "claims, tickets and cookies: nothing throws, who changes them has nothing, claims have one form",
  smokeCases: 2500,
  draw: (draw) => {
    const kind = Dice.pick(draw, kinds)
    return { kind, bytes: mutate(draw, originals[kind], Object.values(originals)) }
  },
  check: checkBytes,
  *smaller(input) {
    for (const bytes of Smaller.byteStrings(input.bytes)) yield { ...input, bytes }
  },
  show: ({ bytes, kind }) => `${kind} ${hexOf(bytes)}`
})

const keyFile = JSON.stringify({ keys: [{ id: "2031-05", secret: "A".repeat(43), createdAt: "2031-05-09" }] })
const texts: ReadonlyArray<string> = [credential, keyFile, "B".repeat(43)]
const words = ["tdm1.", ".", "{", "}", "[", "]", '"', ",", '"keys":', '"id":', '"secret":', "null", "A".repeat(43), "="]

const checkText = (text: string): void => {
  const token = CallToken.parseCredential(text)
  if (Result.isSuccess(token)) {
    const again = Result.getOrThrow(CallToken.parseCredential(CallToken.formatCredential(token.success)))
    hold(isDeepStrictEqual(again, token.success), "what is written is read", () => show(token.success))
  } else hold(!token.failure.message.includes("\n"), "a message for people is one line")
  const ring = KeyRing.parse(text)
  if (Result.isFailure(ring)) hold(!ring.failure.message.includes("\n"), "a message for people is one line")
  else hold(KeyRing.newest(ring.success).secret.length === KeyRing.secretBytes, "a key has 32 bytes")
  const secret = EndToEndEncryption.parseSecret(text)
  if (secret === undefined) return
  const again = EndToEndEncryption.parseSecret(EndToEndEncryption.formatSecret(secret))
  hold(isDeepStrictEqual(again, secret), "what is written is read", () => show(secret))
}

export const written = define({
  name: "credential-texts",
  about: "tokens, key files and secrets as text: nothing throws, what is read is written and read alike",
  smokeCases: 1000,
  draw: (draw) => mutateText(draw, Dice.pick(draw, texts), words),
  check: checkText,
  smaller: Smaller.texts,
  show: (text) => JSON.stringify(text)
})
