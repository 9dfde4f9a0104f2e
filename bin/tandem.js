#!/usr/bin/env node
// Starts the command line. Plain JavaScript that Node 12 can parse, so that an old Node gets a sentence and not a syntax
// error. An installed package runs dist/. A clone runs src/ as it is; where the Node that started this file is too old
// for that, it runs once more under the Node that `npm ci` has put into node_modules/.bin.
import { spawn } from "child_process"
import { existsSync, realpathSync } from "fs"
import * as Module from "module"
import * as Os from "os"
import { fileURLToPath } from "url"

/** The first Node that runs TypeScript sources without a flag, and the oldest that Effect 4.1 supports. */
const oldest = { major: 22, minor: 19 }

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const sources = at("../src/cli/main.ts")
const isClone = existsSync(sources)
const cloneNode = at("../node_modules/.bin/node")

const version = process.versions.node.split(".").map(Number)
const isNewEnough = version[0] > oldest.major || (version[0] === oldest.major && version[1] >= oldest.minor)

const refuse = (reason) => {
  console.error(`tandem: ${reason}`)
  process.exitCode = 1
}

const refuseNode = (remedy) =>
  refuse(`needs Node ${oldest.major}.${oldest.minor} or newer, and this is ${process.version}. ${remedy}`)

/**
 * The other Node gets a process group of its own: a terminal's Ctrl-C goes to everybody in a group, and would reach it
 * once from the terminal and once from here.
 */
const runUnder = (node) => {
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit", detached: true })
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"]
  const pass = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, pass)
  child.on("error", (error) => refuse(`${node} does not start: ${error.message}. Run: npm ci`))
  child.on("exit", (code, signal) => {
    for (const name of signals) process.removeListener(name, pass)
    if (signal === null) process.exitCode = code
    else if (signals.includes(signal)) process.kill(process.pid, signal)
    else process.exitCode = 128 + Os.constants.signals[signal]
  })
}

/** V8 collects garbage without threads that help. */
const collectsAlone = "--single-threaded-gc"

/**
 * A relay that has one core waits for such threads, and not they for it: docs/decisions/0029-heap-of-a-relay.md. Only a process that
 * begins can be told, so this one begins anew, with the same number and the same streams.
 */
const beginAnew = () => {
  const mustNot = process.platform === "win32" || process.connected || process.execArgv.includes(collectsAlone)
  if (mustNot || Os.availableParallelism() > 1) return
  const { argv, env, execArgv, execPath } = process
  process.execve(execPath, [execPath, collectsAlone, ...execArgv, ...argv.slice(1)], env)
}

if (isClone && !existsSync(at("../node_modules"))) {
  refuse("this clone is not installed yet. Run: npm ci")
} else if (isNewEnough) {
  // What was compiled last time need not be again: the command line starts in two thirds of the time.
  if (Module.enableCompileCache !== undefined) Module.enableCompileCache()
  const start = () => import(isClone ? "../src/cli/main.ts" : "../dist/cli/main.js")
  if (process.argv[2] === "run") {
    beginAnew()
    import("./heap.js").then(start)
  } else start()
} else if (!isClone) {
  const beside = process.platform === "linux" ? `, or beside Tandem: npm install node-linux-${process.arch}@26` : ""
  refuseNode(`Install one from https://nodejs.org${beside}`)
} else if (!existsSync(cloneNode)) {
  refuseNode("This clone brings one, but its install script has not run: npm rebuild node --ignore-scripts=false")
} else if (realpathSync(cloneNode) === realpathSync(process.execPath)) {
  refuseNode("The one this clone brought is too old: npm ci")
} else {
  runUnder(cloneNode)
}
