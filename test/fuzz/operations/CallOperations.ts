import { Cause, Clock, Effect, Exit } from "effect"
import { JoinRefused } from "../../../src/client/CallClient.ts"
import { refusalCodes } from "../../../src/protocol/ControlMessage.ts"
import type * as LinkEmulator from "../../../src/sockets/simulated/LinkEmulator.ts"
import * as Dice from "../Dice.ts"
import { hold, show } from "../Target.ts"
import * as CallWorld from "./CallWorld.ts"

/** What can happen to devices in calls, to their links and to their relay, and what must hold all the while. */

type OfDevice = "leave" | "vanish" | "restart" | "talk" | "hush" | "move" | "newPort" | "keyFrame"

export type Operation =
  | { readonly op: "join"; readonly device: number; readonly call: number }
  | { readonly op: OfDevice; readonly device: number }
  | {
      readonly op: "link"
      readonly device: number
      readonly way: CallWorld.Way
      readonly options: Partial<LinkEmulator.LinkOptions>
    }
  | { readonly op: "stopRelay" | "crashRelay"; readonly downMs: number }
  | { readonly op: "stepClock" | "pass"; readonly ms: number }

const links: ReadonlyArray<Partial<LinkEmulator.LinkOptions>> = [
  {},
  { lossRatio: 0.05, jitterMs: 5 },
  { lossRatio: 0.3 },
  { jitterMs: 60, reorderRatio: 0.1, duplicateRatio: 0.2 },
  { latencyMs: 250 },
  { rateBps: 40_000 },
  { lossRatio: 1 }
]
const ways: ReadonlyArray<CallWorld.Way> = ["up", "down", "both", "both"]
const ofDevice: ReadonlyArray<OfDevice> = [
  "leave",
  "vanish",
  "restart",
  "talk",
  "talk",
  "hush",
  "move",
  "newPort",
  "keyFrame"
]

export const drawOperation = (draw: Dice.Dice): Operation => {
  const device = Dice.integer(draw, 0, CallWorld.devicesMax - 1)
  const op = Dice.pickWeighted(draw, {
    join: 6,
    ofDevice: 7,
    link: 4,
    pass: 6,
    stopRelay: 0.5,
    crashRelay: 0.5,
    stepClock: 1
  })
  switch (op) {
    case "join":
      return { op, device, call: Dice.chance(draw, 0.7) ? 0 : 1 }
    case "ofDevice":
      return { op: Dice.pick(draw, ofDevice), device }
    case "link":
      return { op, device, way: Dice.pick(draw, ways), options: Dice.pick(draw, links) }
    case "stopRelay":
    case "crashRelay":
      return { op, downMs: Dice.pick(draw, [0, 100, 1500, 12_000]) }
    case "stepClock":
      return { op, ms: Dice.pick(draw, [-600_000, -50_000, -5000, 5000, 50_000, 700_000]) }
    case "pass":
      return { op, ms: Dice.pick(draw, [40, 300, 1000, 3000, 8000]) }
  }
}

/** Within this time after everything works again, everybody is where he should be. Milliseconds. */
export const recoveryMs = 20_000
/** A relay takes a device that is silent for that long to have left, and looks once a second. Milliseconds. */
export const silentMs = 32_000

export type Run = Effect.Success<ReturnType<typeof start>>

/** A world, and what has been done to it. */
export const start = Effect.fnUntraced(function* (seed: number) {
  const world = yield* CallWorld.make(seed)
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  return {
    world,
    nowMs,
    /** Devices that nothing gets to, or nothing comes from. */
    cut: new Set<number>(),
    /** When each device was within reach of the relay last, and when it was not, as far as that was arranged. */
    lastInReachMs: world.devices.map(nowMs),
    lastOutOfReachMs: world.devices.map(() => -Infinity),
    departures: [] as Array<{ readonly device: number; readonly call: number; readonly atMs: number }>,
    /**
     * Devices that went while nobody was there to notice, as "call device": a relay that comes after does not know that it
     * should have heard of them, and the call keeps them until they come back.
     */
    forgotten: new Set<string>()
  }
})

export const end = Effect.fnUntraced(function* (run: Run, device: CallWorld.Device, isOrderly: boolean) {
  const { departures, forgotten, nowMs, world } = run
  const { index, stay } = device
  if (stay !== undefined) {
    departures.push({ device: index, call: stay.call, atMs: nowMs() })
    const sessions = [...(world.relay.core()?.calls.sessionsByTag.values() ?? [])]
    const isKnown = sessions.some(({ call, participant }) => {
      return call === CallWorld.calls[stay.call] && participant === CallWorld.nameOf(index)
    })
    // It was at a relay that is no more, and has not come to this one yet.
    if (!isKnown) forgotten.add(`${stay.call} ${index}`)
  }
  yield* world.end(device, isOrderly)
})

const join = Effect.fnUntraced(function* ({ forgotten, world }: Run, device: CallWorld.Device, call: number) {
  if (device.stay === undefined) forgotten.delete(`${call} ${device.index}`)
  yield* world.join(device, call)
})

export const perform = Effect.fnUntraced(function* (run: Run, operation: Operation) {
  const { cut, departures, forgotten, nowMs, world } = run
  const device = "device" in operation ? world.devices[operation.device]! : world.devices[0]!
  const { stay } = device
  switch (operation.op) {
    case "join":
      return yield* join(run, device, operation.call)
    case "leave":
      return yield* end(run, device, true)
    case "vanish":
    case "restart":
      yield* world.setLink(device, { lossRatio: 1 }, "both")
      yield* end(run, device, false)
      yield* world.pass(20)
      yield* world.setLink(device, {}, "both")
      cut.delete(device.index)
      if (operation.op === "restart" && stay !== undefined) yield* join(run, device, stay.call)
      return
    case "talk":
    case "hush":
      device.talks = operation.op === "talk"
      return
    case "move":
      cut.delete(device.index)
      return yield* world.move(device)
    case "newPort":
      if (stay?.joined !== undefined) cut.delete(device.index)
      return yield* world.openFreshPort(device)
    case "keyFrame":
      if (stay?.joined !== undefined) {
        for (const { ssrc } of (yield* stay.joined.client.statistics).received)
          yield* stay.joined.client.requestKeyFrame(ssrc)
      }
      return
    case "link":
      if (operation.options.lossRatio === 1) cut.add(device.index)
      else if (operation.way === "both") cut.delete(device.index)
      return yield* world.setLink(device, operation.options, operation.way)
    case "stopRelay":
    case "crashRelay":
      for (const { atMs, call, device } of departures) if (nowMs() - atMs < silentMs) forgotten.add(`${call} ${device}`)
      yield* world.whilePassing(world.relay.stop(operation.op === "crashRelay"))
      yield* world.pass(operation.downMs)
      yield* noticeEnds(run)
      return yield* world.whilePassing(world.relay.start)
    case "stepClock":
      return world.relay.stepClock(operation.ms)
    case "pass":
      return yield* world.pass(operation.ms)
  }
})

/** A client gives up when it has heard nothing for 30 s: one that had no way to its relay for most of them may. */
const excuseMs = 20_000
/** A join is repeated some times in 40 s: whoever was out of reach meanwhile may have missed the times that count. */
const joiningMs = 40_000

/** Whoever has given up is out; nobody does who need not. */
export const noticeEnds = Effect.fnUntraced(function* (run: Run) {
  const { cut, lastInReachMs, lastOutOfReachMs, nowMs, world } = run
  for (const device of world.devices) {
    const { index, stay } = device
    if (cut.has(index) || world.relay.core() === undefined) lastOutOfReachMs[index] = nowMs()
    else lastInReachMs[index] = nowMs()
    const ended = stay?.joined?.observed.connection.find(({ _tag }) => _tag === "Ended")
    const failed = stay?.joining.pollUnsafe()
    if (ended !== undefined) {
      const isExcused = nowMs() - lastInReachMs[index]! >= excuseMs
      hold(isExcused, "a client goes on while its relay can be reached", () => show([index, ended]))
      yield* end(run, device, false)
    } else if (failed !== undefined && Exit.isFailure(failed)) {
      const error = Cause.squash(failed.cause)
      // A relay may say that it is busy.
      const isBusy = error instanceof JoinRefused && error.code === refusalCodes.busy
      const isExcused = isBusy || nowMs() - lastOutOfReachMs[index]! <= joiningMs
      hold(isExcused, "a device can join while its relay can be reached", () => `p${index}: ${String(error)}`)
      yield* end(run, device, false)
    }
  }
})

const leaving = new Set<string>(["leave", "vanish", "restart"] satisfies ReadonlyArray<OfDevice>)

/** Whether somebody may be in a call behind it who is not there any more, until his silence is noticed. */
export const mayLeaveSilently = ({ op }: Operation): boolean => leaving.has(op)
