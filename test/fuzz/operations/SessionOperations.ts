import { Effect } from "effect"
import * as CallToken from "../../../src/access/CallToken.ts"
import * as KeyRing from "../../../src/access/KeyRing.ts"
import type * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as Raw from "../../server/RawDevice.ts"
import * as Corpus from "../bytes/Corpus.ts"
import { mutate } from "../bytes/Mutation.ts"
import * as StunDraft from "../bytes/StunDraft.ts"
import * as Dice from "../Dice.ts"
import { hold, show } from "../Target.ts"
import * as SessionRequests from "./SessionRequests.ts"
import * as SessionWorld from "./SessionWorld.ts"

/** What devices, and others, can say to a relay, and what it has to answer. The model in the world goes along. */

/** `port`: which of the device's two addresses. */
export type Operation =
  | {
      readonly op: "knock" | "resume" | "ping" | "leave" | "toggleSilence"
      readonly device: number
      readonly port: number
    }
  | { readonly op: "join"; readonly device: number; readonly port: number; readonly call: number }
  | {
      readonly op: "subscribe"
      readonly device: number
      readonly port: number
      readonly version: number
      readonly entries: number
    }
  /** From an address that is proved, and still not to be let in. */
  | { readonly op: "joinWrong"; readonly device: number; readonly port: number; readonly because: Unwanted }
  | { readonly op: "resumeOld"; readonly device: number; readonly port: number; readonly back: number }
  | { readonly op: "pingOld"; readonly device: number; readonly port: number; readonly back: number }
  | { readonly op: "media"; readonly device: number; readonly port: number; readonly wrong: Wrong }
  /** A captured datagram comes again: from where it came, or from another address. */
  | { readonly op: "replay"; readonly back: number; readonly device: number | undefined; readonly port: number }
  /** Something that nobody with the key has made. */
  | {
      readonly op: "forge"
      readonly back: number
      readonly device: number
      readonly port: number
      readonly seed: number
    }
  | { readonly op: "pass"; readonly ms: number }

type Wrong = "nothing" | "tag" | "epoch" | "ssrc"

/** What each is refused with: docs/protocol.md, "Errors". */
const unwanted = { expired: 440, stranger: 401, unknownKey: 401, unreadable: 400, ssrcTaken: 409 } as const
type Unwanted = keyof typeof unwanted

export const drawOperation = (draw: Dice.Dice): Operation => {
  const device = Dice.integer(draw, 0, SessionWorld.devicesMax - 1)
  const port = Dice.chance(draw, 0.75) ? 0 : 1
  const weights = {
    join: 7,
    joinWrong: 2,
    knock: 1,
    resume: 3,
    resumeOld: 1,
    ping: 4,
    pingOld: 1,
    subscribe: 3,
    leave: 2,
    media: 7
  }
  const op = Dice.pickWeighted(draw, { ...weights, replay: 6, forge: 5, pass: 4, toggleSilence: 1 })
  const back = Dice.integer(draw, 0, 60)
  switch (op) {
    case "join":
      return { op, device, port, call: Dice.chance(draw, 0.7) ? 0 : 1 }
    case "joinWrong":
      return { op, device, port, because: Dice.pick(draw, Object.keys(unwanted) as Array<Unwanted>) }
    case "resumeOld":
    case "pingOld":
      return { op, device, port, back: Dice.integer(draw, 0, 5) }
    case "subscribe":
      return { op, device, port, version: Dice.integer(draw, 0, 9), entries: Dice.pick(draw, [0, 1, 64, 65, 100]) }
    case "media":
      return { op, device, port, wrong: Dice.pickWeighted(draw, { nothing: 6, tag: 1, epoch: 1, ssrc: 1 }) }
    case "replay":
      return { op, back, device: Dice.chance(draw, 0.7) ? undefined : device, port }
    case "forge":
      return { op, back, device, port, seed: Dice.integer(draw, 0, 0xffff_ffff) }
    case "pass":
      return { op, ms: Dice.pick(draw, [200, 1000, 5000, 9000, 40_000]) }
    default:
      return { op, device, port }
  }
}

const control = Corpus.bytesOfAll(Corpus.controlMessages)
const stranger = new Uint8Array(32).fill(0xee)
type World = SessionWorld.SessionWorld

/** What a device shows, and what it signs with. */
type Credential = Pick<CallToken.CallToken, "claimsBytes" | "key">

const joinRequest = (
  world: World,
  device: SessionWorld.Device,
  { claimsBytes, key }: Credential,
  ssrc: number,
  cookie: Uint8Array | undefined
): Uint8Array =>
  Raw.signed(
    {
      _tag: "JoinRequest",
      transactionId: world.transactionId(),
      token: claimsBytes,
      counter: ++device.counter,
      legTag: SessionWorld.tagOf(device),
      streams: [Raw.audio(ssrc)],
      ...(cookie && { cookie })
    },
    key
  )

const knock = Effect.fnUntraced(function* (world: World, device: SessionWorld.Device, port: number) {
  const answers = yield* world.exchange(
    device,
    port,
    joinRequest(world, device, device.tokens[0]!, SessionWorld.ssrcOf(device), undefined)
  )
  const challenge = SessionRequests.find(answers, "Challenge")
  hold(answers.length === 1 && challenge !== undefined, "whoever shows no cookie is challenged", () => show(answers))
  device.cookies.set(port, challenge.cookie)
})

/** What a grant makes of the device's leg. The one before is over, wherever it was. */
const granted = (
  world: World,
  device: SessionWorld.Device,
  port: number,
  { call, ssrc }: { readonly call: number; readonly ssrc: number },
  { epoch, legTag, ticket }: ControlMessage.JoinSuccess | ControlMessage.ResumeSuccess
) => {
  if (device.leg !== undefined) device.oldTickets.push(device.leg)
  device.leg = {
    call,
    relayTag: legTag,
    deviceTag: SessionWorld.tagOf(device),
    epoch,
    ticket,
    ssrc,
    at: port,
    nextFrame: 0,
    counter: device.counter,
    subscriptionVersion: undefined,
    heardAtMs: world.nowMs()
  }
}

/** A relay may say that somebody joins too often. */
const isBusy = (answers: ReadonlyArray<ControlMessage.ControlMessage>): boolean =>
  SessionRequests.find(answers, "Refused")?.error.code === 503

const join = Effect.fnUntraced(function* (world: World, device: SessionWorld.Device, port: number, call: number) {
  // A token is for one call: who goes to another leaves the one that he is in.
  if (device.leg !== undefined && device.leg.call !== call) return
  if (!device.cookies.has(port)) yield* knock(world, device, port)
  device.tags++
  const request = joinRequest(
    world,
    device,
    device.tokens[call]!,
    SessionWorld.ssrcOf(device),
    device.cookies.get(port)
  )
  const answers = yield* world.exchange(device, port, request)
  if (isBusy(answers)) {
    world.captured.pop()
    return
  }
  const success = SessionRequests.find(answers, "JoinSuccess")
  hold(success !== undefined, "whoever has cookie, token and key is let in", () => show(answers))
  granted(world, device, port, { call, ssrc: SessionWorld.ssrcOf(device) }, success)
  // The roster has come with the grant, before its leg was known here; it comes again.
  yield* world.pass(500)
})

const otherRing = KeyRing.make({ keys: [{ id: "k2", secret: new Uint8Array(32).fill(8) }] })

const credentialFor = (because: Unwanted, { claims, claimsBytes, key }: CallToken.CallToken): Credential => {
  switch (because) {
    case "expired":
      return CallToken.mint(Raw.keyRing, { ...claims, expiresAtSeconds: 1 })
    case "stranger":
      return { claimsBytes, key: stranger }
    case "unknownKey":
      return CallToken.mint(otherRing, claims)
    case "unreadable":
      return { claimsBytes: claimsBytes.slice(1), key }
    case "ssrcTaken":
      return { claimsBytes, key }
  }
}

const joinWrong = Effect.fnUntraced(function* (
  world: World,
  device: SessionWorld.Device,
  port: number,
  because: Unwanted
) {
  const taken = world.devices.find((other) => other !== device && other.leg?.call === 0)?.leg?.ssrc
  if (because === "ssrcTaken" && taken === undefined) return
  if (!device.cookies.has(port)) yield* knock(world, device, port)
  const ssrc = because === "ssrcTaken" ? taken! : SessionWorld.ssrcOf(device)
  const credential = credentialFor(because, device.tokens[0]!)
  const request = joinRequest(world, device, credential, ssrc, device.cookies.get(port))
  const answers = yield* world.exchange(device, port, request)
  // Once the SSRC is free, whoever repeats it is let in.
  if (because === "ssrcTaken") world.captured.pop()
  if (isBusy(answers)) return
  const code = SessionRequests.find(answers, "Refused")?.error.code
  hold(code === unwanted[because], "who must not come in is told why", () => show([because, answers]))
})

const resume = Effect.fnUntraced(function* (
  world: World,
  device: SessionWorld.Device,
  port: number,
  ticket: { readonly ticket: Uint8Array; readonly epoch: number; readonly call: number }
) {
  if (!device.cookies.has(port)) yield* knock(world, device, port)
  device.tags++
  const request: ControlMessage.ResumeRequest = {
    _tag: "ResumeRequest",
    transactionId: world.transactionId(),
    ticket: ticket.ticket,
    cookie: device.cookies.get(port)!,
    counter: ++device.counter,
    legTag: SessionWorld.tagOf(device),
    epoch: ticket.epoch
  }
  return yield* world.exchange(device, port, Raw.signed(request, device.tokens[ticket.call]!.key))
})

const resumeNow = Effect.fnUntraced(function* (world: World, device: SessionWorld.Device, port: number) {
  const { leg } = device
  if (leg === undefined) return
  const answers = yield* resume(world, device, port, leg)
  if (isBusy(answers)) {
    world.captured.pop()
    return
  }
  const success = SessionRequests.find(answers, "ResumeSuccess")
  hold(success !== undefined, "the newest ticket resumes", () => show(answers))
  granted(world, device, port, leg, success)
  yield* world.pass(500)
})

const media = Effect.fnUntraced(function* (world: World, device: SessionWorld.Device, port: number, wrong: Wrong) {
  const { leg } = device
  if (leg === undefined) return
  // Of the session before: one of the next would be believed, for a device may resume where nobody has heard of it.
  const epoch = (leg.epoch - 1) & 0xff
  const changes = { nothing: {}, tag: { tag: leg.relayTag ^ 1 }, epoch: { epoch }, ssrc: { ssrc: 7 } }
  const bytes = world.frame(device, leg, changes[wrong])
  for (const other of world.devices) yield* world.take(other)
  yield* world.sendBytes(device, port, bytes)
  yield* world.pass(world.settleMs)
  const isRight = wrong === "nothing" && port === leg.at
  if (isRight) leg.heardAtMs = world.nowMs()
  // A number that was given and never came in is asked for: it is not lost, but refused.
  else leg.nextFrame--
  const body = bytes.slice(HopFrame.headerBytes).join()
  for (const other of world.devices) {
    const { media } = yield* world.take(other)
    const isListening = isRight && other !== device && other.leg?.call === leg.call
    const expected = isListening ? [`${other.leg!.at} ${body}`] : []
    const heard = media.map((one) => `${one.port} ${one.bytes.slice(HopFrame.headerBytes).join()}`)
    hold(show(heard) === show(expected), "media goes once to everybody else in the call, and to nobody besides", () =>
      show({ from: device.index, wrong, port, at: other.index, heard: heard.length, expected: expected.length })
    )
  }
})

const signLeave = (world: World, device: SessionWorld.Device): Uint8Array =>
  Raw.signed(
    {
      _tag: "LeaveRequest",
      transactionId: world.transactionId(),
      legTag: device.leg!.relayTag,
      counter: ++device.counter
    },
    world.keyOf(device)
  )

export const leave = Effect.fnUntraced(function* (world: World, device: SessionWorld.Device, port: number) {
  if (device.leg === undefined) return
  const answers = yield* world.exchange(device, port, signLeave(world, device))
  hold(SessionRequests.find(answers, "LeaveSuccess") !== undefined, "who leaves is told so", () => show(answers))
  device.oldTickets.push(device.leg)
  device.leg = undefined
})

/** A device that is silent for so long has left; a second is between two looks. Milliseconds. */
const silentMs = 30_000
const unclearMs = 2000

const pass = Effect.fnUntraced(function* (world: World, ms: number) {
  for (let left = ms; left > 0; left -= 5000) {
    yield* world.pass(Math.min(left, 5000))
    for (const device of world.devices) {
      yield* world.take(device)
      if (!device.isSilent && device.leg !== undefined) yield* SessionRequests.ping(world, device, device.leg.at)
    }
  }
  const silentFor = ({ leg }: SessionWorld.Device) => (leg === undefined ? 0 : world.nowMs() - leg.heardAtMs)
  const isUnclear = (device: SessionWorld.Device) => Math.abs(silentFor(device) - silentMs) <= unclearMs
  while (world.devices.some(isUnclear)) yield* world.pass(unclearMs)
  for (const device of world.devices) {
    if (silentFor(device) <= silentMs) continue
    device.oldTickets.push(device.leg!)
    device.leg = undefined
  }
})

export const perform = Effect.fnUntraced(function* (world: World, operation: Operation) {
  if (operation.op === "pass") return yield* pass(world, operation.ms)
  const device = world.devices[operation.device ?? 0]!
  const { port } = operation
  switch (operation.op) {
    case "knock":
      return yield* knock(world, device, port)
    case "join":
      return yield* join(world, device, port, operation.call)
    case "joinWrong":
      return yield* joinWrong(world, device, port, operation.because)
    case "resume":
      return yield* resumeNow(world, device, port)
    case "resumeOld": {
      const old = device.oldTickets.at(-1 - operation.back)
      if (old === undefined) return
      const answers = yield* resume(world, device, port, old)
      hold(SessionRequests.find(answers, "ResumeSuccess") === undefined, "an old ticket resumes nothing", () =>
        show(answers)
      )
      return
    }
    case "ping":
      return yield* SessionRequests.ping(world, device, port)
    case "pingOld": {
      if (device.leg === undefined) return
      yield* world.exchange(
        device,
        port,
        SessionRequests.pingBytes(world, device, port, Math.max(1, device.leg.counter - operation.back))
      )
      return
    }
    case "subscribe":
      return yield* SessionRequests.subscribe(world, device, port, operation.version, operation.entries)
    case "leave":
      return yield* leave(world, device, port)
    case "media":
      return yield* media(world, device, port, operation.wrong)
    case "toggleSilence":
      device.isSilent = !device.isSilent
      return
    case "replay": {
      const old = world.captured.at(-1 - operation.back)
      if (old === undefined) return
      const from = operation.device === undefined ? world.devices[old.device]! : device
      yield* from.ports[operation.device === undefined ? old.port : port]!.sendBytes(old.bytes)
      return yield* world.pass(world.settleMs)
    }
    case "forge": {
      const draw = Dice.ofCase(operation.seed, "forge", 0)
      const original = world.captured.at(-1 - operation.back)?.bytes ?? control[0]!
      const isFrame = original[0]! >= HopFrame.firstByteMin
      const forged = isFrame
        ? mutate(draw, original, control)
        : StunDraft.mutateMessage(draw, original, control, stranger)
      yield* device.ports[port]!.sendBytes(forged.slice(0, 1500))
      return yield* world.pass(world.settleMs)
    }
  }
})
