import { Arbitrary, type Result, Schema } from "effect"
import type * as CallCommand from "../../src/call/CallCommand.ts"
import * as CallDecision from "../../src/call/CallDecision.ts"
import { type CallState, RelayPlace } from "../../src/call/CallState.ts"
import { ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"

export const stream = (ssrc: number): StreamDescription =>
  new StreamDescription({ ssrc, kind: "audio", clockRate: 48_000, codec: "opus" })

export const participantId = (index: number): ParticipantId => ParticipantId.make(`participant-${index}`)

/** Relay "relay-a" is at 10.0.0.97, and has 97 for its tag: the last letter is its number. */
export const place = (relay: string): RelayPlace => {
  const number = relay.charCodeAt(relay.length - 1)
  return new RelayPlace({ id: RelayId.make(relay), address: `10.0.0.${number}:3478`, tag: number })
}

/** A join of participant number `index`, with a stream, a leg and an address of its own. */
export const join = (index: number, change: Partial<CallCommand.Join> = {}): CallCommand.Join => ({
  id: participantId(index),
  callClass: "group-audio",
  keyId: "k1",
  tokenExpiresAtSeconds: 2_000_000_000,
  relay: place("relay-a"),
  address: `203.0.113.${index}:5000`,
  legTag: 1000 + index,
  deviceLegTag: 2000 + index,
  streams: [stream(3000 + index)],
  ...change
})

/** A resume of participant number `index` at another relay. */
export const resume = (index: number, change: Partial<CallCommand.Resume> = {}): CallCommand.Resume => ({
  id: participantId(index),
  relay: place("relay-b"),
  address: `198.51.100.${index}:5000`,
  legTag: 4000 + index,
  deviceLegTag: 5000 + index,
  epoch: 1,
  ...change
})

/** Relay b goes on with the leg that participant number `index` has come onto by `join`. */
export const restore = (index: number, change: Partial<CallCommand.Restore> = {}): CallCommand.Restore => ({
  id: participantId(index),
  relay: place("relay-b"),
  legTag: 1000 + index,
  epoch: 1,
  restores: 0,
  ...change
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Drawn from so few values that commands meet: the same device, leg, address, SSRC and epoch again and again. */
const RandomCommand = Schema.Struct({
  kind: Schema.Literals(["join", "join", "resume", "restore", "move", "leave"]),
  participant: between(0, 5),
  relay: Schema.Literals(["relay-a", "relay-b", "relay-c"]),
  port: between(1, 4),
  legTag: between(1, 3),
  epoch: between(1, 4),
  restores: between(0, 2),
  ssrcs: Schema.Array(between(1, 9)).check(Schema.isMaxLength(2))
})
export type RandomCommand = typeof RandomCommand.Type

export const randomCommands = Arbitrary.array(Arbitrary.schema(RandomCommand), { maxLength: 60 })

/** What is sent to the call. */
export const commandOf = ({ kind, participant, relay, port, legTag, epoch, restores, ssrcs }: RandomCommand) => {
  const id = participantId(participant)
  const address = `203.0.113.9:${port}`
  const leg = { id, relay: place(relay), address, legTag, deviceLegTag: legTag }
  switch (kind) {
    case "join":
      return {
        kind,
        command: {
          ...leg,
          callClass: "group-audio",
          keyId: "k1",
          tokenExpiresAtSeconds: 2_000_000_000,
          streams: ssrcs.map(stream)
        }
      } as const
    case "resume":
      return { kind, command: { ...leg, epoch } } as const
    case "restore":
      return { kind, command: { id, relay: leg.relay, legTag, epoch, restores } } as const
    case "move":
      return { kind, command: { id, legTag, address } } as const
    case "leave":
      return { kind, command: { id, legTag, restores } } as const
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
    case "restore":
      return CallDecision.restore(state, command)
    case "move":
      return CallDecision.move(state, command)
    case "leave":
      return CallDecision.leave(state, command)
  }
}
