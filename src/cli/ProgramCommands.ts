import type { InputStatistics } from "../client/bridge/BridgeInput.ts"
import type { OutputStatistics } from "../client/bridge/BridgeOutput.ts"
import * as CodecName from "../client/bridge/CodecName.ts"

/** Command lines of GStreamer 1.22 and ffmpeg 5.1, to be pasted, that send into a bridge or play what comes out of it. */

/** Where programs and bridge meet, and how the programs protect their packets. */
export interface Surroundings {
  /** IP address. */
  readonly host: string
  /** Master key and salt of SRTP in base64; `undefined`: not at all. */
  readonly srtpKey: string | undefined
  readonly srtcp: boolean
}

/** What makes something to see or hear, and what plays it, as far as a program can. */
interface CodecPrograms {
  readonly gstreamerSource?: string
  readonly gstreamerDecoder?: string
  readonly ffmpegSource: string
}

const gstreamerPicture = "videotestsrc is-live=true ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 !"
const gstreamerSound = "audiotestsrc is-live=true ! audioconvert ! audioresample !"
const ffmpegPicture = "-f lavfi -i testsrc=size=640x360:rate=30"
const ffmpegSound = "-f lavfi -i sine=frequency=440"

const codecs: Readonly<Record<string, CodecPrograms>> = {
  vp8: {
    gstreamerSource: `${gstreamerPicture} vp8enc deadline=1 ! rtpvp8pay mtu=1200 picture-id-mode=2`,
    gstreamerDecoder: "rtpvp8depay request-keyframe=true ! vp8dec",
    ffmpegSource: `${ffmpegPicture} -pix_fmt yuv420p -c:v libvpx -deadline realtime -g 60`
  },
  vp9: {
    gstreamerSource: `${gstreamerPicture} vp9enc deadline=1 cpu-used=8 ! rtpvp9pay mtu=1200 picture-id-mode=2`,
    gstreamerDecoder: "rtpvp9depay request-keyframe=true ! vp9dec",
    ffmpegSource: `${ffmpegPicture} -pix_fmt yuv420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 60 -strict experimental`
  },
  // GStreamer's encoders and decoders of H.264 are in packages that many do without.
  h264: {
    ffmpegSource: `${ffmpegPicture} -pix_fmt yuv420p -c:v libx264 -tune zerolatency -g 60 -bsf:v dump_extra`
  },
  opus: {
    gstreamerSource: `${gstreamerSound} opusenc ! rtpopuspay`,
    gstreamerDecoder: "rtpopusdepay ! opusdec",
    ffmpegSource: `${ffmpegSound} -c:a libopus -ac 2`
  },
  pcmu: {
    gstreamerSource: `${gstreamerSound} mulawenc ! rtppcmupay`,
    gstreamerDecoder: "rtppcmudepay ! mulawdec",
    ffmpegSource: `${ffmpegSound} -c:a pcm_mulaw -ar 8000`
  },
  pcma: {
    gstreamerSource: `${gstreamerSound} alawenc ! rtppcmapay`,
    gstreamerDecoder: "rtppcmadepay ! alawdec",
    ffmpegSource: `${ffmpegSound} -c:a pcm_alaw -ar 8000`
  }
}

/** A call may name any codec: also one that every object in JavaScript has something by the name of. */
const programsOf = (codec: string): CodecPrograms | undefined =>
  Object.hasOwn(codecs, codec) ? codecs[codec] : undefined

/** How long players wait for packets that are repaired. Milliseconds. */
const playoutDelayMs = 300

/** ffmpeg encrypts both RTP and RTCP, or neither. */
const suitsFfmpeg = (srtpKey: string | undefined, srtcp: boolean): boolean => srtpKey === undefined || srtcp

const gstreamerKey = (srtpKey: string): string => Buffer.from(srtpKey, "base64").toString("hex")

/**
 * Sends into the bridge, as far as the codec is known here. `rtcpPort`: where the program hears RTCP, a free
 * port.
 */
export const senders = (
  { bridge, stream }: InputStatistics,
  { host, srtcp, srtpKey }: Surroundings,
  rtcpPort: number
): ReadonlyArray<string> => {
  const codec = programsOf(stream.codec)
  if (codec === undefined) return []
  const { payloadType, ssrc } = stream
  const encrypted = srtpKey !== undefined
  const gstreamer = codec.gstreamerSource !== undefined && [
    "gst-launch-1.0 rtpbin name=rtp rtp-profile=avpf",
    encrypted ? `srtpenc name=srtp key=${gstreamerKey(srtpKey)}` : "",
    `${codec.gstreamerSource} pt=${payloadType} ssrc=${ssrc} ! rtp.send_rtp_sink_0`,
    encrypted ? "rtp.send_rtp_src_0 ! srtp.rtp_sink_0 srtp.rtp_src_0" : "rtp.send_rtp_src_0",
    `! udpsink host=${host} port=${bridge.rtpPort}`,
    encrypted && srtcp ? "rtp.send_rtcp_src_0 ! srtp.rtcp_sink_0 srtp.rtcp_src_0" : "rtp.send_rtcp_src_0",
    `! udpsink host=${host} port=${bridge.rtcpPort} bind-port=${rtcpPort} sync=false async=false`,
    srtcp ? "" : `udpsrc address=${host} port=${rtcpPort} ! rtp.recv_rtcp_sink_0`
  ]
  const url = `${urlHost(host)}:${bridge.rtpPort}?rtcpport=${bridge.rtcpPort}&pkt_size=1200`
  const ffmpeg = [
    `ffmpeg -re ${codec.ffmpegSource} -ssrc ${signed(ssrc)} -payload_type ${payloadType} -f rtp`,
    encrypted ? `-srtp_out_suite AES_CM_128_HMAC_SHA1_80 -srtp_out_params ${srtpKey} "srtp://${url}"` : `"rtp://${url}"`
  ]
  return [...(gstreamer ? [gstreamer] : []), ...(suitsFfmpeg(srtpKey, srtcp) ? [ffmpeg] : [])].map(oneLine)
}

/** Plays what comes out of the bridge. Nothing for a codec whose name may be made to do something in a shell. */
export const players = (
  { bridge, payloadType, player, stream }: OutputStatistics,
  sdpPath: string,
  { host, srtcp, srtpKey }: Surroundings
): ReadonlyArray<string> => {
  const { clockRate, codec, kind, ssrc } = stream
  if (!CodecName.isRegular(codec)) return []
  const encoding = CodecName.encodingNameOf(codec).toUpperCase()
  const caps = `media=${kind},clock-rate=${clockRate},encoding-name=${encoding},payload=${payloadType}${kind === "video" ? ",rtcp-fb-nack-pli=true" : ""}`
  const srtpCaps =
    srtpKey === undefined
      ? ""
      : `,ssrc=(uint)${ssrc},srtp-key=(buffer)${gstreamerKey(srtpKey)},srtp-cipher=aes-128-icm,srtp-auth=hmac-sha1-80` +
        (srtcp ? ",srtcp-cipher=aes-128-icm,srtcp-auth=hmac-sha1-80" : ",srtcp-cipher=null,srtcp-auth=null")
  const ffplay = `ffplay -protocol_whitelist file,udp,rtp,srtp,crypto -max_delay ${playoutDelayMs * 1000} -i ${quoted(sdpPath)}`
  const gstreamer = [
    `gst-launch-1.0 rtpbin name=rtp rtp-profile=avpf latency=${playoutDelayMs}`,
    `udpsrc address=${host} port=${player.rtpPort} caps="application/x-${srtpKey === undefined ? "rtp" : "srtp"},${caps}${srtpCaps}"`,
    srtpKey === undefined ? "" : "! srtpdec name=srtp srtp.rtp_src",
    `! rtp.recv_rtp_sink_0 rtp. ! ${programsOf(codec)?.gstreamerDecoder ?? "decodebin"}`,
    kind === "video" ? "! videoconvert ! autovideosink" : "! audioconvert ! audioresample ! autoaudiosink",
    srtcp ? "" : `udpsrc address=${host} port=${player.rtcpPort} ! rtp.recv_rtcp_sink_0`,
    srtcp ? "" : `rtp.send_rtcp_src_0 ! udpsink host=${host} port=${bridge.rtcpPort} sync=false async=false`
  ]
  return [...(suitsFfmpeg(srtpKey, srtcp) ? [[ffplay]] : []), gstreamer].map(oneLine)
}

const oneLine = (parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join(" ")

const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host)

/** ffmpeg takes an SSRC as a signed number of 32 bits. */
const signed = (ssrc: number): number => ssrc | 0

const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)
