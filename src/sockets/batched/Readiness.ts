import { Effect } from "effect"
import { readable, type SocketWatch, type SystemCalls, writable } from "./SystemCalls.ts"

/** What somebody waits for, in Node's event loop. One may wait to receive and one to send at a time. */
export interface Readiness {
  /** Until a datagram has arrived. */
  readonly untilReadable: Effect.Effect<void>
  /** For `gatherMicros`, whatever arrives meanwhile. */
  readonly untilGathered: Effect.Effect<void>
  readonly untilWritable: Effect.Effect<void>
  /** Whoever waits is woken. Before the socket is closed. */
  readonly close: () => void
}

/**
 * How long datagrams gather where they come close together: half of what a relay spends on a lone one goes to waking up
 * for it, and a packet may wait so long without anybody's hearing it. Microseconds.
 */
export const gatherMicros = 50

/** Opens what watches the socket, or returns the negative error number that the system gave. */
export const open = (calls: SystemCalls, socket: number): Readiness | number => {
  let receiver: (() => void) | undefined
  let sender: (() => void) | undefined
  let gatherer: (() => void) | undefined
  let watched = 0
  let isClosed = false

  // Whoever is woken may close, so that nothing here may be taken for open after it.
  const watch = (events: number): void => {
    if (isClosed || watched === events) return
    watched = events
    if (events === 0) sockets.stop()
    else sockets.start(events)
  }
  const setTimer = (micros: number): void => {
    if (!isClosed) calls.setTimer(timer, micros)
  }

  const onReady = guarded((events) => {
    const toReceive = (events & readable) === 0 ? undefined : receiver
    const toSend = (events & writable) === 0 ? undefined : sender
    if (toReceive !== undefined) receiver = undefined
    if (toSend !== undefined) sender = undefined
    toReceive?.()
    toSend?.()
    // What nobody waits for would be told again in every turn of the loop.
    watch((receiver === undefined ? 0 : readable) | (sender === undefined ? 0 : writable))
  })

  const onGathered = guarded(() => {
    const toReceive = gatherer
    gatherer = undefined
    toReceive?.()
    // A timer that has run out is told of in every turn of the loop until it is set anew.
    if (gatherer === undefined) setTimer(0)
  })

  const timer = calls.timer()
  if (timer < 0) return timer
  const timerWatch = calls.watch(timer, onGathered)
  const socketWatch = calls.watch(socket, onReady)
  if (typeof timerWatch === "number" || typeof socketWatch === "number") {
    for (const opened of [timerWatch, socketWatch]) if (typeof opened !== "number") opened.close()
    calls.close(timer)
    return typeof timerWatch === "number" ? timerWatch : (socketWatch as number)
  }
  const sockets: SocketWatch = socketWatch
  timerWatch.start(readable)

  return {
    untilReadable: Effect.callback<void>((resume) => {
      receiver = () => resume(Effect.void)
      watch(watched | readable)
      return Effect.sync(() => {
        receiver = undefined
      })
    }),
    untilGathered: Effect.callback<void>((resume) => {
      gatherer = () => resume(Effect.void)
      watch(watched & ~readable)
      setTimer(gatherMicros)
      return Effect.sync(() => {
        gatherer = undefined
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
      timerWatch.close()
      sockets.close()
      calls.close(timer)
      receiver?.()
      gatherer?.()
      sender?.()
    }
  }
}

/** Called out of the event loop's own C code: an exception that left it would abort the process. */
const guarded =
  (handle: (events: number) => void) =>
  (events: number): void => {
    try {
      handle(events)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
