"""Sends moving VP8 pictures, 30 a second, as SRTP until SIGTERM. Then prints what its RTCP session has seen.

Key frames come at the beginning and when they are asked for, never by themselves.
"""

import argparse

from rtp_session import HOST, PAYLOAD_TYPE, Gst, add, connect_rtcp, make_session, play, source_statistics

# The numbers wrap after some 15 s. Behind that SRTP counts on with a number that no packet carries.
SEQUENCE_NUMBER_START = 64000


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rtp-port", type=int, required=True, help="where RTP goes to")
    parser.add_argument("--rtcp-port", type=int, required=True, help="where RTCP goes to, and comes from")
    parser.add_argument("--ssrc", type=int, required=True)
    parser.add_argument("--key", type=bytes.fromhex, required=True, help="SRTP master key and salt, 30 bytes in hex")
    return parser.parse_args()


def make_camera(pipeline, ssrc):
    """Small pictures, to be cheap, that do not compress well, so that every frame takes several packets."""
    camera = Gst.parse_bin_from_description(
        "videotestsrc is-live=true pattern=zone-plate kx2=20 ky2=20 kt=1"
        " ! video/x-raw,width=320,height=240,framerate=30/1"
        " ! vp8enc deadline=1 cpu-used=8 target-bitrate=800000 keyframe-max-dist=100000"
        f" ! rtpvp8pay mtu=1200 picture-id-mode=15-bit pt={PAYLOAD_TYPE} ssrc={ssrc}"
        f" seqnum-offset={SEQUENCE_NUMBER_START}",
        True,
    )
    pipeline.add(camera)
    return camera


def make_protection(key):
    """SRTP for RTP: of the two pads that it could have, the one for RTCP is left out."""
    protection = Gst.ElementFactory.make("srtpenc")
    protection.set_property("key", Gst.Buffer.new_wrapped(key))
    protection.request_pad_simple("rtp_sink_0")
    return protection


def report_block(statistics):
    """What a receiver report says of the camera."""
    return {
        "ssrc": statistics["rb-ssrc"],
        "packetsLost": statistics["rb-packetslost"],
        # In units of 1/65536 s, as LSR and DLSR are, RFC 3550 section 6.4.1.
        "roundTripMs": 1000 * statistics["rb-round-trip"] / 65536,
    }


def main():
    given = options()
    blocks = []
    pipeline = Gst.Pipeline.new()
    rtpbin = make_session(pipeline)

    def on_report(_rtpbin, _session, ssrc):
        statistics = source_statistics(rtpbin, ssrc)
        if statistics["have-rb"]:
            blocks.append(report_block(statistics))

    rtpbin.connect("request-rtp-encoder", lambda *_: make_protection(given.key))
    rtpbin.connect("on-ssrc-active", on_report)

    camera = make_camera(pipeline, given.ssrc)
    network = add(pipeline, f"udpsink host={HOST} port={given.rtp_port} sync=false async=false")
    camera.get_static_pad("src").link(rtpbin.request_pad_simple("send_rtp_sink_0"))
    rtpbin.get_static_pad("send_rtp_src_0").link(network.get_static_pad("sink"))
    connect_rtcp(pipeline, rtpbin, 0, given.rtcp_port)

    def report():
        sent = source_statistics(rtpbin, given.ssrc)
        return {
            "packetsSent": sent["packets-sent"],
            "keyFrameRequests": sent["recv-pli-count"],
            "reportBlocks": blocks,
        }

    play(pipeline, report)


main()
