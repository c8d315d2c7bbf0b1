"""A collector of audit records on loopback: Debian's `rsyslogd`, with mutual TLS, that writes down what comes."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from .installation import wait_until
from .orthanc import free_port

#: Seconds for it to start on a loaded machine.
SECONDS_MAX = 120

#: The structured data of one message, and the message.
RECORD = re.compile(r'^<(\d+)>1 (\S+) (\S+) yingdun (\S+) DICOM\+RFC3881 \[yingdun@32473 ([^\]]*)\] (.*)$')


def require():
    """Skips a test where there is no rsyslog with GnuTLS, or fails it where `YINGDUN_REQUIRE_RSYSLOG` is set."""
    drivers = [*Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so"), *Path("/usr/lib/rsyslog").glob("lmnsd_gtls.so")]
    if shutil.which("rsyslogd") is None or not drivers:
        if os.environ.get("YINGDUN_REQUIRE_RSYSLOG"):
            pytest.fail("rsyslog with GnuTLS is missing: script/bootstrap test installs it")
        pytest.skip("rsyslog with GnuTLS is not installed")


class Collector:
    """An rsyslogd in a folder of its own."""

    def __init__(self, folder: Path, certificate: dict, ca_file):
        self.folder, self.port, self.process = Path(folder) / "collector", free_port(), None
        self.folder.mkdir(parents=True)
        self.file = self.folder / "records"
        self.config = self.folder / "rsyslog.conf"
        self.config.write_text(f"""
global(workDirectory="{self.folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"
       defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{ca_file}"
       defaultNetstreamDriverCertFile="{certificate['certificate_file']}"
       defaultNetstreamDriverKeyFile="{certificate['private_key_file']}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
template(name="whole" type="string" string="%rawmsg%\\n")
ruleset(name="keep") {{ action(type="omfile" file="{self.file}" template="whole" asyncWriting="off" flushOnTXEnd="on") }}
input(type="imtcp" address="127.0.0.1" port="{self.port}" ruleset="keep")
""")

    @property
    def address(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def start(self):
        assert self.process is None
        with open(self.folder / "log", "ab") as log:
            command = ["rsyslogd", "-n", "-f", self.config, "-i", self.folder / "pid"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._listens, "rsyslogd listens", SECONDS_MAX)

    def kill(self):
        """Kills it without warning: what it has in its memory is lost."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            (self.folder / "pid").unlink(missing_ok=True)

    def records(self) -> list:
        """What it wrote down, in order, as (number of the leaf, fields beside the message, XML)."""
        if not self.file.exists():
            return []
        records = []
        for line in self.file.read_text(encoding="utf-8").splitlines():
            found = RECORD.match(line)
            # A kill may cut the last line.
            if found is None:
                continue
            fields = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[5]))
            records.append((int(fields["index"]), {"priority": found[1], **fields}, found[6].lstrip("\ufeff")))
        return records

    def numbers(self) -> list:
        """The numbers of leaves in the order in which each came first: what a collector has that drops duplicates."""
        return list(dict.fromkeys(number for number, _, _ in self.records()))

    def _listens(self):
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
