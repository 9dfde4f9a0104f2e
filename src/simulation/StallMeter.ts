import * as AudioSource from "./AudioSource.ts"

/**
 * Audio that had to be made up because it was not there in time, as libwebrtc's NetEq counts it: concealed time, and
 * interruptions, which are concealments of 150 ms and more in one piece (interruptionCount, kInterruptionLenMs). A packet
 * that comes after its time has been concealed already. Changed in place.
 */
export interface StallMeter {
  packets: number
  concealedMs: number
  interruptions: number
  interruptionMs: number
  /** Of the piece that is going on. */
  runMs: number
}

/** libwebrtc kInterruptionLenMs. */
const interruptionMsMin = 150

export const make = (): StallMeter => ({ packets: 0, concealedMs: 0, interruptions: 0, interruptionMs: 0, runMs: 0 })

/** A packet's turn has come; so much was made up before it, and if it is late, in its place too. */
export const handlePacket = (self: StallMeter, madeUpMs: number, isLate: boolean): void => {
  self.packets++
  self.runMs += madeUpMs + (isLate ? AudioSource.packetMs : 0)
  if (!isLate) endRun(self)
}

/** The call has ended. */
export const finish = (self: StallMeter): void => endRun(self)

const endRun = (self: StallMeter): void => {
  self.concealedMs += self.runMs
  if (self.runMs >= interruptionMsMin) {
    self.interruptions++
    self.interruptionMs += self.runMs
  }
  self.runMs = 0
}
