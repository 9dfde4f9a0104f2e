import { assert, describe, it } from "@effect/vitest"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import * as BridgedCall from "./BridgedCall.ts"
import * as Processes from "../cli/Processes.ts"
import * as Programs from "./Programs.ts"
import * as Tools from "./Tools.ts"

describe("coturn's STUN client", { timeout: 60_000 }, () => {
  it("asks with a header alone", async (context) => {
    Tools.need(context, "turnutils_stunclient")
    const asked = createSocket("udp4").bind(0, "127.0.0.1")
    context.onTestFinished(() => void asked.close())
    await once(asked, "listening")
    const port = String(asked.address().port)
    Programs.start(context, import.meta.dirname, ["turnutils_stunclient", "-p", port, "127.0.0.1"])
    const [request] = (await once(asked, "message")) as [Buffer]
    assert.strictEqual(request.length, 20)
  })

  it("is told by a relay where that came from", async (context) => {
    Tools.need(context, "turnutils_stunclient")
    const folder = BridgedCall.temporaryFolder(context)
    const relay = await Processes.startRelay(folder)
    context.onTestFinished(async () => {
      await relay.stop()
    })
    const port = relay.address.split(":").at(-1)!
    const ask = async (host: string) => {
      // It asks once and waits for ever: Programs ends it with the test.
      const client = Programs.start(context, folder, ["turnutils_stunclient", "-L", host, "-p", port, "127.0.0.1"])
      return client.line((line) => /UDP reflexive addr: (.*):(\d+)$/.exec(line) ?? undefined)
    }
    // Two clients with addresses of their own, so that an answer cannot be right by chance.
    const answers = await Promise.all(["127.0.0.2", "127.0.0.3"].map(ask))
    assert.deepStrictEqual(
      answers.map(([, host]) => host),
      ["127.0.0.2", "127.0.0.3"]
    )
    for (const [, , mappedPort] of answers) assert.notStrictEqual(mappedPort, port)
  })
})
