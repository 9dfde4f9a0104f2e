/** Two clocks of which neither is wrong may differ by this much. Seconds. */
export const clockSkewSeconds = 60

/** Whether it is over by anybody's clock. Unix time. */
export const isExpired = (expiresAtSeconds: number, nowSeconds: number): boolean =>
  nowSeconds > expiresAtSeconds + clockSkewSeconds
