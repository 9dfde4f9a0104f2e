import * as Path from "node:path"
import * as PinnedProcess from "../../bench/PinnedProcess.ts"
import * as CallPlan from "../CallPlan.ts"
import type * as Order from "./Order.ts"

/** All devices, in a few processes: one alone would be late with what it has to send. */
export interface Generators {
  /** Everybody where they belong. Returns how many had to join. */
  readonly gather: (
    calls: ReadonlyArray<CallPlan.CallPlan>,
    key: Order.Key,
    relays: ReadonlyArray<string>
  ) => Promise<number>
  readonly measure: (fromMs: number, untilMs: number) => Promise<Omit<Order.MeasureAnswer, "answer">>
  readonly probe: (probe: Omit<Order.ProbeOrder, "order">) => Promise<Order.ProbeAnswer>
  readonly end: () => Promise<void>
}

const processes = 2

/** Of an answer. Everybody joins in one. Milliseconds. */
const answerMs = 60_000

const program = Path.join(import.meta.dirname, "GeneratorProcess.ts")

/** Orders may overlap: a probe takes as long as it takes. */
const start = (place: number) => {
  const generator = PinnedProcess.start({
    name: `generator ${place}`,
    command: [process.execPath, program],
    core: undefined,
    hasPriority: false
  })
  const waiting = new Map<number, (answer: Order.Answer) => void>()
  let orders = 0
  generator.child.on("message", ({ body, number }: Order.Numbered<Order.Answer>) => {
    waiting.get(number)?.(body)
    waiting.delete(number)
  })

  const ask = async <Tag extends Order.Answer["answer"]>(
    order: Order.Order,
    tag: Tag
  ): Promise<Extract<Order.Answer, { readonly answer: Tag }>> => {
    const number = orders++
    const answer = await new Promise<Order.Answer>((take, fail) => {
      const why = () => `no answer to "${order.order}" from ${generator.name}: ${generator.complaints.join("\n")}`
      const timer = setTimeout(() => fail(new Error(why())), answerMs)
      waiting.set(number, (answer) => {
        clearTimeout(timer)
        take(answer)
      })
      generator.child.send({ number, body: order } satisfies Order.Numbered<Order.Order>)
    })
    if (answer.answer === tag) return answer as Extract<Order.Answer, { readonly answer: Tag }>
    throw new Error(answer.answer === "failure" ? answer.message : `an answer to something else: ${answer.answer}`)
  }
  return { ask, end: () => PinnedProcess.end(generator) }
}

export const make = (): Generators => {
  const generators = Array.from({ length: processes }, (_, place) => start(place))
  const sum = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0)
  return {
    gather: async (calls, key, relays) => {
      const answers = await Promise.all(
        generators.map(({ ask }, place) => {
          const members = CallPlan.membersOf(calls.filter(({ call }) => call % processes === place))
          return ask({ order: "gather", key, members, relays }, "gathered")
        })
      )
      return sum(answers.map(({ joined }) => joined))
    },
    measure: async (fromMs, untilMs) => {
      const answers = await Promise.all(
        generators.map(({ ask }) => ask({ order: "measure", fromMs, untilMs }, "measured"))
      )
      return {
        flows: answers.flatMap(({ flows }) => flows),
        members: answers.flatMap(({ members }) => members),
        repeated: sum(answers.map(({ repeated }) => repeated)),
        strangers: sum(answers.map(({ strangers }) => strangers))
      }
    },
    probe: ({ call, ...probe }) => generators[call % processes]!.ask({ order: "probe", call, ...probe }, "probed"),
    end: async () => void (await Promise.all(generators.map(({ end }) => end())))
  }
}
