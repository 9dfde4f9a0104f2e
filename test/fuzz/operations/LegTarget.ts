import * as Leg from "../../../src/media/Leg.ts"
import * as LegKind from "../../../src/media/LegKind.ts"
import * as ReceiveLeg from "../../../src/media/ReceiveLeg.ts"
import * as StreamClock from "../../../src/media/StreamClock.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"
import * as LegNetwork from "./LegNetwork.ts"
import * as LegScene from "./LegScene.ts"

type Operation =
  | {
      readonly op: "send"
      readonly from: LegScene.End
      readonly kind: LegScene.Kind
      readonly count: number
      readonly everyMs: number
      readonly lengthBytes: number
    }
  | { readonly op: "pass"; readonly ms: number }
  | { readonly op: "network"; readonly network: LegNetwork.Network }
  /** Nothing arrives, in one direction or both, while packets are sent. */
  | { readonly op: "blackout"; readonly ms: number; readonly at: ReadonlyArray<LegScene.End>; readonly packets: number }
  /** Both processes stand still: a clock that has been set, a machine that slept. */
  | { readonly op: "stall"; readonly ms: number }
  /** Frames that have arrived arrive again. */
  | { readonly op: "replay"; readonly back: number; readonly count: number }

interface Case {
  readonly seed: number
  /** A device's leg if it is left out. */
  readonly kind?: LegScene.HopKind
  readonly sequenceStart: number
  readonly operations: ReadonlyArray<Operation>
}

const drawEnd = (draw: Dice.Dice): LegScene.End => Dice.pick(draw, ["left", "right"])

const drawOperation = (draw: Dice.Dice): Operation => {
  const op = Dice.pickWeighted(draw, { send: 12, network: 5, pass: 3, blackout: 1, stall: 1, replay: 2 })
  switch (op) {
    case "send": {
      const one = { op, from: drawEnd(draw), kind: Dice.chance(draw, 0.5) ? "audio" : "video" } as const
      // Once in a while more than a window holds, as fast as they come in a large call.
      if (Dice.chance(draw, 0.02)) return { ...one, count: 2500, everyMs: 1, lengthBytes: 100 }
      return {
        ...one,
        count: Dice.pick(draw, [1, 2, 5, 30, 60]),
        everyMs: Dice.pick(draw, [0, 1, 10, 20]),
        lengthBytes: Dice.pick(draw, [4, 100, 1188])
      }
    }
    case "pass":
      return { op, ms: Dice.pick(draw, [1, 20, 150, 1000, 5000]) }
    case "network":
      return { op, network: LegNetwork.draw(draw) }
    case "blackout": {
      const at: ReadonlyArray<LegScene.End> = Dice.chance(draw, 0.5) ? ["left", "right"] : [drawEnd(draw)]
      return { op, ms: Dice.pick(draw, [50, 300, 1500]), at, packets: Dice.pick(draw, [0, 10, 200, 1100]) }
    }
    case "stall":
      // One of a second or two would pass for a long way to the other side, until more has been measured.
      return { op, ms: Dice.pick(draw, [50, 5000, 60_000]) }
    case "replay":
      return { op, back: Dice.integer(draw, 1, 400), count: Dice.integer(draw, 1, 20) }
  }
}

/** Times in which nothing can be promised. */
interface Outage {
  readonly fromMs: number
  readonly toMs: number
  /** The hole is too large to be asked for: it is over with the first packet that arrives from this one on. */
  readonly overWithPacket: number | undefined
}

const deadlinesMs = { audio: StreamClock.audioDeadlineMs, video: StreamClock.videoDeadlineMs }

/** Whether an outage has cost the packet a part of its time, or those before it have used up all resends. */
const isHopeless =
  ({ packets, sides }: LegScene.LegScene, outages: ReadonlyArray<Outage>) =>
  ({ from, kind, sentAtMs }: LegScene.Packet): boolean =>
    sides[from].exhaustedAtMs.some((atMs) => atMs >= sentAtMs && atMs <= sentAtMs + deadlinesMs[kind]) ||
    outages.some(({ fromMs, overWithPacket, toMs }) => {
      const first = packets.find(({ arrivedAtMs, from, number }) => {
        return from === "left" && number >= (overWithPacket ?? Infinity) && arrivedAtMs !== undefined
      })
      const overAtMs = overWithPacket === undefined ? toMs : Math.max(toMs, first?.sentAtMs ?? Infinity)
      return fromMs <= sentAtMs + deadlinesMs[kind] && overAtMs >= sentAtMs
    })

type Pair = ReturnType<typeof LegScene.make>

const blackOut = (
  pair: Pair,
  { at, ms, packets }: Operation & { readonly op: "blackout" },
  blackout: Set<LegScene.End>
): Outage => {
  const { scene } = pair
  const fromMs = scene.nowMs
  for (const end of at) blackout.add(end)
  for (let n = 0; n < packets; n++) {
    pair.send("left", "video", 50)
    pair.pass(ms / packets)
  }
  if (packets === 0) pair.pass(ms)
  blackout.clear()
  const overWithPacket = packets > scene.hop.gapMax / 2 ? scene.packets.length : undefined
  return { fromMs, toMs: scene.nowMs, overWithPacket }
}

const run = ({ kind = "device", operations, seed, sequenceStart }: Case, receive: LegScene.Receive) => {
  const { passage, state } = LegNetwork.make(Dice.ofCase(seed, "network", 0), LegKind.byName[kind])
  const pair = LegScene.make({ passage, receive, sequenceStart, kind })
  const { scene } = pair
  const outages: Array<Outage> = []
  for (const operation of operations) {
    switch (operation.op) {
      case "send":
        for (let n = 0; n < operation.count; n++) {
          pair.send(operation.from, operation.kind, operation.lengthBytes)
          pair.pass(operation.everyMs)
        }
        break
      case "pass":
        pair.pass(operation.ms)
        break
      case "network":
        state.network = operation.network
        break
      case "blackout":
        outages.push(blackOut(pair, operation, state.blackout))
        break
      case "stall":
        pair.stall(operation.ms)
        outages.push({
          fromMs: scene.nowMs - operation.ms,
          toMs: scene.nowMs,
          overWithPacket: undefined
        })
        break
      case "replay":
        for (const frame of scene.arrivals.slice(-operation.back).slice(0, operation.count)) pair.replay(frame)
        pair.pass(0)
    }
  }
  state.network = LegNetwork.clean
  pair.pass(3000)
  return { pair, outages }
}

export const checkWith = (input: Case, receive: LegScene.Receive): void => {
  const { outages, pair } = run(input, receive)
  const { frames, hop, packets, sides } = pair.scene
  const isExcused = isHopeless(pair.scene, outages)
  const lost = packets.filter((packet) => packet.arrivedAtMs === undefined && !isExcused(packet))
  hold(lost.length === 0, "a packet that is not lost without hope arrives", () => show(lost.slice(0, 3)))
  pair.pass(Leg.releaseAfterMs + 3000)
  hold(pair.isQuiet(), "a quiet leg is silent")
  for (const { leg } of Object.values(sides)) {
    const { nacks } = leg.receive
    hold(nacks.missing === 0, "nothing is missing for ever", () => show(nacks.missing))
    const sizes = [nacks.states.length, leg.send.history.packets.length, leg.send.departures.sentAtMs.length]
    const sizesMax = [hop.windowMax, hop.sentMax, hop.departuresMax]
    hold(
      sizes.every((size, i) => size <= sizesMax[i]!),
      "the memory of a leg is bounded",
      () => show(sizes)
    )
    const { packetsResent, packetsSent } = leg.send
    hold(packetsResent <= packetsSent + hop.resendBudgetMax, "nobody gets more resends than packets", () =>
      show({ packetsResent, packetsSent })
    )
  }
  const media = frames.filter(({ packet }) => packet >= 0).length
  // Reports every 100 ms at most but for requests, of which each packet has ten at most; paddings: three a packet.
  const others = frames.length - media
  const framesMax = 2 * (pair.scene.nowMs / 100) + 13 * packets.length
  hold(others <= framesMax, "frames that carry nothing are few", () => show({ others, framesMax }))
}

const sequenceStarts: Readonly<Record<LegScene.HopKind, ReadonlyArray<number>>> = {
  device: [0, 0, 0x7fe0, 0xff80, 0xfff0],
  trunk: [0, 0xfff0, 0x7fff_ffe0, -0x80, -0x10]
}

export const make = (name: string, receive: LegScene.Receive) =>
  define<Case>({
    name,
    about:
      "a hop under a malicious network: every packet once, as it was, in time; nothing is asked for in vain; then silence",
    smokeCases: 140,
    draw: (draw) => {
      const operations = Dice.many(Dice.integer(draw, 1, 25), () => drawOperation(draw))
      const kind = Dice.pick<LegScene.HopKind>(draw, ["device", "device", "trunk"])
      return {
        seed: Dice.integer(draw, 0, 0x7fff_ffff),
        kind,
        // A session begins with 0. The other numbers are those of a session that has gone on for a while.
        sequenceStart: Dice.pick(draw, sequenceStarts[kind]),
        operations
      }
    },
    check: (input) => checkWith(input, receive),
    *smaller(input) {
      for (const operations of Smaller.lists(input.operations)) yield { ...input, operations }
      const shorter = (operation: Operation): ReadonlyArray<Operation> =>
        operation.op === "send" && operation.count > 1 ? [{ ...operation, count: Math.floor(operation.count / 2) }] : []
      for (const operations of Smaller.listsOfSmaller(input.operations, shorter)) yield { ...input, operations }
    },
    show: ({ kind, operations, seed, sequenceStart }) =>
      [
        `network seed ${seed}, ${kind}, numbers from ${sequenceStart}`,
        ...operations.map((operation) => JSON.stringify(operation))
      ].join("\n")
  })

export const target = make("leg", ReceiveLeg.handleFrame)
