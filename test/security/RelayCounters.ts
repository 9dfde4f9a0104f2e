import { Effect } from "effect"

/** What a relay counts, by name and labels as `/metrics` has them. */
export type Counters = ReadonlyMap<string, number>

const text = (url: string) => Effect.promise(() => fetch(url).then((response) => response.text()))

/** The relay's own counters. */
export const read = (adminPort: number): Effect.Effect<Counters> =>
  Effect.map(text(`http://127.0.0.1:${adminPort}/metrics`), (body) => {
    const counters = new Map<string, number>()
    for (const line of body.split("\n")) {
      const value = line.lastIndexOf(" ")
      if (value > 0 && !line.startsWith("#")) counters.set(line.slice(0, value), Number(line.slice(value + 1)))
    }
    return counters
  })

/** Those of `name` whose label has this value, or the one without labels. 0 if it has never counted. */
export const valueOf = (counters: Counters, name: string, label?: string): number => {
  for (const [key, value] of counters) {
    if (key === name || (key.startsWith(`${name}{`) && label !== undefined && key.includes(`="${label}"`))) return value
  }
  return 0
}

/** Datagrams that the relay has taken in or dropped, whatever became of them. */
export const takenIn = (counters: Counters): number =>
  valueOf(counters, "tandem_datagrams_received_total") +
  valueOf(counters, "tandem_dropped_total", "oversized") +
  valueOf(counters, "tandem_dropped_total", "receiveBufferFull")
