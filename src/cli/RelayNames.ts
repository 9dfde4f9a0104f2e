import { Effect, Result } from "effect"
import { AddressResolver, type Dns, Host } from "effect/net"
import type { NamedRelay } from "../client/probe/ProbeReport.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import { BadInput, Failed } from "./Failure.ts"

const forms = "write relay.example:3478, 203.0.113.7:3478 or [2001:db8::1]:3478"

/**
 * Relays as they are typed, with their addresses: an IP address is taken as it is, of a name the address that the system
 * prefers (RFC 6724). Two that come to one address are refused, since that relay would be asked twice as often.
 */
export const resolve = Effect.fnUntraced(function* (texts: ReadonlyArray<string>) {
  const relays: Array<NamedRelay> = []
  for (const text of texts) {
    const relay = { name: text, address: yield* addressOf(text) }
    const other = relays.find(({ address }) => PackedAddress.equals(address, 0, relay.address, 0))
    if (other !== undefined) {
      const address = PackedAddress.format(relay.address)
      return yield* new BadInput({
        message:
          other.name === text
            ? `${text} is named twice: name each relay once`
            : `${other.name} and ${text} are one address, ${address}: name each relay once`
      })
    }
    relays.push(relay)
  }
  return relays
})

const addressOf = Effect.fnUntraced(function* (text: string) {
  const endpoint = Host.hostPortFromString(text)
  if (Result.isFailure(endpoint)) {
    const { message } = endpoint.failure
    // "expected host:port" says nothing more.
    const why = message.startsWith("expected ") ? "" : ` (${message})`
    return yield* new BadInput({ message: `${JSON.stringify(text)} is not HOST:PORT${why}: ${forms}` })
  }
  if (endpoint.success.port === 0) {
    return yield* new BadInput({ message: `${text}: nobody listens at port 0, relays usually do at 3478` })
  }
  const resolver = yield* AddressResolver.AddressResolver
  const [first] = yield* resolver.resolve(endpoint.success).pipe(
    Effect.catchTags({
      DnsError: (error) => Effect.fail(notLookedUp(error)),
      NetAddressError: ({ message }) => Effect.fail(new BadInput({ message: `${text}: ${message}` }))
    })
  )
  // Through its text, because it refuses a zone.
  const address = yield* Effect.fromResult(PackedAddress.parse(String(first))).pipe(
    Effect.mapError(({ message }) => new BadInput({ message }))
  )
  if (!PackedAddress.isUnspecified(address)) return address
  return yield* new BadInput({ message: `${text} means every address of this machine: name the relay's own` })
})

const notLookedUp = ({ hostname, isTemporary, reason }: Dns.DnsError): BadInput | Failed =>
  isTemporary
    ? new Failed({ message: `${hostname} cannot be looked up now (${reason}): try again, or give its IP address` })
    : new BadInput({
        message: `${hostname} has no address${reason === "NotFound" ? "" : ` (${reason})`}: check the name, or give an IP address`
      })
