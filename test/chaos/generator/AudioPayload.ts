/** What a packet of audio carries: who has sent it, in which call, and its number; then nothing but length. */
export interface AudioPayload {
  readonly call: number
  readonly member: number
  readonly number: number
}

/** 20 ms of Opus at 32 kbit/s. Bytes. */
export const payloadBytes = 80
const headBytes = 8

export const encode = ({ call, member, number }: AudioPayload): Uint8Array => {
  const payload = new Uint8Array(payloadBytes)
  const view = new DataView(payload.buffer)
  view.setUint16(0, call)
  view.setUint16(2, member)
  view.setUint32(4, number)
  return payload
}

/** `undefined`: none of ours. */
export const decode = (payload: Uint8Array): AudioPayload | undefined => {
  if (payload.length !== payloadBytes) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, headBytes)
  return { call: view.getUint16(0), member: view.getUint16(2), number: view.getUint32(4) }
}
