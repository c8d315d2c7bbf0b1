"""A vault for an installation, as the people of another host make it."""

import json
import secrets
from pathlib import Path

from . import program
from .installation import Installation


class Vault:
    """A vault folder with its keys elsewhere, and the commands on it."""

    def __init__(self, root: Path, installation: Installation, *options, client="vault"):
        self.root = Path(root)
        self.directory = self.root / "vault"
        self.keys = self.root / "keys"
        self.installation = installation
        office = installation.office
        self.secret = self.root / "secret"
        self.secret.write_text(office.system.post("/clients", {"client_id": client}, 201)["client_secret"])
        office.security.put(f"/clients/{client}/scopes", {"scopes": ["vault"]}, 204)
        self.passphrase = self.root / "passphrase"
        self.passphrase.write_text(secrets.token_hex(16))
        self.made = self(
            "init",
            *["--server", installation.addresses.web, "--ca-file", installation.ca_file],
            *["--client-id", client, "--client-secret-file", self.secret],
            *["--audit-key-file", installation.audit_key_file],
            *["--keys-folder", self.keys, "--keys-passphrase-file", self.passphrase],
            *options,
        )

    def __call__(self, *words, code=0):
        """Runs a command and returns its document."""
        return program.run_json("vault", *words[:1], "--directory", self.directory, *words[1:], code=code)

    def refuses(self, *words) -> str:
        """Runs a command that must fail, and returns what it said."""
        done = program.run("vault", *words[:1], "--directory", self.directory, *words[1:])
        assert done.returncode != 0, done.stdout
        return done.stderr

    def set(self, **values):
        """Changes the settings as a person would."""
        path = self.directory / "vault.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    def follow(self):
        """The archive was started anew and listens elsewhere."""
        self.set(server=self.installation.addresses.web)

    def contents(self) -> dict:
        """Every file that holds what was pulled."""
        folders = ["packs", "chunks", "snapshots", "audit"]
        files = [path for folder in folders for path in (self.directory / folder).rglob("*") if path.is_file()]
        files += [path for path in self.keys.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in files}
