/** What became of control datagrams, by reason. Only the control pipeline counts. */
export type ControlCounters = Record<ControlOutcome, number>

export const controlOutcomes = [
  "answered",
  /** Repeated requests that got the answer they had got before. */
  "answeredAgain",
  "challenged",
  /** Directives that devices have confirmed. */
  "acknowledged",
  "refused",
  /** Participants who have come from another relay while their call's actor did not answer. */
  "grantedProvisionally",
  /** Legs that are not here, asked for in the critical state; and those of them that this relay has gone on with. */
  "lookedUp",
  "restored",
  /** Silent from here on. */
  "malformed",
  /** Well formed, and nothing that a relay is told. */
  "unexpected",
  "unauthenticated",
  "unknownSession",
  "replayed",
  /** Binding requests beyond the rate of their prefix. */
  "bindingLimited",
  /** More joins at once than can wait, or than one network may have under way; the devices repeat them. */
  "joinQueueFull",
  /** Answers that found the outbox full. */
  "outboxFull",
  /** Our own mistakes: see the log. */
  "failed",
  /** The answer would have been longer than a question that nobody has vouched for. */
  "answerTooLong"
] as const
export type ControlOutcome = (typeof controlOutcomes)[number]

export const make = (): ControlCounters =>
  Object.fromEntries(controlOutcomes.map((outcome) => [outcome, 0])) as ControlCounters
