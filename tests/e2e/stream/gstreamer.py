"""A desktop streamed by GStreamer's webrtcbin and x264enc: the plainest host that one can build of Debian's parts.

Usage: gstreamer.py KBPS PRESET PROFILE, with DISPLAY set. One encoder serves all viewers. Signaling is lines of JSON: `{"viewer": N}` on
stdin asks for an offer, `{"viewer": N, "offer": SDP}` comes back, `{"viewer": N, "answer": SDP}` completes it and
`{"viewer": N, "gone": true}` ends it. A message `x y` on the data channel presses the mouse button there, by XTest.
"""
import ctypes
import json
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstVideo", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstVideo, GstWebRTC  # noqa: E402

Gst.init(None)
KBPS, PRESET, PROFILE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
FPS = 30

pipeline = Gst.parse_launch(
    f"ximagesrc use-damage=false show-pointer=false ! video/x-raw,framerate={FPS}/1 ! videoconvert"
    " ! video/x-raw,format=I420,colorimetry=bt709 ! queue max-size-buffers=1 leaky=downstream"
    f" ! x264enc name=encoder tune=zerolatency speed-preset={PRESET} bitrate={KBPS} key-int-max=100000 threads=2"
    f" ! video/x-h264,profile={PROFILE} ! rtph264pay name=payloader pt=96 config-interval=-1"
    " aggregate-mode=zero-latency mtu=1200 ! tee name=all allow-not-linked=true"
)
tee = pipeline.get_by_name("all")
encoder = pipeline.get_by_name("encoder")
viewers = {}
# Kept for good: the binding to Python believes that it owns them.
agents = []

x11, xtst = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
x11.XFlush.argtypes = [ctypes.c_void_p]
xtst.XTestFakeMotionEvent.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_ulong]
xtst.XTestFakeButtonEvent.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong]
screen = x11.XOpenDisplay(None)


def tell(message):
    print(json.dumps(message), flush=True)


def press(_channel, text):
    x, y = (int(float(part)) for part in text.split())
    xtst.XTestFakeMotionEvent(screen, -1, x, y, 0)
    xtst.XTestFakeButtonEvent(screen, 1, 1, 0)
    xtst.XTestFakeButtonEvent(screen, 1, 0, 0)
    x11.XFlush(screen)


def keyframe():
    event = GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0)
    encoder.get_static_pad("src").send_event(event)


def on_state(webrtc, _property):
    if webrtc.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
        keyframe()


def on_gathered(webrtc, _property, viewer):
    if webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
        tell({"viewer": viewer, "offer": webrtc.get_property("local-description").sdp.as_text()})


def offer(webrtc, viewer):
    def created(promise, _data):
        promise.wait()
        # Each is a part of the one before, which has to outlive the call.
        reply = promise.get_reply()
        description = reply.get_value("offer")
        webrtc.emit("set-local-description", description, Gst.Promise.new())

    webrtc.connect("notify::ice-gathering-state", on_gathered, viewer)
    webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(created, None))


def join(viewer):
    queue = Gst.ElementFactory.make("queue")
    webrtc = Gst.ElementFactory.make("webrtcbin")
    webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    # libnice leaves the loopback address out unless it is told.
    agent = webrtc.get_property("ice-agent")
    agents.append(agent)
    agent.emit("add-local-ip-address", "127.0.0.1")
    webrtc.connect("notify::connection-state", on_state)
    pipeline.add(queue)
    pipeline.add(webrtc)
    pad = tee.request_pad_simple("src_%u")
    queue.sync_state_with_parent()
    webrtc.sync_state_with_parent()
    queue.link_pads("src", webrtc, "sink_0")
    transceiver = webrtc.emit("get-transceiver", 0)
    transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
    transceiver.set_property("do-nack", True)
    channel = webrtc.emit("create-data-channel", "input", None)
    channel.connect("on-message-string", press)
    pad.link(queue.get_static_pad("sink"))
    viewers[viewer] = (webrtc, queue, pad, channel)
    # Caps of the stream have to be at its pad before an offer can name them.
    GLib.timeout_add(20, poll_caps, webrtc, viewer)


def poll_caps(webrtc, viewer):
    if webrtc.get_static_pad("sink_0").get_current_caps() is None:
        return True
    offer(webrtc, viewer)
    return False


def answer(viewer, text):
    _, sdp = GstSdp.SDPMessage.new_from_text(text)
    description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
    viewers[viewer][0].emit("set-remote-description", description, Gst.Promise.new())


def leave(viewer):
    webrtc, queue, pad, _ = viewers.pop(viewer)
    pad.add_probe(Gst.PadProbeType.BLOCK_DOWNSTREAM, lambda *_: Gst.PadProbeReturn.OK)
    pad.unlink(queue.get_static_pad("sink"))
    tee.release_request_pad(pad)
    for element in (webrtc, queue):
        element.set_state(Gst.State.NULL)
        pipeline.remove(element)


def obey(line):
    message = json.loads(line)
    viewer = message["viewer"]
    if "answer" in message:
        answer(viewer, message["answer"])
    elif "gone" in message:
        leave(viewer)
    else:
        join(viewer)
    return False


def read():
    for line in sys.stdin:
        GLib.idle_add(obey, line)
    GLib.idle_add(loop.quit)


loop = GLib.MainLoop()
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message::error", lambda _bus, message: print(message.parse_error(), file=sys.stderr, flush=True))
pipeline.set_state(Gst.State.PLAYING)
threading.Thread(target=read, daemon=True).start()
tell({"ready": Gst.version_string()})
loop.run()
pipeline.set_state(Gst.State.NULL)
