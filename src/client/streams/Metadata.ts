import * as RtpHeader from "../../protocol/RtpHeader.ts"

/** What relays read in clear of a packet: the fixed RTP header as it is on the wire, then the descriptor. Bytes. */
export const metadataBytes = RtpHeader.fixedHeaderBytes + 1

const scratch = new Uint8Array(metadataBytes)

/** To be authenticated with the payload. `packet` starts with its RTP header. Valid until the next call. */
export const metadataOf = (packet: Uint8Array, descriptor: number): Uint8Array => {
  scratch.set(packet.subarray(0, RtpHeader.fixedHeaderBytes))
  scratch[RtpHeader.fixedHeaderBytes] = descriptor
  return scratch
}
