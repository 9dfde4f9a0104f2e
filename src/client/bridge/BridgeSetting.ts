import type { RtpClient } from "../RtpClient.ts"

/** What all streams of a bridge have in common. */
export interface BridgeSetting {
  readonly client: RtpClient
  /** IP address of the bridge's local ports. Datagrams from another one are not taken. */
  readonly host: string
  /** Programs encrypt RTCP: theirs passes whole, and none is made here. */
  readonly srtcp: boolean
  /** Monotonic. Milliseconds. */
  readonly nowMs: () => number
  /** Wall clock, for sender reports: milliseconds since 1970. */
  readonly unixMs: () => number
}
