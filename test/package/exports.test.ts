import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "../..")
const manifest: unknown = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8"))

const record = (value: unknown, key: string): Readonly<Record<string, unknown>> => {
  const part = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  assert.isObject(part, key)
  return part
}

describe("package.json", () => {
  const targets = Object.entries(record(manifest, "exports")).filter(([name]) => name !== "./package.json")

  it("names entry points", () => assert.isAbove(targets.length, 0))

  for (const [name, target] of targets) {
    it(`has a source for ${name}`, () => {
      const source = String(target).replace(/^\.\/dist\/(.+)\.js$/, "src/$1.ts")
      assert.isTrue(Fs.existsSync(Path.join(root, source)), source)
    })
  }

  it("pins the tools, so that a clone of today is a clone of tomorrow", () => {
    const loose = Object.values(record(manifest, "devDependencies")).filter((version) => !/^\d/.test(String(version)))
    assert.deepStrictEqual(loose, [])
  })

  it("runs the tests under the Node it names, not under the machine's", () => {
    const { node } = record(manifest, "devDependencies")
    assert.strictEqual(process.versions.node.split(".")[0], String(node).split(".")[0])
  })
})
