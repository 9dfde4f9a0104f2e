import type { StreamKind } from "../../protocol/StreamDescription.ts"
import * as CodecName from "./CodecName.ts"
import type { PortNumbers } from "./LocalPortPair.ts"

/** What a player has to know of a stream before it comes. */
export interface Description extends PortNumbers {
  /** Whose stream it is. */
  readonly participant: string
  /** Where the player is: an IP address. */
  readonly host: string
  readonly ssrc: number
  readonly kind: StreamKind
  readonly codec: string
  readonly clockRate: number
  readonly payloadType: number
  /** Master key and salt of SRTP, 30 bytes in base64; `undefined`: packets are not encrypted. */
  readonly srtpKey: string | undefined
}

/**
 * The session description of one stream, RFC 8866, as a file for players. Encryption is described as in RFC 4568, feedback
 * as in RFC 4585.
 */
export const format = (description: Description): string => {
  const { clockRate, codec, host, kind, participant, payloadType, rtcpPort, rtpPort, srtpKey, ssrc } = description
  const family = host.includes(":") ? "IP6" : "IP4"
  const text = participant.replace(/\p{C}+/gu, " ")
  const lines = [
    "v=0",
    `o=- ${ssrc} 1 IN ${family} ${host}`,
    `s=${text}`,
    `c=IN ${family} ${host}`,
    "t=0 0",
    `m=${kind} ${rtpPort} RTP/${srtpKey === undefined ? "AVPF" : "SAVPF"} ${payloadType}`,
    `a=rtpmap:${payloadType} ${CodecName.rtpmapOf(codec, clockRate)}`,
    // RFC 6184 section 8.1: without it, pictures of more than a packet could not be.
    ...(codec === "h264" ? [`a=fmtp:${payloadType} packetization-mode=1`] : []),
    `a=rtcp:${rtcpPort}`,
    "a=recvonly",
    `a=ssrc:${ssrc} cname:${text.replaceAll(" ", "_")}`,
    `a=rtcp-fb:${payloadType} nack`,
    ...(kind === "video" ? [`a=rtcp-fb:${payloadType} nack pli`] : []),
    ...(srtpKey === undefined ? [] : [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${srtpKey}`])
  ]
  return `${lines.join("\r\n")}\r\n`
}
