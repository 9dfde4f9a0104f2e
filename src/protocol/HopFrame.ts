/**
 * The header in front of every packet on a leg. On a device's leg it has 12 bytes, in network order:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     |1 1|  type |R|G|   descriptor  |         hop sequence          |
 *     |        repair sequence        |     epoch     |   reserved    |
 *     |                            leg tag                            |
 *
 * On a trunk, between two relays, sequences have 32 bits. The lower half of each is where a device's leg has the whole; the
 * upper halves stand behind the leg tag, and make the header 16 bytes:
 *
 *     |       hop sequence, high      |      repair sequence, high    |
 *
 * Everything here reads and writes in place: it runs for every packet and allocates nothing. docs/protocol.md has the
 * meaning of each field.
 */
export const headerBytes = 12
export const trunkHeaderBytes = 16

/** The first byte of a hop frame is 192 or more; STUN has 0 to 3 (RFC 7983). */
export const firstByteMin = 0xc0

export const FrameType = {
  Audio: 0,
  /** Audio whose sender has just heard itself start. */
  AudioOnset: 1,
  Video: 2,
  /** RTCP that the devices speak with each other. */
  EndToEndRtcp: 3,
  ForwardErrorCorrection: 4,
  /** No packet: shows the receiver the last repair sequence. */
  Padding: 5,
  Feedback: 6,
  Aggregate: 7,
  /** On a trunk alone: a datagram of a device that has come to the wrong relay. */
  Handover: 8
} as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** Types that carry a packet of the devices, which is kept and repaired. */
export const isMedia = (type: number): boolean => type <= FrameType.EndToEndRtcp

/** Types that carry no packet of the devices, and may come on a device's leg as on a trunk. */
export const isOfEveryLeg = (type: number): boolean =>
  type === FrameType.Feedback || type === FrameType.Padding || type === FrameType.ForwardErrorCorrection

export const isAudio = (type: number): boolean => type <= FrameType.AudioOnset

/**
 * Whether a call can be held without frames of this type for a moment: not without audio, nor without what keeps the hop in
 * repair. Takes the first byte of the frame.
 */
export const isDispensable = (firstByte: number): boolean => {
  const type = typeOf(firstByte)
  return type === FrameType.Video || type === FrameType.ForwardErrorCorrection || type === FrameType.Padding
}

/** A repeated packet: a resend or a duplicate. */
export const resendFlag = 0x02
/** The hole before this packet in its stream is intentional. */
export const gapFlag = 0x01

/** The type that a frame's first byte says. */
export const typeOf = (firstByte: number): number => (firstByte >> 2) & 0x0f

export const typeAt = (bytes: Uint8Array, offset: number): number => typeOf(bytes[offset]!)

export const isResend = (bytes: Uint8Array, offset: number): boolean => (bytes[offset]! & resendFlag) !== 0

/** Video: first byte of RFC 9626 (S E I D B TID). Audio: voice bit and level, RFC 6464. */
export const descriptorAt = (bytes: Uint8Array, offset: number): number => bytes[offset + 1]!

export const hopSequenceAt = (view: DataView, offset: number): number => view.getUint16(offset + 2)
export const repairSequenceAt = (view: DataView, offset: number): number => view.getUint16(offset + 4)
export const epochAt = (bytes: Uint8Array, offset: number): number => bytes[offset + 6]!
export const legTagAt = (view: DataView, offset: number): number => view.getUint32(offset + 8)

/** Of a trunk's header: signed, as SequenceNumber has them. */
export const wideHopSequenceAt = (view: DataView, offset: number): number =>
  (view.getUint16(offset + 12) << 16) | view.getUint16(offset + 2)
export const wideRepairSequenceAt = (view: DataView, offset: number): number =>
  (view.getUint16(offset + 14) << 16) | view.getUint16(offset + 4)

/** The header of a device's leg. Of wider sequences it takes the lower half. */
export const writeHeader = (
  view: DataView,
  offset: number,
  typeAndFlags: number,
  descriptor: number,
  hopSequence: number,
  repairSequence: number,
  epoch: number,
  legTag: number
): void => {
  view.setUint8(offset, typeAndFlags)
  view.setUint8(offset + 1, descriptor)
  view.setUint16(offset + 2, hopSequence)
  view.setUint16(offset + 4, repairSequence)
  view.setUint16(offset + 6, epoch << 8)
  view.setUint32(offset + 8, legTag)
}

/** What `writeHeader` leaves out of a trunk's sequences. */
export const writeUpperHalves = (view: DataView, offset: number, hopSequence: number, repairSequence: number): void => {
  view.setUint16(offset + 12, hopSequence >> 16)
  view.setUint16(offset + 14, repairSequence >> 16)
}

/** The first byte of a frame. `flags`: `resendFlag`, `gapFlag` or both. */
export const typeByte = (type: FrameType, flags: number): number => firstByteMin | (type << 2) | flags

/** RFC 9626 section 3.1, first byte of a video descriptor. */
export const startOfFrameFlag = 0x80
export const endOfFrameFlag = 0x40
export const independentFlag = 0x20
export const discardableFlag = 0x10

/** Whether a video descriptor says that a frame starts here. */
export const startsFrame = (descriptor: number): boolean => (descriptor & startOfFrameFlag) !== 0

/** Whether a video descriptor says that its frame is a key frame. */
export const isIndependent = (descriptor: number): boolean => (descriptor & independentFlag) !== 0

/** Whether a video descriptor says that a key frame starts here. */
export const startsKeyFrame = (descriptor: number): boolean =>
  (descriptor & (startOfFrameFlag | independentFlag)) === (startOfFrameFlag | independentFlag)

/** Whether a video descriptor says that no other frame is built on this one. */
export const isDiscardable = (descriptor: number): boolean => (descriptor & discardableFlag) !== 0

/** RFC 6464: what a sender says that does not know its level: no voice, -127 dBov. */
export const audioLevelUnknown = 0x7f
