"""NATS servers of the tests' own on loopback (Debian's `nats-server`), and a subscriber that nobody here wrote (`nats-py`)."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import nats
import pytest
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

from .installation import wait_until

STREAM, SUBJECT = "YINGDUN", "yingdun.events"

#: Seconds for servers to find each other, elect leaders and answer, on a loaded machine.
SECONDS_MAX = 120


def require():
    """Skips a test where there is no server, or fails it where `YINGDUN_REQUIRE_NATS` is set."""
    if shutil.which("nats-server") is None:
        if os.environ.get("YINGDUN_REQUIRE_NATS"):
            pytest.fail("nats-server is missing: script/bootstrap test installs it")
        pytest.skip("nats-server is not installed")


class Server:
    """One server in a folder of its own."""

    def __init__(self, folder: Path, name: str, port: int, more=""):
        self.folder, self.name, self.port = Path(folder) / name, name, port
        self.process = None
        self.folder.mkdir(parents=True)
        self.config = self.folder / "server.conf"
        self.config.write_text(
            f'server_name: {name}\nlisten: "127.0.0.1:{port}"\n'
            f'jetstream {{ store_dir: "{self.folder}", max_memory_store: 64MB, max_file_store: 256MB }}\n{more}'
        )

    def start(self):
        assert self.process is None
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(["nats-server", "-c", self.config], stdout=log, stderr=log)
        wait_until(self._listens, f"{self.name} listens", SECONDS_MAX)

    def kill(self):
        """Kills it without warning; what it acknowledged is in its folder."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stored(self) -> bytes:
        """Everything that lies in its folder."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class Cluster:
    """Servers that a stream lies on; one of them, or three."""

    def __init__(self, folder: Path, size=3, more="", tls=None):
        ports = free_ports(2 * size)
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports[size:])
        self.servers, self.tls = [], tls
        for number, name in enumerate("abc"[:size]):
            cluster = f'cluster {{ name: trial, listen: "127.0.0.1:{ports[size + number]}", routes: [{routes}] }}\n'
            self.servers.append(Server(folder, name, ports[number], (cluster if size > 1 else "") + more))
        self.urls = [f"{'tls' if tls else 'nats'}://127.0.0.1:{server.port}" for server in self.servers]

    def __enter__(self):
        for server in self.servers:
            server.start()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.kill()

    def settings(self) -> dict:
        """What an installation is told of it."""
        return {"NATS__SERVERS": json.dumps(self.urls), "NATS__PLAIN_ON_LOOPBACK": "true"}

    def make_stream(self, **settings):
        """Makes the stream, as soon as the servers can."""
        wanted = {"name": STREAM, "subjects": [f"{SUBJECT}.>"], "num_replicas": len(self.servers), "duplicate_window": 3600}
        self.until(lambda js: js.add_stream(StreamConfig(**{**wanted, **settings})), "the stream is made")

    def leader(self) -> Server:
        """The server that leads the stream."""
        info = self.until(lambda js: js.stream_info(STREAM), "the stream has a leader", lambda info: info.cluster.leader)
        return next(server for server in self.servers if server.name == info.cluster.leader)

    def healthy(self):
        """Waits until every copy of the stream is there and has everything."""

        def all_current(info):
            peers = info.cluster.replicas or []
            return info.cluster.leader and len(peers) == len(self.servers) - 1 and all(peer.current for peer in peers)

        self.until(lambda js: js.stream_info(STREAM), "every copy is current", all_current)

    def messages(self) -> list:
        """Every message of the stream, in its order, as (subject, what it says), read by a consumer."""

        async def read(js):
            count = (await js.stream_info(STREAM)).state.messages
            consumer = await js.subscribe(f"{SUBJECT}.>", stream=STREAM, ordered_consumer=True)
            return [await consumer.next_msg(timeout=SECONDS_MAX / 4) for _ in range(count)]

        messages = self.until(read, "a subscriber reads the stream", lambda _: True)
        return [(message.subject, json.loads(message.data)) for message in messages]

    def numbers(self) -> list:
        return [said["sequence"] for _, said in self.messages()]

    def until(self, ask, what, good=lambda answer: True):
        """Asks until an answer is good: elections take a while."""

        def once():
            try:
                answer = asyncio.run(self._ask(ask))
            except (APIError, ServiceUnavailableError, NoStreamResponseError, nats.errors.Error, OSError, asyncio.TimeoutError):
                return None
            return (answer,) if good(answer) else None

        return wait_until(once, what, SECONDS_MAX, 0.3)[0]

    async def _ask(self, ask):
        async def quiet(_):
            pass

        options = {"allow_reconnect": False, "connect_timeout": 5, "error_cb": quiet}
        if self.tls:
            options |= {"tls": self.tls, "tls_hostname": "127.0.0.1"}
        servers = [url for url, server in zip(self.urls, self.servers) if server.process is not None]
        client = await nats.connect(servers, **options)
        try:
            return await ask(client.jetstream(timeout=5))
        finally:
            await client.close()


def free_ports(count: int) -> list:
    """Ports that nobody listens on, each another."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
