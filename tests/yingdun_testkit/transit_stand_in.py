"""A stand-in for the transit engine of HashiCorp Vault and OpenBao: the two calls that we make, as their HTTP API documents them.

It is strict where they are: method, path, headers, base64, JSON, associated data, errors and their bodies. What it cannot tell is
whether we have read their documents right.
"""

import base64
import binascii
import datetime
import ipaddress
import json
import os
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID


class TransitStandIn:
    """A server on loopback with one key, `yingdun-root`, and one token that may use it."""

    def __init__(self, folder: Path):
        self.ca_file, identity = certificate(folder)
        self.token = "hvs.stand-in-one"
        self.keys = {"yingdun-root": [os.urandom(32)]}
        #: Answers that come before anything else, as (status, headers, body), or None for the usual one; each is given once.
        self.next_answers = []
        self.sealed = False
        #: What was asked, as (path, status).
        self.asked = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity)
        self._server = None
        self._context = context
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def start(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, answer = stand_in.answer(self.path, self.headers, body)
                stand_in.asked.append((self.path, status))
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_PUT = do_POST

            def do_GET(self):
                stand_in.asked.append((self.path, 405))
                self.send_error(405)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def get_request(self):
                connection, address = super().get_request()
                # The handshake belongs to the thread of the connection.
                return stand_in._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """As if the machine were gone: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def rotate(self, name="yingdun-root"):
        self.keys[name].append(os.urandom(32))

    # === the API ===

    def answer(self, path, headers, body):
        odd = self.next_answers.pop(0) if self.next_answers else None
        if odd is not None:
            return odd
        if self.sealed:
            return 503, {}, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Request") != "true":
            return 403, {}, {"errors": ["missing 'X-Vault-Request' header"]}
        if headers.get("X-Vault-Token") != self.token:
            return 403, {}, {"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}
        match = re.fullmatch(r"/v1/transit/(encrypt|decrypt)/([A-Za-z0-9_.-]+)", path)
        if not match:
            return 404, {}, {"errors": [f'no handler for route "{path.removeprefix("/v1/")}". route entry not found.']}
        operation, name = match.groups()
        if name not in self.keys:
            return 400, {}, {"errors": ["encryption key not found"]}
        try:
            request = json.loads(body)
            associated = base64.b64decode(request.get("associated_data", ""), validate=True)
            answer = getattr(self, operation)(self.keys[name], request, associated)
        except (ValueError, KeyError, binascii.Error) as error:
            return 400, {}, {"errors": [str(error)]}
        outer = {"request_id": "0", "lease_id": "", "renewable": False, "lease_duration": 0, "wrap_info": None}
        return 200, {}, {**outer, "data": answer, "warnings": None, "auth": None, "mount_type": "transit"}

    @staticmethod
    def encrypt(versions, request, associated):
        plain = base64.b64decode(request["plaintext"], validate=True)
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, plain, associated)
        return {"ciphertext": f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}", "key_version": len(versions)}

    @staticmethod
    def decrypt(versions, request, associated):
        match = re.fullmatch(r"vault:v([1-9][0-9]*):(.+)", request["ciphertext"])
        if not match:
            raise ValueError("invalid ciphertext: no prefix")
        version, sealed = int(match.group(1)), base64.b64decode(match.group(2), validate=True)
        if version > len(versions):
            raise ValueError("invalid ciphertext: version is too new")
        try:
            plain = AESGCM(versions[version - 1]).decrypt(sealed[:12], sealed[12:], associated)
        except InvalidTag:
            raise ValueError("cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(plain).decode()}


def certificate(folder: Path) -> tuple:
    """An authority, and the certificate and key of a server on loopback in one file."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def issue(name, key, issuer, issuer_key, *extensions):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=2))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, hashes.SHA256())

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = issue(
        named("stand-in authority"), authority_key, named("stand-in authority"), authority_key,
        (x509.BasicConstraints(ca=True, path_length=0), True),
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = issue(named("stand-in"), key, named("stand-in authority"), authority_key, (names, False))
    pem = serialization.Encoding.PEM
    ca_file, identity = folder / "transit-ca.pem", folder / "transit-server.pem"
    ca_file.write_bytes(authority.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    identity.write_bytes(server.public_bytes(pem) + private)
    return ca_file, identity
