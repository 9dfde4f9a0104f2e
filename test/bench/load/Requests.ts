import type { Wire } from "./Wire.ts"

/** A request without answer is sent again, RFC 8489 section 6.2.1. Milliseconds. */
const repeatAfterMs = 500
const repeatsMax = 8

/** What one participant asks its relay, one request after the other. */
export interface Requests {
  /** Sends it until it is answered. `what` is for people: "JoinRequest". */
  readonly ask: (request: Uint8Array, what: string, isAnswer: (datagram: Uint8Array) => boolean) => Promise<Uint8Array>
  /** Takes in what has come, if it is what is waited for. */
  readonly take: (datagram: Uint8Array) => void
}

export const make = (wire: Wire): Requests => {
  let waiting:
    | { readonly isAnswer: (datagram: Uint8Array) => boolean; readonly answer: (datagram: Uint8Array) => void }
    | undefined
  return {
    ask: async (request, what, isAnswer) => {
      let timer: NodeJS.Timeout | undefined
      try {
        return await new Promise<Uint8Array>((answer, fail) => {
          let left = repeatsMax
          const send = () => {
            if (left-- === 0) return fail(new Error(`the relay does not answer a ${what}`))
            wire.send(request)
            timer = setTimeout(send, repeatAfterMs)
          }
          waiting = { isAnswer, answer }
          send()
        })
      } finally {
        clearTimeout(timer)
        waiting = undefined
      }
    },
    take: (datagram) => {
      if (waiting?.isAnswer(datagram) === true) waiting.answer(datagram)
    }
  }
}
