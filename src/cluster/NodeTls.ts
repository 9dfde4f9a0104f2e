import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import { Effect } from "effect"
import { Socket } from "effect/socket"
import type { ListenOptions } from "node:net"
import * as Tls from "node:tls"

/** A key that all nodes of the cluster know. */
export interface NodeKey {
  readonly id: string
  /** 32 bytes. */
  readonly clusterKey: Uint8Array
}

/**
 * TLS with a pre-shared key and no certificates, RFC 5489: both sides prove that they know the key, and a key that becomes
 * known later does not open what was recorded before. Of version 1.2, for which Node has it.
 */
const protocol: Tls.SecureContextOptions = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
  ciphers: "ECDHE-PSK-CHACHA20-POLY1305"
}
/** Messages between nodes are small, and someone waits for each: none may wait for more to be sent with it. */
const noDelay = true
/** A node that lives has opened a connection by then. Milliseconds. */
const handshakeTimeout = 1000

/** Listens, and takes whoever knows one of the keys. Others are cut off, and nothing of what they say is read. */
export const layerServer = (keys: ReadonlyArray<NodeKey>, address: ListenOptions) =>
  NodeSocketServer.layerTls({
    ...address,
    ...protocol,
    noDelay,
    handshakeTimeout,
    pskCallback: (_socket, id) => keys.find((key) => key.id === id)?.clusterKey ?? null
  })

const failed = (cause: Error) =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })

/** Closed with the scope, also while it is being opened: then there is nothing yet that would have to be sent first. */
const open = (newest: NodeKey, address: { readonly host: string; readonly port: number }) => {
  let isOpen = false
  return Effect.acquireRelease(
    Effect.sync(() =>
      Tls.connect({
        ...address,
        ...protocol,
        pskCallback: () => ({ identity: newest.id, psk: newest.clusterKey }),
        // There are no certificates: who knows the key is whom it is for.
        checkServerIdentity: () => undefined
      }).setNoDelay(noDelay)
    ),
    (connection) => Effect.sync(() => (isOpen ? connection.destroySoon() : connection.destroy()))
  ).pipe(
    Effect.tap((connection) =>
      Effect.callback<void, Socket.SocketError>((resume) => {
        connection.once("secureConnect", () => {
          isOpen = true
          resume(Effect.void)
        })
        // For as long as it lives: an error without a listener would end the process.
        connection.on("error", (cause) => resume(Effect.fail(failed(cause))))
      })
    )
  )
}

/** A connection to a node, which knows the first of the keys, or there is none. */
export const connect = (
  [newest]: readonly [NodeKey, ...ReadonlyArray<NodeKey>],
  address: { readonly host: string; readonly port: number }
) => NodeSocket.fromDuplex(open(newest, address), { openTimeout: handshakeTimeout })
