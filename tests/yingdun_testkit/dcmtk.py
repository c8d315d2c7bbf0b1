"""DCMTK's command-line tools and servers as peers."""

import shutil
import socket
import subprocess
from dataclasses import dataclass

import pydicom

from .installation import wait_until
from .orthanc import free_port


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


class Listening:
    """A program that listens on a port, which is its last argument, for the length of a `with`."""

    def __init__(self, name, *arguments, port=None):
        found = shutil.which(name)
        assert found, f"{name} is missing: script/bootstrap test installs DCMTK"
        self.port = port or free_port()
        self.command = [found, *map(str, arguments), str(self.port)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "the program listens", 20)
        return self

    @property
    def address(self) -> tuple:
        return "127.0.0.1", self.port

    def _answers(self):
        assert self.process.poll() is None, "the program has ended"
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def dcmqrscp(folder, *options, title="DCMQR", files=(), hosts=(), port=None) -> Listening:
    """DCMTK's archive in a folder of its own, with these files in its index. `hosts`: (title, host, port) of those that
    it may send to."""
    area = folder / "db"
    area.mkdir()
    kept = []
    for number, content in enumerate(files):
        kept.append(area / f"{number}.dcm")
        kept[-1].write_bytes(content)
    if kept:
        done = _run("dcmqridx", str(area), *map(str, kept))
        assert done.returncode == 0, done.stdout
    table = "\n".join(f"host{number} = ({', '.join(map(str, host))})" for number, host in enumerate(hosts))
    config = folder / "dcmqrscp.cfg"
    config.write_text(
        f"""MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
{table}
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{title} {area} RW (2000, 1024mb) ANY
AETable END
"""
    )
    return Listening("dcmqrscp", "-c", config, *options, port=port)


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess:
    found = shutil.which(name)
    assert found, f"{name} is missing: script/bootstrap test installs DCMTK"
    return subprocess.run(
        [found, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=120, check=False,
    )
