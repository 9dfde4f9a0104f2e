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

  it("reads the time on a processor, and the time waited for one", () => {
    assert.strictEqual(ProcessFiles.parseSchedstat("1500000000 77 12\n"), 1.5)
    assert.strictEqual(ProcessFiles.parseSchedstatWait("1500000000 770000000 12\n"), 0.77)
  })

  it("reads the resident memory, and says when there is none", () => {
    const status = "Name:\tnode\nVmHWM:\t  999 kB\nVmRSS:\t  138240 kB\nRssAnon:\t 1 kB\n"
    assert.strictEqual(ProcessFiles.parseResidentBytes(status), 138_240 * 1024)
    assert.throws(() => ProcessFiles.parseResidentBytes("Name:\tkthreadd\n"), /VmRSS/)
  })

  it("finds the largest block of data, whatever is larger and none", () => {
    const mapping = (first: string, access: string, inode: number, size: number, resident: number) =>
      [
        `${first}-7fff00000000 ${access} 00000000 00:00 ${inode} ${inode === 0 ? "" : "                  /usr/bin/node"}`,
        `Size:           ${size} kB`,
        "KernelPageSize:        4 kB",
        "MMUPageSize:           4 kB",
        `Rss:            ${resident} kB`,
        `Pss:            ${resident} kB`,
        "Referenced:            9 kB",
        "VmFlags: rd wr mr mw me ac",
        ""
      ].join("\n")
    const smaps = [
      mapping("00400000", "rw-p", 77, 900_000, 11),
      mapping("7f0000000000", "---p", 0, 8_000_000, 0),
      mapping("7f1000000000", "rw-p", 0, 267_080, 64_000),
      mapping("7f2000000000", "rwxp", 0, 521_984, 1292),
      mapping("7f3000000000", "rw-p", 0, 50_000, 50_000)
    ].join("")
    assert.strictEqual(ProcessFiles.parseLargestBlockResidentBytes(smaps), 64_000 * 1024)
    assert.strictEqual(ProcessFiles.parseLargestBlockResidentBytes(""), 0)
  })

  it("sees a block of this process grow as it is used", () => {
    // Larger than anything else that a test has.
    const block = Buffer.alloc(512 << 20)
    const before = ProcessFiles.largestBlockResidentBytes(process.pid)
    block.fill(1, 0, 32 << 20)
    const grown = ProcessFiles.largestBlockResidentBytes(process.pid) - before
    assert.approximately(grown / (32 << 20), 1, 0.1)
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
