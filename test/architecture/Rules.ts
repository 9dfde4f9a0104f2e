import * as Path from "node:path"
import { pureValues, type Row, rows, valuesOfEffect } from "./FolderTable.ts"

/** Lines of the longest file. Beyond it a file holds more than one concept. */
export const linesMax = 400

const folderNamesForbidden = new Set(["utils", "util", "common", "shared", "types", "helpers", "lib", "misc"])
const entryPoint = "cli/main.ts"

/** What is forbidden in the text of every file, with what to do instead. */
const forbiddenText: ReadonlyArray<readonly [pattern: RegExp, remedy: string]> = [
  [/\bDate\.now\b|\bnew Date\b|\bperformance\.|\bhrtime\b/, "time comes from Clock, or as an argument"],
  [/\bMath\.random\b|\brandomUUID\b|\brandomInt\b/, "dice come from Random, or as an argument"],
  [/\bset(Timeout|Interval|Immediate)\b/, "waiting is Effect.sleep or a deadline that the owner polls"],
  [/\bprocess\.env\b/, "settings come from Config, in server and cli"]
]
/** Where applications without Effect come in: the only other place that may run one. */
const promiseEdge = "client/CallClientPromise.ts"
const runsAnEffect = /\b(runMain|runPromise(Exit)?(With)?|runFork(With)?|runSync(Exit)?(With)?|runCallback(With)?)\(/

interface Import {
  readonly from: string
  /** The names between the braces; none of `import * as X` and `import "…"`. */
  readonly names: ReadonlyArray<string>
  readonly hasBraces: boolean
}

/** Comments may speak of clocks; strings are kept, for they name the imports. */
const withoutComments = (source: string): string =>
  source.replaceAll(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, text: string | undefined) => text ?? " "
  )

const importsOf = (code: string): ReadonlyArray<Import> => {
  const statements = code.matchAll(/^\s*(?:import|export)\b([^"';=]*?)\bfrom\s*["']([^"']+)["']/gm)
  const withoutNames = code.matchAll(/(?:^\s*import\s*|\bimport\(\s*)()["']([^"']+)["']/gm)
  return [...statements, ...withoutNames].map(([, clause = "", from = ""]) => {
    const braces = /\{([^}]*)\}/.exec(clause)
    const names = (braces?.[1] ?? "").split(",").map((name) => /^\s*(?:type\s+)?(\w*)/.exec(name)?.[1] ?? "")
    return { from, names: names.filter((name) => name !== ""), hasBraces: braces !== null }
  })
}

const isOneOf = (entries: ReadonlyArray<string>, file: string): boolean =>
  entries.some((entry) => file === `${entry}.ts` || file.startsWith(`${entry}/`))

/** The capitalized modules below "effect" are those of its index; the others are libraries of their own. */
const isModuleOf = (entries: ReadonlyArray<string>, from: string): boolean =>
  entries.some(
    (entry) => from === entry || (entry === "effect" ? /^effect\/[A-Z]/.test(from) : from.startsWith(`${entry}/`))
  )

const violationOfImport = (path: string, row: Row, imported: Import): string | undefined => {
  const { from, hasBraces, names } = imported
  const folder = path.split("/")[0]!
  if (from.startsWith(".")) {
    if (!from.endsWith(".ts")) return `"${from}" has no .ts ending`
    const target = Path.posix.join(Path.posix.dirname(path), from)
    const isOwn = rows[folder] === row && target.startsWith(`${folder}/`)
    if (isOwn || isOneOf(row.ours, target)) return undefined
    return `may not import ${target}; of ours it may import: ${row.ours.join(", ") || "nothing"}`
  }
  if (from === "effect" && row.modules.includes(pureValues)) {
    const others = hasBraces ? names.filter((name) => !valuesOfEffect.has(name)) : ["all of it"]
    return others.length === 0 ? undefined : `is pure, and takes from effect only values: not ${others.join(", ")}`
  }
  const isConfig = from === "effect/Config" || (from === "effect" && names.includes("Config"))
  if (isConfig && folder !== "server" && folder !== "cli") return "may not read Config: settings are arguments"
  if (isModuleOf(row.modules, from)) return undefined
  return `may not import "${from}"; of others it may import: ${row.modules.join(", ")}`
}

/** Where and how a source file breaks the architecture. `path` is relative to `src`, with "/" between its parts. */
export const violations = (path: string, source: string): ReadonlyArray<string> => {
  const parts = path.split("/")
  const folder = parts[0]!
  const name = parts.at(-1)!
  const code = withoutComments(source)
  const row = rows[path.replace(/\.ts$/, "")] ?? rows[folder]
  if (parts.length < 2 || row === undefined) return [`src/${path}: "${folder}" has no row in the folder table`]
  const found: Array<string> = []
  for (const part of parts.slice(0, -1)) {
    if (folderNamesForbidden.has(part)) found.push(`a folder "${part}" says nothing of what is in it`)
  }
  if (name === "index.ts") found.push("no index.ts: package.json names the entry points")
  else if (path !== entryPoint && !/^[A-Z][A-Za-z0-9]*\.ts$/.test(name)) found.push("a file is named in PascalCase")
  if (source.split("\n").length - 1 > linesMax) found.push(`longer than ${linesMax} lines: split it by concept`)
  for (const [pattern, remedy] of forbiddenText) {
    const text = pattern.exec(code)
    if (text !== null) found.push(`"${text[0]}": ${remedy}`)
  }
  const runs = runsAnEffect.exec(code)
  if (runs !== null && path !== entryPoint && path !== promiseEdge)
    found.push(`"${runs[1]}": one run in the whole source, in ${entryPoint}`)
  for (const imported of importsOf(code)) {
    const violation = violationOfImport(path, row, imported)
    if (violation !== undefined) found.push(violation)
  }
  return found.map((violation) => `src/${path}: ${violation}`)
}
