import * as Feedback from "../protocol/Feedback.ts"

/**
 * The losses that one report tells of: of datagrams at their first passage, whatever was repaired later. One is made per
 * leg and filled again for every report.
 */
export interface ReportedLoss {
  /** Datagrams that the report speaks of. */
  packets: number
  /** Those of them that have not arrived, and their share. */
  lost: number
  reportedLossRatio: number
  /** How many in a row were lost, on average; 0 when none was. */
  meanBurst: number
}

export const make = (): ReportedLoss => ({ packets: 0, lost: 0, reportedLossRatio: 0, meanBurst: 0 })

export const read = (self: ReportedLoss, report: Feedback.Feedback): void => {
  let lost = 0
  let bursts = 0
  let isBurst = false
  for (let i = 0; i < report.arrivalCount; i++) {
    const isLost = report.arrivalTicks[i] === Feedback.notReceived
    if (isLost) {
      lost++
      if (!isBurst) bursts++
    }
    isBurst = isLost
  }
  self.packets = report.arrivalCount
  self.lost = lost
  self.reportedLossRatio = report.arrivalCount === 0 ? 0 : lost / report.arrivalCount
  self.meanBurst = bursts === 0 ? 0 : lost / bursts
}
