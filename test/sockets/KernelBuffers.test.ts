import { assert, describe, it } from "@effect/vitest"
import * as KernelBuffers from "../../src/sockets/KernelBuffers.ts"

const { kernelBufferBytes, shortcomings } = KernelBuffers

describe("KernelBuffers", () => {
  it("names in one line what is too small, and what to type", () => {
    assert.deepStrictEqual(shortcomings({ receive: 212_992, send: 100 * 1024 }), [
      "the system gives the UDP port 208 KB of receive buffer and 100 KB of send buffer instead of 4096 KB, and bursts overflow it: " +
        "sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304"
    ])
    assert.match(shortcomings({ receive: 212_992, send: undefined })[0]!, /KB of receive buffer instead.*rmem_max=\d+$/)
    assert.match(
      shortcomings({ receive: kernelBufferBytes, send: 1 })[0]!,
      / 0 KB of send buffer instead.*wmem_max=\d+$/
    )
  })

  it("has nothing to say of what is enough, or not known", () => {
    assert.deepStrictEqual(shortcomings({ receive: kernelBufferBytes, send: kernelBufferBytes * 2 }), [])
    assert.deepStrictEqual(shortcomings({ receive: undefined, send: undefined }), [])
  })
})
