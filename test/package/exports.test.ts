import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "../..")
const read = (file: string): string => Fs.readFileSync(Path.join(root, file), "utf8")

const manifest: unknown = JSON.parse(read("package.json"))
/** It has comments, each on a line of its own. */
const tsconfig: unknown = JSON.parse(read("tsconfig.json").replaceAll(/^ *\/\/.*$/gm, ""))

const record = (value: unknown, key: string): Readonly<Record<string, unknown>> => {
  const part = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  assert.isObject(part, key)
  return part
}

describe("package.json", () => {
  const targets = Object.entries(record(manifest, "exports")).filter(([name]) => name !== "./package.json")

  it("names entry points", () => assert.isAbove(targets.length, 0))

  const sourceOf = (target: unknown): string => String(target).replace(/^\.\/dist\/(.+)\.js$/, "./src/$1.ts")

  for (const [name, target] of targets) {
    it(`has a source for ${name}`, () => {
      assert.isTrue(Fs.existsSync(Path.join(root, sourceOf(target))), sourceOf(target))
    })
  }

  it("means the same by the name of an entry point as tsconfig.json", () => {
    const expected = targets.map(([name, target]) => [`tandem${name.slice(1)}`, [sourceOf(target)]])
    assert.deepStrictEqual(record(record(tsconfig, "compilerOptions"), "paths"), Object.fromEntries(expected))
  })

  it("names all that the pages and their examples take", () => {
    const names = new Set(targets.map(([name]) => `tandem${name.slice(1)}`))
    const examples = Fs.readdirSync(Path.join(root, "docs/embedding")).map((file) => `docs/embedding/${file}`)
    const taken = [...examples, "docs/embedding.md", "README.md"].flatMap((file) =>
      [...read(file).matchAll(/["`](tandem\/[a-z/]+)["`]/g)].map(([, name]) => name!)
    )
    assert.isAbove(taken.length, 0)
    assert.deepStrictEqual(
      taken.filter((name) => !names.has(name)),
      []
    )
  })

  it("pins the tools, so that a clone of today is a clone of tomorrow", () => {
    const loose = Object.values(record(manifest, "devDependencies")).filter((version) => !/^\d/.test(String(version)))
    assert.deepStrictEqual(loose, [])
  })

  it("runs the tests under the Node it names, not under the machine's", () => {
    const { node } = record(manifest, "devDependencies")
    assert.strictEqual(process.versions.node.split(".")[0], String(node).split(".")[0])
  })
})
