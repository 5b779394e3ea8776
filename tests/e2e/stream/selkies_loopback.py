"""Selkies as its package starts it, but that WebRTC offers the loopback address, which it leaves out otherwise."""
import sys

import selkies.ice.ice as ice
import selkies.webrtc_engine as engine


def loopback(use_ipv4, use_ipv6):
    return ["127.0.0.1"]


ice.get_host_addresses = engine.get_host_addresses = loopback

from selkies.__main__ import main  # noqa: E402

sys.exit(main())
