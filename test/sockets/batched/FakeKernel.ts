import * as Abi from "../../../src/sockets/batched/LinuxAbi.ts"
import { readable, type SystemCalls, writable } from "../../../src/sockets/batched/SystemCalls.ts"

/** A datagram as the kernel has it: `name` is the receiver's when it was sent, the sender's when it was received. */
export interface KernelDatagram {
  readonly name: Uint8Array
  readonly bytes: Uint8Array
  /** That it was made of when it arrived; missing when it is one. */
  readonly segmentBytes?: number
  /** When it arrived by the wall clock; missing when the kernel does not stamp. */
  readonly stampMs?: number
}

/** A control message. */
interface Control {
  readonly level: number
  readonly type: number
  readonly data: DataView<ArrayBuffer>
}

/** What the kernel does with the next sendmmsg: takes at most so many messages, or refuses with an error number. */
export type SendFault = { readonly take: number } | { readonly error: number }

const u64 = (view: DataView, offset: number): number => Number(view.getBigUint64(offset, true))

/**
 * The kernel's side of a UDP socket, by the rules of the manual pages: it reads and writes the very structures that the
 * real one does, and has the faults that a test tells it to have.
 */
export const make = () => {
  const blocks: Array<{ readonly start: number; readonly view: DataView }> = []
  const sent: Array<KernelDatagram> = []
  const arriving: Array<KernelDatagram> = []
  const sendFaults: Array<SendFault> = []
  const options = new Map<string, number>()
  let messagesSent = 0
  let segmentation: "yes" | "no" | "device cannot" = "yes"
  let events = 0
  let onReady: (events: number) => void = () => {}
  let blockings = 0
  let stampsAreLast = false
  let wallMs = 0
  const isStamping = () => options.get(`${Abi.SOL_SOCKET}.${Abi.SO_TIMESTAMPNS}`) === 1
  const open = { socket: false, watch: false }

  /** The bytes at an address. Blocks lie so that some of them cross a boundary of 4 GB. */
  const at = (address: number, length: number): Uint8Array => {
    const block = blocks.find(({ start, view }) => address >= start && address + length <= start + view.byteLength)
    if (block === undefined) throw new Error(`segmentation fault at ${address.toString(16)}`)
    return new Uint8Array(block.view.buffer, address - block.start, length)
  }
  const viewAt = (address: number, length: number): DataView => {
    const bytes = at(address, length)
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  const vectorsOf = (message: DataView): ReadonlyArray<Uint8Array> =>
    Array.from({ length: u64(message, Abi.messageVectorCount) }, (_, i) => {
      const vector = viewAt(u64(message, Abi.messageVectors) + i * Abi.vectorBytes, Abi.vectorBytes)
      return at(u64(vector, 0), u64(vector, 8))
    })

  /** Length of the segments that a message asks for; 0 when it is one datagram. */
  const segmentBytesOf = (message: DataView): number => {
    const length = u64(message, Abi.messageControlLength)
    if (length === 0) return 0
    const control = viewAt(u64(message, Abi.messageControl), length)
    if (control.getUint32(8, true) !== Abi.SOL_UDP || control.getUint32(12, true) !== Abi.UDP_SEGMENT) return 0
    return control.getUint16(16, true)
  }

  const sendMessage = (message: DataView): number => {
    const segmentBytes = segmentBytesOf(message)
    if (segmentBytes > 0 && segmentation === "no") return -Abi.EINVAL
    if (segmentBytes > 0 && segmentation === "device cannot") return -Abi.EIO
    const name = at(u64(message, Abi.messageName), message.getUint32(Abi.messageNameLength, true)).slice()
    const bytes = Uint8Array.from(Buffer.concat(vectorsOf(message)))
    if (bytes.length > 65_507) return -Abi.EMSGSIZE
    if (segmentBytes === 0) sent.push({ name, bytes })
    else {
      if (Math.ceil(bytes.length / segmentBytes) > 64) return -Abi.EINVAL
      for (let start = 0; start < bytes.length; start += segmentBytes) {
        sent.push({ name, bytes: bytes.slice(start, start + segmentBytes) })
      }
    }
    messagesSent++
    return bytes.length
  }

  /** When it arrived, socket(7). */
  const stampControl = (atMs: number): Control => {
    const data = new DataView(new ArrayBuffer(Abi.timespecBytes))
    data.setBigInt64(0, BigInt(Math.floor(atMs / 1000)), true)
    data.setBigInt64(8, BigInt(Math.round((atMs % 1000) * 1_000_000)), true)
    return { level: Abi.SOL_SOCKET, type: Abi.SO_TIMESTAMPNS, data }
  }
  /** Of one that was coalesced, udp(7). */
  const segmentControl = (segmentBytes: number): Control => {
    const data = new DataView(new ArrayBuffer(4))
    data.setInt32(0, segmentBytes, true)
    return { level: Abi.SOL_UDP, type: Abi.UDP_GRO, data }
  }

  /** Writes control messages one behind the other, cmsg(3). None of these tests wants them cut. */
  const writeControls = (message: DataView, controls: ReadonlyArray<Control>): void => {
    const length = u64(message, Abi.messageControlLength)
    const room = viewAt(u64(message, Abi.messageControl), length)
    let used = 0
    for (const { data, level, type } of controls) {
      room.setBigUint64(used, BigInt(Abi.controlHeaderBytes + data.byteLength), true)
      room.setInt32(used + 8, level, true)
      room.setInt32(used + 12, type, true)
      at(u64(message, Abi.messageControl), length).set(new Uint8Array(data.buffer), used + Abi.controlHeaderBytes)
      used += Math.ceil((Abi.controlHeaderBytes + data.byteLength) / 8) * 8
    }
    message.setBigUint64(Abi.messageControlLength, BigInt(used), true)
  }

  const receive = (messages: bigint, count: number): number => {
    let received = 0
    for (; received < count && arriving.length > 0; received++) {
      const { bytes, name, segmentBytes, stampMs } = arriving.shift()!
      const message = viewAt(Number(messages) + received * Abi.messageBytes, Abi.messageBytes)
      at(u64(message, Abi.messageName), message.getUint32(Abi.messageNameLength, true)).set(name)
      message.setUint32(Abi.messageNameLength, name.length, true)
      const [room] = vectorsOf(message)
      room!.set(bytes.subarray(0, room!.length))
      const controls = [
        ...(stampMs === undefined || !isStamping() ? [] : [stampControl(stampMs)]),
        ...(segmentBytes === undefined ? [] : [segmentControl(segmentBytes)])
      ]
      writeControls(message, stampsAreLast ? controls.toReversed() : controls)
      message.setInt32(Abi.messageFlags, bytes.length > room!.length ? Abi.MSG_TRUNC : 0, true)
      message.setUint32(Abi.messageLength, Math.min(bytes.length, room!.length), true)
    }
    return received > 0 ? received : -Abi.EAGAIN
  }

  const calls: SystemCalls = {
    addressOf: (buffer) => {
      const known = blocks.find(({ view }) => view.buffer === buffer)
      if (known !== undefined) return BigInt(known.start)
      const start = (blocks.length + 0x7000) * 2 ** 32 - (blocks.length % 2 === 0 ? 4096 : 0)
      blocks.push({ start, view: new DataView(buffer) })
      return BigInt(start)
    },
    useLargePages: () => 0,
    wallMs: () => wallMs,
    socket: () => {
      open.socket = true
      return 3
    },
    bind: () => 0,
    nameOf: (_socket, name) => {
      name.set([Abi.AF_INET, 0, 0x0d, 0x96, 127, 0, 0, 1])
      return 0
    },
    setOption: (_socket, level, option, value) => {
      if (option === Abi.UDP_SEGMENT && segmentation === "no") return -Abi.EINVAL
      options.set(`${level}.${option}`, value)
      return 0
    },
    getOption: () => -Abi.EINVAL,
    receive: (_socket, messages, count) => receive(messages, count),
    receiveBlocking: (_socket, messages, count) => {
      if (arriving.length === 0) blockings++
      return receive(messages, count)
    },
    setReceiveTimeout: () => 0,
    send: (_socket, messages, count) => {
      const fault = sendFaults.shift()
      if (fault !== undefined && "error" in fault) return -fault.error
      let taken = 0
      for (; taken < Math.min(count, fault?.take ?? count); taken++) {
        const message = viewAt(Number(messages) + taken * Abi.messageBytes, Abi.messageBytes)
        const result = sendMessage(message)
        if (result < 0) return taken > 0 ? taken : result
        message.setUint32(Abi.messageLength, result, true)
      }
      return taken
    },
    close: () => {
      if (open.watch) throw new Error("the socket was closed before its watch: libuv would abort")
      open.socket = false
      return 0
    },
    watch: (_socket, ready) => {
      onReady = ready
      open.watch = true
      return {
        start: (wanted) => void (events = wanted),
        stop: () => void (events = 0),
        close: () => void (open.watch = false)
      }
    }
  }

  return {
    calls,
    sent,
    sendFaults,
    open,
    messagesSent: () => messagesSent,
    /** What the event loop watches for. */
    watched: () => events,
    /** How often a receive stopped the thread, until something was there or its time was over. */
    blockings: () => blockings,
    setSegmentation: (can: typeof segmentation) => void (segmentation = can),
    setWallMs: (ms: number) => void (wallMs = ms),
    /** Control messages come in no order that is promised. */
    setStampsLast: (areLast: boolean) => void (stampsAreLast = areLast),
    arrive: (...datagrams: ReadonlyArray<KernelDatagram>) => {
      arriving.push(...datagrams)
    },
    /** A turn of the event loop. False when there was nothing to tell. */
    turn: (can: number = readable | writable) => {
      const ready = events & can & (arriving.length > 0 ? readable | writable : writable)
      if (ready !== 0) onReady(ready)
      return ready !== 0
    }
  }
}
