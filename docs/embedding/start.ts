import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import * as KeyRing from "tandem/access/keys"
import * as Backend from "./Backend.ts"

// Where there is more than one relay, all have the same: KeyRing.parse reads the key file.
const secret = crypto.getRandomValues(new Uint8Array(KeyRing.secretBytes))
const keyRing = KeyRing.make({ keys: [{ id: "first", secret }] })

NodeRuntime.runMain(Layer.launch(Backend.layer({ host: "127.0.0.1", httpPort: 8080, udpPort: 3478, keyRing })))
