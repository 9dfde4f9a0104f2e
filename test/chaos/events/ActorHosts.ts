import type { Scene } from "../ChaosEvent.ts"
import * as ActorPlaces from "../fleet/ActorPlaces.ts"

/** The place of the relay in whose process the actor of each call runs, by call. */
export const read = async ({ calls, fleet }: Scene): Promise<ReadonlyMap<number, number>> => {
  const holders = await ActorPlaces.read(
    fleet.database.url,
    calls.map(({ call }) => call)
  )
  return new Map(
    [...holders].map(([call, address]) => [
      call,
      fleet.relays.findIndex(({ station }) => address.startsWith(`${station.host}:`))
    ])
  )
}

/** The place for which a count is highest. */
export const busiest = ({ fleet }: Scene, count: (place: number) => number): number =>
  fleet.relays.reduce((best, { place }) => (count(place) > count(best) ? place : best), 0)
