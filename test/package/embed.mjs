// An application that embeds a relay: what README.md shows, run by .ci/run against the packed package.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import * as KeyRing from "tandem/access/keys"
import * as Relay from "tandem/server"

const secret = crypto.getRandomValues(new Uint8Array(KeyRing.secretBytes))
const keyRing = KeyRing.make({ keys: [{ id: "first", secret }] })

Effect.flatMap(Relay.Relay, ({ address }) => Console.log(`relay ready on UDP ${address}`)).pipe(
  Effect.provide(Relay.layer({ keyRing, host: "127.0.0.1", port: 0 })),
  NodeRuntime.runMain
)
