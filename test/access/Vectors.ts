import { Arbitrary, Schema } from "effect"
import * as Fs from "node:fs"
import * as KeyRing from "../../src/access/KeyRing.ts"
import { TokenClaims } from "../../src/protocol/TokenClaims.ts"

const Bytes = Schema.Uint8ArrayFromHex

const Vectors = Schema.Struct({
  keyFile: KeyRing.KeyFile,
  token: Schema.Struct({
    claims: TokenClaims,
    claimsBytes: Bytes,
    participantKey: Bytes,
    credential: Schema.String
  }),
  message: Schema.Struct({ unsigned: Bytes, signed: Bytes }),
  cookie: Schema.Struct({
    packedAddress: Schema.Array(Schema.Int),
    secret: Bytes,
    madeAtSeconds: Schema.Int,
    cookie: Bytes
  }),
  ticket: Schema.Struct({
    key: Bytes,
    nonce: Bytes,
    epoch: Schema.Int,
    expiresAtSeconds: Schema.Int,
    sealed: Bytes
  })
})

/** test/vectors/access.json: written with another language's libraries, for those who write clients too. */
export const vectors = Schema.decodeSync(Schema.fromJsonString(Vectors))(
  Fs.readFileSync(new URL("../vectors/access.json", import.meta.url), "utf8")
)

/** The ring of the vectors: its only key has the id "2031-05". */
export const ring = KeyRing.make(vectors.keyFile)

/** A ring of keys with these names, the newest first. Keys of one name are the same wherever they are. */
export const ringOf = (newest: string, ...others: ReadonlyArray<string>): KeyRing.KeyRing => {
  const key = (id: string): KeyRing.FleetKey => ({
    id,
    secret: new Uint8Array(KeyRing.secretBytes).fill(id.charCodeAt(0))
  })
  return KeyRing.make({ keys: [key(newest), ...others.map(key)] })
}

/** The bytes with bit `index` turned over, counted round. */
export const withFlippedBit = (bytes: Uint8Array, index: number): Uint8Array => {
  const bit = index % (bytes.length * 8)
  return bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
}

/** Claims whose ids have an UTF-8 form: a lone surrogate has none. */
export const claims = Arbitrary.schema(TokenClaims).pipe(
  Arbitrary.filter(({ call, participant }) => call.isWellFormed() && participant.isWellFormed())
)
