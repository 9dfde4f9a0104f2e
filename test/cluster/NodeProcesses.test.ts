import { assert, describe, it } from "@effect/vitest"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"

const program = fileURLToPath(new URL("./NodeProgram.ts", import.meta.url))
const calls = Array.from({ length: 200 }, (_, index) => `call-${index}`)

/** Much longer than a take-over, for machines that have other things to do; the figure is printed. Milliseconds. */
const tookMsMax = 5000

/** Three processes start in it, on a machine that may have other things to do. Milliseconds. */
const testTimeoutMs = 60_000

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

class NodeProcess {
  readonly child: ChildProcess
  #asked = 0

  constructor(database: string) {
    this.child = fork(program, [database], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      // Neither is what the node is told.
      env: { ...process.env, HOST: "192.0.2.1", PORT: "1" },
      stdio: ["ignore", "inherit", "inherit", "ipc"]
    })
  }

  ask<A>(question: object): Promise<A> {
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      const listen = (answer: {
        readonly id: number
        readonly result: { readonly _tag: string; readonly value: A }
      }) => {
        if (answer.id !== id) return
        this.child.off("message", listen)
        if (answer.result._tag === "Success") resolve(answer.result.value)
        else reject(new Error(JSON.stringify(answer.result)))
      }
      this.child.on("message", listen)
      this.child.send({ ...question, id })
    })
  }

  holds(): Promise<ReadonlyArray<string>> {
    return this.ask({ ask: "holds", calls })
  }
}

const cluster = (size: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const directory = mkdtempSync(join(tmpdir(), "tandem-cluster-"))
      const nodes = Array.from({ length: size }, () => new NodeProcess(`sqlite:${join(directory, "cluster.db")}`))
      await Promise.all(nodes.map(({ child }) => once(child, "message")))
      const settled = async () => {
        const held = await Promise.all(nodes.map((node) => node.holds()))
        return held.flat().length === calls.length && held.every(({ length }) => length > 0)
      }
      while (!(await settled())) await pause(50)
      // A runner that has just acquired shards acquires no more for a second.
      await pause(1100)
      return { directory, nodes }
    }),
    ({ directory, nodes }) =>
      Effect.promise(async () => {
        for (const { child } of nodes) {
          if (child.exitCode !== null || child.signalCode !== null) continue
          child.kill("SIGKILL")
          await once(child, "exit")
        }
        rmSync(directory, { recursive: true })
      })
  )

/** Lets a call's node die as `signal` does it, and measures until the call answers another. Milliseconds. */
const takeOver = (signal: NodeJS.Signals) =>
  Effect.gen(function* () {
    const { nodes } = yield* cluster(3)
    const [asking, dying] = nodes
    return yield* Effect.promise(async () => {
      const call = (await dying!.holds())[0]!
      assert.strictEqual(await asking!.ask<number>({ ask: "join", call, index: 1 }), 1)
      const exited = once(dying!.child, "exit")
      const atMs = performance.now()
      dying!.child.kill(signal)
      const participants = await asking!.ask<number>({ ask: "join", call, index: 2 })
      const tookMs = performance.now() - atMs
      assert.strictEqual(participants, 2)
      if (signal === "SIGTERM") await exited
      return { tookMs: Math.round(tookMs), exitedMs: Math.round(performance.now() - atMs) }
    })
  }).pipe(Effect.scoped)

describe("three processes over one SQLite file", () => {
  for (const signal of ["SIGKILL", "SIGSTOP", "SIGTERM"] as const) {
    it.live(
      `after ${signal} to a call's node the call answers again, with all who have joined`,
      () =>
        Effect.gen(function* () {
          const { exitedMs, tookMs } = yield* takeOver(signal)
          console.log(
            `${signal}: answered after ${tookMs} ms${signal === "SIGTERM" ? `, exited after ${exitedMs} ms` : ""}`
          )
          assert.isBelow(tookMs, tookMsMax)
          if (signal === "SIGTERM") assert.isBelow(exitedMs, tookMsMax)
        }),
      testTimeoutMs
    )
  }
})
