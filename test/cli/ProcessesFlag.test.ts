import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Os from "node:os"
import * as ProcessesFlag from "../../src/cli/ProcessesFlag.ts"

const several: ProcessesFlag.SeveralRelays = {
  count: 3,
  name: "ams",
  ports: { port: 3478, "admin-port": 0, "cluster-port": 7478 },
  advertised: "[2001:db8::7]:3478",
  args: ["--no-repair"],
  env: { TANDEM_CLUSTER: "sqlite:c.db" }
}

const problem = (change: Partial<ProcessesFlag.SeveralRelays>) =>
  Result.match(ProcessesFlag.relaysOf({ ...several, ...change }), {
    onSuccess: () => "none",
    onFailure: ({ message }) => message
  })

describe("--processes", () => {
  it("is a number, or auto for the cores of the machine", () => {
    assert.deepStrictEqual(ProcessesFlag.parse("1"), Result.succeed(1))
    assert.deepStrictEqual(ProcessesFlag.parse("256"), Result.succeed(256))
    assert.deepStrictEqual(ProcessesFlag.parse("auto"), Result.succeed(Math.min(256, Os.availableParallelism())))
    for (const text of ["0", "257", "-1", "1.5", "", "two", "1e1"]) {
      const { message } = Result.getOrThrow(Result.flip(ProcessesFlag.parse(text)))
      assert.strictEqual(message, `--processes ${text}: use a number from 1 to 256, or auto`)
    }
  })

  it("gives each relay its name and the next ports; free ones stay free", () => {
    const relays = Result.getOrThrow(ProcessesFlag.relaysOf(several))
    assert.deepStrictEqual(
      relays.map(({ name }) => name),
      ["ams-1", "ams-2", "ams-3"]
    )
    const [, , third] = relays
    assert.strictEqual(
      third!.args.join(" "),
      "run --json --stop-with-stdin --processes 1 --relay-id ams-3 --port 3480 --admin-port 0 --cluster-port 7480 " +
        "--advertise [2001:db8::7]:3480 --no-repair"
    )
    assert.deepStrictEqual(third!.env, several.env)
  })

  it("refuses names and ports that not all of them can have", () => {
    assert.strictEqual(problem({}), "none")
    assert.strictEqual(problem({ ports: { ...several.ports, port: 65533 } }), "none")
    assert.strictEqual(
      problem({ ports: { ...several.ports, "admin-port": 65534 } }),
      "--admin-port 65534 has no 3 ports from there: use a lower one"
    )
    assert.match(problem({ advertised: "203.0.113.7:65534" }), /^--advertise 203\.0\.113\.7:65534 has no 3 ports/)
    assert.strictEqual(problem({ name: "x".repeat(62) }), "none")
    assert.match(problem({ name: "x".repeat(63) }), /^--relay-id x+ is too long for 3 relays: use at most 62 bytes/)
  })
})
