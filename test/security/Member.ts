import { Effect, Result } from "effect"
import type * as CallToken from "../../src/access/CallToken.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as RawPort from "./RawPort.ts"
import type { Sender } from "./Specimens.ts"

/** Longest wait for an answer. Pauses. */
const patience = 200

/** Somebody who has joined rightfully, and will send what the test wants. It acknowledges no rosters. */
export const join = Effect.fnUntraced(function* (options: {
  readonly relay: string
  readonly host: string
  readonly token: CallToken.CallToken
  readonly ssrc: number
  readonly pause: Effect.Effect<void>
}) {
  const { token } = options
  const answers: Array<ControlMessage.ControlMessage> = []
  let isJoining = true
  const port = yield* RawPort.open({
    ...options,
    port: 0,
    received: (bytes, offset, length) => {
      if (!isJoining || !Stun.isControl(bytes[offset]!)) return
      const decoded = ControlMessage.decode(bytes.slice(offset, offset + length))
      if (Result.isSuccess(decoded)) answers.push(decoded.success.message)
    }
  })
  const ask = Effect.fnUntraced(function* <Tag extends ControlMessage.ControlMessage["_tag"]>(
    request: ControlMessage.ControlMessage,
    tag: Tag
  ) {
    port.add(MessageIntegrity.sign(ControlMessage.encode(request), token.key))
    yield* port.flush
    for (let waited = 0; waited < patience; waited++) {
      yield* options.pause
      const answer = answers.find(({ _tag }) => _tag === tag)
      if (answer !== undefined) return answer as Extract<ControlMessage.ControlMessage, { readonly _tag: Tag }>
    }
    return yield* Effect.die(new Error(`no ${tag} came`))
  })
  const request = (counter: number, cookie?: Uint8Array): ControlMessage.JoinRequest => ({
    _tag: "JoinRequest",
    transactionId: new Uint8Array(Stun.transactionIdBytes).fill(counter),
    token: token.claimsBytes,
    counter,
    legTag: 0x0dd,
    streams: [new StreamDescription({ ssrc: options.ssrc, kind: "video", clockRate: 90_000, codec: "vp8" })],
    ...(cookie && { cookie })
  })
  const { cookie } = yield* ask(request(1), "Challenge")
  const { epoch, legTag } = yield* ask(request(2, cookie), "JoinSuccess")
  isJoining = false
  // Its cookie is spoiled: a join of its own would replace the session that the test goes on with.
  const sender: Sender = { token, legTag, epoch, ssrc: options.ssrc, cookie: cookie.map((byte) => byte ^ 1) }
  return { port, sender, cookie }
})
