"""Programs of partners: certificates of their own, proofs of keys (RFC 9449), as peers make them that know only the standards."""

import base64
import datetime
import hashlib
import secrets
import time

import http_message_signatures as hms
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

UTC = datetime.timezone.utc


class Certificate:
    """A key and its certificate, signed by itself or by an authority, good from `since` to `until` seconds from now."""

    def __init__(self, folder, name: str, *, authority=None, key=None, since=-3600, until=3600, is_authority=False):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = authority.certificate.subject if authority else subject
        now = datetime.datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(seconds=since))
            .not_valid_after(now + datetime.timedelta(seconds=until))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        )
        signer = authority.key if authority else self.key
        self.certificate = builder.sign(signer, hashes.SHA256())
        number = secrets.token_hex(4)
        self.pem_file, self.key_file = folder / f"{name}-{number}.pem", folder / f"{name}-{number}.key"
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.pem_file.write_text(self.pem)
        plain = serialization.NoEncryption()
        self.key_file.write_bytes(
            self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        )

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def pair(self) -> tuple:
        return (str(self.pem_file), str(self.key_file))


def browser(installation, certificate=None) -> requests.Session:
    """Connections that show a certificate, or none."""
    session = requests.Session()
    session.verify, session.trust_env = str(installation.ca_file), False
    if certificate:
        session.cert = certificate.pair
    return session


class Key:
    """A key that proves each use of a token."""

    def __init__(self, kind="EC"):
        self.jwk = ECKey.generate_key("P-256") if kind == "EC" else OKPKey.generate_key("Ed25519")
        self.algorithm = "ES256" if kind == "EC" else "EdDSA"

    def proof(self, method: str, url: str, token=None, nonce=None, *, head=None, **claims) -> str:
        """A proof for one request; `claims` and `head` replace what is usual, and `None` leaves it out."""
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk.as_dict(private=False), **(head or {})}
        said = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time()), "nonce": nonce}
        if token:
            said["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        said = {name: value for name, value in {**said, **claims}.items() if value is not None}
        return jwt.encode(head, said, self.jwk, algorithms=[self.algorithm])


class Prover:
    """A program that proves a key with each request, and goes on with the nonce of the last answer."""

    def __init__(self, installation, key: Key, certificate=None):
        self.web, self.key, self.nonce, self.token = installation.addresses.web, key, None, None
        self.session = browser(installation, certificate)

    def _send(self, method, url, headers, **options):
        answer = self.session.request(method, url, headers=headers, timeout=60, **options)
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        return answer

    def sign_in(self, client_id: str, secret: str) -> requests.Response:
        """Asks for a token, once more if the server says with which nonce."""
        url, form = f"{self.web}/oauth2/token", {"grant_type": "client_credentials"}
        for _ in range(2):
            answer = self._send("POST", url, {"DPoP": self.key.proof("POST", url, nonce=self.nonce)}, data=form, auth=(client_id, secret))
            if answer.status_code != 400 or answer.json()["error"] != "use_dpop_nonce":
                break
        if answer.ok:
            self.token = answer.json()["access_token"]
        return answer

    def get(self, path: str, proof=None, scheme="DPoP", **claims) -> requests.Response:
        url = f"{self.web}{path}"
        proof = proof or self.key.proof("GET", url, self.token, self.nonce, **claims)
        return self._send("GET", url, {"Authorization": f"{scheme} {self.token}", "DPoP": proof})


class Signer:
    """A program that signs its requests (RFC 9421), by a library that knows nothing of this archive."""

    COVERED = ("@method", "@authority", "@target-uri", "authorization")

    def __init__(self, installation, token: str, kind="EC"):
        self.web, self.token = installation.addresses.web, token
        self.session = browser(installation)
        self.key = ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else ed25519.Ed25519PrivateKey.generate()
        self.algorithm = hms.algorithms.ECDSA_P256_SHA256 if kind == "EC" else hms.algorithms.ED25519
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_pem = self.key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
        der = self.key.public_key().public_bytes(serialization.Encoding.DER, spki)
        self.key_id = hashlib.sha256(der).hexdigest()

    def resolve_private_key(self, key_id: str):
        return self.key

    def resolve_public_key(self, key_id: str):
        return self.key.public_key()

    def signed(self, method: str, path: str, body=None, headers=None, covered=None, **more) -> requests.PreparedRequest:
        """A request that is ready to be sent, and to be sent again."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        request = self.session.prepare_request(requests.Request(method, f"{self.web}{path}", headers, data=body))
        covered = covered or self.COVERED + (("content-type",) if body is not None else ())
        settings = {"key_id": self.key_id, "nonce": secrets.token_urlsafe(16), **more}
        signer = hms.HTTPMessageSigner(signature_algorithm=self.algorithm, key_resolver=self)
        signer.sign(request, covered_component_ids=covered, body=body, **settings)
        return request

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        return self.session.send(request, timeout=60)
