import { Effect } from "effect"
import { CallId } from "../../../src/protocol/Ids.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as CallStore from "../../../src/state/CallStore.ts"
import { hold, show } from "../Target.ts"
import * as SessionWorld from "./SessionWorld.ts"

/** The relay, and the store behind it, have what the model has. */
export const examine = Effect.fnUntraced(function* (world: SessionWorld.SessionWorld) {
  const core = world.relay.core()!
  const legs = world.devices.flatMap(({ addresses, index, leg }) =>
    leg === undefined ? [] : [{ name: `p${index}`, address: addresses[leg.at]!, ...leg }]
  )
  const sizes = {
    // A leg that a newer one has replaced goes on for a moment, for what is on its way to it.
    legs: core.forwarding.legs.size - core.routing.lingering.length,
    sessions: core.calls.sessionsByTag.size,
    calls: core.calls.calls.size
  }
  const expected = { legs: legs.length, sessions: legs.length, calls: new Set(legs.map(({ call }) => call)).size }
  hold(show(sizes) === show(expected), "a relay has the legs that it has granted, and no others", () =>
    show([sizes, expected])
  )
  for (const { address, call, epoch, name, relayTag } of legs) {
    const session = core.calls.sessionsByTag.get(relayTag)
    hold(
      session !== undefined && session.participant === name && session.call === SessionWorld.calls[call],
      "a tag names its session",
      () => show([name, relayTag])
    )
    const at = PackedAddress.format(session.leg.hop.send.address)
    hold(at === address, "a relay sends to where the device has proved to be", () => show([name, at, address]))
    hold(session.leg.hop.receive.epoch === epoch, "a session has the epoch that was granted", () => show([name, epoch]))
  }
  const store = yield* CallStore.CallStore
  for (const [call, id] of SessionWorld.calls.entries()) {
    const { participants } = yield* store.load(CallId.make(id))
    const stored = participants.map((one) => `${one.id} ${one.address} ${one.legTag} ${one.epoch & 0xff}`).sort()
    const wanted = legs
      .filter((leg) => leg.call === call)
      .map((leg) => `${leg.name} ${leg.address} ${leg.relayTag} ${leg.epoch}`)
    hold(show(stored) === show(wanted.sort()), "what is stored is what is there", () => show([stored, wanted]))
  }
  hold(core.controlCounters.failed === 0, "no control message makes a relay fail")
})
