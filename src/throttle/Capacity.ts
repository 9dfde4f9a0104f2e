/** Fewer are less than ten calls of two, more no machine can do: whoever says so has mistaken the unit. Packets a second. */
export const perSecondMin = 1000
export const perSecondMax = 100_000_000

/** Whether a relay can have this capacity. */
export const isPossible = (perSecond: number): boolean => perSecond >= perSecondMin && perSecond <= perSecondMax

/** What to say of one that it cannot have. */
export const refusal = (perSecond: number): string =>
  `a capacity of ${perSecond} packets a second cannot be: use ${perSecondMin} to ${perSecondMax}`
