import { Context, Effect, Layer } from "effect"
import * as ServerProcess from "./ServerProcess.ts"

const program: ServerProcess.Program = {
  name: "redis",
  command: (folder, port) => {
    const place = ["--bind", "127.0.0.1", "--port", `${port}`, "--dir", folder]
    // Its log of changes is what it starts from again.
    return ["redis-server", ...place, "--appendonly", "yes", "--appendfsync", "no", "--save", ""]
  },
  ready: /Ready to accept connections/,
  stopSignal: "SIGTERM"
}

/** A Redis of its own. */
export class RedisServer extends Context.Service<RedisServer, ServerProcess.ServerProcess & { readonly url: string }>()(
  "test/servers/RedisServer"
) {
  static readonly layer = Layer.effect(
    RedisServer,
    Effect.map(ServerProcess.make(program), (server) =>
      RedisServer.of({ ...server, url: `redis://127.0.0.1:${server.port}` })
    )
  )
}
