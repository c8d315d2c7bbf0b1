"""DCMTK's command-line tools as peers."""

import shutil
import subprocess
from dataclasses import dataclass


@dataclass
class Peer:
    """A device as DCMTK plays it."""

    calling: str
    called: str = "YINGDUN"
    #: As `certificate issue` returns it, or `None` for no certificate.
    identity: dict | None = None
    ca_file: str | None = None

    def _arguments(self, address) -> list:
        arguments = ["-v", "-aet", self.calling, "-aec", self.called]
        if self.ca_file:
            if self.identity:
                arguments += ["+tls", self.identity["private_key_file"], self.identity["certificate_file"]]
            else:
                arguments += ["+tla"]
            arguments += ["+cf", str(self.ca_file)]
        return [*arguments, address[0], str(address[1])]

    def echo(self, address) -> subprocess.CompletedProcess:
        return _run("echoscu", *self._arguments(address))

    def store(self, address, *files, options=()) -> subprocess.CompletedProcess:
        return _run("storescu", *options, *self._arguments(address), *map(str, files))


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess:
    found = shutil.which(name)
    assert found, f"{name} is missing: script/bootstrap test installs DCMTK"
    return subprocess.run(
        [found, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=120, check=False,
    )
