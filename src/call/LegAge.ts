/** Which of two legs of one participant is the newer, whoever speaks of it. */
export interface LegAge {
  /** Grows by one whenever the device comes onto a new leg, by a join or a resume. */
  readonly epoch: number
  /** How often another relay, or the same one started again, has gone on with the leg. 0 when the device comes onto it. */
  readonly restores: number
}

/** A total order: the epoch decides, then the restores. */
export const isNewer = (age: LegAge, than: LegAge): boolean =>
  age.epoch === than.epoch ? age.restores > than.restores : age.epoch > than.epoch
