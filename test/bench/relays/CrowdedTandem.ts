import * as LoadGenerator from "../load/LoadGenerator.ts"
import * as TandemRelay from "./TandemRelay.ts"
import type { Relay } from "./Relay.ts"

/**
 * The batched relay with participants who have joined and are silent, but for their signs of life. They come from a load
 * generator of their own, which shares the core of the other one.
 */
export const relayOf = (name: string, idle: number, loadCore: number | undefined): Relay => ({
  name,
  language: TandemRelay.batched.language,
  start: async (options) => {
    const running = await TandemRelay.start("batched", options)
    const crowd = LoadGenerator.start(loadCore)
    const place = { language: TandemRelay.batched.language, relay: running.place }
    await crowd.stay({ ...place, participants: idle, callSize: 2, packets: 0 })
    return {
      ...running,
      end: async () => {
        await crowd.end()
        await running.end()
      }
    }
  }
})
