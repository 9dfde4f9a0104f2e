/**
 * Smaller variants of what failed, the smallest first: what is left when a part is taken out, beginning with halves
 * (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002, without its search for complements).
 */

/** The list without one part of it. */
export function* lists<A>(list: ReadonlyArray<A>): Generator<ReadonlyArray<A>> {
  for (let length = Math.ceil(list.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let start = 0; start < list.length; start += length) {
      yield [...list.slice(0, start), ...list.slice(start + length)]
    }
  }
}

/** The bytes without one part of them, then with a part of them made zero. */
export function* byteStrings(bytes: Uint8Array): Generator<Uint8Array> {
  for (const shorter of lists(Array.from(bytes))) yield Uint8Array.from(shorter)
  for (let length = Math.ceil(bytes.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let start = 0; start < bytes.length; start += length) {
      const end = Math.min(bytes.length, start + length)
      if (bytes.subarray(start, end).some((byte) => byte !== 0)) yield bytes.slice().fill(0, start, end)
    }
  }
}

/** A text without one part of it. */
export function* texts(text: string): Generator<string> {
  for (const shorter of lists(Array.from(text))) yield shorter.join("")
}

/** A list of which one item is made smaller. */
export function* listsOfSmaller<A>(
  list: ReadonlyArray<A>,
  smaller: (item: A) => Iterable<A>
): Generator<ReadonlyArray<A>> {
  for (const [place, item] of list.entries()) {
    for (const candidate of smaller(item)) yield list.with(place, candidate)
  }
}
