"""Access tokens of another issuer (RFC 9068): what a hospital's own provider may open here, and everything that it may not."""

import base64
import hashlib
import hmac
import http.server
import json
import re
import ssl
import threading
import time

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from yingdun_testkit import part10, program
from yingdun_testkit import provider as providers
from yingdun_testkit.administration import SESSION_COOKIE, Office
from yingdun_testkit.installation import wait_until
from yingdun_testkit.nats import free_ports
from yingdun_testkit.programs import Certificate, Key, Prover, browser
from yingdun_testkit.web import Web

AUDIENCE = "https://archive.example"
STUDIES = "/dicom-web/studies?limit=1"
#: Keys are asked for again at most this often, and a call may take some time.
AGAIN_SECONDS = 10
DAY_MS = 24 * 3600 * 1000


def b64(data) -> str:
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """An issuer of ours: it shows which keys we want, and signs what we want. It knows nothing of the archive."""

    def __init__(self, issued: dict):
        self.rsa, self.ec = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
        self.asked, self.behave = [], None
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                status, headers, body = (issuer.behave or issuer.shown)(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued["certificate_file"], issued["private_key_file"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def keys(self) -> dict:
        public = self.rsa.public_key().public_numbers()
        point = self.ec.public_key().public_numbers()
        return {"keys": [
            {"kty": "RSA", "kid": "first", "use": "sig", "n": number(public.n), "e": number(public.e)},
            {"kty": "EC", "crv": "P-256", "kid": "second", "x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big"))},
        ]}

    def shown(self, path):
        return 200, {"Content-Type": "application/json"}, json.dumps(self.keys()).encode()

    def claims(self, **changes) -> dict:
        now = int(time.time())
        said = {
            "iss": self.address, "aud": AUDIENCE, "sub": "lab", "client_id": "lab", "jti": b64(str(time.time_ns()).encode()),
            "iat": now, "exp": now + 300, "scope": "search view", **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, *, head=None, claims_text=None, key=None, algorithm="RS256", **changes) -> str:
        kid = "first" if algorithm != "ES256" else "second"
        head = {"alg": algorithm, "kid": kid, "typ": "at+jwt", **(head or {})}
        head = {name: value for name, value in head.items() if value is not None}
        message = f"{b64(head)}.{b64(claims_text.encode() if claims_text else self.claims(**changes))}"
        return f"{message}.{b64(self.signature(message.encode(), algorithm, key))}"

    def signature(self, message: bytes, algorithm: str, key) -> bytes:
        if algorithm == "ES256":
            r, s = decode_dss_signature((key or self.ec).sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if algorithm == "HS256":
            return hmac.new(key, message, hashlib.sha256).digest()
        return (key or self.rsa).sign(message, padding.PKCS1v15(), hashes.SHA256())


class House:
    """An installation that takes the tokens of a real provider and of an issuer of ours."""

    def __init__(self, make_installation, folder):
        self.installation = make_installation("external", serve=False)
        issued = self.installation.issue_certificate("sso", "127.0.0.1")
        self.provider = providers.Provider(folder, issued, str(self.installation.ca_file))
        self.issuer = Issuer(issued)
        web = f"127.0.0.1:{free_ports(1)[0]}"
        ca, asymmetric = str(self.installation.ca_file), '["RS256", "ES256", "EdDSA"]'
        self.installation.settings |= {
            "WEB__LISTEN": web,
            "WEB__SELF_SIGNED_CLIENTS": "true",
            "IDENTITY__TOKEN_ISSUERS": (
                f'[{{ issuer = "{self.provider.issuer}", audience = "{AUDIENCE}", algorithms = {asymmetric}, ca_file = "{ca}" }}, '
                f'{{ issuer = "{self.issuer.address}", audience = "{AUDIENCE}", algorithms = {asymmetric}, ca_file = "{ca}", '
                f'jwks_uri = "{self.issuer.address}/keys" }}]'
            ),
        }
        programs = [
            {
                "client_id": name, "client_secret": name * 8, "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [],
            }
            for name in ("portal", "stranger")
        ]
        self.provider.start("https://archive.example/cb", "https://archive.example/logout", *programs)
        self.installation.start()
        self.office = self.installation.office = Office(self.installation)
        self.web = self.installation.addresses.web
        image = part10.image(patient_id="external")
        Web(self.installation, self.office.client_token("external-modality", "store")).must_store(part10.file_bytes(image))
        self.study = image.StudyInstanceUID

    def program(self, name: str, issuer: str, client: str, *scopes: str, subject=None) -> dict:
        """A service client that the tokens of an issuer tell of."""
        self.office.system.post("/clients", {"client_id": name}, 201)
        body = {"kind": "external-token", "issuer": issuer, "client_id": client, "valid_until_ms": int(time.time() * 1000) + DAY_MS}
        made = self.office.system.post(f"/clients/{name}/credentials", {**body, **({"subject": subject} if subject else {})}, 201)
        self.office.security.put(f"/clients/{name}/scopes", {"scopes": list(scopes)}, 204)
        return made

    def given(self, client: str, scope="search", resource=AUDIENCE, headers=None, **more) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": scope, **({"resource": resource} if resource else {}), **more}
        answer = requests.post(
            f"{self.provider.issuer}/token", data=form, auth=(client, client * 8), verify=str(self.installation.ca_file), timeout=60, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, token: str, path=STUDIES, scheme="Bearer", certificate=None, **more) -> requests.Response:
        headers = {"Authorization": f"{scheme} {token}"}
        return browser(self.installation, certificate).get(f"{self.web}{path}", headers=headers, timeout=60, **more)

    def refused(self, token: str, reason: str, **more):
        """The answer says that the token is none, and nothing else; why is counted."""
        before = self.refusals(reason)
        answer = self.get(token, **more)
        assert answer.status_code == 401, (answer.status_code, answer.text)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        for word in (reason, "lab", "portal", self.issuer.address, token[:40]):
            assert word not in answer.text and word not in str(answer.headers), word
        assert self.refusals(reason) == before + 1, reason
        return answer

    def refusals(self, reason: str) -> int:
        text = self.office.system.raw("GET", "/metrics", prefix="").text
        found = re.search(rf'yingdun_access_sign_ins_refused_total{{reason="{reason}"}} (\d+)', text)
        return int(found.group(1)) if found else 0


@pytest.fixture(scope="module")
def house(make_installation, tmp_path_factory):
    providers.require()
    house = House(make_installation, tmp_path_factory.mktemp("provider"))
    house.program("lab-here", house.issuer.address, "lab", "search", "view")
    yield house
    house.provider.stop()
    house.issuer.server.shutdown()


@pytest.fixture(autouse=True)
def unhurried():
    """The gateway bounds how many wrong tokens come from one address."""
    yield
    time.sleep(1)


def test_a_program_of_a_real_provider_has_what_is_granted_here(house):
    made = house.program("portal-here", house.provider.issuer, "portal", "search")
    assert (made["issuer"], made["client_id"], made["subject"]) == (house.provider.issuer, "portal", "portal")
    assert house.office.system.get("/clients/portal-here/credentials") == [made]
    token = house.given("portal", "search view")["access_token"]
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["typ"] == "at+jwt"
    assert house.get(token).status_code in (200, 204)
    leaf = next(leaf for leaf in house.office.leaves(actor="portal-here", kind="authentication"))
    assert (leaf["reason"], leaf["outcome"], leaf["role"]) == ("external-token", "permitted", "service")
    # To view is asked for and not granted here; as soon as it is granted, to view opens, and only to who asks for it.
    metadata = f"/dicom-web/studies/{house.study}/metadata"
    assert house.get(token, metadata).status_code in (403, 404)
    house.office.security.put("/clients/portal-here/scopes", {"scopes": ["search", "view"]}, 204)
    assert house.get(token, metadata).status_code == 200
    assert house.get(house.given("portal", "search")["access_token"], metadata).status_code in (403, 404)
    assert house.get(house.given("portal", "export")["access_token"]).status_code == 403
    for path in ("/api/v1/people", "/api/v1/clients", "/api/v1/audit/leaves", "/api/v1/vault/holdings", "/api/v1/policies"):
        assert house.get(token, path).status_code in (403, 404), path
    assert token not in str(house.office.leaves(actor="portal-here"))


def test_who_is_not_registered_here_is_nobody(house):
    house.refused(house.given("stranger")["access_token"], "external-program-not-registered")
    # What the provider gives for nobody in particular is no signed token, and for somebody else not ours.
    opaque = house.given("portal", resource=None, scope="")["access_token"]
    assert house.get(opaque).status_code == 401
    other = house.given("portal", resource="https://other.example")["access_token"]
    house.refused(other, "external-token-wrong-audience")
    # A person through the program: another subject.
    house.refused(house.issuer.token(sub="dr-wang"), "external-program-not-registered")
    # The same program name at another issuer is another program.
    house.refused(house.issuer.token(client_id="portal", sub="portal"), "external-program-not-registered")


def test_disabling_the_client_here_ends_its_good_tokens_at_once(house):
    house.program("leaver-here", house.issuer.address, "leaver", "search")
    token = house.issuer.token(client_id="leaver", sub="leaver")
    assert house.get(token).status_code in (200, 204)
    house.office.system.raw("PATCH", "/clients/leaver-here", {"disabled": True}).raise_for_status()
    house.refused(token, "revoked-token")
    house.refused(house.issuer.token(client_id="leaver", sub="leaver"), "account-disabled")
    house.office.system.raw("PATCH", "/clients/leaver-here", {"disabled": False}).raise_for_status()
    house.refused(token, "revoked-token")
    token = house.issuer.token(client_id="leaver", sub="leaver")
    assert house.get(token).status_code in (200, 204)
    house.office.security.put("/clients/leaver-here/scopes", {"scopes": []}, 204)
    assert house.get(token).status_code == 403
    [known] = house.office.system.get("/clients/leaver-here/credentials")
    house.office.system.delete(f"/clients/leaver-here/credentials/external-token/{known['sha256']}", 204)
    house.refused(token, "external-program-not-registered")


def test_hostile_tokens(house):
    issuer = house.issuer
    assert house.get(issuer.token()).status_code in (200, 204)
    assert house.get(issuer.token(algorithm="ES256", head={"typ": "application/AT+JWT"})).status_code in (200, 204)
    now = int(time.time())
    stranger = rsa.generate_private_key(65537, 2048)
    pem = issuer.rsa.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    none = issuer.token(head={"alg": "none"})
    said = json.dumps(issuer.claims())[:-1]
    cases = [
        (none, "external-token-algorithm"),
        (none.rsplit(".", 1)[0] + ".", "external-token-algorithm"),
        (issuer.token(algorithm="HS256", key=pem), "external-token-algorithm"),
        (issuer.token(head={"alg": "RS512"}), "external-token-algorithm"),
        (issuer.token(head={"typ": "JWT"}), "external-token-of-another-kind"),
        (issuer.token(head={"typ": None}), "external-token-of-another-kind"),
        (issuer.token(aud="https://other.example"), "external-token-wrong-audience"),
        (issuer.token(aud=[AUDIENCE, "account"]), "external-token-for-several"),
        (issuer.token(iat=now - 600, exp=now - 31), "external-token-expired"),
        (issuer.token(nbf=now + 120), "external-token-not-yet-valid"),
        (issuer.token(exp=now + 7200), "external-token-lasts-too-long"),
        (issuer.token(iat=None), "external-token-incomplete"),
        (issuer.token(jti=None), "external-token-incomplete"),
        (issuer.token(client_id=None), "external-token-incomplete"),
        # The same key name, shown by another issuer.
        (issuer.token(iss=house.provider.issuer, client_id="portal", sub="portal"), "external-token-wrong-signature"),
        (issuer.token(iss="https://nobody.example"), "external-token-unknown-issuer"),
        (issuer.token(key=stranger), "external-token-wrong-signature"),
        (issuer.token(key=stranger, head={"jku": f"{issuer.address}/jku", "x5u": f"{issuer.address}/x5u"}), "external-token-wrong-signature"),
        (issuer.token(claims_text=said + ', "sub": "lab"}'), "external-token-malformed"),
        (issuer.token(claims_text="[]"), "external-token-malformed"),
        (issuer.token(cnf={"x5t#S256": "AAAA"}), "external-token-bound-otherwise"),
        ("a.b.c", "external-token-malformed"),
    ]
    for token, reason in cases:
        house.refused(token, reason)
        time.sleep(0.3)
    assert {"/jku", "/x5u"}.isdisjoint(issuer.asked)
    long = house.get(issuer.token(padding="x" * 9000))
    assert long.status_code == 401 and 'error="invalid_token"' in long.headers["WWW-Authenticate"]
    assert house.get(issuer.token()).status_code in (200, 204)


def test_a_cookie_holds_no_such_token_and_a_token_of_a_provider_is_told_by_nobody_else(house):
    token = house.issuer.token()
    page = requests.get(
        f"{house.web}/", cookies={SESSION_COOKIE: token}, verify=str(house.installation.ca_file), timeout=60, allow_redirects=False
    )
    assert page.status_code in (302, 303) or 'name="password"' in page.text
    assert house.get(token).status_code in (200, 204)
    asker = house.office.client_token("external-asker", "introspect")
    told = browser(house.installation).post(
        f"{house.web}/oauth2/introspect", data={"token": token}, headers={"Authorization": f"Bearer {asker}"}, timeout=60
    )
    assert told.json() == {"active": False}


def test_bound_tokens_are_good_with_what_they_are_bound_to(house, tmp_path):
    house.program("prover-here", house.issuer.address, "prover", "search")
    own, other = Certificate(tmp_path, "own"), Certificate(tmp_path, "other")
    thumbprint = b64(bytes.fromhex(own.sha256))
    bound = house.issuer.token(client_id="prover", sub="prover", cnf={"x5t#S256": thumbprint})
    assert house.get(bound, certificate=own).status_code in (200, 204)
    house.refused(bound, "token-with-other-certificate", certificate=other)
    house.refused(bound, "token-with-other-certificate")
    # By a proof of a key, as the real provider binds its tokens.
    prover = Prover(house.installation, Key())
    url = f"{house.provider.issuer}/token"
    given = house.given("portal", headers={"DPoP": prover.key.proof("POST", url)})
    assert given["token_type"] == "DPoP"
    prover.token = given["access_token"]
    answer = prover.get(STUDIES)
    assert answer.status_code == 401 and "use_dpop_nonce" in answer.headers["WWW-Authenticate"]
    assert prover.get(STUDIES).status_code in (200, 204)
    house.refused(prover.token, "token-without-proof-of-key")
    thief = Prover(house.installation, Key())
    thief.token, thief.nonce = prover.token, prover.nonce
    assert 'error="invalid_token"' in thief.get(STUDIES).headers["WWW-Authenticate"]
    # What is demanded here is demanded of these tokens.
    house.office.system.put("/clients/prover-here/demands", {"demands": ["certificate"]}, 204)
    plain = house.issuer.token(client_id="prover", sub="prover")
    house.refused(plain, "demand-not-met", certificate=own)
    fresh = house.issuer.token(client_id="prover", sub="prover", cnf={"x5t#S256": thumbprint})
    house.refused(fresh, "demand-not-met", certificate=own)
    house.office.system.post("/clients/prover-here/credentials", {"kind": "certificate", "certificate": own.pem}, 201)
    house.office.security.put("/clients/prover-here/scopes", {"scopes": ["search"]}, 204)
    assert house.get(fresh, certificate=own).status_code in (200, 204)


def test_keys_change_there_and_those_that_are_gone_open_nothing(house):
    old = house.given("portal")["access_token"]
    assert house.get(old).status_code in (200, 204)
    house.provider.tell(rotate="ES256")
    new = house.given("portal")["access_token"]
    wait_until(lambda: house.get(new).status_code in (200, 204) or time.sleep(1), "the new key is known", AGAIN_SECONDS + 10)
    house.refused(old, "external-token-unknown-key")


def test_strangers_do_not_make_us_ask_and_an_issuer_that_misbehaves_is_away(house):
    issuer = house.issuer
    assert house.get(issuer.token()).status_code in (200, 204)
    before = len(issuer.asked)
    for n in range(8):
        assert house.get(issuer.token(head={"kid": f"k{n}"})).status_code == 401
        time.sleep(0.3)
    assert len(issuer.asked) - before <= 1, "keys are asked for once in ten seconds"
    # What came is good although nobody can say so anew.
    issuer.behave = lambda path: (302, {"Location": f"{issuer.address}/other"}, b"")
    time.sleep(AGAIN_SECONDS)
    before = len(issuer.asked)
    assert house.get(issuer.token(head={"kid": "k"})).status_code == 401
    assert issuer.asked[before:] == ["/keys"], "and a redirect is not followed"
    assert house.get(issuer.token()).status_code in (200, 204)
    issuer.behave = None


def test_doctor_sees_the_issuers_and_the_configuration_is_judged(house):
    findings = program.run_json("doctor", "--config", house.installation.config, env=house.installation.environment())["findings"]
    seen = [finding for finding in findings if finding["option"] == "identity.token_issuers.issuer"]
    assert [finding["severity"] for finding in seen] == ["note", "note"], seen
    assert house.issuer.address in seen[1]["cause"] and "2 key(s)" in seen[1]["cause"]
    house.issuer.behave = lambda path: (200, {}, b"x" * 600_000)
    findings = program.run_json("doctor", "--config", house.installation.config, env=house.installation.environment(), code=1)["findings"]
    house.issuer.behave = None
    seen = [finding["severity"] for finding in findings if finding["option"] == "identity.token_issuers.issuer"]
    assert seen == ["note", "error"], "an answer that does not end"
    house.installation.verify_audit()
