import { Effect } from "effect"
import { readable, type SocketWatch, type SystemCalls, writable } from "./SystemCalls.ts"

/** What somebody waits for, in Node's event loop. One may wait to receive and one to send at a time. */
export interface Readiness {
  readonly untilReadable: Effect.Effect<void>
  readonly untilWritable: Effect.Effect<void>
  /** Whoever waits is woken. Before the socket is closed. */
  readonly close: () => void
}

/** Opens what watches the socket, or returns the negative error number that the system gave. */
export const open = (calls: SystemCalls, socket: number): Readiness | number => {
  let receiver: (() => void) | undefined
  let sender: (() => void) | undefined
  let watched = 0
  let isClosed = false

  const watch = (events: number): void => {
    // Whoever was woken may have closed the socket.
    if (isClosed || watched === events) return
    watched = events
    if (events === 0) handle.stop()
    else handle.start(events)
  }

  /** Called out of the event loop's own C code: an exception that left it would abort the process. */
  const onReady = (events: number): void => {
    try {
      const toReceive = (events & readable) === 0 ? undefined : receiver
      const toSend = (events & writable) === 0 ? undefined : sender
      if (toReceive !== undefined) receiver = undefined
      if (toSend !== undefined) sender = undefined
      toReceive?.()
      toSend?.()
      // What nobody waits for would be told again in every turn of the loop.
      watch((receiver === undefined ? 0 : readable) | (sender === undefined ? 0 : writable))
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  const opened = calls.watch(socket, onReady)
  if (typeof opened === "number") return opened
  const handle: SocketWatch = opened

  return {
    untilReadable: Effect.callback<void>((resume) => {
      receiver = () => resume(Effect.void)
      watch(watched | readable)
      return Effect.sync(() => {
        receiver = undefined
      })
    }),
    untilWritable: Effect.callback<void>((resume) => {
      sender = () => resume(Effect.void)
      watch(watched | writable)
      return Effect.sync(() => {
        sender = undefined
      })
    }),
    close: () => {
      isClosed = true
      handle.close()
      receiver?.()
      sender?.()
    }
  }
}
