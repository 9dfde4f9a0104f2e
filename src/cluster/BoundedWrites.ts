import { Effect, Fiber } from "effect"
import { Socket } from "effect/socket"

type Writing = Effect.Effect<void, Socket.SocketError>

/** Whoever lives has read by then, or has given the connection up: see RunnerSockets. */
const patience = "1 second"

const tookNothing = new Socket.SocketError({
  reason: new Socket.SocketWriteError({ cause: "the connection took nothing for a second, and is closed" })
})

/**
 * The socket, whose writes end. Node's socket keeps what it is given; what Effect's waits for is that its buffer is empty
 * again. It waits for ever if the connection has closed just before, and as long as the other process is stopped: and with
 * it the answer that is written, the server that has to answer before it can end, and the node that closes its server. A
 * connection that takes nothing for a second is closed, this write and those after it fail, and the other side asks again.
 */
export const of = (socket: Socket.Socket): Socket.Socket =>
  Socket.make({
    reader: socket.reader,
    writer: Effect.map(socket.writer, ({ write, writeAll }) => {
      let isGivenUp = false
      const giveUp = Effect.suspend(() => {
        isGivenUp = true
        return startWith(write(new Socket.CloseEvent(1000)))
      })
      const bounded = (writing: Writing) =>
        Effect.suspend(() => (isGivenUp ? Effect.fail(tookNothing) : inTime(writing, giveUp)))
      return { write: (chunk) => bounded(write(chunk)), writeAll: (chunks) => bounded(writeAll(chunks)) }
    })
  })

const inTime = (writing: Writing, giveUp: Effect.Effect<Fiber.Fiber<void, Socket.SocketError>>): Writing =>
  Effect.flatMap(startWith(writing), (fiber) => {
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return exit
    const orElse = () =>
      Effect.flatMap(giveUp, (closing) => {
        fiber.interruptUnsafe()
        // Of a connection that is no more this would wait as well.
        closing.interruptUnsafe()
        return Effect.fail(tookNothing)
      })
    const bounded = Effect.timeoutOrElse(Fiber.join(fiber), { duration: patience, orElse })
    // Half a message is of no use: what was begun goes on, and is bounded, also when whoever has begun it goes away.
    return Effect.flatMap(startWith(bounded), Fiber.join)
  })

/** Nearly every write ends in this step. */
const startWith = (effect: Writing) => Effect.forkDetach(effect, { startImmediately: true })
