import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import * as Dgram from "node:dgram"
import { once } from "node:events"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as SystemCalls from "../../../src/sockets/batched/SystemCalls.ts"
import * as Processes from "../../cli/Processes.ts"
import { skip } from "../../interop/Tools.ts"
import * as Raw from "../../server/RawDevice.ts"

const program = Path.join(import.meta.dirname, "LifetimeProgram.ts")

/** What a process has seen that parts with its batched ports in this way, and how it ended. */
const part = async (context: TestContext, way: string) => {
  needBatched(context)
  const child = spawn(process.execPath, [program, way], { stdio: ["ignore", "pipe", "pipe"] })
  const [{ exitCode, stderr, stdout }, [, signal]] = await Promise.all([Processes.ended(child), once(child, "exit")])
  assert.isNull(signal, `ended by ${String(signal)}: ${stderr}`)
  return { exitCode, stderr, seen: stdout === "" ? undefined : (JSON.parse(stdout) as unknown) }
}

/** A relay that says that it is ready answers. Milliseconds. */
const answerMsMax = 5000

const needBatched = (context: TestContext): void => {
  const calls = SystemCalls.load()
  if ("reason" in calls) skip(context, calls.reason)
}

/** Until a relay has answered the first of the datagrams that flow to it from now on, as long as the test runs. */
const flood = async (context: TestContext, address: string) => {
  const [host, port] = address.split(":") as [string, string]
  const socket = Dgram.createSocket("udp4")
  const media = new Uint8Array(1200).fill(HopFrame.firstByteMin)
  const flow = setInterval(() => {
    for (let n = 0; n < 50; n++) socket.send(n === 0 ? Raw.binding() : media, Number(port), host)
  }, 1)
  context.onTestFinished(() => {
    clearInterval(flow)
    socket.close()
  })
  await once(socket, "message", { signal: AbortSignal.timeout(answerMsMax) })
}

describe.concurrent("parting with batched ports never aborts the process", () => {
  it("interrupted while it waits, closed while datagrams arrive, opened and closed two hundred times", async (context) => {
    const { exitCode, seen, stderr } = await part(context, "scopes")
    assert.strictEqual(exitCode, 0, stderr)
    const { after, before, closedWhileDatagramsArrive, interruptedInPull, interruptedInSend } = seen as {
      readonly interruptedInPull: number
      readonly interruptedInSend: number
      readonly closedWhileDatagramsArrive: number
      readonly before: { readonly descriptors: number; readonly callbacks: number }
      readonly after: { readonly descriptors: number; readonly callbacks: number }
    }
    assert.deepStrictEqual(after, before, "what was opened has been closed")
    assert.isAtLeast(before.callbacks, 1)
    assert.strictEqual(interruptedInPull, 20)
    assert.strictEqual(interruptedInSend, 20 * 3, "an interrupted send counts what it drops")
    assert.isAbove(closedWhileDatagramsArrive, 100)
  })

  it("process.exit while somebody waits ends with its code", async (context) => {
    const { exitCode, stderr } = await part(context, "exit")
    assert.strictEqual(exitCode, 3, stderr)
  })

  it("an exception that nobody catches ends the process as it always does", async (context) => {
    const { exitCode, stderr } = await part(context, "uncaught")
    assert.strictEqual(exitCode, 1, stderr)
    assert.include(stderr, "nobody catches this")
  })

  it("an exception of who is woken becomes one that nobody catches, and does not cross into C", async (context) => {
    const { exitCode, stderr } = await part(context, "woken")
    assert.strictEqual(exitCode, 1, stderr)
    assert.include(stderr, "woken in a bad mood")
  })

  it("a worker gets the portable socket with the reason, and may be ended from outside", async (context) => {
    const { exitCode, seen, stderr } = await part(context, "worker")
    assert.strictEqual(exitCode, 0, stderr)
    const { reason, socket } = seen as { readonly reason: string; readonly socket: string }
    assert.include(reason, "this is a worker")
    assert.strictEqual(socket, `portable, one system call a packet: ${reason}`)
  })

  for (const kind of ["batched", "portable"]) {
    it(`SIGTERM to a relay with the ${kind} socket, while datagrams flow, ends with exit code 0`, async (context) => {
      if (kind === "batched") needBatched(context)
      const relay = await Processes.startRelay(Processes.temporaryFolder(), "--socket", kind)
      try {
        await flood(context, relay.address)
      } finally {
        assert.strictEqual(await relay.stop(), 0)
      }
    })
  }
})
