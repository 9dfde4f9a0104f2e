import type { Language } from "./LoadOrder.ts"
import type { Participant, Place } from "./Participant.ts"
import * as PlainParticipant from "./PlainParticipant.ts"
import * as TandemParticipant from "./TandemParticipant.ts"
import * as TurnParticipant from "./TurnParticipant.ts"
import type { Wires } from "./Wire.ts"

/** Who speaks to which relay. A relay of another kind is another row here. */
const participants: Record<Language, (place: Place, wires: Wires) => Promise<Participant>> = {
  tandem: TandemParticipant.open,
  plain: PlainParticipant.open,
  turn: TurnParticipant.open
}

/** A participant with open sockets, who is not in the call yet. */
export const open = (language: Language, place: Place, wires: Wires): Promise<Participant> =>
  participants[language](place, wires)
