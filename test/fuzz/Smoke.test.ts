import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as RtcpPacket from "../../src/protocol/RtcpPacket.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import * as Corpus from "./bytes/Corpus.ts"
import * as Canaries from "./Canaries.ts"
import * as Driver from "./Driver.ts"
import type { Target } from "./Target.ts"
import { targets } from "./Targets.ts"

/** Every target for a moment, always the same cases: `npm run fuzz` takes others, and longer, as CI does. */

const seed = 1
/** Of what a target asks for. */
const share = 0.5

/** A machine that does other things as well. Milliseconds. */
const timeout = 60_000

const command = ({ name }: Target, number: number): string =>
  `npm run fuzz -- --target ${name} --seed ${seed} --case ${number}`

const runSmoke = (target: Target) => Driver.runFirst(target, seed, Math.ceil(share * target.smokeCases))

describe("fuzzing", () => {
  for (const target of targets) {
    it(`${target.name}: ${target.about}`, { timeout }, async () => {
      const found = await runSmoke(target)
      if (found === undefined) return
      const { failure, number } = found
      const smallest = await failure.minimize()
      assert.fail(`${command(target, number)}\n${smallest.message}\n${smallest.input}`)
    })
  }

  for (const canary of [Canaries.bytes, Canaries.operations]) {
    it(`finds what is wrong on purpose: ${canary.name}`, { timeout }, async () => {
      assert.isDefined(await runSmoke(canary), "the fuzzers see nothing: whatever else they do not find is no comfort")
    })
  }

  it("what mutations begin with is what it says", () => {
    const decoders: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
      "control.hex": (bytes) => Result.isSuccess(ControlMessage.decode(bytes)),
      "feedback.hex": (bytes) => Feedback.read(new DataView(bytes.buffer), 0, bytes.length, Feedback.make()),
      "rtp.hex": (bytes) => Result.isSuccess(RtpHeader.decode(bytes)),
      "rtcp.hex": (bytes) => Result.isSuccess(RtcpPacket.decode(bytes))
    }
    for (const [file, isRead] of Object.entries(decoders)) {
      for (const { bytes, name } of Corpus.hexFile(file)) assert.isTrue(isRead(bytes), `${file}: ${name}`)
    }
  })

  it("every target has a name of its own", () => {
    assert.strictEqual(new Set(targets.map(({ name }) => name)).size, targets.length)
  })

  it("the same seed makes the same case, whatever ran before; some can be made smaller, none larger", async () => {
    let smallerOnes = 0
    for (let seed = 1; seed <= 6; seed++) {
      const first = await Driver.runFirst(Canaries.bytes, seed, Canaries.bytes.smokeCases)
      const again = await Driver.runCase({ target: Canaries.bytes, seed, number: first!.number })
      assert.strictEqual(again?.input, first!.failure.input)
      assert.strictEqual(again?.rule, first!.failure.rule)
      const [smaller, smallerAgain] = [await first!.failure.minimize(), await again!.minimize()]
      assert.strictEqual(smaller.input, smallerAgain.input)
      assert.isAtMost(smaller.input.length, first!.failure.input.length)
      if (smaller.input.length < first!.failure.input.length) smallerOnes++
    }
    assert.isAbove(smallerOnes, 0)
  })
})
