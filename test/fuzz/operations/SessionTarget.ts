import { Effect, Layer, Random } from "effect"
import * as LinkEmulator from "../../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../../src/state/CallStore.ts"
import { inThePresent } from "../../server/RawDevice.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define } from "../Target.ts"
import { runInVirtualTime } from "../Virtual.ts"
import * as SessionExamination from "./SessionExamination.ts"
import * as SessionOperations from "./SessionOperations.ts"
import * as SessionWorld from "./SessionWorld.ts"

interface Case {
  readonly seed: number
  readonly operations: ReadonlyArray<SessionOperations.Operation>
}

const runCase = Effect.fnUntraced(function* ({ operations, seed }: Case) {
  const world = yield* SessionWorld.make(seed)
  for (const operation of operations) {
    yield* SessionOperations.perform(world, operation)
    yield* SessionExamination.examine(world)
  }
  for (const device of world.devices) yield* SessionOperations.leave(world, device, device.leg?.at ?? 0)
  yield* SessionExamination.examine(world)
})

const check = (input: Case): Promise<void> =>
  runInVirtualTime(
    runCase(input).pipe(
      Effect.provide(
        Layer.mergeAll(CallStore.layerMemory, SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
      ),
      Random.withSeed(input.seed),
      // What does something at regular times would make up for all of them since 1970.
      inThePresent
    )
  )

export const target = define<Case>({
  name: "sessions",
  about:
    "a relay's control plane against a model: what is old, forged or from elsewhere changes nothing, what is right does",
  smokeCases: 10,
  draw: (draw) => ({
    seed: Dice.integer(draw, 0, 0x7fff_ffff),
    operations: Dice.many(Dice.integer(draw, 3, 40), () => SessionOperations.drawOperation(draw))
  }),
  check,
  minimizeCasesMax: 150,
  *smaller(input) {
    for (const operations of Smaller.lists(input.operations)) yield { ...input, operations }
  },
  show: ({ operations, seed }) =>
    [`seed ${seed}`, ...operations.map((operation) => JSON.stringify(operation))].join("\n")
})
