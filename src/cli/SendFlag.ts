import { Result } from "effect"
import * as CodecName from "../client/bridge/CodecName.ts"
import type { StreamOffer } from "../client/JoinOptions.ts"
import { BadInput } from "./Failure.ts"

const form = "KIND/CODEC/CLOCKRATE[/CHANNELS]:PAYLOADTYPE[:SSRC]"

/** A stream as `--send` names it: its rtpmap (RFC 8866 section 6.6) with the kind before, payload type, SSRC. */
const pattern = /^(audio|video)\/([^/:]+)\/(\d{1,9})(?:\/(\d{1,2}))?:(\d{1,3})(?::(\d{1,10}))?$/

/** As StreamDescription has them. */
const codecLengthMax = 16
/** 0 is what programs send that have not drawn one. */
const ssrcMin = 1
const ssrcMax = 0xffffffff
/** RFC 5761 section 4: with these and the marker a packet would look like RTCP. */
const payloadTypesOfRtcp = { first: 64, last: 95 }

/** As they are registered with IANA; what is registered as both, like rtx and mpeg4-generic, is not here. */
const codecsOfKinds = {
  audio: "opus pcmu pcma g722 g729 gsm ilbc speex vorbis amr amr-wb evs l8 l16 l24 mpa mp4a-latm ac3 eac3".split(" "),
  video: "vp8 vp9 av1 h261 h263 h263-1998 h263-2000 h264 h264-svc h265 h266 jpeg mpv mp4v-es theora".split(" ")
}

export const parse = (text: string): Result.Result<StreamOffer, BadInput> => {
  const wrong = (problem: string) =>
    Result.fail(
      new BadInput({
        message: `--send ${JSON.stringify(text)} ${problem}: write ${form}, like video/VP8/90000:96:11111 or audio/opus/48000/2:111`
      })
    )
  const [, kind, encodingName, clockRateText, channelsText, payloadTypeText, ssrcText] = pattern.exec(text) ?? []
  if (encodingName === undefined) return wrong("cannot be read")
  const clockRate = Number(clockRateText)
  const channels = channelsText === undefined ? undefined : Number(channelsText)
  const payloadType = Number(payloadTypeText)
  const ssrc = ssrcText === undefined ? undefined : Number(ssrcText)
  const codec = CodecName.of(encodingName, channels)
  const otherKind = kind === "video" ? "audio" : "video"
  if (codecsOfKinds[otherKind].includes(encodingName.toLowerCase())) {
    const meant = otherKind + text.slice(otherKind.length)
    return Result.fail(
      new BadInput({ message: `--send ${JSON.stringify(text)}: ${encodingName} is ${otherKind}: write ${meant}` })
    )
  }
  if (clockRate === 0 || channels === 0) return wrong("has a clock rate or channels of 0")
  if (!CodecName.isRegular(codec)) return wrong("has a codec that no rtpmap has")
  if (codec.length > codecLengthMax) return wrong(`has a codec of more than ${codecLengthMax} characters`)
  if (payloadType > 127) return wrong(`has payload type ${payloadType}, but there are 0 to 127`)
  if (payloadType >= payloadTypesOfRtcp.first && payloadType <= payloadTypesOfRtcp.last) {
    return wrong(`has payload type ${payloadType}, which RTCP is told from RTP by; choose one from 96 to 127`)
  }
  if (ssrc !== undefined && (ssrc < ssrcMin || ssrc > ssrcMax)) {
    return wrong(`has SSRC ${ssrc}, but there are ${ssrcMin} to ${ssrcMax}`)
  }
  return Result.succeed({
    kind: kind === "video" ? "video" : "audio",
    codec,
    clockRate,
    payloadType,
    ...(ssrc !== undefined && { ssrc })
  })
}

/** All of them, and no SSRC twice. */
export const parseAll = (texts: ReadonlyArray<string>): Result.Result<ReadonlyArray<StreamOffer>, BadInput> =>
  Result.flatMap(Result.all(texts.map(parse)), (offers) => {
    const ssrcs = offers.flatMap(({ ssrc }) => ssrc ?? [])
    const twice = ssrcs.find((ssrc, index) => ssrcs.indexOf(ssrc) < index)
    return twice === undefined
      ? Result.succeed(offers)
      : Result.fail(new BadInput({ message: `SSRC ${twice} is in two --send: give each stream one of its own` }))
  })
