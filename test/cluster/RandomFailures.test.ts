import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Call } from "../../src/actor/CallRpcs.ts"
import type { ForwardingPlan } from "../../src/call/ForwardingPlan.ts"
import { CallId, type ParticipantId } from "../../src/protocol/Ids.ts"
import { CallStore } from "../../src/state/CallStore.ts"
import { join } from "../call/Commands.ts"
import { make, type SimNode, startAll } from "./SimCluster.ts"

const seeds = Array.from({ length: 12 }, (_, index) => `failures-${index + 1}`)
/** A seed takes half a second of a machine that has nothing else to do. Milliseconds. */
const testTimeoutMs = 60_000
const callsCount = 3
const stepsCount = 10

/** A join that a relay sends for a device: repeated until it is acknowledged, as devices do. */
interface Command {
  readonly call: string
  readonly participant: ParticipantId
  readonly node: SimNode
  readonly sentAtMs: number
  acknowledged: { readonly atMs: number; readonly plan: ForwardingPlan } | undefined
}

const send = Effect.fnUntraced(function* (node: SimNode, index: number) {
  const { id } = join(index)
  const command: Command = {
    call: `call-${index % callsCount}`,
    participant: id,
    node,
    sentAtMs: yield* Clock.currentTimeMillis,
    acknowledged: undefined
  }
  // Not of the test's scope: a killed process never ends what it has begun.
  yield* Effect.gen(function* () {
    const callOf = yield* Call.client
    const { plan } = yield* callOf(command.call)
      .Join(join(index))
      .pipe(Effect.retry(Schedule.spaced("100 millis")))
    command.acknowledged = { atMs: yield* Clock.currentTimeMillis, plan }
  }).pipe(node.run, Effect.forkDetach)
  return command
})

const failures = ["kill", "leave", "stop", "stop", "cut", "cut", "heal", "store", "resume", "calm"] as const

/** One run: what the relays were told while nodes died, stood still, lost each other or the database. */
const run = Effect.fnUntraced(function* () {
  const sim = yield* make()
  let nodes: ReadonlyArray<SimNode> = yield* startAll(sim, 3)
  const stopped = new Set<SimNode>()
  const commands: Array<Command> = []
  let nextPort = nodes.length + 1

  const pick = <A>(values: ReadonlyArray<A>) =>
    Effect.map(Random.nextIntBetween(0, values.length - 1), (index) => values[index]!)
  const replace = Effect.fnUntraced(function* (victim: SimNode) {
    stopped.delete(victim)
    nodes = [...nodes.filter((node) => node !== victim), yield* sim.start(nextPort++)]
  })

  for (let step = 0; step < stepsCount; step++) {
    const victim = yield* pick(nodes)
    const other = yield* pick(nodes.filter((node) => node !== victim))
    switch (yield* pick(failures)) {
      case "kill":
        victim.kill()
        yield* replace(victim)
        break
      case "leave":
        if (stopped.has(victim)) break
        yield* Effect.forkDetach(victim.leave)
        yield* replace(victim)
        break
      case "stop":
        if (stopped.size > 0) break
        victim.process.stop()
        stopped.add(victim)
        break
      case "resume":
        for (const node of stopped) node.process.resume()
        stopped.clear()
        break
      case "cut":
        sim.sockets.cut(victim.process, other.process)
        break
      case "heal":
        sim.sockets.heal()
        break
      case "store":
        victim.process.isStoreAway = !victim.process.isStoreAway
        break
      case "calm":
        break
    }
    const pauseMs = yield* Random.nextIntBetween(100, 1500)
    for (let atMs = 0; atMs < pauseMs; atMs += 250) {
      commands.push(yield* send(yield* pick(nodes.filter((node) => !stopped.has(node))), commands.length))
      yield* TestClock.adjust("250 millis")
    }
  }
  sim.sockets.heal()
  for (const node of nodes) {
    node.process.isStoreAway = false
    node.process.resume()
  }
  yield* TestClock.adjust("6 seconds")
  const stored = yield* nodes[0]!.run(
    Effect.forEach(Array.from({ length: callsCount }), (_, index) =>
      Effect.flatMap(CallStore, (store) => store.load(CallId.make(`call-${index}`)))
    )
  )
  return { commands, nodes, stored }
}, Effect.scoped)

describe("whatever fails, and in whatever order", () => {
  for (const seed of seeds) {
    it.effect(
      `every call has one owner, and every command an answer (${seed})`,
      () =>
        Effect.gen(function* () {
          const { commands, nodes, stored } = yield* Random.withSeed(run(), seed)
          assert.isAbove(commands.length, 15)
          for (const { acknowledged, node, participant } of commands) {
            if (nodes.includes(node)) assert.isDefined(acknowledged, `${participant} was answered`)
          }
          const members = new Map(
            stored.map((state, index) => [`call-${index}`, state.participants.map(({ id }) => id)])
          )
          for (const before of commands) {
            if (before.acknowledged === undefined) continue
            assert.include(members.get(before.call) ?? [], before.participant, "what was acknowledged is stored")
            for (const after of commands) {
              if (after.acknowledged === undefined || after.call !== before.call) continue
              if (after.sentAtMs < before.acknowledged.atMs) continue
              const { participants, version } = after.acknowledged.plan
              assert.include(
                participants.map(({ id }) => id),
                before.participant,
                "what was acknowledged is known to whoever acknowledges later"
              )
              assert.isAtLeast(version.ownerEpoch, before.acknowledged.plan.version.ownerEpoch)
            }
          }
        }),
      testTimeoutMs
    )
  }
})
