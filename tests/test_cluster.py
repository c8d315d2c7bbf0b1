"""`script/cluster`: a primary, a standby and an archive on loopback, as a person uses them."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from yingdun_testkit import postgres, program
from yingdun_testkit.installation import wait_until


class Cluster:
    """The script, in a folder of its own."""

    def __init__(self, directory):
        self.directory = directory
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
            next_one.bind(("127.0.0.1", self.port + 1))

    def run(self, word, *options) -> str:
        command = [program.REPOSITORY / "script" / "cluster", word, "--directory", self.directory, "--port", str(self.port)]
        environment = {**os.environ, "YINGDUN_BINARY": str(program.binary()), "LANG": "C"}
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=environment, timeout=240)
        assert done.returncode == 0, f"{word}: {done.stdout}\n{done.stderr}\n{self.log()}"
        return done.stdout

    def log(self) -> str:
        path = self.directory / "supervisor.log"
        return path.read_text() if path.exists() else ""


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
    cluster = Cluster(folder / "cluster")
    try:
        started = cluster.run("start", "--web-listen", "127.0.0.1:0", "--dicom-tls-listen", "127.0.0.1:0")
        assert json.loads(started.splitlines()[-1])["ready"] is True
        assert f"127.0.0.1:{cluster.port} is the primary, timeline 1: `b` streams, waited for" in cluster.run("status")
        cluster.run("kill-primary")
        wait_until(lambda: "b is the primary and waits for a" in cluster.log(), "the standby is promoted and has a standby", 120)
        status = cluster.run("status")
        assert "server: runs" in status
        assert f"127.0.0.1:{cluster.port + 1} is the primary, timeline 2: `a` streams, waited for" in status
    finally:
        cluster.run("stop")
