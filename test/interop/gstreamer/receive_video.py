"""Receives and decodes one VP8 stream of SRTP until SIGTERM. Then prints what its jitter buffer made of the packets.

Asks for a key frame some time after the first packet.
"""

import argparse
import struct
import time

from rtp_session import HOST, RTP_CAPS, GLib, Gst, add, connect_rtcp, make_session, numbers, play, source_statistics

# Packets that come too far behind newer ones are refused. What is too far follows from the packet rate, which at first is
# measured far too low: with the usual two seconds it would be ten packets, less than the first frame has.
MISORDER_MS_MAX = 60_000


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rtp-port", type=int, required=True, help="where RTP comes in")
    parser.add_argument("--rtcp-port", type=int, required=True, help="where RTCP comes in and goes out")
    parser.add_argument("--ssrc", type=int, required=True)
    parser.add_argument("--key", required=True, help="SRTP master key and salt, 30 bytes in hex")
    parser.add_argument("--latency", type=int, required=True, help="how long a packet is waited for, ms")
    parser.add_argument("--ask-after", type=int, required=True, help="when to ask for a key frame, s")
    return parser.parse_args()


def make_protection(key):
    """SRTP for RTP; the key is the same for every SSRC."""
    protection = Gst.ElementFactory.make("srtpdec")
    # Repaired packets come behind newer ones: as far as the jitter buffer waits for them.
    protection.set_property("replay-window-size", 1024)
    caps = Gst.Caps.from_string(
        f"application/x-srtp, srtp-key=(buffer){key}, srtp-cipher=aes-128-icm, srtp-auth=hmac-sha1-80,"
        " srtcp-cipher=null, srtcp-auth=null, roc=(uint)0"
    )
    protection.connect("request-key", lambda *_: caps)
    return protection


class Player:
    """Everything behind the network: what comes out of the jitter buffer is written down, then decoded."""

    def __init__(self, pipeline, rtpbin, ask_after):
        self.ask_after = ask_after
        self.asked_at = None
        self.jitter_buffer = None
        self.packets = []
        self.pictures = 0
        self.key_frames_at = []
        self.screen = Gst.parse_bin_from_description(
            "rtpvp8depay name=frames ! vp8dec name=decoder ! fakesink name=pictures sync=false signal-handoffs=true", True
        )
        self.screen.get_by_name("frames").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_frame)
        self.screen.get_by_name("pictures").connect("handoff", self.on_picture)
        pipeline.add(self.screen)
        rtpbin.connect("new-jitterbuffer", self.on_jitter_buffer)
        rtpbin.connect("pad-added", self.on_stream)

    def on_jitter_buffer(self, _rtpbin, jitter_buffer, _session, _ssrc):
        self.jitter_buffer = jitter_buffer
        jitter_buffer.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_packet)
        GLib.timeout_add_seconds(self.ask_after, self.ask_for_key_frame)

    def on_stream(self, _rtpbin, pad):
        if pad.get_name().startswith("recv_rtp_src"):
            pad.link(self.screen.get_static_pad("sink"))

    def on_packet(self, _pad, probe):
        """Sequence number, timestamp and marker, RFC 3550 section 5.1."""
        _, marker, sequence, timestamp = struct.unpack("!BBHI", probe.get_buffer().extract_dup(0, 8))
        self.packets.append((sequence, timestamp, marker >> 7))
        return Gst.PadProbeReturn.OK

    def on_frame(self, _pad, probe):
        if not probe.get_buffer().get_flags() & Gst.BufferFlags.DELTA_UNIT:
            self.key_frames_at.append(time.monotonic())
        return Gst.PadProbeReturn.OK

    def on_picture(self, *_):
        self.pictures += 1

    def ask_for_key_frame(self):
        self.asked_at = time.monotonic()
        request = Gst.Structure.new_from_string("GstForceKeyUnit, all-headers=(boolean)true, count=(uint)0")
        event = Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, request)
        self.screen.get_by_name("decoder").get_static_pad("sink").push_event(event)
        return GLib.SOURCE_REMOVE

    def waits_for_key_frame(self):
        """How long the key frame took that came next when it was asked for. Seconds."""
        return next((at - self.asked_at for at in self.key_frames_at if self.asked_at and at > self.asked_at), None)


def main():
    given = options()
    pipeline = Gst.Pipeline.new()
    # It asks nobody to send again: the relay and its bridges have to repair what they carry.
    rtpbin = make_session(
        pipeline,
        latency=given.latency,
        do_retransmission=False,
        do_lost=True,
        max_misorder_time=MISORDER_MS_MAX,
    )
    rtpbin.connect("request-rtp-decoder", lambda *_: make_protection(given.key))
    player = Player(pipeline, rtpbin, given.ask_after)

    network = add(pipeline, f"udpsrc address={HOST} port={given.rtp_port} buffer-size=2000000")
    network.set_property("caps", Gst.Caps.from_string("application/x-srtp, " + RTP_CAPS))
    network.get_static_pad("src").link(rtpbin.request_pad_simple("recv_rtp_sink_0"))
    connect_rtcp(pipeline, rtpbin, given.rtcp_port, 0)
    # By default the packets of an unknown source are dropped until two have come in order, RFC 3550 appendix A.1.
    rtpbin.emit("get-internal-session", 0).set_property("probation", 0)

    def report():
        return {
            "jitterBuffer": numbers(player.jitter_buffer.get_property("stats")),
            "packets": player.packets,
            "pictures": player.pictures,
            "keyFrames": len(player.key_frames_at),
            "keyFrameWaitSeconds": player.waits_for_key_frame(),
            "hasSenderReport": source_statistics(rtpbin, given.ssrc)["have-sr"],
        }

    play(pipeline, report)


main()
