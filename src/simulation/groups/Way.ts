import * as EventHeap from "../EventHeap.ts"

/** Puts a message on its way. */
export type Way<Message> = (message: Message, nowMs: number) => void

/** A way on which every message takes as long, and none is lost; `arrive` takes them in. */
export const make = <Message>(
  heap: EventHeap.EventHeap,
  delayMs: number,
  arrive: (message: Message, nowMs: number) => void
): Way<Message> => {
  const waiting: Array<Message> = []
  const arrived = EventHeap.register(heap, (_, nowMs) => {
    const [message] = waiting.splice(0, 1)
    if (message !== undefined) arrive(message, nowMs)
  })
  return (message, nowMs) => {
    waiting.push(message)
    EventHeap.schedule(heap, nowMs + delayMs, arrived, 0)
  }
}
