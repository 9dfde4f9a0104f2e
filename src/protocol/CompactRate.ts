/**
 * A rate in 16 bits: five of exponent, eleven of mantissa, `mantissa * 2^exponent` bits a second, after the mantissa and
 * exponent of REMB (draft-alvestrand-rmcat-remb-03 section 2.2). Exact to a thousandth. Every code is a rate, and none is more
 * than `maxBps`.
 */
const mantissaBits = 11
const mantissaMax = (1 << mantissaBits) - 1
const exponentMax = 31
export const maxBps = mantissaMax * 2 ** exponentMax

/** The largest rate that can be written and is not above this one. */
export const encode = (rateBps: number): number => {
  if (!(rateBps > 0)) return 0
  let mantissa = Math.min(maxBps, rateBps)
  let exponent = 0
  while (mantissa >= mantissaMax + 1) {
    mantissa /= 2
    exponent++
  }
  return (exponent << mantissaBits) | Math.floor(mantissa)
}

export const decode = (code: number): number => (code & mantissaMax) * 2 ** (code >>> mantissaBits)
