import { Option, Result } from "effect"
import * as Os from "node:os"
import { idBytesMax } from "../protocol/Ids.ts"
import type { RelayProcess } from "../server/RelayProcesses.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { BadInput } from "./Failure.ts"

/** More cores than a machine has are of no use. */
const processesMax = 256
const portMax = 65535

/** Reads "4" or "auto". */
export const parse = (text: string): Result.Result<number, BadInput> => {
  if (text === "auto") return Result.succeed(Math.min(Os.availableParallelism(), processesMax))
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= processesMax
    ? Result.succeed(count)
    : Result.fail(new BadInput({ message: `--processes ${text}: use a number from 1 to ${processesMax}, or auto` }))
}

/** Of the first relay; the others have the next ones. 0: each takes free ones. */
export interface FirstPorts {
  readonly port: number
  readonly "admin-port": number
  readonly "cluster-port": number
}

export interface SeveralRelays {
  readonly count: number
  /** Of all: the n-th is NAME-n. */
  readonly name: string
  readonly ports: FirstPorts
  /** Where the first one is reached. */
  readonly advertised: string | undefined
  /** What all are told alike. */
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

const neighbour = (port: number, index: number): number => (port === 0 ? 0 : port + index)

const neighbourAddress = (address: string, index: number): string => {
  const colon = address.lastIndexOf(":")
  return `${address.slice(0, colon)}:${neighbour(Number(address.slice(colon + 1)), index)}`
}

const bad = (message: string) => Result.fail(new BadInput({ message }))

/** The command lines of the relays. */
export const relaysOf = ({ advertised, args, count, env, name, ports }: SeveralRelays) => {
  const last = Object.entries(ports).find(([, port]) => neighbour(port, count - 1) > portMax)
  if (last !== undefined) return bad(`--${last[0]} ${last[1]} has no ${count} ports from there: use a lower one`)
  if (advertised !== undefined && Result.isFailure(PackedAddress.parse(neighbourAddress(advertised, count - 1)))) {
    return bad(`--advertise ${advertised} has no ${count} ports from there: use a lower one`)
  }
  const nameBytesMax = idBytesMax - `-${count}`.length
  if (Buffer.byteLength(name) > nameBytesMax) {
    return bad(`--relay-id ${name} is too long for ${count} relays: use at most ${nameBytesMax} bytes`)
  }
  return Result.succeed(
    Array.from({ length: count }, (_, index): RelayProcess => {
      const id = `${name}-${index + 1}`
      const own = Object.entries(ports).flatMap(([flag, port]) => [`--${flag}`, String(neighbour(port, index))])
      const reached = advertised === undefined ? [] : ["--advertise", neighbourAddress(advertised, index)]
      const alone = ["run", "--json", "--stop-with-stdin", "--processes", "1"]
      return { name: id, args: [...alone, "--relay-id", id, ...own, ...reached, ...args], env }
    })
  )
}

/** A flag that was given, for the command line of another process. */
export const again = (flag: string, value: Option.Option<string | number>): ReadonlyArray<string> =>
  Option.match(value, { onNone: () => [], onSome: (value) => [`--${flag}`, String(value)] })
