import { Context, Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import * as ServerProcess from "./ServerProcess.ts"
import { postgresProgram } from "./Programs.ts"

const user = "tandem"

const program: ServerProcess.Program = {
  name: "postgres",
  prepare: (folder) => {
    const initdb = [postgresProgram("initdb"), "-D", `${folder}/data`, "-U", user, "--auth=trust"]
    const [command, ...args] = ServerProcess.asNobody([...initdb, "--locale=C", "--encoding=UTF8", "--no-sync"])
    execFileSync(command!, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] })
  },
  command: (folder, port) => {
    const settings = ["fsync=off", "unix_socket_directories=", "shared_buffers=16MB"].flatMap((text) => ["-c", text])
    return [postgresProgram("postgres"), "-D", `${folder}/data`, "-h", "127.0.0.1", "-p", `${port}`, ...settings]
  },
  ready: /database system is ready to accept connections/,
  // Neither waits for connections to end nor writes everything down first: it reads its log at the next start.
  stopSignal: "SIGQUIT"
}

/** A Postgres of its own, into which everybody is let. */
export class PostgresServer extends Context.Service<
  PostgresServer,
  ServerProcess.ServerProcess & { readonly url: string }
>()("test/servers/PostgresServer") {
  static readonly layer = Layer.effect(
    PostgresServer,
    Effect.map(ServerProcess.make(program), (server) =>
      PostgresServer.of({ ...server, url: `postgres://${user}@127.0.0.1:${server.port}/postgres` })
    )
  )
}
