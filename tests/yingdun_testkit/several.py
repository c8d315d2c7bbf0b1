"""An installation of several nodes: the first made by `init`, the others as an administrator lets them join."""

import shutil

from . import nats, program
from .installation import INSTITUTION, Installation


class FurtherNode(Installation):
    """A node with a folder of its own: configuration and keys were carried over, everything else is its own."""

    def __init__(self, root, first: Installation, name: str):
        # Not made by `init`, so nothing of what that says.
        self.root, self.directory = root, root / "installation"
        self.log_path = root / "program.log"
        self.process = self.lines = self.addresses = self.office = None
        shutil.copytree(first.directory / "keys", self.directory / "keys")
        (self.directory / "pki").mkdir()
        shutil.copy(first.ca_file, self.directory / "pki")
        self.config = self.directory / "yingdun.toml"
        shutil.copy(first.config, self.config)
        identity = first.issue_certificate(name, "127.0.0.1")
        for kind, file in (("certificate_file", "server.pem"), ("private_key_file", "server.key")):
            shutil.copy(identity[kind], self.directory / "pki" / file)
        self.replicas = [self.directory / f"replica-{letter}" for letter in "abc"]
        self.ca_file = self.directory / "pki" / "ca.pem"
        self.audit_key_file = self.directory / "audit.vkey"
        self.audit_directory = self.directory / "audit"
        self.settings = {
            **first.settings,
            "AUDIT__ORIGIN": f"{INSTITUTION}/audit/{name}",
        }
        reached(self)

    def run(self, *words, code=0) -> dict:
        """Runs a command with this node's configuration."""
        return program.run_json(*words, "--config", self.config, env=self.environment(), code=code)

    def join(self) -> dict:
        return self.run("nodes", "join")


def reached(installation: Installation):
    """Gives a node an address by which others reach it; the port is chosen now."""
    [port] = nats.free_ports(1)
    installation.settings |= {
        "WEB__LISTEN": f"127.0.0.1:{port}",
        "NODE__ADDRESS": f"https://127.0.0.1:{port}",
        "NODE__CA_FILE": "pki/ca.pem",
    }


def sends_copies(node: Installation, place):
    """Has a node send copies of its packs to a folder, open ones a second after they grew."""
    _append(node.config, f"\n[[storage.offsite]]\n{_copies(place)}send_open_pack_after_s = 1\n")


def has_sent_all(node: Installation, place) -> bool:
    """Whether the copies reach as far as the packs of a node that takes nothing now."""
    packs = [path for path in (node.replicas[0] / "packs").iterdir() if path.suffix != ".stage"]
    copied = sum(path.stat().st_size for folder in ("packs", "tail") for path in place.glob(f"{folder}/*"))
    # Behind the end of a pack that is still written lies what was allocated.
    return bool(packs) and copied >= sum(len(path.read_bytes().rstrip(b"\0")) for path in packs)


def knows_copies(node: Installation, place):
    """Tells a node where another one sends copies of its packs."""
    _append(node.config, f"\n[[node.copies]]\n{_copies(place)}")


# === helpers ===


def _copies(place) -> str:
    return f'url = "file://{place}"\nlabel = "copies"\nfailure_domain = "building-2"\n'


def _append(config, text: str):
    config.write_text(config.read_text() + text)
