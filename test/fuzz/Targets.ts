import * as ClientInboundTarget from "./bytes/ClientInboundTarget.ts"
import * as ClientTarget from "./bytes/ClientTarget.ts"
import * as ControlTarget from "./bytes/ControlTarget.ts"
import * as CredentialTarget from "./bytes/CredentialTarget.ts"
import * as FeedbackTarget from "./bytes/FeedbackTarget.ts"
import * as FileTarget from "./bytes/FileTarget.ts"
import * as ForwardingTarget from "./bytes/ForwardingTarget.ts"
import * as PayloadTarget from "./bytes/PayloadTarget.ts"
import * as RtcpTarget from "./bytes/RtcpTarget.ts"
import * as RtpTarget from "./bytes/RtpTarget.ts"
import * as SFrameTarget from "./bytes/SFrameTarget.ts"
import * as TextTarget from "./bytes/TextTarget.ts"
import * as WholePacketTarget from "./bytes/WholePacketTarget.ts"
import * as CallTarget from "./operations/CallTarget.ts"
import * as JitterTarget from "./operations/JitterTarget.ts"
import * as LegTarget from "./operations/LegTarget.ts"
import * as ReportTarget from "./operations/ReportTarget.ts"
import * as RingTarget from "./operations/RingTarget.ts"
import * as RosterTarget from "./operations/RosterTarget.ts"
import * as SessionTarget from "./operations/SessionTarget.ts"
import * as TimersTarget from "./operations/TimersTarget.ts"
import * as WholeCallTarget from "./operations/WholeCallTarget.ts"
import * as WindowTarget from "./operations/WindowTarget.ts"
import type { Target } from "./Target.ts"

/** Everything that is fuzzed. */
export const targets: ReadonlyArray<Target> = [
  // Bytes.
  ControlTarget.target,
  FeedbackTarget.target,
  RtpTarget.target,
  RtcpTarget.target,
  PayloadTarget.payloads,
  PayloadTarget.frames,
  CredentialTarget.sealed,
  CredentialTarget.written,
  SFrameTarget.headers,
  SFrameTarget.payloads,
  TextTarget.addresses,
  TextTarget.impairments,
  FileTarget.oggFiles,
  FileTarget.ivfFiles,
  WholePacketTarget.target,
  ForwardingTarget.target,
  ClientInboundTarget.target,
  ClientTarget.target,
  // Operations.
  CallTarget.target,
  LegTarget.target,
  RingTarget.target,
  ReportTarget.target,
  JitterTarget.target,
  WindowTarget.target,
  TimersTarget.target,
  RosterTarget.target,
  SessionTarget.target,
  WholeCallTarget.target
]
