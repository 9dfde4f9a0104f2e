import { Clock, Context, Effect, Exit, Layer, Scope } from "effect"
import * as HopFrame from "../../../src/protocol/HopFrame.ts"
import * as RelayCore from "../../../src/pipeline/RelayCore.ts"
import type { DatagramNetwork } from "../../../src/sockets/DatagramNetwork.ts"
import type * as CallStore from "../../../src/state/CallStore.ts"
import * as RelayInView from "./RelayInView.ts"

/** A relay that can be started and stopped, over a network and a store that stay. */
export interface RelayProcess {
  readonly start: Effect.Effect<void>
  /** A crash: nobody is told. */
  readonly stop: (isCrash: boolean) => Effect.Effect<void>
  /** `undefined` while there is none. */
  readonly core: () => RelayCore.RelayCore["Service"] | undefined
  /** Sets the relay's wall clock, by so much. Milliseconds. */
  readonly stepClock: (ms: number) => void
  /** Media frames that have been sent since this was asked last. */
  readonly takeSent: () => ReadonlyArray<SentFrame>
}

export interface SentFrame {
  readonly to: string
  readonly legTag: number
  readonly bytes: Uint8Array
}

export const make = Effect.fnUntraced(function* (
  seed: number
): Effect.fn.Return<RelayProcess, never, DatagramNetwork | CallStore.CallStore | Scope.Scope> {
  const context = yield* Effect.context<DatagramNetwork | CallStore.CallStore>()
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  let starts = 0
  let wallAheadMs = 0
  let sent: Array<SentFrame> = []
  let running:
    | {
        readonly core: RelayCore.RelayCore["Service"]
        readonly outlet: RelayInView.Outlet
        readonly scope: Scope.Closeable
      }
    | undefined

  const hear = (to: string, bytes: Uint8Array) => {
    if (bytes[0]! < HopFrame.firstByteMin || !HopFrame.isMedia(HopFrame.typeAt(bytes, 0))) return
    sent.push({ to, bytes, legTag: HopFrame.legTagAt(new DataView(bytes.buffer), 0) })
  }

  const start = Effect.gen(function* () {
    if (running !== undefined) return
    const outlet: RelayInView.Outlet = { sent: hear, isShut: false }
    const relayScope = yield* Scope.fork(scope)
    const built = yield* Layer.build(RelayInView.layer(seed + starts++, outlet)).pipe(
      Scope.provide(relayScope),
      Effect.provideService(
        Clock.Clock,
        RelayInView.withWallTime(clock, () => wallAheadMs)
      ),
      Effect.orDie
    )
    running = { core: Context.get(built, RelayCore.RelayCore), outlet, scope: relayScope }
  }).pipe(Effect.provide(context))

  const stop = Effect.fnUntraced(function* (isCrash: boolean) {
    if (running === undefined) return
    const { outlet, scope } = running
    outlet.isShut = isCrash
    running = undefined
    yield* Scope.close(scope, Exit.void)
  })

  return {
    start,
    stop,
    core: () => running?.core,
    stepClock: (ms) => {
      wallAheadMs += ms
    },
    takeSent: () => {
      const taken = sent
      sent = []
      return taken
    }
  }
})
