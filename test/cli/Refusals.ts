import { assert } from "@effect/vitest"
import type { Ended } from "./Processes.ts"

/** One line on stderr, nothing on stdout, this exit code, and words that say what is wrong and what to do. */
export const check = ({ exitCode, stderr, stdout }: Ended, expected: number, words: RegExp): void => {
  assert.strictEqual(exitCode, expected, stderr)
  assert.strictEqual(stdout, "")
  assert.match(stderr, words)
  assert.strictEqual(stderr.trim().split("\n").length, 1, stderr)
}
