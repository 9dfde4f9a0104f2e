import { Context } from "effect"
import { randomBytes } from "node:crypto"

/**
 * Bytes that nobody can guess: leg tags, transaction ids, SSRCs and key ids are made of them. A simulation provides a
 * seeded source, so that a run is its seed.
 */
export type SecureBytes = (size: number) => Uint8Array

export const SecureBytes = Context.Reference<SecureBytes>("tandem/client/SecureBytes", {
  defaultValue: () => randomBytes
})

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** An unsigned number of 32 bits that `isFree`; 0 is never taken. */
export const drawU32 = (source: SecureBytes, isFree: (value: number) => boolean): number => {
  while (true) {
    const value = viewOf(source(4)).getUint32(0)
    if (value !== 0 && isFree(value)) return value
  }
}

export const drawU16 = (source: SecureBytes): number => viewOf(source(2)).getUint16(0)

export const drawU64 = (source: SecureBytes): bigint => viewOf(source(8)).getBigUint64(0)
