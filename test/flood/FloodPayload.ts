/** What a packet of audio carries: when it was sent, by the monotonic clock, which all processes have in common. Milliseconds. */
export const encode = (sentAtMs: number): Uint8Array => {
  const payload = new Uint8Array(payloadBytes)
  new DataView(payload.buffer).setFloat64(0, sentAtMs)
  return payload
}

/** `undefined`: none of ours. */
export const decode = (payload: Uint8Array): number | undefined =>
  payload.length === payloadBytes
    ? new DataView(payload.buffer, payload.byteOffset, payloadBytes).getFloat64(0)
    : undefined

/** Tiny, but no other packet is as long. */
const payloadBytes = 20
