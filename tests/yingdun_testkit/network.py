"""Two networks with a router in between whose packets can be made to vanish. They need root."""

import os
import shutil
import subprocess

#: Addresses of this side, of the other side, and of the router on either.
HERE, ROUTER_HERE, ROUTER_THERE, THERE = "10.213.1.1", "10.213.1.2", "10.213.2.2", "10.213.2.1"


def reason_to_skip() -> str | None:
    """Why there can be no such network on this machine; `None` where there can."""
    if os.getuid() != 0 or not shutil.which("ip"):
        return "cutting a network needs root and `ip` of iproute2"
    name = f"yingdun-probe-{os.getpid()}"
    probe = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if probe.returncode:
        return f"network namespaces cannot be made here: {probe.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None


class CutNetwork:
    """This machine, a router and a peer in network namespaces of their own. Leaving its `with` block takes all of it away."""

    def __init__(self):
        self.router, self.peer = f"yd-router-{os.getpid()}", f"yd-peer-{os.getpid()}"
        self._veth = f"yd{os.getpid() % 1000000}"

    def __enter__(self):
        try:
            for name in (self.router, self.peer):
                _ip("netns", "add", name)
            _ip("link", "add", self._veth, "type", "veth", "peer", "name", "here", "netns", self.router)
            _ip("-n", self.router, "link", "add", "there", "type", "veth", "peer", "name", "router", "netns", self.peer)
            _ip("addr", "add", f"{HERE}/24", "dev", self._veth)
            _ip("-n", self.router, "addr", "add", f"{ROUTER_HERE}/24", "dev", "here")
            _ip("-n", self.router, "addr", "add", f"{ROUTER_THERE}/24", "dev", "there")
            _ip("-n", self.peer, "addr", "add", f"{THERE}/24", "dev", "router")
            _ip("link", "set", self._veth, "up")
            for name, device in ((self.router, "here"), (self.router, "there"), (self.peer, "router"), (self.peer, "lo")):
                _ip("-n", name, "link", "set", device, "up")
            _ip("route", "add", "10.213.2.0/24", "via", ROUTER_HERE)
            _ip("-n", self.peer, "route", "add", "default", "via", ROUTER_THERE)
            self.heal()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for command in (["link", "del", self._veth], ["netns", "del", self.peer], ["netns", "del", self.router]):
            subprocess.run(["ip", *command], capture_output=True, check=False)

    def cut(self):
        """From now on nothing arrives, and nobody is told so."""
        self._forward(0)

    def heal(self):
        self._forward(1)

    def on_the_other_side(self, *command) -> list:
        """A command as it is started at the peer."""
        return ["ip", "netns", "exec", self.peer, *map(str, command)]

    def _forward(self, value: int):
        write = f"echo {value} > /proc/sys/net/ipv4/ip_forward"
        subprocess.run(["ip", "netns", "exec", self.router, "sh", "-c", write], check=True)


def _ip(*command):
    subprocess.run(["ip", *command], check=True, capture_output=True)
