"""DCMTK's command-line tools as peers."""

import shutil
import subprocess
from dataclasses import dataclass

import pydicom


@dataclass
class Peer:
    """A device as DCMTK plays it."""

    calling: str
    called: str = "YINGDUN"
    #: As `certificate issue` returns it, or `None` for no certificate.
    identity: dict | None = None
    ca_file: str | None = None

    def find(self, address, model, folder, *keys) -> tuple:
        """Asks, and returns what was printed and the answers as data sets. `model`: `-P`, `-S` or `-O`."""
        options = [word for key in keys for word in ("-k", key)]
        done = _run("findscu", *self._arguments(address), model, "-X", "-od", str(folder), *options)
        return done, [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]

    def get(self, address, model, folder, *keys, options=()) -> tuple:
        """Fetches, and returns what was printed and the files that came."""
        options = [*options, *(word for key in keys for word in ("-k", key))]
        done = _run("getscu", *self._arguments(address), model, "-od", str(folder), *options)
        return done, [path for path in sorted(folder.iterdir()) if path.is_file()]

    def move(self, address, model, destination, *keys) -> subprocess.CompletedProcess:
        """Has objects sent to a title."""
        options = [word for key in keys for word in ("-k", key)]
        return _run("movescu", *self._arguments(address), model, "-aem", destination, *options)

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
