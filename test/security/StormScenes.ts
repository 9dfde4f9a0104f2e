import { Clock, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Relay from "../../src/server/Relay.ts"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Heap from "./Heap.ts"
import * as Storm from "./Storm.ts"

/** Where storms pass: over a simulated network in virtual time, and over the UDP of this machine. */

type Size = Pick<Storm.StormOptions, "datagrams" | "slices" | "seed">

const admin = { host: "127.0.0.1", port: 0 }

/** In virtual time. Only what is told to wait for time to pass does: the rest is the storm's own. */
export const simulated = (size: Size) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Raw.passing(Layer.buildWithScope(Raw.layerRelay({ admin }), scope))
    const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    return yield* Storm.run({
      ...size,
      nowSeconds,
      stepDatagrams: 1000,
      relayAddress: Raw.relayAddress,
      hostOf: (n) => `10.0.1.${n + 1}`,
      pause: TestClock.adjust(10),
      passing: Raw.passing
    }).pipe(Effect.provide(context), Scope.provide(scope), Effect.ensuring(Raw.passing(Scope.close(scope, Exit.void))))
  }).pipe(Raw.inThePresent)

/** Few enough for a kernel whose receive buffer is as small as it comes. */
const stepDatagramsUdp = 64

export const overUdp = (size: Size) =>
  Effect.gen(function* () {
    const { address } = yield* Relay.Relay
    const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    return yield* Storm.run({
      ...size,
      nowSeconds,
      stepDatagrams: stepDatagramsUdp,
      relayAddress: address,
      hostOf: (n) => `127.0.1.${n + 1}`,
      pause: Effect.sleep(1),
      passing: (effect) => effect
    })
  }).pipe(
    Effect.scoped,
    Effect.provide([
      Relay.layer({ keyRing: Raw.keyRing, host: "127.0.0.1", port: 0, admin, throttle: "off" }),
      DatagramNetworkPortable.layer
    ])
  )

/** Share of the slices in which code is compiled and tables are filled. */
const warmUpRatio = 0.5

/** What was wrong, in words; nothing if nothing was. */
export const complaints = (report: Storm.StormReport): ReadonlyArray<string> => {
  const { call, heapBytes, ledger, lost } = report
  const found = [...ledger.violations]
  const demand = (is: boolean, complaint: string) => is || found.push(complaint)
  demand(report.counted("tandem_control_total", "failed") === 0, "a control message could not be handled")
  demand(lost === 0, `${lost} datagrams were never counted`)
  demand(ledger.bytesOut <= ledger.bytesIn, `strangers got ${ledger.bytesOut} bytes for ${ledger.bytesIn}`)
  demand(ledger.answers > ledger.datagramsIn / 100, `only ${ledger.answers} answers: the storm does not get through`)
  call.forEach(({ firstWrong, heard, resumed, sent }, member) => {
    demand(heard === sent && sent > 0, `member ${member} heard ${heard} of ${sent} packets, wrong: ${firstWrong}`)
    demand(resumed === 0, `member ${member} had to resume`)
  })
  return [...found, ...Heap.complaints(heapBytes, Math.floor(heapBytes.length * warmUpRatio))]
}
