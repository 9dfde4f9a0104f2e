import { RunnerAddress } from "effect/cluster"

/** As the cluster writes it where it stores it: "10.0.0.7:7478". */
export const format = ({ host, port }: RunnerAddress.RunnerAddress): string => `${host}:${port}`

/** The port is what follows the last colon: a host may be an IPv6 address. */
export const parse = (text: string): RunnerAddress.RunnerAddress => {
  const colon = text.lastIndexOf(":")
  return RunnerAddress.make(text.slice(0, colon), Number(text.slice(colon + 1)))
}
