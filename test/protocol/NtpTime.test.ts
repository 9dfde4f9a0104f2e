import { assert, describe, it } from "@effect/vitest"
import * as NtpTime from "../../src/protocol/NtpTime.ts"
import { integer } from "./ArbitraryRtcp.ts"

describe("NtpTime", () => {
  it("counts from 1900, and anew from 2036", () => {
    assert.deepStrictEqual(NtpTime.fromUnixMs(0), { seconds: 2_208_988_800, fraction: 0 })
    assert.deepStrictEqual(NtpTime.fromUnixMs(1_500), { seconds: 2_208_988_801, fraction: 0x80000000 })
    const lastMs = Date.UTC(2036, 1, 7, 6, 28, 15, 750)
    assert.deepStrictEqual(NtpTime.fromUnixMs(lastMs), { seconds: 0xffffffff, fraction: 0xc0000000 })
    assert.deepStrictEqual(NtpTime.fromUnixMs(lastMs + 250), { seconds: 0, fraction: 0 })
  })

  it.prop("is exact to the fraction of a microsecond", [integer(0, 4e15)], ([unixUs]) => {
    const { fraction, seconds } = NtpTime.fromUnixMs(unixUs / 1000)
    assert.isTrue(Number.isInteger(seconds) && seconds >= 0 && seconds < 2 ** 32)
    assert.isTrue(Number.isInteger(fraction) && fraction >= 0 && fraction < 2 ** 32)
    const laps = BigInt(Math.floor((unixUs / 1e6 + 2_208_988_800) / 2 ** 32))
    const gotUs = (((laps << 32n) + BigInt(seconds) - 2_208_988_800n) * 1_000_000n * 2n ** 32n) / 2n ** 32n
    const us = Number(gotUs) + (fraction * 1e6) / 2 ** 32
    assert.closeTo(us, unixUs, 0.5)
  })

  it("a report is named by its middle 32 bits", () => {
    assert.strictEqual(NtpTime.middle32({ seconds: 0xe6d1c2b3, fraction: 0x80001234 }), 0xc2b38000)
  })

  it("a delay counts 1/65536 s, and neither wraps nor goes back", () => {
    assert.strictEqual(NtpTime.toDelay(1000), 65_536)
    assert.strictEqual(NtpTime.toDelay(5_250), 0x54000)
    assert.strictEqual(NtpTime.toDelay(-1), 0)
    assert.strictEqual(NtpTime.toDelay(1e9), 0xffffffff)
    assert.strictEqual(NtpTime.delayMs(0x54000), 5_250)
  })

  it("gives the round trip of RFC 3550 figure 2", () => {
    const sent = NtpTime.middle32({ seconds: 0xb44db705, fraction: 0x20000000 })
    const arrived = NtpTime.middle32({ seconds: 0xb44db710, fraction: 0x80000000 })
    assert.strictEqual(sent, 0xb7052000)
    assert.strictEqual(NtpTime.delayMs(arrived - sent) - NtpTime.delayMs(0x54000), 6_125)
  })
})
