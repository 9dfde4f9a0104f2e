import { Effect, Exit, Fiber, Result, Scope } from "effect"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import type * as Ffi from "node:ffi"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import * as Network from "../../../src/server/Network.ts"
import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import * as SystemCalls from "../../../src/sockets/batched/SystemCalls.ts"
import { DatagramNetwork, type DatagramPort } from "../../../src/sockets/DatagramNetwork.ts"
import * as DatagramNetworkBatched from "../../../src/sockets/DatagramNetworkBatched.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"

/**
 * Ways in which a process may part with its batched ports. What can go wrong is that the process is aborted, so each is a
 * process of its own. The first argument names the way; what has been seen is printed as one object of JSON.
 */

/** There is none before Node 26. */
const requireFfi = (): typeof Ffi | undefined => {
  try {
    return createRequire(import.meta.url)("node:ffi") as typeof Ffi
  } catch {
    return undefined
  }
}

/** Callbacks that the foreign function interface holds, from now on. */
const countCallbacks = (): (() => number) => {
  const ffi = requireFfi()
  if (ffi === undefined) return () => 0
  const { prototype } = ffi.DynamicLibrary
  let held = 0
  const { registerCallback, unregisterCallback } = prototype
  prototype.registerCallback = function (this: Ffi.DynamicLibrary, ...given: ReadonlyArray<unknown>) {
    held++
    return Reflect.apply(registerCallback, this, given) as bigint
  } as typeof registerCallback
  prototype.unregisterCallback = function (this: Ffi.DynamicLibrary, pointer) {
    held--
    unregisterCallback.call(this, pointer)
  }
  return () => held
}

const descriptors = (): number => Fs.readdirSync("/proc/self/fd").length

interface Endpoint {
  readonly port: DatagramPort
  readonly send: (to: Uint32Array, packets: number) => Effect.Effect<void>
}

const open = Effect.fnUntraced(function* () {
  const network = yield* DatagramNetwork
  const memory = PacketMemory.make({ receiveSlots: 16, ownerBytes: 64 })
  const port = yield* network.open({ host: "127.0.0.1", port: 0, memory })
  const batch = PacketBatch.makeSendBatch({ capacity: 64, scratchOffset: memory.ownerOffset, scratchBytes: 64 })
  const send = (to: Uint32Array, packets: number) =>
    Effect.suspend(() => {
      for (let n = 0; n < packets; n++) PacketBatch.addBytes(batch, memory, Uint8Array.of(n), to, 0)
      return port.send(batch)
    })
  return { port, send } satisfies Endpoint
})

/** The event loop goes round twice: what is closed in one turn is told of in the next. */
const turns = Effect.callback<void>((resume) => {
  setImmediate(() => setImmediate(() => setImmediate(() => resume(Effect.void))))
})

/** Sends and receives one datagram each way: both ports still do what they are for. */
const exchange = Effect.fnUntraced(function* (one: Endpoint, other: Endpoint) {
  yield* one.send(other.port.address, 1)
  yield* other.port.pull
  yield* other.send(one.port.address, 1)
  yield* one.port.pull
})

const interruptedInPull = Effect.gen(function* () {
  const one = yield* open()
  const other = yield* open()
  for (let round = 0; round < 20; round++) {
    const waiting = yield* Effect.forkChild(one.port.pull, { startImmediately: true })
    if (round % 2 === 0) yield* turns
    yield* Fiber.interrupt(waiting)
    // It comes when nobody waits for it.
    yield* exchange(other, one)
  }
  return one.port.counters.received
}).pipe(Effect.scoped)

/** The kernel of the loopback takes everything at once, so that one that is full has to be played. */
const fullKernel = (calls: SystemCalls.SystemCalls): SystemCalls.SystemCalls => ({ ...calls, send: () => -Abi.EAGAIN })

const interruptedInSend = Effect.gen(function* () {
  const endpoint = yield* open()
  for (let round = 0; round < 20; round++) {
    const sending = yield* Effect.forkChild(endpoint.send(endpoint.port.address, 3), { startImmediately: true })
    if (sending.pollUnsafe() !== undefined) throw new Error("the send has not waited")
    yield* Fiber.interrupt(sending)
  }
  return endpoint.port.counters.droppedSendFailed
}).pipe(Effect.scoped)

const closedWhileDatagramsArrive = Effect.gen(function* () {
  const sender = yield* open()
  let received = 0
  for (let round = 0; round < 50; round++) {
    const scope = yield* Scope.make()
    const receiver = yield* Scope.provide(open(), scope)
    const reading = yield* receiver.port.pull.pipe(
      Effect.tap((batch) => Effect.sync(() => (received += batch.count))),
      Effect.forever,
      Effect.result,
      Effect.forkChild({ startImmediately: true })
    )
    const flood = yield* Effect.forkChild(Effect.forever(Effect.andThen(sender.send(receiver.port.address, 32), turns)))
    for (let turn = 0; turn < 1 + (round % 4); turn++) yield* turns
    yield* Scope.close(scope, Exit.void)
    const ended = yield* Fiber.join(reading)
    if (Result.isSuccess(ended) || ended.failure._tag !== "PortClosed") throw new Error("the reader was not told")
    yield* Fiber.interrupt(flood)
  }
  return received
}).pipe(Effect.scoped)

const reopened = Effect.fnUntraced(function* (callbacks: () => number) {
  const openOnce = Effect.scoped(
    Effect.gen(function* () {
      yield* exchange(yield* open(), yield* open())
    })
  )
  yield* openOnce
  yield* turns
  const before = { descriptors: descriptors(), callbacks: callbacks() }
  for (let round = 0; round < 100; round++) yield* openOnce
  yield* turns
  return { before, after: { descriptors: descriptors(), callbacks: callbacks() } }
})

/** A worker of this very program. Ended from outside while its port is open. */
const endWorker = async () => {
  const worker = new Worker(new URL(import.meta.url), { argv: ["worker"] })
  const seen = await new Promise<unknown>((resolve, reject) => {
    worker.once("message", resolve)
    worker.once("error", reject)
  })
  await worker.terminate()
  return seen
}

const openInWorker = Effect.gen(function* () {
  const { port } = yield* open()
  const calls = SystemCalls.load()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  parentPort!.postMessage({ reason: "reason" in calls ? calls.reason : undefined, socket: port.description })
  yield* port.pull
}).pipe(Effect.scoped, Effect.provide(Network.layerOf("auto", undefined)))

/** A port and who waits for its first datagram. */
const openReader = Effect.gen(function* () {
  const endpoint = yield* open()
  return { endpoint, reading: yield* Effect.forkChild(endpoint.port.pull, { startImmediately: true }) }
})
type Reader = Effect.Success<typeof openReader>

const print = (seen: unknown): void => console.log(JSON.stringify(seen))

const part = async (way: string, calls: SystemCalls.SystemCalls, callbacks: () => number): Promise<void> => {
  const layer = DatagramNetworkBatched.layer(calls)
  const withReader = (then: (reader: Reader) => Effect.Effect<void>) =>
    Effect.runPromise(Effect.flatMap(openReader, then).pipe(Effect.scoped, Effect.provide(layer)))
  switch (way) {
    case "scopes":
      return print({
        interruptedInPull: await Effect.runPromise(Effect.provide(interruptedInPull, layer)),
        interruptedInSend: await Effect.runPromise(
          Effect.provide(interruptedInSend, DatagramNetworkBatched.layer(fullKernel(calls)))
        ),
        closedWhileDatagramsArrive: await Effect.runPromise(Effect.provide(closedWhileDatagramsArrive, layer)),
        ...(await Effect.runPromise(Effect.provide(reopened(callbacks), layer)))
      })
    case "exit":
      return withReader(() => Effect.sync(() => process.exit(3)))
    case "uncaught":
      setImmediate(() => {
        throw new Error("nobody catches this")
      })
      return withReader(({ reading }) => Effect.asVoid(Effect.orDie(Fiber.join(reading))))
    case "woken":
      // Whoever is woken throws, out of the callback that has woken him.
      return withReader(({ endpoint, reading }) => {
        reading.addObserver(() => {
          throw new Error("woken in a bad mood")
        })
        return Effect.andThen(endpoint.send(endpoint.port.address, 1), Effect.never)
      })
    case "worker":
      return print(await endWorker())
    default:
      throw new Error(`there is no way ${way}`)
  }
}

if (!isMainThread) await Effect.runPromise(openInWorker)
else {
  const callbacks = countCallbacks()
  const calls = SystemCalls.load()
  if ("reason" in calls) print(calls)
  else await part(process.argv[2] ?? "", calls, callbacks)
}
