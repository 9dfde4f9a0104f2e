import { Effect } from "effect"
import { CallId } from "../../src/protocol/Ids.ts"
import { CallStore } from "../../src/state/CallStore.ts"
import { nameOf, saying, sayingOf, type SwarmDevice } from "./SwarmDevice.ts"
import type { SwarmRelay } from "./SwarmRelay.ts"

/** What must hold of every run, as sentences about what does not. */

export const ended = (devices: ReadonlyArray<SwarmDevice>): ReadonlyArray<string> =>
  devices.flatMap(({ events, number }) =>
    events.flatMap(({ event }) =>
      event._tag === "Ended" ? [`${nameOf(number)} has lost its call: ${event.reason}`] : []
    )
  )

/** Nobody receives what belongs to another call, or what he has said himself. */
export const strangers = (devices: ReadonlyArray<SwarmDevice>): ReadonlyArray<string> =>
  devices.flatMap(({ call, number, received }) => {
    const foreign = received.filter((packet) => {
      const [ofCall, from] = sayingOf(packet).split(" ")
      return ofCall !== call || from !== packet.participant || from === nameOf(number)
    })
    return foreign.length === 0 ? [] : [`${nameOf(number)} of ${call} has heard "${sayingOf(foreign[0]!)}"`]
  })

export const doubles = (devices: ReadonlyArray<SwarmDevice>): ReadonlyArray<string> =>
  devices.flatMap(({ number, received }) => {
    const said = received.map(sayingOf)
    const twice = said.length - new Set(said).size
    return twice === 0 ? [] : [`${nameOf(number)} has heard ${twice} packets twice`]
  })

/** In the end everybody hears everybody else in his call, without a gap. */
export const unheard = (
  devices: ReadonlyArray<SwarmDevice>,
  from: ReadonlyArray<number>,
  until: ReadonlyArray<number>
): ReadonlyArray<string> =>
  devices.flatMap((listener) => {
    const heard = new Set(listener.received.map(sayingOf))
    return devices.flatMap((speaker, index) => {
      if (speaker === listener || speaker.call !== listener.call) return []
      const expected = Array.from({ length: until[index]! - from[index]! }, (_, n) => from[index]! + n)
      const missing = expected.filter((said) => !heard.has(saying(speaker.call, speaker.number, said)))
      return missing.length === 0
        ? []
        : [
            `${nameOf(listener.number)} does not hear ${missing.length} of ${expected.length} packets of ${nameOf(speaker.number)}`
          ]
    })
  })

/** Of calls that have ended nothing is left, in no relay and not in the store. */
export const leftovers = Effect.fnUntraced(function* (relays: ReadonlyArray<SwarmRelay>, calls: ReadonlyArray<string>) {
  const left: Array<string> = []
  for (const { core, name } of relays) {
    const { calls: table, forwarding, routing } = core
    const sizes = {
      calls: table.calls.size,
      sessions: table.sessionsByTag.size,
      // A trunk outlives its calls by a minute, for the next one.
      legs: forwarding.legs.size - [...routing.trunks.trunks.values()].filter(({ open }) => open !== undefined).length,
      onTrunks: [...routing.trunks.trunks.values()].reduce((sum, { calls }) => sum + calls.size, 0),
      lingering: routing.lingering.length
    }
    if (Object.values(sizes).some((size) => size > 0)) left.push(`${name} still has ${JSON.stringify(sizes)}`)
  }
  const stored = yield* relays[0]!.node.run(
    Effect.forEach(calls, (call) => Effect.flatMap(CallStore, (store) => store.load(CallId.make(call))))
  )
  for (const [index, { participants }] of stored.entries()) {
    if (participants.length > 0) {
      left.push(`${calls[index]} is still stored with ${participants.map(({ id }) => id).join(", ")}`)
    }
  }
  return left
})

/** What devices have told their applications. */
export const stories = (devices: ReadonlyArray<SwarmDevice>, startedAtMs: number): ReadonlyArray<string> =>
  devices.map(({ events, number }) => {
    const told = events.map(({ atMs, event }) => {
      const relay = "relay" in event ? ` ${event.relay.split(":")[0]}` : ""
      return `${(atMs - startedAtMs) / 1000} s ${event._tag}${relay}`
    })
    return `${nameOf(number)}: ${told.join(", ")}`
  })

/** How often devices have gone to another relay, and how often for nothing. */
export const moves = Effect.fnUntraced(function* (devices: ReadonlyArray<SwarmDevice>) {
  const statistics = yield* Effect.forEach(devices, ({ client }) => client.statistics)
  return {
    all: statistics.reduce((sum, { moves }) => sum + moves, 0),
    false: statistics.reduce((sum, { movesFalse }) => sum + movesFalse, 0)
  }
})
