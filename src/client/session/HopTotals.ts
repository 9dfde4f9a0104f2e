import type { Session } from "./Session.ts"

/** What hops have lost and repaired, added up over sessions. Packets and frames. */
export interface HopTotals {
  /** Media packets that the relays have given a number. */
  packetsExpected: number
  packetsReceived: number
  packetsRepaired: number
  packetsRecovered: number
  packetsDuplicate: number
  packetsSent: number
  packetsResent: number
  repairsSent: number
  framesReported: number
  framesReportedLost: number
}

export const make = (): HopTotals => ({
  packetsExpected: 0,
  packetsReceived: 0,
  packetsRepaired: 0,
  packetsRecovered: 0,
  packetsDuplicate: 0,
  packetsSent: 0,
  packetsResent: 0,
  repairsSent: 0,
  framesReported: 0,
  framesReportedLost: 0
})

export const add = (self: HopTotals, session: Session): void => {
  const { hop, packetsExpected } = session
  self.packetsExpected += packetsExpected
  self.packetsReceived += hop.receive.packetsReceived
  self.packetsRepaired += hop.receive.packetsRepaired
  self.packetsRecovered += hop.receive.packetsRecovered
  self.packetsDuplicate += hop.receive.packetsDuplicate
  self.packetsSent += hop.send.packetsSent
  self.packetsResent += hop.send.packetsResent
  self.repairsSent += hop.send.repairsSent
  self.framesReported += hop.send.framesReported
  self.framesReportedLost += hop.send.framesReportedLost
}
