import * as PinnedProcess from "../PinnedProcess.ts"
import type { Answer } from "./DgramForwarder.ts"
import type { Relay } from "./Relay.ts"

const program = `${import.meta.dirname}/DgramForwarder.ts`

/** Node's own UDP socket and nothing else. */
export const relay: Relay = {
  name: "plain dgram",
  language: "plain",
  start: async ({ core }) => {
    const forwarder = PinnedProcess.start({ name: relay.name, command: [process.execPath, program], core })
    const { port } = await PinnedProcess.nextMessage<Answer>(forwarder)
    return {
      pid: forwarder.child.pid!,
      place: { host: "127.0.0.1", port },
      packetsOut: async () => {
        const answered = PinnedProcess.nextMessage<Answer>(forwarder)
        forwarder.child.send("counters")
        return (await answered).packetsOut
      },
      end: () => PinnedProcess.end(forwarder)
    }
  }
}
