/**
 * Wall clock time as sender reports carry it, RFC 3550 section 4: seconds since 1900 and a fraction of 1/2^32 s, 32 bits
 * each; and the durations in 1/65536 s that report blocks carry.
 */
export interface NtpTime {
  readonly seconds: number
  readonly fraction: number
}

/** From 1900 to 1970: 70 years, 17 of them leap years. Seconds. */
const unixEpochSeconds = 2_208_988_800
const two32 = 2 ** 32

/** The time, `unixMs` milliseconds after 1970. From 2036 on, the seconds start anew. */
export const fromUnixMs = (unixMs: number): NtpTime => {
  const msOfSecond = ((unixMs % 1000) + 1000) % 1000
  const seconds = (unixMs - msOfSecond) / 1000 + unixEpochSeconds
  return { seconds: seconds % two32, fraction: Math.floor((msOfSecond * two32) / 1000) }
}

/** The middle 32 bits, by which a report block names the sender report it answers (LSR). */
export const middle32 = ({ fraction, seconds }: NtpTime): number => ((seconds << 16) | (fraction >>> 16)) >>> 0

/** Units of DLSR and of what is computed with it: 1/65536 s. */
const unitsPerMs = 65.536

/** A duration as DLSR has it, in 1/65536 s. Longer than 18 hours: the longest there is. */
export const toDelay = (durationMs: number): number =>
  Math.min(two32 - 1, Math.max(0, Math.round(durationMs * unitsPerMs)))

/** What DLSR says. Milliseconds. */
export const delayMs = (delay: number): number => delay / unitsPerMs
