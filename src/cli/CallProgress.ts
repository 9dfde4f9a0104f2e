import { Effect } from "effect"
import type { CallSummary } from "../client/tracks/CallSummary.ts"
import type { Progress } from "../client/tracks/FileCall.ts"

/** The live line of `tandem call`, on stderr: rewritten in a terminal, a line a second elsewhere. */
export const make = (isShown: boolean) =>
  Effect.sync(() => {
    let before: Progress | undefined
    const isTerminal = process.stderr.isTTY === true
    return {
      show: (progress: Progress) =>
        Effect.sync(() => {
          if (isShown)
            process.stderr.write(isTerminal ? `\r\u001b[K${line(progress, before)}` : `${line(progress, before)}\n`)
          before = progress
        }),
      end: Effect.sync(() => {
        if (isShown && isTerminal && before !== undefined) process.stderr.write("\n")
      })
    }
  })

export const line = (progress: Progress, before: Progress | undefined): string => {
  const { others, seconds, statistics, withheld } = progress
  const { downlink, roundTripMs, traffic } = statistics
  const passed = seconds - (before?.seconds ?? seconds)
  const kbps = (now: number, then: number | undefined) =>
    then === undefined || passed <= 0 ? "-" : `${Math.round(((now - then) * 8) / 1000 / passed)} kbit/s`
  const packets = downlink.packetsReceived + downlink.packetsLost - downlink.packetsRepaired
  return [
    `${seconds.toFixed(0)} s, ${others} ${others === 1 ? "other" : "others"}`,
    `out ${kbps(traffic.bytesSent, before?.statistics.traffic.bytesSent)}`,
    `in ${kbps(traffic.bytesReceived, before?.statistics.traffic.bytesReceived)}`,
    `lost ${percent(downlink.packetsLost, packets)}`,
    `repaired ${percent(downlink.packetsRepaired, downlink.packetsLost)}`,
    `round trip ${roundTripMs === undefined ? "-" : `${roundTripMs.toFixed(0)} ms`}`,
    ...(withheld.length === 0 ? [] : [`relay busy: without ${withheld.join(", ")}`])
  ].join("  ")
}

const percent = (part: number, whole: number): string => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`)

/** What has come of it, for people. */
export const format = ({ files, received, seconds, sent }: CallSummary): string =>
  [
    `${seconds} s`,
    ...sent.map(({ frames, heightPixels, kind, packets }) => {
      const size = heightPixels === null ? "" : ` ${heightPixels} pixels high`
      return `sent ${kind}${size}: ${frames} frames in ${packets} packets`
    }),
    ...received.flatMap(
      ({ frames, kind, packets, packetsMissed, packetsRepaired, packetsUndecryptable, participant }) => [
        `${kind} of ${participant}: ${frames} frames, ${packets} packets, ${packetsRepaired} repaired, ${packetsMissed} missed`,
        ...(packetsUndecryptable === 0
          ? []
          : [
              `${kind} of ${participant}: ${packetsUndecryptable} packets could not be decrypted: is the passphrase the same?`
            ])
      ]
    ),
    ...files.map((file) => `wrote ${file}`)
  ].join("\n")
