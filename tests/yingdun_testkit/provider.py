"""An OpenID provider that nobody here wrote (`oidc-provider` under Node.js), over HTTPS on loopback, and a browser that signs in with it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlparse

import pytest
import requests

from .nats import free_ports

FOLDER = Path(__file__).parent.parent / "oidc_provider"
CLIENT, SECRET = "yingdun", "a secret: 100% of the/test+"


def require():
    """Skips a test where there is no provider, or fails it where `YINGDUN_REQUIRE_OIDC` is set."""
    if shutil.which("node") is None or not (FOLDER / "node_modules/oidc-provider").is_dir():
        if os.environ.get("YINGDUN_REQUIRE_OIDC"):
            pytest.fail("Node.js or oidc-provider is missing: script/bootstrap test installs them")
        pytest.skip("oidc-provider is not installed")


class Provider:
    """A provider with people of the test's own."""

    def __init__(self, folder: Path, issued: dict, ca_file: str):
        self.folder, self.issued, self.ca_file = Path(folder), issued, ca_file
        self.port = free_ports(1)[0]
        self.issuer = f"https://127.0.0.1:{self.port}"
        self.process = None
        self.people = {}

    def start(self, callback: str, logout: str, *programs: dict):
        """Starts it with us as a client, another client, and programs that sign in for themselves."""
        clients = [
            {
                "client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [callback], "response_types": ["code"],
                "grant_types": ["authorization_code"], "backchannel_logout_uri": logout, "backchannel_logout_session_required": True,
            },
            {"client_id": "other", "client_secret": "other", "redirect_uris": ["https://other.example/cb"]},
            *programs,
        ]
        self.clients = self.folder / "clients.json"
        self.clients.write_text(json.dumps(clients))
        return self.start_again()

    def start_again(self):
        command = ["node", "provider.mjs", str(self.port), self.issued["certificate_file"], self.issued["private_key_file"]]
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": self.ca_file}
        with open(self.folder / "provider.log", "ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.clients)], cwd=FOLDER, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self._read()["issuer"] == self.issuer
        for person in self.people.values():
            self.tell(person=person)
        return self

    def stop(self):
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def tell(self, **said) -> dict:
        self.process.stdin.write(json.dumps(said).encode() + b"\n")
        self.process.stdin.flush()
        return self._read()

    def person(self, sub: str, *groups: str, name=None, amr=("pwd",), acr="urn:one", **claims) -> str:
        """Somebody whom the provider knows; said again, somebody who has changed."""
        claims = {"preferred_username": name or sub, "groups": list(groups), **claims}
        self.people[sub] = {"sub": sub, "amr": list(amr), "acr": acr, "claims": claims}
        self.tell(person=self.people[sub])
        return sub

    def _read(self) -> dict:
        while True:
            line = self.process.stdout.readline()
            assert line, (self.folder / "provider.log").read_text()
            # The library says on the same way what it thinks of its settings.
            if line.startswith(b"{"):
                return json.loads(line)


class Browser:
    """A browser that follows every redirect by hand, so that a test can change what it carries."""

    def __init__(self, web: str, ca_file: str):
        self.web = web
        self.session = requests.Session()
        self.session.verify = ca_file
        self.session.trust_env = False

    def go(self, address: str, headers=None) -> requests.Response:
        return self.session.get(urljoin(self.web, address), headers=headers, allow_redirects=False, timeout=60)

    def to_callback(self, sub: str, start="/oidc/start") -> str:
        """Signs in at the provider, and gives the address to which it sends the browser."""
        answer = self.go(start)
        for _ in range(12):
            assert answer.status_code in (302, 303), (answer.status_code, answer.text)
            to = urljoin(answer.url, answer.headers["location"])
            if to.startswith(f"{self.web}/oidc/callback"):
                return to
            answer = self.go(to, {"x-sign-in-as": sub})
        raise AssertionError("the provider sends the browser around in circles")

    def sign_in(self, sub: str, start="/oidc/start") -> requests.Response:
        return self.go(self.to_callback(sub, start))


def query_of(address: str) -> dict:
    return {name: values[0] for name, values in parse_qs(urlparse(address).query).items()}
