import * as Namespace from "./Namespace.ts"

/**
 * npm run chaos -- --json: starts a fleet as real processes, fills it with calls, and does to it what happens to fleets.
 * Exit codes: 0 every promise holds, 1 one does not, or the run itself failed, 2 bad input.
 */

if (Namespace.isInside()) await import("./Command.ts")
else {
  const missing = Namespace.missing()
  for (const line of missing) console.error(line)
  process.exitCode = missing.length > 0 ? 2 : await Namespace.runInside()
}
