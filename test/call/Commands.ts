import { Arbitrary, type Result, Schema } from "effect"
import type * as CallCommand from "../../src/call/CallCommand.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import type { CallState } from "../../src/call/CallState.ts"
import { ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"

export const stream = (ssrc: number): StreamDescription =>
  new StreamDescription({ ssrc, kind: "audio", clockRate: 48_000, codec: "opus" })

export const participantId = (index: number): ParticipantId => ParticipantId.make(`participant-${index}`)

/** A join of participant number `index`, with a stream, a leg and an address of its own. */
export const join = (index: number, change: Partial<CallCommand.Join> = {}): CallCommand.Join => ({
  id: participantId(index),
  callClass: "group-audio",
  relay: RelayId.make("relay-a"),
  address: `203.0.113.${index}:5000`,
  legTag: 1000 + index,
  deviceLegTag: 2000 + index,
  streams: [stream(3000 + index)],
  ...change
})

/** A resume of participant number `index` at another relay. */
export const resume = (index: number, change: Partial<CallCommand.Resume> = {}): CallCommand.Resume => ({
  id: participantId(index),
  relay: RelayId.make("relay-b"),
  address: `198.51.100.${index}:5000`,
  legTag: 4000 + index,
  deviceLegTag: 5000 + index,
  epoch: 1,
  ...change
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Drawn from so few values that commands meet: the same device, leg, address, SSRC and epoch again and again. */
const RandomCommand = Schema.Struct({
  kind: Schema.Literals(["join", "join", "resume", "move", "leave"]),
  participant: between(0, 5),
  relay: Schema.Literals(["relay-a", "relay-b"]),
  port: between(1, 4),
  legTag: between(1, 3),
  epoch: between(1, 4),
  ssrcs: Schema.Array(between(1, 9)).check(Schema.isMaxLength(2))
})
export type RandomCommand = typeof RandomCommand.Type

export const randomCommands = Arbitrary.array(Arbitrary.schema(RandomCommand), { maxLength: 60 })

/** What is sent to the call. */
export const commandOf = ({ kind, participant, relay, port, legTag, epoch, ssrcs }: RandomCommand) => {
  const id = participantId(participant)
  const address = `203.0.113.9:${port}`
  const leg = { id, relay: RelayId.make(relay), address, legTag, deviceLegTag: legTag }
  switch (kind) {
    case "join":
      return { kind, command: { ...leg, callClass: "group-audio", streams: ssrcs.map(stream) } } as const
    case "resume":
      return { kind, command: { ...leg, epoch } } as const
    case "move":
      return { kind, command: { id, legTag, address } } as const
    case "leave":
      return { kind, command: { id, legTag } } as const
  }
}

/** What the call decides about it. */
export const decide = (
  state: CallState,
  random: RandomCommand,
  nowMs: number
): Result.Result<CallDecision.Decision, CallDecision.Refusal> => {
  const { kind, command } = commandOf(random)
  switch (kind) {
    case "join":
      return CallDecision.join(state, command, nowMs)
    case "resume":
      return CallDecision.resume(state, command)
    case "move":
      return CallDecision.move(state, command)
    case "leave":
      return CallDecision.leave(state, command)
  }
}
