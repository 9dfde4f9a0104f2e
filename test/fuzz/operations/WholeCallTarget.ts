import { Effect, Layer, Random } from "effect"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../../src/state/CallStore.ts"
import { inThePresent } from "../../server/RawDevice.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import { runInVirtualTime } from "../Virtual.ts"
import * as CallOperations from "./CallOperations.ts"
import * as CallWorld from "./CallWorld.ts"

interface Case {
  readonly seed: number
  readonly operations: ReadonlyArray<CallOperations.Operation>
}

type Run = CallOperations.Run

/** Everything works again. */
const heal = Effect.fnUntraced(function* ({ cut, world }: Run) {
  cut.clear()
  for (const device of world.devices) {
    device.talks = false
    yield* world.setLink(device, {}, "both")
  }
})

const rosterOf = (observed: {
  readonly roster: ReadonlyArray<{ readonly _tag: string; readonly participant: string }>
}) => {
  const present = new Set<string>()
  for (const { _tag, participant } of observed.roster) {
    if (_tag === "Joined") present.add(participant)
    else present.delete(participant)
  }
  return [...present].sort()
}

const membersOf = ({ devices }: CallWorld.CallWorld, call: number) =>
  devices.flatMap(({ index, stay }) =>
    stay?.joined !== undefined && stay.call === call ? [{ index, stay, ...stay.joined }] : []
  )

const packetsOfExam = 25

/** Who is in a call knows who else is, and hears everything that everybody says from now on. */
const checkCalls = Effect.fnUntraced(function* ({ forgotten, world }: Run) {
  for (const call of CallWorld.calls.keys()) {
    const members = membersOf(world, call)
    for (const { index, observed } of members) {
      const others = members
        .filter((other) => other.index !== index)
        .map((other) => String(CallWorld.nameOf(other.index)))
      const isForgotten = (name: string) => forgotten.has(`${call} ${name.slice(1)}`)
      const roster = rosterOf(observed).filter((name) => others.includes(name) || !isForgotten(name))
      hold(show(roster) === show(others.sort()), "everybody knows who is in the call", () =>
        show({ call, at: index, roster, others })
      )
    }
  }
  const before = world.devices.map(({ stay }) => stay?.said ?? 0)
  for (const device of world.devices) device.talks = true
  yield* world.pass(packetsOfExam * 20)
  for (const device of world.devices) device.talks = false
  yield* world.pass(1000)
  for (const call of CallWorld.calls.keys()) {
    const members = membersOf(world, call)
    for (const listener of members) {
      const heard = listener.observed.packets.map(({ payload }) => CallWorld.sayingIn(payload))
      for (const { index, stay } of members.filter((other) => other !== listener)) {
        const said = heard
          .filter((one) => one.stay === stay.number && one.said >= before[index]!)
          .map((one) => one.said)
        const expected = Dice.many(packetsOfExam, (n) => before[index]! + n)
        hold(show(said) === show(expected), "everybody hears everything, once and in order", () =>
          show({ call, at: listener.index, from: index, said, first: before[index] })
        )
      }
    }
  }
})

const checkTables = ({ world }: Run, members: number, calls: number): void => {
  const core = world.relay.core()!
  const { calls: table, controlCounters, forwarding } = core
  const sizes = { legs: forwarding.legs.size, sessions: table.sessionsByTag.size, calls: table.calls.size }
  hold(
    show(sizes) === show({ legs: members, sessions: members, calls }),
    "a relay has the legs of those who are there",
    () => show([sizes, { members, calls }])
  )
  hold(controlCounters.failed === 0, "no control message makes a relay fail")
}

const runCase = Effect.fnUntraced(function* ({ operations, seed }: Case) {
  const run = yield* CallOperations.start(seed)
  const { world } = run
  for (const operation of operations) {
    yield* CallOperations.perform(run, operation)
    yield* CallOperations.noticeEnds(run)
  }
  yield* heal(run)
  for (let passed = 0; passed < CallOperations.silentMs + CallOperations.recoveryMs; passed += 1000) {
    yield* world.pass(1000)
    yield* CallOperations.noticeEnds(run)
    const isWaiting = world.devices.some(({ stay }) => stay !== undefined && stay.joined === undefined)
    if (passed >= CallOperations.recoveryMs && !isWaiting && !operations.some(CallOperations.mayLeaveSilently)) break
  }
  yield* checkCalls(run)
  const inCalls = CallWorld.calls.map((_, call) => membersOf(world, call).length)
  checkTables(
    run,
    inCalls.reduce((sum, count) => sum + count),
    inCalls.filter((count) => count > 0).length
  )

  for (const device of world.devices) yield* CallOperations.end(run, device, true)
  yield* world.pass(6000)
  checkTables(run, 0, 0)
  hold(world.relay.core()!.forwarding.timers.size === 0, "a relay without legs has no timers")
  hold(
    world.farewells.every((fiber) => fiber.pollUnsafe() !== undefined),
    "whoever leaves is gone"
  )
  const store = yield* CallStore.CallStore
  for (const call of CallWorld.calls) {
    const { participants } = yield* store.load(call)
    const left = participants.filter(({ id }) => !run.forgotten.has(`${CallWorld.calls.indexOf(call)} ${id.slice(1)}`))
    hold(left.length === 0, "nothing is stored of a call that is over", () => show(left.map(({ id }) => id)))
  }
})

export const check = (input: Case): Promise<void> =>
  runInVirtualTime(
    runCase(input).pipe(
      Effect.provide(Layer.mergeAll(CallStore.layerMemory, SimulatedNetwork.layer())),
      Random.withSeed(input.seed),
      // What does something at regular times would make up for all of them since 1970.
      inThePresent
    )
  )

export const target = define<Case>({
  name: "whole-calls",
  about:
    "real clients and a real relay: whatever happens, afterwards everybody hears everybody in his call, and nobody else",
  smokeCases: 4,
  draw: (draw) => ({
    seed: Dice.integer(draw, 0, 0x7fff_ffff),
    operations: Dice.many(Dice.integer(draw, 3, 30), () => CallOperations.drawOperation(draw))
  }),
  check,
  minimizeCasesMax: 60,
  *smaller(input) {
    for (const operations of Smaller.lists(input.operations)) yield { ...input, operations }
  },
  show: ({ operations, seed }) =>
    [`seed ${seed}`, ...operations.map((operation) => JSON.stringify(operation))].join("\n")
})
