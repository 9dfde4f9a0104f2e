/** A runner as the table has it: its address, and whether it was found dead. */
export interface Standing {
  readonly address: string
  readonly isCondemned: boolean
}

/** One runner says that another does not answer it. */
export interface Suspicion {
  readonly accuser: string
  readonly accused: string
}

/** Two must agree: one alone may have lost its own way to the other. */
const accusersNeeded = 2

/**
 * The runners that are dead, by what the living say: those whom two others suspect, or the only other there is. Whoever is
 * found dead has no say about others; so of two that suspect each other, and have nobody to ask, the one stays that has
 * spoken first. A verdict stands as long as one of the living still suspects: were two needed again, it would come and go
 * with every other verdict, and whoever comes back should be reached by all.
 */
export const condemned = (
  runners: ReadonlyArray<Standing>,
  suspicions: ReadonlyArray<Suspicion>
): ReadonlySet<string> => {
  const found = new Set(runners.filter(({ isCondemned }) => isCondemned).map(({ address }) => address))
  const observersOf = (accused: string) =>
    runners.filter(({ address }) => address !== accused && !found.has(address)).map(({ address }) => address)
  const accusersOf = (accused: string) =>
    observersOf(accused).filter((observer) =>
      suspicions.some((suspicion) => suspicion.accused === accused && suspicion.accuser === observer)
    )
  const isGuilty = (address: string): boolean => {
    const accusers = accusersOf(address).length
    return accusers > 0 && accusers >= Math.min(accusersNeeded, observersOf(address).length)
  }
  // Every verdict takes a voice away.
  for (const { address } of runners) if (!found.has(address) && isGuilty(address)) found.add(address)
  // And every acquittal gives one back.
  for (const { address } of runners) if (found.has(address) && accusersOf(address).length === 0) found.delete(address)
  return found
}
