import { Result } from "effect"
import * as ControlAttribute from "../../../src/protocol/ControlAttribute.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import { token } from "../../client/FakeRelay.ts"
import * as Dice from "../Dice.ts"
import * as Corpus from "./Corpus.ts"
import { concat, mutate } from "./Mutation.ts"
import * as StunDraft from "./StunDraft.ts"

/** A datagram for a client. It is made when it is sent, of its dice and of what is true then. */
export interface Datagram {
  readonly kind: "frame" | "control" | "answer" | "other"
  readonly seed: number
  /** Eve has an address of her own; `stranger` writes from the relay's, but has not the key. */
  readonly from: "relay" | "eve" | "stranger"
  /** The same comes a second time. */
  readonly again: boolean
  /** How long it is quiet behind it. Milliseconds. */
  readonly thenMs: number
}

/** What whoever is on the path knows of a session. */
export interface Session {
  /** The client's. */
  readonly legTag: number
  readonly epoch: number
  /** Of the relay's frames. */
  readonly nextHop: number
  readonly lastRepair: number
  /** Of a request that may still be answered. */
  readonly transactionId: Uint8Array
}

const control = Corpus.bytesOfAll(Corpus.controlMessages)
const bodies = ["rtp.hex", "rtcp.hex", "feedback.hex"].flatMap((file) => Corpus.bytesOfAll(Corpus.hexFile(file)))
const types = Object.values(HopFrame.FrameType)
const answerTags = new Set([
  "JoinSuccess",
  "ResumeSuccess",
  "PingSuccess",
  "SubscribeSuccess",
  "LeaveSuccess",
  "Challenge",
  "Refused"
])
const answers = control.filter((bytes) => {
  const decoded = ControlMessage.decode(bytes)
  return Result.isSuccess(decoded) && answerTags.has(decoded.success.message._tag)
})

const strangersKey = new Uint8Array(32).fill(0xee)

/** A message with the leg tag of the session, where it has one. */
const withTag = (bytes: Uint8Array, legTag: number, key: Uint8Array): Uint8Array => {
  const draft = StunDraft.parse(bytes)
  const value = new Uint8Array(4)
  new DataView(value.buffer).setUint32(0, legTag)
  const attributes = draft.attributes.map((attribute) =>
    attribute.type === ControlAttribute.legTag.type ? { ...attribute, value } : attribute
  )
  return StunDraft.refinish({ ...draft, attributes }, key)
}

const frameOf = (draw: Dice.Dice, { epoch, lastRepair, legTag, nextHop }: Session): Uint8Array => {
  const header = new Uint8Array(HopFrame.headerBytes)
  const near = (number: number) => (number + Dice.integer(draw, -3, Dice.chance(draw, 0.9) ? 6 : 2000)) & 0xffff
  const type = HopFrame.typeByte(Dice.pick(draw, types), Dice.integer(draw, 0, 3))
  const view = new DataView(header.buffer)
  HopFrame.writeHeader(view, 0, type, Dice.integer(draw, 0, 255), near(nextHop), near(lastRepair), epoch, legTag)
  const body = Dice.pick(draw, bodies)
  return concat(header, Dice.chance(draw, 0.5) ? mutate(draw, body, bodies) : body)
}

/** Longer ones do not reach a port. Bytes. */
const datagramBytesMax = 1500

export const bytesOf = ({ from, kind, seed }: Datagram, session: Session): Uint8Array => {
  const draw = Dice.ofCase(seed, kind, 0)
  const key = from === "stranger" ? strangersKey : token.key
  const make = (): Uint8Array => {
    switch (kind) {
      case "frame":
        return frameOf(draw, session)
      case "control": {
        const message = withTag(Dice.pick(draw, control), session.legTag, key)
        return Dice.chance(draw, 0.2) ? message : StunDraft.mutateMessage(draw, message, control, key)
      }
      case "answer": {
        const draft = { ...StunDraft.parse(Dice.pick(draw, answers)), transactionId: session.transactionId }
        const answer = StunDraft.refinish(draft, key)
        return Dice.chance(draw, 0.5) ? answer : StunDraft.mutateMessage(draw, answer, control, key)
      }
      case "other":
        return mutate(draw, Dice.pick(draw, [...control, ...bodies]), control)
    }
  }
  return make().slice(0, datagramBytesMax)
}

export const drawDatagram = (draw: Dice.Dice): Datagram => ({
  kind: Dice.pickWeighted(draw, { frame: 5, control: 5, answer: 3, other: 1 }),
  seed: Dice.integer(draw, 0, 0xffff_ffff),
  from: Dice.pickWeighted(draw, { relay: 7, eve: 1, stranger: 2 }),
  again: Dice.chance(draw, 0.2),
  thenMs: Dice.chance(draw, 0.9) ? 0 : Dice.pick(draw, [1, 20, 100, 400])
})
