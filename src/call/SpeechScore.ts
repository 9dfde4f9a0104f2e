/**
 * How much a number of active sub-units speaks for speech: the score of Volfin and Cohen, "Dominant speaker identification
 * for multipoint videoconferencing" (Computer Speech and Language 27, 2013), section 3, the log-likelihood ratio of
 *
 * - speech: of `units` sub-units, each is active or not with the same probability, so the count is binomial, and
 * - no speech: the count is exponential with rate `lambda`, small counts being likely.
 */
export const score = (active: number, units: number, lambda: number): number => {
  let binomial = 1
  for (let i = 1; i <= active; i++) binomial = (binomial * (units - active + i)) / i
  return Math.log(binomial) - units * Math.LN2 - Math.log(lambda) + lambda * active
}

/** The method compares scores by the logarithm of their ratio, so a score has to be positive: this one is "no speech". */
export const scoreMin = 1e-10

/** Of a logarithm. Ten bits are far finer than the steps between counts, and coarser than what machines differ by. */
export const unitsPerNat = 1024

/**
 * The logarithm of the score of each count of active sub-units, 0 to `units`, in 1/1024 nat. What two of them differ by is
 * the paper's relevance of one participant beside another. Made once, so that a decision compares integers.
 */
export const logScores = (units: number, lambda: number): Int32Array =>
  Int32Array.from({ length: units + 1 }, (_, active) =>
    Math.round(unitsPerNat * Math.log(Math.max(scoreMin, score(active, units, lambda))))
  )
