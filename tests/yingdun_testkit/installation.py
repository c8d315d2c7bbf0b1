"""An installation in a folder of its own, and the server that runs on it."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import program

INSTITUTION = "renmin"

#: Seconds for a start; most of it is waiting for a processor on a loaded machine.
START_SECONDS_MAX = 60
#: Seconds for an orderly stop.
STOP_SECONDS_MAX = 40


class DidNotStart(AssertionError):
    """The server ended, or said nothing, before it was ready."""


@dataclass
class Addresses:
    """Where a running server listens."""

    web: str
    dicom_tls: tuple
    dicom_plain: tuple | None


class Installation:
    """A folder made by `init`, with a server that can be started, stopped and killed."""

    def __init__(self, root: Path, *, replicas=None, databases=None, settings=None, dicom="127.0.0.1:0", init=()):
        self.root = Path(root)
        self.directory = self.root / "installation"
        self.log_path = self.root / "program.log"
        #: Overrides of the configuration, as in `{"STORAGE__RESERVE_BYTES": "0"}`.
        #: Officers of a test wait longer between two requests than people at a desk may.
        self.settings = {"STORAGE__RESERVE_BYTES": str(64 << 20), "IDENTITY__IDLE_MINUTES": "720", **(settings or {})}
        self.process = None
        self.lines = None
        self.addresses = None
        #: What the administration of this installation has made; see `administration.Office`.
        self.office = None
        arguments = ["init", "--directory", self.directory, "--institution", INSTITUTION]
        arguments += ["--web-listen", "127.0.0.1:0", "--dicom-tls-listen", dicom]
        arguments += ["--dicom-plain-listen", dicom]
        self.replicas = [Path(path) for path in replicas or []]
        for path in self.replicas:
            arguments += ["--replica", path]
        for option, url in (databases or {}).items():
            arguments += [f"--{option}-url", url]
        self.root.mkdir(parents=True, exist_ok=True)
        self.made = program.run_json(*arguments, *init)
        self.replicas = self.replicas or [self.directory / f"replica-{letter}" for letter in "abc"]
        self.config = Path(self.made["config"])
        self.ca_file = Path(self.made["ca_file"])
        self.audit_key_file = Path(self.made["audit_public_key_file"])
        self.audit_directory = self.directory / "audit"

    # === life ===

    def environment(self) -> dict:
        """The overrides as the program reads them."""
        return {f"YINGDUN__{name}": value for name, value in self.settings.items()}

    def start(self, environment=None):
        """Starts the server and waits for its ready line; `environment` has more variables for this one process."""
        self.launch(environment)
        ready = self.next_line()
        assert ready["ready"] is True, ready
        return self

    def launch(self, environment=None):
        """Starts the server and waits for nothing."""
        assert self.process is None, "the server runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [program.binary(), "--json", "serve", "--config", self.config],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.environment(), **(environment or {})},
            )
        self.lines = _lines(self.process)

    def next_line(self) -> dict:
        """The next thing that the server says of itself: that it is ready, or that it is sealed; and where it listens."""
        try:
            line = self.lines.get(timeout=START_SECONDS_MAX).decode()
        except queue.Empty:
            line = ""
        if not line:
            self.kill()
            raise DidNotStart(f"no ready line; the end of its log:\n{self.log_tail()}")
        said = json.loads(line)
        self.addresses = Addresses(
            web=said["web"],
            dicom_tls=_address(said["dicom_tls"]),
            dicom_plain=_address(said["dicom_plain"]),
        )
        return said

    def stop(self) -> int:
        """Stops the server in order and returns its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop within {STOP_SECONDS_MAX} s\n{self.log_tail()}") from None
        finally:
            process.stdout.close()

    def kill(self):
        """Kills the server without warning."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdout.close()

    def restart(self):
        """Stops and starts; ports change."""
        self.stop()
        return self.start()

    # === looking at it ===

    def log_text(self) -> str:
        """Everything that the program logged."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=15) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def resident_bytes_max(self) -> int:
        """The most memory that the running server has held so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024

    def forget_resident_peak(self):
        """Lets the most memory be counted from now on (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def files(self):
        """Every file of the installation, replicas elsewhere included."""
        folders = [self.directory, *(path for path in self.replicas if not path.is_relative_to(self.directory))]
        for folder in folders:
            yield from (path for path in folder.rglob("*") if path.is_file())

    # === certificates and the ledger ===

    def issue_certificate(self, name: str, *hosts: str) -> dict:
        """A certificate of the installation's own authority: `certificate_file`, `private_key_file`, `sha256`.

        With hosts it is also good for a server of that name.
        """
        hosts = [word for host in hosts for word in ("--host", host)]
        issued = program.run_json("certificate", "issue", name, "--directory", self.directory, *hosts)
        return {key: value if key == "sha256" else str(value) for key, value in issued.items()}

    def verify_audit(self, directory=None, code=0) -> dict:
        """What `audit verify` says of the log, or of a copy of it."""
        directory = directory or self.audit_directory
        return program.run_json("audit", "verify", directory, "--public-key", self.audit_key_file, code=code)


def wait_until(true, what: str, seconds=20.0, step=0.05):
    """Waits for something to become true; its value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(step)


# === helpers ===


def _address(text):
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    return host, int(port)


def _lines(process) -> queue.Queue:
    """Every line of the server, and an empty one at the end."""
    lines = queue.Queue()

    def read():
        # Everything is read, so that the server never waits for a full pipe.
        try:
            for line in process.stdout:
                lines.put(line)
        except ValueError:
            pass
        lines.put(b"")

    threading.Thread(target=read, daemon=True).start()
    return lines
