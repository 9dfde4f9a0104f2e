import type { RosterDirective } from "../../protocol/ControlMessage.ts"
import type { RosterEntry } from "../../protocol/RosterAttribute.ts"

/**
 * Puts the pages of a roster together. Pages come in any order, more than once, and those of a newer version replace what
 * is there of an older one. Changed in place.
 */
export interface RosterCollector {
  /** The last that was complete; `undefined` before the first of a session. */
  version: number | undefined
  collecting: Collecting | undefined
}

interface Collecting {
  readonly version: number
  readonly pages: Array<ReadonlyArray<RosterEntry> | undefined>
}

export const make = (): RosterCollector => ({ version: undefined, collecting: undefined })

/** Another relay counts on its own authority: its first roster is taken whatever its version. */
export const restart = (self: RosterCollector): void => {
  self.version = undefined
  self.collecting = undefined
}

/** The whole roster when this page completes a version that is newer than the last; else `undefined`. */
export const handlePage = (
  self: RosterCollector,
  { entries, page }: Pick<RosterDirective, "page" | "entries">
): ReadonlyArray<RosterEntry> | undefined => {
  if (self.version !== undefined && !isNewer(page.version, self.version)) return undefined
  if (self.collecting?.version !== page.version || self.collecting.pages.length !== page.pages) {
    if (self.collecting !== undefined && isNewer(self.collecting.version, page.version)) return undefined
    self.collecting = { version: page.version, pages: Array.from({ length: page.pages }) }
  }
  const { pages } = self.collecting
  pages[page.page] = entries
  if (pages.includes(undefined)) return undefined
  self.version = page.version
  self.collecting = undefined
  return pages.flatMap((entries) => entries ?? [])
}

/** Versions wrap at 32 bits. */
const isNewer = (version: number, than: number): boolean => ((version - than) | 0) > 0
