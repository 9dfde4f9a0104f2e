import { Result, Schema } from "effect"
import { AddressText } from "../../../src/call/CallState.ts"
import * as Impairment from "../../../src/sockets/Impairment.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import { linesOf } from "./Corpus.ts"
import { mutateText } from "./Mutation.ts"

const impairmentSamples = linesOf("impairments.txt")
const impairmentWords = [
  "loss=",
  "delay=",
  "jitter=",
  "rate=",
  "seed=",
  "reorder=",
  "ms",
  "s",
  "kbps",
  "gbps",
  ",",
  "=",
  "."
]
const addressSamples = linesOf("addresses.txt")
const addressWords = [":", "[", "]", ".", "::", "%", "0", "f", "ffff:", "255", "65535", "65536", "256", "1.2.3.4"]

/** What people read is one line. */
const checkMessage = (message: string): void =>
  hold(!/[\r\n]/.test(message) && message.length > 0, "a message for people is one line", () => show(message))

export const checkImpairment = (text: string): void => {
  const parsed = Impairment.parse(text)
  if (Result.isFailure(parsed)) return checkMessage(parsed.failure.message)
  const { rateBps, seed, ...numbers } = parsed.success
  hold(rateBps > 0, "a rate is above 0", () => show(rateBps))
  hold(seed !== "", "there is a seed")
  for (const [name, value] of Object.entries(numbers)) {
    const max = name.endsWith("Ratio") ? 1 : Number.MAX_VALUE
    hold(value >= 0 && value <= max, "a figure of an impairment is one that a link can have", () => `${name} ${value}`)
  }
}

const isAddressText = Schema.is(AddressText)

const checkAddress = (text: string): void => {
  const parsed = PackedAddress.parse(text)
  if (Result.isFailure(parsed)) return checkMessage(parsed.failure.message)
  const written = PackedAddress.format(parsed.success)
  hold(isAddressText(written), "a packed address has a text that a call keeps", () => show([text, written]))
  const again = Result.getOrThrow(PackedAddress.parse(written))
  hold(PackedAddress.equals(again, 0, parsed.success, 0), "what is written is read", () => show([text, written]))
  hold(PackedAddress.key(again) === PackedAddress.key(parsed.success), "equal addresses have equal keys")
  const host = Result.getOrThrow(PackedAddress.fromHost(PackedAddress.formatHost(again), again[0]!))
  hold(PackedAddress.equals(host, 0, again, 0), "an address without its port is read", () => show([text, written]))
}

const checkHost = (text: string): void => {
  const parsed = PackedAddress.fromHost(text, 3478)
  if (Result.isFailure(parsed)) checkMessage(parsed.failure.message)
  else checkAddress(PackedAddress.format(parsed.success))
}

const make = (
  name: string,
  about: string,
  samples: ReadonlyArray<string>,
  words: ReadonlyArray<string>,
  check: (text: string) => void
) =>
  define({
    name,
    about,
    smokeCases: 2000,
    draw: (draw) => mutateText(draw, Dice.pick(draw, samples), words),
    check,
    smaller: Smaller.texts,
    show: (text) => JSON.stringify(text)
  })

export const impairments = make(
  "impairments",
  "texts of impairments: nothing throws, what is read is a link that can be, what is not is said in one line",
  impairmentSamples,
  impairmentWords,
  checkImpairment
)

export const addresses = make(
  "addresses",
  "texts of addresses: nothing throws, what is read is written and read alike, what is not is said in one line",
  addressSamples,
  addressWords,
  (text) => {
    checkAddress(text)
    checkHost(text)
  }
)
