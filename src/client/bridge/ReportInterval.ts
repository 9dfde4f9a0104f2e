/**
 * When reports go to a local program. RFC 3550 section 6.2 spreads them at random, for that many members of a session do
 * not speak at once; here are two, so the interval is fixed. A report is some 100 bytes: once a second it is less than the
 * 5 % that RTCP may take, for every stream of 16 kbit/s and more.
 */
export const reportMs = 1000

/**
 * What is urgent does not wait (RFC 4585 section 3.3, immediate feedback mode), but reports nothing on reception if that
 * was reported less than this ago: a fraction of a few packets says nothing.
 */
export const reportMsMin = 500
