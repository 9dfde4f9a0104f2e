import { Effect, Latch, Queue } from "effect"
import * as NetAddress from "effect/net/NetAddress"
import { Socket, SocketServer } from "effect/socket"
import type { SimulatedProcess } from "./SimulatedProcess.ts"

type Chunk = Uint8Array | string

/** One process's side of a connection. */
interface End {
  readonly owner: SimulatedProcess
  readonly received: Array<Chunk>
  /** Open when something may have happened: bytes, the end, or a link that is whole again. */
  readonly changed: Latch.Latch
  isClosed: boolean
  peer: End | undefined
}

const closed = new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1006 }) })
const refused = new Socket.SocketError({
  reason: new Socket.SocketOpenError({ kind: "Unknown", cause: "connection refused" })
})
const timedOut = new Socket.SocketError({
  reason: new Socket.SocketOpenError({ kind: "Timeout", cause: "no answer" })
})

/** No answer comes in no time: who asks has to be listening by then. */
const dialTime = "1 millis"
/** As long as a real one waits. */
const openTimeout = "1 second"

/** Streams of bytes between simulated processes, whose links can be cut: what is sent then arrives when they are whole. */
export const make = () => {
  const listeners = new Map<string, { readonly owner: SimulatedProcess; readonly accepted: Queue.Queue<End> }>()
  const ends = new Set<End>()
  const cuts = new Set<string>()
  const linkOf = (a: SimulatedProcess, b: SimulatedProcess) => [a.name, b.name].toSorted().join(" ")
  const isCut = (a: SimulatedProcess, b: SimulatedProcess) => cuts.has(linkOf(a, b))
  const linksChanged = Latch.makeUnsafe(false)
  const wakeAll = () => {
    for (const end of ends) end.changed.openUnsafe()
    linksChanged.openUnsafe()
    linksChanged.closeUnsafe()
  }

  const makeEnd = (owner: SimulatedProcess): End => {
    const end: End = { owner, received: [], changed: Latch.makeUnsafe(false), isClosed: false, peer: undefined }
    ends.add(end)
    return end
  }

  const close = (end: End) => {
    end.isClosed = true
    ends.delete(end)
    end.changed.openUnsafe()
    end.peer?.changed.openUnsafe()
  }

  const pull = (end: End): Effect.Effect<[Chunk, ...Array<Chunk>], Socket.SocketError> =>
    Effect.suspend(() => {
      const peer = end.peer!
      if (end.isClosed) return Effect.fail(closed)
      if (!isCut(end.owner, peer.owner)) {
        const [first, ...rest] = end.received.splice(0)
        if (first !== undefined) return Effect.as(end.owner.gate, [first, ...rest])
        if (peer.isClosed) return Effect.andThen(end.owner.gate, Effect.fail(closed))
      }
      end.changed.closeUnsafe()
      return Effect.andThen(end.changed.await, pull(end))
    })

  const write = (end: End, chunks: ReadonlyArray<Chunk>) =>
    Effect.suspend(() => {
      const peer = end.peer!
      if (end.isClosed || (peer.isClosed && !isCut(end.owner, peer.owner))) return Effect.fail(closed)
      peer.received.push(...chunks)
      peer.changed.openUnsafe()
      return Effect.void
    })

  const readerOf = (end: End) =>
    Effect.acquireRelease(Effect.succeed({ pull: pull(end), upgrade: Socket.SocketUpgradeError.unsupported }), () =>
      Effect.sync(() => end.owner.isAlive && close(end))
    )

  const writerOf = (current: () => Effect.Effect<End>): Socket.Writer => ({
    write: (chunk) =>
      Effect.flatMap(current(), (end) =>
        Socket.isCloseEvent(chunk) ? Effect.sync(() => close(end)) : write(end, [chunk])
      ),
    writeAll: (chunks) => Effect.flatMap(current(), (end) => write(end, chunks))
  })

  const dial = (owner: SimulatedProcess, name: string): Effect.Effect<End, Socket.SocketError> =>
    Effect.suspend(() => {
      const listener = listeners.get(name)
      if (listener === undefined) return Effect.fail(refused)
      if (isCut(owner, listener.owner)) return Effect.andThen(linksChanged.await, dial(owner, name))
      if (!listener.owner.isAlive) return Effect.fail(refused)
      const [near, far] = [makeEnd(owner), makeEnd(listener.owner)]
      near.peer = far
      far.peer = near
      Queue.offerUnsafe(listener.accepted, far)
      return Effect.succeed(near)
    }).pipe(Effect.andThen((end) => Effect.as(owner.gate, end)))

  const connect = (owner: SimulatedProcess, { host, port }: { readonly host: string; readonly port: number }) =>
    Effect.sync(() => {
      let end: End | undefined
      const opened = Latch.makeUnsafe(false)
      return Socket.make({
        reader: Effect.sleep(dialTime).pipe(
          Effect.andThen(dial(owner, `${host}:${port}`)),
          Effect.timeoutOrElse({ duration: openTimeout, orElse: () => Effect.fail(timedOut) }),
          Effect.flatMap((dialled) => {
            end = dialled
            opened.openUnsafe()
            return readerOf(dialled)
          })
        ),
        writer: Effect.succeed(writerOf(() => Effect.map(opened.await, () => end!)))
      })
    })

  const listen = Effect.fnUntraced(function* (owner: SimulatedProcess, host: string, port: number) {
    const accepted = yield* Queue.unbounded<End>()
    listeners.set(`${host}:${port}`, { owner, accepted })
    return SocketServer.SocketServer.of({
      address: NetAddress.socketAddressFromInputUnsafe({ address: "127.0.0.1", port }),
      run: (handler) =>
        Queue.take(accepted).pipe(
          Effect.flatMap((end) =>
            Effect.forkChild(
              handler(
                Socket.make({
                  reader: readerOf(end),
                  writer: Effect.succeed(writerOf(() => Effect.succeed(end)))
                })
              )
            )
          ),
          Effect.forever
        )
    })
  })

  return {
    connect,
    listen,
    /** Its connections end, as the kernel ends those of a process that was killed. */
    dropAll: (owner: SimulatedProcess) => {
      for (const end of ends) if (end.owner === owner) close(end)
    },
    cut: (a: SimulatedProcess, b: SimulatedProcess) => void cuts.add(linkOf(a, b)),
    heal: () => {
      cuts.clear()
      wakeAll()
    }
  }
}
