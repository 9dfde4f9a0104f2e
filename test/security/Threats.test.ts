import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "../..")
const read = (path: string): string => Fs.readFileSync(Path.join(root, path), "utf8")

/** The tests that the page names: "- `file`", and below it one line for each title. */
const named = (page: string): ReadonlyArray<{ readonly file: string; readonly title: string }> => {
  let file = ""
  return page.split("\n").flatMap((line) => {
    file = /^- `(test\/.+)`$/.exec(line)?.[1] ?? (line.startsWith("- ") || line.startsWith("#") ? "" : file)
    const title = file === "" ? undefined : /^ {2}- (.+)$/.exec(line)?.[1]
    return title === undefined ? [] : [{ file, title }]
  })
}

describe("docs/security.md", () => {
  const tests = named(read("docs/security.md"))

  it("names tests that there are, by their titles", () => {
    assert.isAbove(tests.length, 40)
    const missing = tests.filter(({ file, title }) => !read(file).includes(title))
    assert.deepStrictEqual(missing, [])
  })

  it("names every test of a threat", () => {
    const files = Fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"))
    const titles = files
      .filter((name) => name !== "Threats.test.ts")
      .flatMap((name) => {
        const source = read(`test/security/${name}`)
        return [...source.matchAll(/\bit(?:\.\w+)?\(\s*["`]((?:[^"`\\]|\\.)+)["`]/g)].map(([, title]) => ({
          file: `test/security/${name}`,
          title: title!
        }))
      })
    assert.isAbove(titles.length, 40)
    const isNamed = (test: { readonly file: string; readonly title: string }) =>
      tests.some(({ file, title }) => file === test.file && test.title.includes(title))
    assert.deepStrictEqual(
      titles.filter((test) => !isNamed(test)).map(({ title }) => title),
      [
        "a ledger sees an answer that is too long, one to nothing, and one that is no message",
        "a slope is what each slice adds, and ten bytes a datagram are seen"
      ]
    )
  })
})
