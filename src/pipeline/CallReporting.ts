import type { CallReport } from "../actor/CallReports.ts"
import * as Subscription from "../call/Subscription.ts"
import type { LocalCall } from "./CallTable.ts"
import * as RelayRelief from "./RelayRelief.ts"
import type { Session } from "./Session.ts"

/** What there is to tell of a call beside who is in it and how busy the relay is. */
export type News = Pick<CallReport, "isActive" | "estimates" | "volumes" | "subscriptions" | "uplinks">

export const nothingNew = new Uint8Array()

/** `undefined`: its actor has not said anything yet. */
export const reportOf = (
  relief: RelayRelief.RelayRelief,
  { confirmed, id, sessions }: LocalCall,
  news: News
): CallReport | undefined =>
  confirmed && {
    call: id,
    version: confirmed.version,
    legTags: [...sessions.values()].map(({ leg }) => leg.receiveTag),
    ...RelayRelief.newsOf(relief),
    ...news
  }

/** What one device wants to see now: is told at once, for its picture is to come at once. */
export const subscriptionNews = ({ leg, subscription }: Session): News => ({
  isActive: true,
  estimates: nothingNew,
  ...(subscription && { subscriptions: Subscription.encode([{ legTag: leg.receiveTag, subscription }]) })
})
