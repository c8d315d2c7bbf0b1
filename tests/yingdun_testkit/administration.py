"""The three officers and what they do over HTTPS, as a browser and a script would do it."""

import base64
import hashlib
import re
import secrets
import time
from collections import defaultdict
from urllib.parse import parse_qs, urlparse

import requests

from .installation import Installation
from .program import PASSWORD

SESSION_COOKIE = "__Host-yingdun-session"
REDIRECT = "https://viewer.example/callback"

#: A care relation that lasts for the length of any test.
HOUR_MS = 3_600_000


class Office:
    """The three officers of one running installation, signed in; with `names`, they have accepted their invitations before."""

    def __init__(self, installation: Installation, names=None):
        self.installation = installation
        self.web = installation.addresses.web
        self.ca_file = str(installation.ca_file)
        self.names, self.secrets = dict(names or {}), {}
        for invitation in [] if names else installation.made["invitations"]:
            self.enrol(invitation["token"], PASSWORD)
            self.names[invitation["role"]] = invitation["name"]
        self.sign_in_officers()

    def sign_in_officers(self):
        """Signs the officers in, after a restart of the server again."""
        self.web = self.installation.addresses.web
        self.system = self.api(self.sign_in(self.names["system-administrator"]))
        self.security = self.api(self.sign_in(self.names["security-administrator"]))
        self.audit = self.api(self.sign_in(self.names["audit-administrator"]))

    # === as a browser ===

    def browser(self) -> requests.Session:
        session = requests.Session()
        session.verify = self.ca_file
        session.trust_env = False
        return session

    def enrol(self, token: str, password: str) -> requests.Response:
        """Opens an invitation and sets the password."""
        browser = self.browser()
        page = browser.get(f"{self.web}/enrol/{token}", timeout=30)
        form = {"password": password, "again": password, "form_token": form_token(page.text)}
        answer = browser.post(f"{self.web}/enrol/{token}", data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer

    def try_sign_in(self, name: str, password=PASSWORD, role=None) -> requests.Response:
        """Sends the sign-in form and returns the answer; its cookies hold the session."""
        browser = self.browser()
        page = browser.get(f"{self.web}/login", timeout=30)
        form = {"name": name, "password": password, "role": role or "", "form_token": form_token(page.text)}
        return browser.post(f"{self.web}/login", data=form, allow_redirects=False, timeout=30)

    def sign_in(self, name: str, password=PASSWORD, role=None) -> str:
        """The access token of a person who signs in on the page."""
        answer = self.try_sign_in(name, password, role)
        assert answer.status_code == 303, answer.text
        return answer.cookies[SESSION_COOKIE]

    def authorization_code(self, client_id: str, name: str, role=None) -> dict:
        """The token that a viewer gets for a person: authorization code with PKCE."""
        browser = self.browser()
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT,
            "state": "state of the viewer",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        page = browser.get(f"{self.web}/oauth2/authorize", params=query, timeout=30)
        assert page.status_code == 200, page.text
        form = {**query, "name": name, "password": PASSWORD, "role": role or "", "form_token": form_token(page.text)}
        back = browser.post(f"{self.web}/oauth2/authorize", data=form, allow_redirects=False, timeout=30)
        assert back.status_code == 303, back.text
        answer = parse_qs(urlparse(back.headers["location"]).query)
        assert answer["state"] == ["state of the viewer"]
        exchange = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": answer["code"][0],
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }
        granted = browser.post(f"{self.web}/oauth2/token", data=exchange, timeout=30)
        assert granted.status_code == 200, granted.text
        return granted.json()

    def client_credentials(self, client_id: str, secret: str) -> requests.Response:
        form = {"grant_type": "client_credentials"}
        return self.browser().post(f"{self.web}/oauth2/token", data=form, auth=(client_id, secret), timeout=30)

    def revoke(self, token: str):
        answer = self.browser().post(f"{self.web}/oauth2/revoke", data={"token": token}, timeout=30)
        assert answer.status_code == 200, answer.text

    def api(self, token: str) -> "Api":
        return Api(self.web, self.ca_file, token)

    # === what the officers do ===

    def person(self, name: str, *roles: str) -> str:
        """Creates a person with roles and a password; returns the name."""
        invitation = self.system.post("/people", {"name": name}, 201)
        self.enrol(invitation["link"].rsplit("/", 1)[1], PASSWORD)
        for role in roles:
            self.security.put(f"/people/{name}/roles/{role}", None, 204)
        return name

    def person_token(self, name: str, role: str) -> str:
        """Creates a person with one role and signs in."""
        return self.sign_in(self.person(name, role))

    def client_token(self, client_id: str, *scopes: str) -> str:
        """Creates a service client with scopes and returns its token."""
        self.secrets[client_id] = self.system.post("/clients", {"client_id": client_id}, 201)["client_secret"]
        self.security.put(f"/clients/{client_id}/scopes", {"scopes": list(scopes)}, 204)
        return self.client_token_again(client_id)

    def client_token_again(self, client_id: str) -> str:
        """Another token of a service client, wherever the server listens now: one lasts for an hour."""
        self.web = self.installation.addresses.web
        granted = self.client_credentials(client_id, self.secrets[client_id])
        assert granted.status_code == 200, granted.text
        return granted.json()["access_token"]

    def device(self, ae_title: str, **facts) -> None:
        """Registers a device."""
        record = {"ae_title": ae_title, "called_ae": "YINGDUN", "addresses": ["127.0.0.1"], **facts}
        self.system.post("/devices", record, 201)

    def grant_device(self, ae_title: str, *scopes: str, called_ae="YINGDUN"):
        """Replaces the scopes of a device."""
        body = {"called_ae": called_ae, "scopes": list(scopes)}
        self.security.put(f"/devices/{ae_title}/scopes", body, 204)

    def care(self, name: str, patient_id: str, issuer="", hours=1.0):
        """Gives a person a care relation from now on."""
        now = int(time.time() * 1000)
        body = {"name": name, "patient_id": patient_id, "issuer": issuer}
        until = now + int(hours * HOUR_MS)
        self.security.put("/care-relations", {**body, "valid_from_ms": now - 1000, "valid_until_ms": until}, 204)

    def end_care(self, name: str, patient_id: str, issuer=""):
        body = {"name": name, "patient_id": patient_id, "issuer": issuer}
        self.security.post("/care-relations/end", body, 204)

    def leaves(self, **conditions) -> list:
        """Leaves of the audit log that fit all conditions, the newest first."""
        found = self.audit.get("/audit/search", {"limit": 1000, **conditions})
        return [row["leaf"] for row in found]

    def metrics(self) -> dict:
        """Samples of `/metrics` by name, summed over their labels; 0 for what has not been counted yet."""
        return metrics_of(self.system)


class Api:
    """The administration API with one token."""

    def __init__(self, web: str, ca_file: str, token: str):
        self.web, self.token = web, token
        self.session = requests.Session()
        self.session.verify = ca_file
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def raw(self, method: str, path: str, body=None, params=None, prefix="/api/v1") -> requests.Response:
        return self.session.request(method, f"{self.web}{prefix}{path}", json=body, params=params, timeout=30)

    def _ask(self, method, path, body, status, params=None):
        answer = self.raw(method, path, body, params)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, params=None, status=200):
        return self._ask("GET", path, None, status, params)

    def post(self, path: str, body, status):
        return self._ask("POST", path, body, status)

    def put(self, path: str, body, status):
        return self._ask("PUT", path, body, status)

    def patch(self, path: str, body, status):
        return self._ask("PATCH", path, body, status)

    def delete(self, path: str, status):
        return self._ask("DELETE", path, None, status)


def form_token(page: str) -> str:
    """The hidden field that proves that a form was opened here."""
    return re.search(r'name="form_token" value="([0-9a-f]{64})"', page).group(1)


def metrics_of(api: Api) -> dict:
    """The samples of a server by name, summed over their labels; 0 for what has not been counted yet."""
    text = api.raw("GET", "/metrics", prefix="").text
    samples = defaultdict(float)
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name.partition("{")[0]] += float(value)
    return samples
