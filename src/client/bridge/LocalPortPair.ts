import { Effect, Exit, Scope } from "effect"
import { type DatagramNetwork, portNotOpened, type PortNotOpened } from "../../sockets/DatagramNetwork.ts"
import * as LocalPort from "./LocalPort.ts"

/** RTP on an even port and RTCP on the next, RFC 3550 section 11. */
export interface LocalPortPair {
  readonly rtp: LocalPort.LocalPort
  readonly rtcp: LocalPort.LocalPort
}

export interface PortNumbers {
  readonly rtpPort: number
  readonly rtcpPort: number
}

export const portNumbers = ({ rtcp, rtp }: LocalPortPair): PortNumbers => ({
  rtpPort: rtp.address[0]!,
  rtcpPort: rtcp.address[0]!
})

/** Free ports that are tried for one with a free one behind it. */
const triesMax = 64

/** Both open until the scope ends. */
export const openAt = (
  host: string,
  rtpPort: number
): Effect.Effect<LocalPortPair, PortNotOpened, DatagramNetwork | Scope.Scope> =>
  Effect.all({ rtp: LocalPort.open(host, rtpPort), rtcp: LocalPort.open(host, rtpPort + 1) })

/** A free pair, open until the scope ends. `reserved`: RTP ports of pairs that are kept for others. */
export const openFree = (
  host: string,
  reserved: ReadonlySet<number>
): Effect.Effect<LocalPortPair, PortNotOpened, DatagramNetwork | Scope.Scope> => tryFree(host, reserved, triesMax)

const tryFree = Effect.fnUntraced(function* (
  host: string,
  reserved: ReadonlySet<number>,
  tries: number
): Effect.fn.Return<LocalPortPair, PortNotOpened, DatagramNetwork | Scope.Scope> {
  if (tries === 0) return yield* portNotOpened({ host, port: 0 }, { detail: "no two free ports lie side by side" })
  const scope = yield* Scope.fork(yield* Effect.scope)
  const rtp = yield* LocalPort.open(host, 0).pipe(Scope.provide(scope))
  const rtpPort = rtp.address[0]!
  const isUsable = rtpPort % 2 === 0 && !reserved.has(rtpPort)
  const next = LocalPort.open(host, rtpPort + 1).pipe(Scope.provide(scope))
  const rtcp = isUsable ? yield* Effect.orElseSucceed(next, () => undefined) : undefined
  if (rtcp !== undefined) return { rtp, rtcp }
  // It stays open meanwhile, so that another is given.
  return yield* Effect.ensuring(tryFree(host, reserved, tries - 1), Scope.close(scope, Exit.void))
})
