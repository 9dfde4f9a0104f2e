import { type Clock, Effect, Latch } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"

/**
 * Stands for a process: everything that wakes its fibers, timers and input, goes through its gate. While it is stopped (as
 * by SIGSTOP) they wait there, and go on as if no time had passed; of a killed one they wait for ever.
 */
export interface SimulatedProcess {
  readonly name: string
  readonly gate: Effect.Effect<void>
  isAlive: boolean
  isStoreAway: boolean
  readonly stop: () => void
  readonly resume: () => void
  readonly kill: () => void
}

export const make = (name: string): SimulatedProcess => {
  const runs = Latch.makeUnsafe(true)
  const self: SimulatedProcess = {
    name,
    gate: runs.await,
    isAlive: true,
    isStoreAway: false,
    stop: () => void runs.closeUnsafe(),
    resume: () => void (self.isAlive && runs.openUnsafe()),
    kill: () => {
      self.isAlive = false
      runs.closeUnsafe()
    }
  }
  return self
}

/** The process's timers. */
export const clock = (self: SimulatedProcess, machine: Clock.Clock): Clock.Clock => ({
  currentTimeMillisUnsafe: () => machine.currentTimeMillisUnsafe(),
  currentTimeMillis: machine.currentTimeMillis,
  currentTimeNanosUnsafe: () => machine.currentTimeNanosUnsafe(),
  currentTimeNanos: machine.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => machine.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: machine.monotonicTimeNanos,
  sleep: (duration) => Effect.andThen(machine.sleep(duration), self.gate)
})

const away = Effect.fail(
  new SqlError({ reason: new ConnectionError({ cause: "gone for a test", message: "away", operation: "acquire" }) })
)

/** The database that all processes share, as this one reaches it. */
export const database = (self: SimulatedProcess, shared: SqlClient.SqlClient) => {
  const acquirer = Effect.suspend(() => (self.isStoreAway ? away : Effect.void)).pipe(
    Effect.andThen(self.gate),
    Effect.andThen(shared.reserve)
  )
  return SqlClient.make({
    acquirer,
    compiler: Statement.makeCompilerSqlite(),
    beginTransaction: "BEGIN IMMEDIATE",
    driver: "simulated",
    spanAttributes: []
  }).pipe(Effect.provide(Reactivity.layer))
}
