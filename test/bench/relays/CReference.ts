import { spawnSync } from "node:child_process"
import * as PinnedProcess from "../PinnedProcess.ts"
import { NotAvailable, type Relay } from "./Relay.ts"
import * as TemporaryFolder from "./TemporaryFolder.ts"
import * as UdpQuestion from "./UdpQuestion.ts"

const source = `${import.meta.dirname}/../reference/relay.c`
/** A call's name that begins so is a question. */
const question = Uint8Array.of(0)

const compile = (program: string): void => {
  const { error, status, stderr } = spawnSync("cc", ["-O2", "-Wall", "-Wextra", "-o", program, source])
  if (error !== undefined && "code" in error && error.code === "ENOENT") {
    throw new NotAvailable("no C compiler: install gcc")
  }
  if (error !== undefined || status !== 0) throw new Error(`cc does not compile ${source}: ${error ?? stderr}`)
}

const relayOf = (name: string, flags: ReadonlyArray<string>): Relay => ({
  name,
  language: "plain",
  start: async ({ core }) => {
    const folder = TemporaryFolder.make()
    const program = `${folder.path}/relay`
    compile(program)
    const forwarder = PinnedProcess.start({ name, command: [program, ...flags], core })
    const { port } = JSON.parse(await PinnedProcess.firstLine(forwarder, "{")) as { readonly port: number }
    const place = { host: "127.0.0.1", port }
    return {
      pid: forwarder.child.pid!,
      place,
      packetsOut: async () => {
        const answer = await UdpQuestion.ask(name, place, question)
        return (JSON.parse(answer.toString()) as { readonly packetsOut: number }).packetsOut
      },
      end: async () => {
        await PinnedProcess.end(forwarder)
        folder.remove()
      }
    }
  }
})

/** What all others are compared with: 64 datagrams in one system call, and nothing else. */
export const relay = relayOf("C", [])

/** The same with datagrams that the kernel puts together and cuts: for what comes in runs. */
export const withSegments = relayOf("C, GRO and GSO", ["gro"])
