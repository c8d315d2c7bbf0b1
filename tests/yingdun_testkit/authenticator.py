"""An authenticator app, and how a person gets one."""

import base64
import hashlib
import hmac
import struct
import time

from .administration import PASSWORD, Api, Office

STEP_SECONDS = 30


class App:
    """An authenticator app, by RFC 6238 and nothing of ours."""

    def __init__(self, secret: str):
        padded = secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8)
        self.key = base64.b32decode(padded)
        self.used = 0

    def code(self, apart=0) -> str:
        return self.at(int(time.time()) // STEP_SECONDS + apart)

    def at(self, step: int) -> str:
        digest = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"

    def fresh(self) -> str:
        """A code that was not used before: of the next step where the present one was, and later where that one was, too."""
        while True:
            step = max(int(time.time()) // STEP_SECONDS, self.used + 1)
            if step <= int(time.time()) // STEP_SECONDS + 1:
                self.used = step
                return self.at(step)
            time.sleep(0.2)


def enrol(api: Api):
    """Gives the person of a token a second factor: (app, recovery codes)."""
    made = api.post("/me/second-factor", {"password": PASSWORD}, 200)
    assert made["uri"].startswith("otpauth://totp/") and made["secret"] in made["uri"]
    app = App(made["secret"])
    return app, api.post("/me/second-factor/confirmation", {"code": app.fresh()}, 200)["recovery_codes"]


def outsider_token(office: Office, name: str, role: str) -> str:
    """Creates a person with a role that nobody activates without a second factor, and signs in with one."""
    token = office.person_token(name, role)
    enrol(office.api(token))
    return token
