"""Authenticators that nobody of us wrote the words for: Yubico's `fido2` encodes what a key says, and a browser with a key of its own."""

import contextlib
import json
import os
import secrets
import subprocess
import time
import urllib.request
from pathlib import Path

import websocket
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cose
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

FLAG = AuthenticatorData.FLAG
#: What an authenticator says that verified a user.
VERIFIED = FLAG.UP | FLAG.UV
BROWSER_SECONDS_MAX = 60


class Key:
    """A security key of one algorithm: ES256, EdDSA or RS256."""

    def __init__(self, algorithm="ES256"):
        self.algorithm = algorithm
        self.private = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        }[algorithm]()
        self.cose = getattr(cose, algorithm).from_cryptography_key(self.private.public_key())
        self.id = secrets.token_bytes(32)
        self.count = 0
        self.handle = None

    def makes(self, options, origin, *, flags=VERIFIED, rp_id=None, further=b"", **client) -> dict:
        """What a browser brings back of a new passkey, for the options of the archive."""
        assert options["attestation"] == "none" and options["authenticatorSelection"]["userVerification"] == "required"
        assert self.cose[3] in [parameter["alg"] for parameter in options["pubKeyCredParams"]]
        self.handle = options["user"]["id"]
        said = self._client("webauthn.create", options, origin, client)
        attested = AttestedCredentialData.create(bytes(16), self.id, self.cose)
        self.count += 1
        data = AuthenticatorData.create(sha256((rp_id or options["rp"]["id"]).encode()), flags | FLAG.AT, self.count, attested)
        attestation = AttestationObject.create("none", AuthenticatorData(data), {}) + further
        return self._credential({"clientDataJSON": said.b64, "attestationObject": websafe_encode(attestation)})

    def signs(self, options, origin, *, flags=VERIFIED, rp_id=None, count=None, **client) -> dict:
        """What a browser brings back of a passkey that is there."""
        assert options["userVerification"] == "required"
        said = self._client("webauthn.get", options, origin, client)
        self.count = self.count + 1 if count is None else count
        data = AuthenticatorData.create(sha256((rp_id or options["rpId"]).encode()), flags, self.count)
        return self._credential(
            {
                "clientDataJSON": said.b64,
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(self._sign(data + said.hash)),
                "userHandle": self.handle,
            }
        )

    def _client(self, ceremony, options, origin, client):
        challenge = client.pop("challenge", options["challenge"])
        return CollectedClientData.create(client.pop("type", ceremony), challenge, origin, **client)

    def _credential(self, response) -> dict:
        named = websafe_encode(self.id)
        return {"id": named, "rawId": named, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _sign(self, message: bytes) -> bytes:
        if self.algorithm == "ES256":
            return self.private.sign(message, ec.ECDSA(hashes.SHA256()))
        if self.algorithm == "EdDSA":
            return self.private.sign(message)
        return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())


def cut(credential: dict, field: str) -> dict:
    """The same with one part cut short by a byte."""
    response = dict(credential["response"])
    response[field] = websafe_encode(websafe_decode(response[field])[:-1])
    return {**credential, "response": response}


class Chromium:
    """A browser with a virtual authenticator, driven over the DevTools protocol."""

    def __init__(self, program: str, folder: Path):
        self.numbers = iter(range(1, 1_000_000))
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
            "--ignore-certificate-errors", "--no-proxy-server", "--remote-debugging-port=0", "--remote-allow-origins=*",
            f"--user-data-dir={folder}", "about:blank",
        ]
        environment = {**os.environ, "HOME": str(folder)}
        with open(folder / "browser.log", "wb") as log:
            self.process = subprocess.Popen([program, *arguments], stdout=log, stderr=log, env=environment)
        port = self._until(lambda: self._port(folder), "the browser did not start")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/json/list", timeout=30) as pages:
            page = next(page for page in json.load(pages) if page["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=BROWSER_SECONDS_MAX)
        for domain in ["Page", "Runtime", "Log", "WebAuthn"]:
            self.ask(f"{domain}.enable")
        key = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }
        self.key = self.ask("WebAuthn.addVirtualAuthenticator", options=key)["authenticatorId"]

    def ask(self, method: str, **parameters) -> dict:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    def run(self, script: str):
        """The value of an expression in the page."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, address: str):
        self.ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def until(self, script: str, seconds=BROWSER_SECONDS_MAX):
        """Waits until an expression is true; a page may be on its way meanwhile."""

        def look():
            try:
                return self.run(script)
            except AssertionError:
                return None

        return self._until(look, f"never true: {script}", seconds)

    def fill(self, **fields):
        """Fills the fields of a form in."""
        for name, value in fields.items():
            self.run(f"document.querySelector('main input[name={name}]').value = {json.dumps(value)}")

    def click(self, selector: str):
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def verifies(self, verified: bool):
        """Whether the user of the key is verified from now on."""
        self.ask("WebAuthn.setUserVerified", authenticatorId=self.key, isUserVerified=verified)

    def credentials(self) -> list:
        return self.ask("WebAuthn.getCredentials", authenticatorId=self.key)["credentials"]

    def close(self):
        with contextlib.suppress(Exception):
            self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @staticmethod
    def _port(folder: Path):
        file = folder / "DevToolsActivePort"
        lines = file.read_text().splitlines() if file.exists() else []
        return int(lines[0]) if lines else None

    @staticmethod
    def _until(look, what, seconds=BROWSER_SECONDS_MAX):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.2)
        raise AssertionError(what)
