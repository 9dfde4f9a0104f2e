import * as Fs from "node:fs"
import * as Path from "node:path"
import * as CallToken from "../../src/access/CallToken.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as CallClientPromise from "../../src/client/CallClientPromise.ts"
import type { ConnectionEvent } from "../../src/client/ConnectionEvent.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import { developmentKeyFile } from "../../src/server/KeyFile.ts"

/** The keys that the relays in this folder have made. */
const keyRingOf = (folder: string) => {
  const text = Fs.readFileSync(Path.join(folder, developmentKeyFile), "utf8")
  const { keys } = JSON.parse(text) as { readonly keys: readonly [{ readonly id: string; readonly secret: string }] }
  const [{ id, secret }] = keys
  return KeyRing.make({ keys: [{ id, secret: new Uint8Array(Buffer.from(secret, "base64url")) }] })
}

/** A device in this process, and what has become of its connection. It must be closed. */
export const join = async (folder: string, relay: string, call: string, participant: string) => {
  const client = await CallClientPromise.join({
    relays: [relay],
    token: CallToken.mint(keyRingOf(folder), {
      callClass: "one-to-one-audio",
      call: CallId.make(call),
      participant: ParticipantId.make(participant),
      expiresAtSeconds: Math.floor(Date.now() / 1000) + 300
    }),
    streams: [{ kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 }],
    sharedSecret: undefined,
    host: "127.0.0.1"
  })
  const events: Array<ConnectionEvent> = []
  const watched = (async () => {
    for await (const event of client.connection) events.push(event)
  })()
  return {
    /** Where it is, and has been: "Connected 127.0.0.1:3478". */
    ways: () => events.flatMap((event) => ("relay" in event ? [`${event._tag} ${event.relay}`] : [])),
    close: async () => {
      await client.close()
      await watched
    }
  }
}
