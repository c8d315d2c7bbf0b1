"""A witness of audit logs as a process, and a log in Python that asks it: written from C2SP, not from the program."""

import base64
import hashlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import program

#: Seconds for a call, on a loaded machine.
CALL_SECONDS_MAX = 30


class Witness:
    """A witness of one institution: its folder, its process, its certificate by the authority of an installation."""

    def __init__(self, root: Path, name: str, installation, *key_files):
        self.root, self.name, self.ca_file = Path(root), name, str(installation.ca_file)
        self.directory = self.root / f"witness-{name}"
        issued = installation.issue_certificate(f"witness-{name}", "127.0.0.1")
        self.made = program.run_json(
            *["witness", "init", "--directory", self.directory, "--name", f"{name}.example/witness"],
            *["--listen", "127.0.0.1:0", "--certificate-file", issued["certificate_file"]],
            *["--private-key-file", issued["private_key_file"]],
            *[word for file in key_files for word in ("--log", file)],
        )
        self.key, self.process, self.url = self.made["public_key"], None, None
        self.session = requests.Session()
        self.session.verify, self.session.trust_env = self.ca_file, False

    @property
    def settings_file(self) -> Path:
        return self.directory / "witness.toml"

    def listen(self, address: str):
        """Says where it listens."""
        settings = self.settings_file.read_text()
        self.settings_file.write_text(re.sub(r'^listen = .*$', f'listen = "{address}"', settings, flags=re.M))
        self.url = f"https://{address}"

    def start(self):
        """Starts it, at the address where it listened before."""
        assert self.process is None
        words = [program.binary(), "--json", "witness", "serve", "--directory", self.directory]
        log = open(self.root / f"witness-{self.name}.log", "ab")
        self.process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=log)
        log.close()
        line = self.process.stdout.readline()
        assert line, (self.root / f"witness-{self.name}.log").read_text()
        ready = json.loads(line)
        assert ready["ready"] and ready["public_key"] == self.key
        self.listen(ready["address"])
        return self

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, how):
        process, self.process = self.process, None
        if process is None:
            return None
        process.send_signal(how)
        code = process.wait(CALL_SECONDS_MAX * 2)
        process.stdout.close()
        return code

    def show(self, code=0) -> dict:
        return program.run_json("witness", "show", "--directory", self.directory, code=code)

    def add(self, body: str) -> requests.Response:
        return self.session.post(f"{self.url}/add-checkpoint", data=body.encode(), timeout=CALL_SECONDS_MAX)

    def newest(self, origin: str) -> requests.Response:
        path = hashlib.sha256(origin.encode()).hexdigest()
        return self.session.get(f"{self.url}/{path}/checkpoint", timeout=CALL_SECONDS_MAX)


def write_policy(path: Path, *witnesses: Witness, least=None) -> Path:
    """A policy by which so many of these must have seen a checkpoint; all of them unless said."""
    lines = [f"witness {witness.name} {witness.key} {witness.url}\n" for witness in witnesses]
    names = " ".join(witness.name for witness in witnesses)
    path.write_text("# Whose word counts.\n" + "".join(lines) + f"group all {least or 'all'} {names}\nquorum all\n")
    return path


def verify_independently(checkpoint: Path, key_file: Path, policy: Path) -> subprocess.CompletedProcess:
    """What the verifier in `docs/verify` says of a cosigned checkpoint."""
    script = program.REPOSITORY / "docs" / "verify" / "verify_witnessed.py"
    command = [sys.executable, str(script), str(checkpoint), key_file.read_text().strip(), str(policy)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def renamed(vkey: str, name: str) -> str:
    """The same key under another name."""
    public = base64.b64decode(vkey.split("+", 2)[2])
    key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(public).decode()}"


class PythonLog:
    """A Merkle log in memory (RFC 6962) with an Ed25519 key, whose leaves anybody may choose."""

    def __init__(self, origin: str, key=None, leaves=()):
        self.origin, self.key = origin, key or Ed25519PrivateKey.generate()
        self.hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
        public = b"\1" + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(origin.encode() + b"\n" + public).digest()[:4]
        self.vkey = f"{origin}+{self.key_id.hex()}+{base64.b64encode(public).decode()}"

    def fork(self) -> "PythonLog":
        """Another log with the same past and the same key."""
        other = PythonLog(self.origin, self.key)
        other.hashes = list(self.hashes)
        return other

    def add(self, *leaves: bytes):
        self.hashes += [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]

    def checkpoint(self, size=None) -> str:
        size = len(self.hashes) if size is None else size
        root = base64.b64encode(_root(self.hashes[:size])).decode()
        text = f"{self.origin}\n{size}\n{root}\n"
        line = base64.b64encode(self.key_id + self.key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {self.origin} {line}\n"

    def request(self, old: int, size=None) -> str:
        size = len(self.hashes) if size is None else size
        proof = _proof(old, self.hashes[:size], True) if 0 < old < size else []
        lines = "".join(base64.b64encode(hash).decode() + "\n" for hash in proof)
        return f"old {old}\n{lines}\n{self.checkpoint(size)}"


# === helpers: RFC 6962, 2.1 and 2.1.2 ===


def _root(hashes: list) -> bytes:
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = _split(len(hashes))
    return hashlib.sha256(b"\1" + _root(hashes[:split]) + _root(hashes[split:])).digest()


def _proof(old: int, hashes: list, known: bool) -> list:
    if old == len(hashes):
        return [] if known else [_root(hashes)]
    split = _split(len(hashes))
    if old <= split:
        return _proof(old, hashes[:split], known) + [_root(hashes[split:])]
    return _proof(old - split, hashes[split:], False) + [_root(hashes[:split])]


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)
