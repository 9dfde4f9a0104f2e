import { Clock, Effect } from "effect"
import * as QueueWait from "../../../src/pipeline/QueueWait.ts"
import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import type { SystemCalls } from "../../../src/sockets/batched/SystemCalls.ts"
import { DatagramNetwork, type DatagramPort } from "../../../src/sockets/DatagramNetwork.ts"
import * as DatagramNetworkBatched from "../../../src/sockets/DatagramNetworkBatched.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import * as PacketBatch from "../../../src/sockets/PacketBatch.ts"
import * as PacketMemory from "../../../src/sockets/PacketMemory.ts"
import * as Statistics from "../Statistics.ts"

/**
 * What it costs to look at how long packets wait: datagrams go to a port on loopback and back, as the packet path takes and sends
 * them, once with the kernel's stamps and once without, in turns.
 */

/** Of a datagram there and back, and what of it is the look: the median of the pairs of rounds. Nanoseconds of CPU. */
export interface WaitLook {
  readonly perReceive: number
  readonly datagramNs: number
  readonly lookNs: Statistics.Spread
}

const host = "127.0.0.1"
const datagramBytes = 200
const receiveSlots = 64
const roundDatagrams = 40_000
const sizes = [64, 8, 1] as const

/** The kernel is never asked, and what has no stamp is not looked at. */
const withoutStamps = (calls: SystemCalls): SystemCalls => ({
  ...calls,
  setOption: (socket, level, option, value) =>
    option === Abi.SO_TIMESTAMPNS ? 0 : calls.setOption(socket, level, option, value)
})

/** A port that sends on whatever comes, to whoever it came from. */
const openEcho = Effect.fnUntraced(function* (calls: SystemCalls) {
  const memory = PacketMemory.make({ receiveSlots, ownerBytes: 0 })
  const network = yield* DatagramNetwork.pipe(Effect.provide(DatagramNetworkBatched.layer(calls)))
  const port = yield* network.open({ host, port: 0, memory })
  const clock = yield* Clock.Clock
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const queueWait = QueueWait.make()
  const out = PacketBatch.makeSendBatch({ capacity: receiveSlots, scratchOffset: 0, scratchBytes: 0 })
  const send = port.send(out)
  const step = Effect.flatMap(port.pull, (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const place = PacketBatch.add(out)
      out.headerLengths[place] = 0
      out.bodyOffsets[place] = batch.offsets[i]!
      out.bodyLengths[place] = batch.lengths[i]!
      PackedAddress.copy(batch.addresses, i, out.addresses, place)
    }
    const { arrivedAtMs, count } = batch
    const sent = QueueWait.isDue(queueWait, arrivedAtMs, nowMs())
      ? Effect.map(send, () => QueueWait.note(queueWait, arrivedAtMs, nowMs()))
      : send
    return Effect.as(sent, count)
  })
  return { address: port.address, step, queueWait }
})
type Echo = Effect.Success<ReturnType<typeof openEcho>>

/** CPU of the process for each datagram, of which so many are on their way at a time. Nanoseconds. */
const nsEach = Effect.fnUntraced(function* (sender: DatagramPort, echo: Echo, perReceive: number) {
  const out = PacketBatch.makeSendBatch({ capacity: perReceive, scratchOffset: 0, scratchBytes: 0 })
  const before = process.cpuUsage()
  for (let done = 0; done < roundDatagrams; done += perReceive) {
    for (let i = 0; i < perReceive; i++) {
      const place = PacketBatch.add(out)
      out.headerLengths[place] = 0
      out.bodyOffsets[place] = 0
      out.bodyLengths[place] = datagramBytes
      PackedAddress.copy(echo.address, 0, out.addresses, place)
    }
    yield* sender.send(out)
    PacketBatch.reset(out)
    for (let echoed = 0; echoed < perReceive;) echoed += yield* echo.step
    for (let returned = 0; returned < perReceive;) returned += (yield* sender.pull).count
  }
  const { system, user } = process.cpuUsage(before)
  return (1000 * (system + user)) / roundDatagrams
})

export const measure = Effect.fnUntraced(function* (calls: SystemCalls, rounds: number) {
  const network = yield* DatagramNetwork.pipe(Effect.provide(DatagramNetworkBatched.layer(calls)))
  const sender = yield* network.open({ host, port: 0, memory: PacketMemory.make({ receiveSlots, ownerBytes: 0 }) })
  const looking = yield* openEcho(calls)
  const plain = yield* openEcho(withoutStamps(calls))
  const looks: Array<WaitLook> = []
  for (const perReceive of sizes) {
    const all: Array<number> = []
    const lookNs: Array<number> = []
    for (let round = 0; round <= rounds; round++) {
      // Who comes first takes turns, too.
      const order = round % 2 === 0 ? [plain, looking] : [looking, plain]
      const [first, second] = [
        yield* nsEach(sender, order[0]!, perReceive),
        yield* nsEach(sender, order[1]!, perReceive)
      ]
      if (round === 0) continue
      const [without, withLook] = order[0] === plain ? [first, second] : [second, first]
      all.push(without)
      lookNs.push(withLook - without)
    }
    looks.push({ perReceive, datagramNs: Statistics.spreadOf(all).median, lookNs: Statistics.spreadOf(lookNs) })
  }
  if (looking.queueWait.waits === 0 || plain.queueWait.waits > 0) {
    return yield* Effect.die(new Error("it was looked at where it should not be, or not where it should"))
  }
  return looks
}, Effect.scoped)
