import { Effect } from "effect"
import type * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as Raw from "../../server/RawDevice.ts"
import { hold, show } from "../Target.ts"
import type * as SessionWorld from "./SessionWorld.ts"

/** What a device says in its session, and what its relay has to answer. */

type World = SessionWorld.SessionWorld

export const find = <Tag extends ControlMessage.ControlMessage["_tag"]>(
  answers: ReadonlyArray<ControlMessage.ControlMessage>,
  tag: Tag
): Extract<ControlMessage.ControlMessage, { readonly _tag: Tag }> | undefined =>
  answers.find(
    (message): message is Extract<ControlMessage.ControlMessage, { readonly _tag: Tag }> => message._tag === tag
  )

export const pingBytes = (world: World, device: SessionWorld.Device, port: number, counter: number): Uint8Array => {
  const cookie = device.cookies.get(port)
  const legTag = device.leg!.relayTag
  return Raw.signed(
    { _tag: "PingRequest", transactionId: world.transactionId(), legTag, counter, ...(cookie && { cookie }) },
    world.keyOf(device)
  )
}

export const ping = Effect.fnUntraced(function* (world: World, device: SessionWorld.Device, port: number) {
  const { leg } = device
  if (leg === undefined) return
  const isProved = leg.at === port || device.cookies.has(port)
  const answers = yield* world.exchange(device, port, pingBytes(world, device, port, ++device.counter))
  if (!isProved) {
    const challenge = find(answers, "Challenge")
    hold(challenge !== undefined, "a ping from a new address is challenged", () => show(answers))
    device.cookies.set(port, challenge.cookie)
    return
  }
  const success = find(answers, "PingSuccess")
  hold(success !== undefined, "a ping is answered", () => show(answers))
  hold(PackedAddress.format(success.mappedAddress) === device.addresses[port], "a ping shows where it came from", () =>
    show(success)
  )
  hold(success.subscriptionVersion === leg.subscriptionVersion, "a ping shows which subscription the relay has", () =>
    show([success, leg.subscriptionVersion])
  )
  leg.at = port
  leg.counter = device.counter
  leg.heardAtMs = world.nowMs()
})

export const subscribe = Effect.fnUntraced(function* (
  world: World,
  device: SessionWorld.Device,
  port: number,
  version: number,
  entries: number
) {
  const { leg } = device
  if (leg === undefined) return
  const cookie = device.cookies.get(port)
  const request: ControlMessage.SubscribeRequest = {
    _tag: "SubscribeRequest",
    transactionId: world.transactionId(),
    legTag: leg.relayTag,
    counter: ++device.counter,
    ...(cookie && { cookie }),
    subscription: {
      version,
      wanted: Array.from({ length: entries }, (_, ssrc) => ({ ssrc, place: "grid", heightPx: 0 }))
    }
  }
  const answers = yield* world.exchange(device, port, Raw.signed(request, world.keyOf(device)))
  if (leg.at !== port && cookie === undefined) {
    const challenge = find(answers, "Challenge")
    hold(challenge !== undefined, "a subscription from a new address is challenged", () => show(answers))
    device.cookies.set(port, challenge.cookie)
    // Once the device is there, it may be said again.
    world.captured.pop()
    return
  }
  if (entries > 64) {
    hold(find(answers, "Refused")?.error.code === 400, "too many entries are refused", () => show(answers))
    return
  }
  const highest = Math.max(version, leg.subscriptionVersion ?? 0)
  const success = find(answers, "SubscribeSuccess")
  hold(success?.subscriptionVersion === highest, "the highest version of a session counts", () => show(answers))
  leg.subscriptionVersion = highest
  leg.counter = device.counter
  leg.heardAtMs = world.nowMs()
})
