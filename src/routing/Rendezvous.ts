/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): every relay has a weight for every call, and all who know the same
 * relays put them into the same order. When a relay goes, only its own calls get another one.
 */
export const order = <A>(key: string, candidates: ReadonlyArray<A>, idOf: (candidate: A) => string): ReadonlyArray<A> =>
  candidates
    .map((candidate) => ({ candidate, id: idOf(candidate), weight: weightOf(key, idOf(candidate)) }))
    .sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))
    .map(({ candidate }) => candidate)

/** FNV-1a over UTF-16 units, then the finalizer of MurmurHash3, which spreads what is alike. 32 bits. */
const weightOf = (key: string, id: string): number => {
  let hash = 0x811c9dc5
  for (const text of [key, "\0", id]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
