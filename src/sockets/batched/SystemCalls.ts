import { createRequire } from "node:module"
import type * as Ffi from "node:ffi"
import { isMainThread } from "node:worker_threads"
import * as Abi from "./LinuxAbi.ts"

/**
 * The system calls of a UDP socket. Each returns what the call does, or the negative error number. Structures lie in
 * array buffers, which never move, and are named by their addresses. This is the seam where tests put faults.
 */
export interface SystemCalls {
  readonly addressOf: (buffer: ArrayBuffer) => bigint
  /** Asks for pages of 2 MB where the kernel has them, madvise(2): they are touched for the first time 512 times as seldom. */
  readonly useLargePages: (address: bigint, bytes: number) => number
  readonly socket: (family: number, type: number) => number
  readonly bind: (socket: number, name: Uint8Array) => number
  readonly nameOf: (socket: number, name: Uint8Array) => number
  readonly setOption: (socket: number, level: number, option: number, value: number) => number
  /** How long a receive that may block does: SO_RCVTIMEO, in the kernel's ticks of 1 to 4 ms. */
  readonly setReceiveTimeout: (socket: number, millis: number) => number
  readonly getOption: (socket: number, level: number, option: number, value: Uint8Array) => number
  /** The wall clock, by which the kernel stamps what arrives. Milliseconds since 1970. */
  readonly wallMs: () => number
  /** recvmmsg(2), without waiting. */
  readonly receive: (socket: number, messages: bigint, count: number) => number
  /** The same, but stops this thread until there is one, for no longer than SO_RCVTIMEO says. */
  readonly receiveBlocking: (socket: number, messages: bigint, count: number) => number
  /** sendmmsg(2), without waiting. */
  readonly send: (socket: number, messages: bigint, count: number) => number
  readonly close: (socket: number) => number
  /** Watches a socket in Node's own event loop. A negative error number when it cannot be watched. */
  readonly watch: (socket: number, onReady: (events: number) => void) => SocketWatch | number
}

/** A socket in the event loop. It must be closed before the socket is, and while it is open the process goes on. */
export interface SocketWatch {
  /** From now on `onReady` is called, from the event loop, whenever one of the events is there: level-triggered. */
  readonly start: (events: number) => void
  readonly stop: () => void
  readonly close: () => void
}

/** Bits of the events to watch for. uv.h, enum uv_poll_event. */
export const readable = 1
export const writable = 2

/** UV_POLL of uv.h, enum uv_handle_type. */
const pollHandleType = 8

/** The calls through Node's own foreign function interface, or why there are none. */
export const load = (): SystemCalls | { readonly reason: string } => {
  const { platform, arch } = process
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64")) {
    return { reason: `batched system calls are for Linux on x64 and arm64, and this is ${platform} on ${arch}` }
  }
  // A worker that is ended from outside cannot close its watches first, and libuv would abort the process.
  if (!isMainThread) return { reason: "batched system calls are for the main thread, and this is a worker" }
  try {
    return bindings(withoutWarning(() => require("node:ffi") as typeof Ffi))
  } catch (error) {
    return { reason: `Node ${process.version} cannot make system calls by itself, Node 26 can (${String(error)})` }
  }
}

/** Not imported: on a Node that has no such module that would stop the whole program. */
const require = createRequire(import.meta.url)

/** Node says on stderr that this module may change. It is for us to know, not for who runs a relay. */
const withoutWarning = <A>(load: () => A): A => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Of x64, and of arm64 with its usual pages. Less than one is no use. Bytes. */
const largePageBytes = 2n << 20n

/** For recvmmsg, which does not wait anyway. */
const noTimeout = 0n

const bindings = (ffi: typeof Ffi): SystemCalls => {
  const { functions: libc } = ffi.dlopen("libc.so.6", {
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    bind: { arguments: ["i32", "pointer", "u32"], return: "i32" },
    getsockname: { arguments: ["i32", "pointer", "pointer"], return: "i32" },
    setsockopt: { arguments: ["i32", "i32", "i32", "pointer", "u32"], return: "i32" },
    getsockopt: { arguments: ["i32", "i32", "i32", "pointer", "pointer"], return: "i32" },
    recvmmsg: { arguments: ["i32", "pointer", "u32", "i32", "pointer"], return: "i32" },
    sendmmsg: { arguments: ["i32", "pointer", "u32", "i32"], return: "i32" },
    madvise: { arguments: ["pointer", "u64", "i32"], return: "i32" },
    clock_gettime: { arguments: ["i32", "pointer"], return: "i32" },
    fcntl: { arguments: ["i32", "i32", "i32"], return: "i32" },
    close: { arguments: ["i32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" }
  })
  const { functions: uv, lib: node } = ffi.dlopen(null, {
    uv_handle_size: { arguments: ["i32"], return: "u64" },
    uv_poll_init: { arguments: ["pointer", "pointer", "i32"], return: "i32" },
    uv_poll_start: { arguments: ["pointer", "i32", "pointer"], return: "i32" },
    uv_poll_stop: { arguments: ["pointer"], return: "i32" },
    uv_close: { arguments: ["pointer", "pointer"], return: "void" }
  })
  // The error number of this thread always lies in the same place.
  const errorPlace = libc.__errno_location()
  const orError = (result: number): number => (result < 0 ? -ffi.getInt32(errorPlace) : result)
  const length = new Uint32Array(1)
  const value = new Int32Array(1)
  const time = new ArrayBuffer(Abi.timespecBytes)
  const timeWords = new Uint32Array(time)
  const timePlace = ffi.getRawPointer(time)
  const loop = ffi.getCurrentEventLoop()

  // A handle is the event loop's until it says that it is closed, a turn later: what it uses must live as long.
  const closing = new Map<bigint, { readonly handle: ArrayBuffer; readonly ready: bigint }>()
  const closed = node.registerCallback({ arguments: ["pointer"], return: "void" }, (pointer) => {
    const { ready } = closing.get(pointer as bigint)!
    closing.delete(pointer as bigint)
    node.unregisterCallback(ready)
  })

  const watch: SystemCalls["watch"] = (socket, onReady) => {
    const handle = new ArrayBuffer(Number(uv.uv_handle_size(pollHandleType)))
    const pointer = ffi.getRawPointer(handle)
    const failure = uv.uv_poll_init(loop, pointer, socket)
    if (failure < 0) return failure
    // libuv has made it one that never blocks. Which calls block is said with each of them here.
    libc.fcntl(socket, Abi.F_SETFL, 0)
    const ready = node.registerCallback(
      { arguments: ["pointer", "i32", "i32"], return: "void" },
      (_handle, status, events) => onReady(status < 0 ? readable | writable : events)
    )
    return {
      start: (events) => void uv.uv_poll_start(pointer, events, ready),
      stop: () => void uv.uv_poll_stop(pointer),
      close: () => {
        closing.set(pointer, { handle, ready })
        uv.uv_close(pointer, closed)
      }
    }
  }

  return {
    addressOf: (buffer) => ffi.getRawPointer(buffer),
    useLargePages: (address, bytes) => {
      const start = (address + largePageBytes - 1n) & ~(largePageBytes - 1n)
      const length = address + BigInt(bytes) - start
      return length < largePageBytes ? 0 : orError(libc.madvise(start, length, Abi.MADV_HUGEPAGE))
    },
    socket: (family, type) => orError(libc.socket(family, type, 0)),
    bind: (socket, name) => orError(libc.bind(socket, name, name.length)),
    nameOf: (socket, name) => {
      length[0] = name.length
      return orError(libc.getsockname(socket, name, length))
    },
    setOption: (socket, level, option, given) => {
      value[0] = given
      return orError(libc.setsockopt(socket, level, option, value, value.byteLength))
    },
    setReceiveTimeout: (socket, millis) => {
      // struct timeval: seconds and microseconds.
      const timeout = BigInt64Array.of(0n, BigInt(millis * 1000))
      return orError(libc.setsockopt(socket, Abi.SOL_SOCKET, Abi.SO_RCVTIMEO, timeout, timeout.byteLength))
    },
    getOption: (socket, level, option, into) => {
      length[0] = into.length
      return orError(libc.getsockopt(socket, level, option, into, length))
    },
    wallMs: () => {
      libc.clock_gettime(Abi.CLOCK_REALTIME, timePlace)
      return Abi.timespecMs(timeWords, 0)
    },
    receive: (socket, messages, count) => orError(libc.recvmmsg(socket, messages, count, Abi.MSG_DONTWAIT, noTimeout)),
    receiveBlocking: (socket, messages, count) =>
      orError(libc.recvmmsg(socket, messages, count, Abi.MSG_WAITFORONE, noTimeout)),
    send: (socket, messages, count) => orError(libc.sendmmsg(socket, messages, count, Abi.MSG_DONTWAIT)),
    close: (socket) => orError(libc.close(socket)),
    watch
  }
}
