import type { RelayProcess } from "./RelayProcess.ts"

/** The sum of the samples of one metric with these labels, in the text format of Prometheus. */
export const sumOf = (text: string, sample: string): number =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${sample} `))
    .reduce((sum, line) => sum + Number(line.slice(sample.length + 1)), 0)

/** Requests that these relays have refused since they were started. */
export const refused = async (relays: ReadonlyArray<RelayProcess>): Promise<number> => {
  const texts = await Promise.all(relays.map(async ({ http }) => (await fetch(`${http}/metrics`)).text()))
  return texts.reduce((sum, text) => sum + sumOf(text, 'tandem_control_total{outcome="refused"}'), 0)
}
