import { assert, describe, it } from "@effect/vitest"
import * as ProcessFiles from "./ProcessFiles.ts"

describe("ProcessFiles", () => {
  it("reads user and system time whatever the program is called", () => {
    const behindTheName = "S 1 2 3 0 -1 4194560 100 200 0 0 1234 56 7 8 20 0 7 0 99 1000 2000 18446744073709551615"
    for (const name of ["node", "a b", ") R 9 9 (", "((x))"]) {
      const text = `42 (${name}) ${behindTheName}\n`
      assert.deepStrictEqual(ProcessFiles.parseStat(text), { userSeconds: 12.34, systemSeconds: 0.56 })
    }
  })

  it("reads the time on a processor", () => {
    assert.strictEqual(ProcessFiles.parseSchedstat("1500000000 77 12\n"), 1.5)
  })

  it("reads the resident memory, and says when there is none", () => {
    const status = "Name:\tnode\nVmHWM:\t  999 kB\nVmRSS:\t  138240 kB\nRssAnon:\t 1 kB\n"
    assert.strictEqual(ProcessFiles.parseResidentBytes(status), 138_240 * 1024)
    assert.throws(() => ProcessFiles.parseResidentBytes("Name:\tkthreadd\n"), /VmRSS/)
  })

  it("sees in this process what Node sees", () => {
    const { system, user } = process.cpuUsage()
    const nodeSeconds = (user + system) / 1e6
    const ticks = ProcessFiles.cpuTime(process.pid)
    assert.approximately(ProcessFiles.cpuSeconds(process.pid), nodeSeconds, 0.1)
    assert.approximately(ticks.userSeconds + ticks.systemSeconds, nodeSeconds, 0.1)
    assert.approximately(ProcessFiles.residentBytes(process.pid) / process.memoryUsage.rss(), 1, 0.1)
  })
})
