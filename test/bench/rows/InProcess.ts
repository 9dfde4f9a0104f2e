import * as InProcessRows from "./InProcessRows.ts"

/** What is measured without sockets, in a process of its own: one round for each message. */
export interface Order {
  /** A part of the names that are wanted. */
  readonly only: string
  readonly batches: number
}

process.on("message", async ({ batches, only }: Order) =>
  process.send!(await InProcessRows.measure((name) => name.includes(only), batches))
)
process.on("disconnect", () => process.exit(0))
