import * as MediaTrack from "../client/tracks/MediaTrack.ts"

/** One participant talks, the others do not. Milliseconds since the beginning of the talk. */
export interface Turn {
  readonly speaker: number
  readonly fromMs: number
  readonly untilMs: number
}

/** Before the first turn everybody has come, the call's owner has listened for a second, and paths have been measured. */
const firstTurnMs = 3000
const turnMs = 1500
/** From the end of one turn to the next: people answer as fast as that. */
const gapMs = 100
const turnsMax = 8
/** After the last turn. */
const restMs = 500

/** -dBov, RFC 6464: speech whose syllables are not all alike, and a quiet room. */
const speechLevel = (tick: number): number => 25 + (tick % 5)
const roomLevel = (tick: number): number => 70 + (tick % 3)

/** One after another, from the first on. */
export const turnsOf = (participants: number): ReadonlyArray<Turn> =>
  Array.from({ length: turnsMax }, (_, n) => {
    const fromMs = firstTurnMs + n * (turnMs + gapMs)
    return { speaker: n % participants, fromMs, untilMs: fromMs + turnMs }
  })

export const durationMs = firstTurnMs + turnsMax * (turnMs + gapMs) + restMs

/**
 * When each begins to send: not all cameras take their pictures in the same moment, nor make their key frames. Milliseconds
 * since the beginning of the talk.
 */
export const startOf = (participant: number, participants: number): number =>
  Math.round((participant * 1000) / participants)

/** The audio of one participant: the file again and again, and said with it whether that is speech or the quiet room. */
export const audioOf = (
  file: MediaTrack.MediaTrack,
  participant: number,
  participants: number,
  turns: ReadonlyArray<Turn>
): MediaTrack.MediaTrack => {
  const startMs = startOf(participant, participants)
  const own = turns.filter(({ speaker }) => speaker === participant)
  const track = MediaTrack.repeated(file, durationMs - startMs)
  return {
    ...track,
    frames: track.frames.map((frame, tick) => {
      const atMs = startMs + frame.timeMs
      const talks = own.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs)
      return Object.assign({}, frame, { audioLevel: talks ? speechLevel(tick) : roomLevel(tick) })
    })
  }
}
