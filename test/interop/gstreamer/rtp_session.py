"""What the GStreamer sender and receiver of this folder have in common: one RTP session with SRTP, and a main loop.

RTP is protected from the sender to the receiver; the relay and its bridges have no key. RTCP is plain: each end speaks
it with its own bridge only.
"""

import json
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstNet", "1.0")
from gi.repository import GLib, Gst, GstNet  # noqa: E402

Gst.init(None)

HOST = "127.0.0.1"
# Who was forgotten ends by itself.
SECONDS_MAX = 120
# Where nobody listens, RFC 863.
DISCARD = 9
PAYLOAD_TYPE = 96
RTP_CAPS = (
    f"media=video, clock-rate=90000, encoding-name=VP8, payload={PAYLOAD_TYPE}, rtcp-fb-nack-pli=(boolean)true"
)
# RTCP feedback may be sent at once, RFC 4585. The number is GstRTPProfile's.
PROFILE_AVPF = 3


def make_session(pipeline, **properties):
    """An rtpbin in the pipeline that knows the one payload type there is."""
    rtpbin = Gst.ElementFactory.make("rtpbin")
    rtpbin.set_property("rtp-profile", PROFILE_AVPF)
    for name, value in properties.items():
        rtpbin.set_property(name.replace("_", "-"), value)
    rtpbin.connect("request-pt-map", lambda *_: Gst.Caps.from_string("application/x-rtp, " + RTP_CAPS))
    pipeline.add(rtpbin)
    return rtpbin


def add(pipeline, description):
    """One element from its description, as on gst-launch's command line, in the pipeline."""
    element = Gst.parse_launch(description)
    pipeline.add(element)
    return element


def connect_rtcp(pipeline, rtpbin, own_port, peer_port):
    """RTCP out of the socket that it comes in by, RFC 4961. Own port 0: a free one. Peer's 0: where its first comes from."""
    source = add(pipeline, f"udpsrc address={HOST} port={own_port}")
    sink = add(pipeline, f"udpsink host={HOST} port={peer_port or DISCARD} sync=false async=false close-socket=false")
    source.set_state(Gst.State.READY)
    sink.set_property("socket", source.get_property("used-socket"))

    def learn_peer(_pad, probe):
        sink.set_property("port", GstNet.buffer_get_net_address_meta(probe.get_buffer()).addr.get_port())
        return Gst.PadProbeReturn.REMOVE

    if peer_port == 0:
        source.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, learn_peer)
    source.get_static_pad("src").link(rtpbin.request_pad_simple("recv_rtcp_sink_0"))
    rtpbin.request_pad_simple("send_rtcp_src_0").link(sink.get_static_pad("sink"))


def source_statistics(rtpbin, ssrc):
    """What the session knows of one SSRC, its own or the peer's."""
    source = rtpbin.emit("get-internal-session", 0).emit("get-source-by-ssrc", ssrc)
    return {} if source is None else numbers(source.get_property("stats"))


def numbers(structure):
    """The numbers and booleans of a GstStructure, by name."""
    values = {}
    for index in range(structure.n_fields()):
        name = structure.nth_field_name(index)
        if structure.get_field_type(name).name in ("gint", "guint", "gint64", "guint64", "gboolean", "gdouble"):
            values[name] = structure.get_value(name)
    return values


def play(pipeline, report):
    """Plays until SIGTERM. Says when it begins, and at the end what `report()` returns: a JSON object a line.

    An error of any element ends the process.
    """
    loop = GLib.MainLoop()

    def fail(_bus, message):
        print(message.parse_error(), file=sys.stderr)
        sys.exit(1)

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", fail)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    GLib.timeout_add_seconds(SECONDS_MAX, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    print(json.dumps({"event": "playing"}), flush=True)
    loop.run()
    print(json.dumps({"event": "ended", **report()}), flush=True)
    pipeline.set_state(Gst.State.NULL)
