import { Result } from "effect"
import * as OggPage from "../../../src/client/files/OggPage.ts"

/** All pages of a file that is whole. */
export const pagesOf = (file: Uint8Array): ReadonlyArray<OggPage.OggPage> => {
  const pages: Array<OggPage.OggPage> = []
  for (let offset = 0; offset < file.length; offset += OggPage.pageBytes(pages.at(-1)!)) {
    pages.push(Result.getOrThrow(OggPage.decode(file, offset)))
  }
  return pages
}

/** A page with these packets, whole and alone. */
export const pageOf = (
  packets: ReadonlyArray<Uint8Array>,
  overrides: Partial<OggPage.OggPage> = {}
): OggPage.OggPage => ({
  continued: false,
  beginsStream: false,
  endsStream: false,
  granulePosition: 0n,
  serialNumber: 1,
  sequenceNumber: 0,
  lacing: Uint8Array.from(packets.flatMap((packet) => OggPage.lacingOf(packet.length))),
  body: OggPage.join(packets),
  ...overrides
})
