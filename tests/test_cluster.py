"""`script/cluster`: a primary, a standby, three NATS servers and an archive of three nodes on loopback, as a person uses them."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import tomllib
from pathlib import Path

import pytest

from yingdun_testkit import nats, postgres, program
from yingdun_testkit.installation import wait_until


class Cluster:
    """The script, in a folder of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.port, self.nats_port, self.web_port = free_ports(2), free_ports(6), free_ports(3)
        self.witness_port = free_ports(3)

    def run(self, *words) -> str:
        command = [program.REPOSITORY / "script" / "cluster", *words, "--directory", self.directory]
        command += ["--port", str(self.port), "--nats-port", str(self.nats_port)]
        command += ["--witness-port", str(self.witness_port)]
        environment = {**os.environ, "YINGDUN_BINARY": str(program.binary()), "LANG": "C"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}\n{self.log()}"
        return done.stdout

    def log(self) -> str:
        path = self.directory / "supervisor.log"
        return path.read_text() if path.exists() else ""

    def node(self, number: int) -> Path:
        """The folder of a node."""
        return self.directory / ("archive" if number == 1 else f"node-{number}")

    def witnessed_by(self, number: int) -> dict:
        """How many leaves of which logs the witness within a node has seen."""
        seen = program.run_json("witness", "show", "--directory", self.node(number) / "witness")
        return {log["origin"]: log["size"] for log in seen["logs"]}

    def members(self) -> dict:
        """What `doctor --cluster` says, by kind and name."""
        config = self.directory / "archive" / "yingdun.toml"
        done = program.run("--json", "doctor", "--cluster", "--config", config)
        view = json.loads(done.stdout)
        assert view["healthy"] is (done.returncode == 0), done.stdout + done.stderr
        return {(member["kind"], member["name"]): member for member in view["members"]}

    def nats_process(self, name: str) -> str:
        return (self.directory / f"nats-{name}.pid").read_text()


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    while True:
        with contextlib.ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                for following in range(port + 1, port + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", following))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture
def folder():
    """A folder in which the account of the database reaches its own; those of pytest are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="yingdun-cluster-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_cluster_starts_survives_its_primary_and_stops(folder):
    if postgres.programs() is None:
        if os.environ.get("YINGDUN_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is missing: script/bootstrap test installs it")
        pytest.skip("PostgreSQL is not installed")
    nats.require()
    cluster = Cluster(folder / "cluster")
    try:
        started = cluster.run("start", "--web-listen", f"127.0.0.1:{cluster.web_port}", "--dicom-tls-listen", "127.0.0.1:0")
        assert json.loads(started.splitlines()[-1])["ready"] is True
        wait_until(lambda: is_healthy(cluster.members(), cluster), "every member is in order", 120)
        assert f"127.0.0.1:{cluster.port} is the primary, timeline 1: `b` streams, waited for" in cluster.run("status")

        # Each node is a witness of the logs of the two others, and of none of its own.
        origins = {number: origin_of(cluster.node(number)) for number in (1, 2, 3)}
        for number in origins:
            others = set(origins.values()) - {origins[number]}
            seen = lambda: {origin for origin, size in cluster.witnessed_by(number).items() if size}  # noqa: E731
            wait_until(lambda: seen() == others, f"node {number} has seen the logs of the others", 120)
            said = program.run("doctor", "--config", cluster.node(number) / "yingdun.toml", env={"LC_ALL": "C"})
            assert "the witness of this node has seen" in said.stdout, said.stdout

        killed = cluster.nats_process("b")
        cluster.run("kill-nats", "b")
        wait_until(lambda: cluster.nats_process("b") != killed, "the NATS server is started again", 120)
        wait_until(lambda: is_healthy(cluster.members(), cluster), "it has caught up", 120)

        cluster.run("kill-node", "2")
        lost = ("node", f"https://127.0.0.1:{cluster.web_port + 1}")
        wait_until(lambda: cluster.members()[lost]["health"] == "warning", "it is seen that a node is gone", 60)
        assert "node 2 does not serve" in str(cluster.members()[lost])
        cluster.run("start-node", "2")
        wait_until(lambda: is_healthy(cluster.members(), cluster), "it is back", 120)

        cluster.run("kill-primary")
        wait_until(lambda: "b is the primary and waits for a" in cluster.log(), "the standby is promoted and has a standby", 120)
        status = cluster.run("status")
        assert all(f"server-{number}: runs" in status for number in (1, 2, 3))
        assert f"127.0.0.1:{cluster.port + 1} is the primary, timeline 2: `a` streams, waited for" in status
    finally:
        cluster.run("stop")
    members = cluster.members()
    assert own_node(members)["health"] == "error"
    assert members["event-stream", nats.STREAM]["health"] == "error"


def origin_of(folder: Path) -> str:
    """The name of the audit log of a node."""
    return tomllib.loads((folder / "yingdun.toml").read_text())["audit"]["origin"]


def own_node(members) -> dict:
    """The node that was asked; the others are called by their addresses."""
    return next(member for (kind, name), member in members.items() if kind == "node" and not name.startswith("https:"))


def is_healthy(members, cluster) -> bool:
    """Whether every member is there and none is in trouble. Of NATS servers that cannot force each message to the disk it warns."""
    databases = [("database-server", f"127.0.0.1:{cluster.port + number}") for number in range(2)]
    servers = [("nats-server", f"nats://127.0.0.1:{cluster.nats_port + number}") for number in range(3)]
    others = [("node", f"https://127.0.0.1:{cluster.web_port + number}") for number in (1, 2)]
    stream, copies = ("event-stream", nats.STREAM), ("offsite-replica", "copies-1")
    own = own_node(members)
    assert {key for key, member in members.items() if member is not own} == {*databases, *servers, *others, stream, copies}
    old = all("every two minutes only" in str(members[server]) for server in servers)
    return (
        all(members[key]["health"] == "ok" for key in (*databases, *others, stream))
        and all(members[server]["health"] == ("warning" if old else "ok") for server in servers)
        and "3 copies" in str(members[stream])
        and "the archive serves at" in str(own)
    )
