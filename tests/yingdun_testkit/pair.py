"""Two PostgreSQL servers of a test's own: a primary and a standby that it waits for, on loopback."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .installation import wait_until
from .postgres import SYSTEM_USER, programs


class Server:
    """One of the two."""

    def __init__(self, pair: "Pair", name: str):
        self.pair, self.name = pair, name
        self.data = pair.directory / name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self):
        """Starts it on what it left."""
        options = f"-p {self.port} -k {self.pair.directory} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += f" -c cluster_name={self.name} -c wal_retrieve_retry_interval=100 -c max_connections=200"
        self.pair.run("pg_ctl", "-D", self.data, "-o", options, "-l", self.pair.directory / "log", "-w", "-s", "start")

    def kill(self):
        """Kills it and everything that it started, without warning."""
        processes = self._signal(signal.SIGKILL)
        wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in processes), f"{self.name} is gone")

    def freeze(self):
        """Lets it stand still: its connections stay open and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def promote(self):
        self.pair.run("pg_ctl", "-D", self.data, "-w", "-s", "promote")

    def sql(self, statement: str, database="postgres") -> str:
        """What it answers, a line for each row."""
        words = ["-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p", self.port, "-U", "yingdun", "-d", database]
        return self.pair.run("psql", *words, "-c", statement).stdout.decode().strip()

    def _signal(self, number) -> list:
        """Tells it and everything that it started."""
        server = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        children = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=False).stdout
        processes = [server, *map(int, children.split())]
        for process in processes:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass  # one of the children ended by itself
        return processes


class Pair:
    """A primary, `a`, and a standby, `b`, as long as the `with` block lasts."""

    def __init__(self):
        self.programs = programs()
        self.directory = Path(tempfile.mkdtemp(prefix="yingdun-pg-pair-"))
        self._as = []
        if os.getuid() == 0:
            account = pwd.getpwnam(SYSTEM_USER)
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self._as = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        self.a, self.b = Server(self, "a"), Server(self, "b")

    def __enter__(self):
        data = self.a.data
        self.run("initdb", "-D", data, "-U", "yingdun", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.a.start()
        for name in ("catalogue", "keys", "identity"):
            self.a.sql(f"CREATE DATABASE {name}")
        source = ["-h", "127.0.0.1", "-p", self.a.port, "-U", "yingdun"]
        self.run("pg_basebackup", *source, "-D", self.b.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.b.start()
        # Not before the copy was made: the standby has nobody to wait for when it is promoted.
        self.a.sql("ALTER SYSTEM SET synchronous_standby_names = 'b'")
        self.a.sql("SELECT pg_reload_conf()")
        state = "SELECT sync_state FROM pg_stat_replication"
        wait_until(lambda: self.a.sql(state) == "sync", "the standby is waited for", 60)
        return self

    def __exit__(self, *_):
        for server in (self.a, self.b):
            stop = [*self._as, self.programs / "pg_ctl", "-D", server.data, "-m", "immediate", "-s", "stop"]
            subprocess.run(stop, check=False, capture_output=True, cwd=self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)

    def databases_of_an_installation(self) -> dict:
        """Its three databases, as options of `init`; each names both servers."""
        servers = ",".join(f"127.0.0.1:{server.port}" for server in (self.a, self.b))
        return {name: f"postgres://yingdun@{servers}/{name}" for name in ("catalogue", "keys", "identity")}

    def run(self, program, *arguments):
        command = [*self._as, str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, cwd=self.directory)
        assert done.returncode == 0, f"{program}: {done.stderr.decode()}"
        return done
