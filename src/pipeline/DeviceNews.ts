import * as LegEstimate from "../call/LegEstimate.ts"
import * as Subscription from "../call/Subscription.ts"
import * as Uplinks from "../call/Uplinks.ts"
import * as Volumes from "../call/Volumes.ts"
import * as VolumeMeter from "../media/VolumeMeter.ts"
import * as LegSummary from "./LegSummary.ts"
import type { DeviceLeg } from "./RelayLeg.ts"
import * as UplinkNews from "./UplinkNews.ts"

/** What the owner of a call has been told of one of its devices here. Owned by the device's session, changed in place. */
export interface DeviceNews {
  readonly summary: LegSummary.LegSummary
  readonly uplink: UplinkNews.UplinkNews
  subscription: { readonly version: number; readonly ownerEpoch: number; readonly atMs: number } | undefined
}

/** Whose news they are: of a Session this. */
export interface Device {
  readonly leg: DeviceLeg
  readonly news: DeviceNews
  readonly subscription: Subscription.Subscription | undefined
}

/** What was told and has not changed. Milliseconds. */
const repeatMs = 5000
const nothing = new Uint8Array(0)

export const make = (): DeviceNews => ({
  summary: LegSummary.make(),
  uplink: UplinkNews.make(),
  subscription: undefined
})

/** Of the paths to the devices; empty: nothing is new. As each of these, it is told now, and the caller sends it. */
export const estimates = (devices: Iterable<Device>, nowMs: number): Uint8Array => {
  const news: Array<LegEstimate.LegEstimate> = []
  for (const { leg, news: told } of devices) {
    const estimate = LegSummary.poll(told.summary, leg, nowMs)
    if (estimate !== undefined) news.push(estimate)
  }
  return news.length === 0 ? nothing : LegEstimate.encode(news)
}

/** How loud they are; empty: nobody says it. */
export const volumes = (devices: Iterable<Device>): Uint8Array => {
  const news: Array<Volumes.Volume> = []
  for (const { leg } of devices) {
    // Of several it is the voice that comes first. Who is silent is told of too: it is known that he is.
    const voice = leg.streams.find(({ gate }) => gate?.volume.isKnown)?.gate
    if (voice !== undefined) news.push({ legTag: leg.receiveTag, levels: VolumeMeter.take(voice.volume) })
  }
  return news.length === 0 ? nothing : Volumes.encode(news)
}

/** What the devices say of their paths to here; empty: nothing is new. */
export const uplinks = (devices: Iterable<Device>, nowMs: number): Uint8Array => {
  const news: Array<Uplinks.Uplink> = []
  for (const { leg, news: told } of devices) {
    const { receiveTag: legTag, uplinkBps } = leg
    if (UplinkNews.poll(told.uplink, uplinkBps, nowMs)) news.push({ legTag, uplinkBps })
  }
  return news.length === 0 ? nothing : Uplinks.encode(news)
}

/** What they want to see; empty: nothing is new. A new owner knows of none, and what is told may be lost. */
export const subscriptions = (devices: Iterable<Device>, ownerEpoch: number, nowMs: number): Uint8Array => {
  const news: Array<Subscription.LegSubscription> = []
  for (const { leg, news: told, subscription } of devices) {
    if (subscription === undefined) continue
    const last = told.subscription
    const isTold = last?.version === subscription.version && last.ownerEpoch === ownerEpoch
    if (isTold && nowMs - last.atMs < repeatMs) continue
    told.subscription = { version: subscription.version, ownerEpoch, atMs: nowMs }
    news.push({ legTag: leg.receiveTag, subscription })
  }
  return news.length === 0 ? nothing : Subscription.encode(news)
}
