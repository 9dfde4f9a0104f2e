/** RTP packets with everything that an RTP header may have, as programs make them. */

export interface PacketShape {
  readonly ssrc: number
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly payloadType?: number
  readonly marker?: boolean
  readonly contributingSources?: ReadonlyArray<number>
  /** A multiple of 4 bytes. */
  readonly extension?: Uint8Array
  readonly payload?: Uint8Array
  readonly paddingBytes?: number
}

export const packetOf = (shape: PacketShape): Uint8Array => {
  const { contributingSources = [], extension, paddingBytes = 0, payload = Uint8Array.of(1, 2, 3) } = shape
  const extensionBytes = extension === undefined ? 0 : 4 + extension.length
  const payloadAt = 12 + 4 * contributingSources.length + extensionBytes
  const bytes = new Uint8Array(payloadAt + payload.length + paddingBytes)
  const view = new DataView(bytes.buffer)
  const flags = (paddingBytes > 0 ? 0x20 : 0) | (extension === undefined ? 0 : 0x10)
  bytes[0] = 0x80 | flags | contributingSources.length
  bytes[1] = (shape.marker === true ? 0x80 : 0) | (shape.payloadType ?? 96)
  view.setUint16(2, shape.sequenceNumber)
  view.setUint32(4, shape.timestamp)
  view.setUint32(8, shape.ssrc)
  contributingSources.forEach((source, index) => view.setUint32(12 + 4 * index, source))
  if (extension !== undefined) {
    const at = 12 + 4 * contributingSources.length
    view.setUint16(at, 0xbede)
    view.setUint16(at + 2, extension.length / 4)
    bytes.set(extension, at + 4)
  }
  bytes.set(payload, payloadAt)
  if (paddingBytes > 0) bytes[bytes.length - 1] = paddingBytes
  return bytes
}
