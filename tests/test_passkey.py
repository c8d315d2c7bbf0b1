"""Passkeys from outside: keys that Yubico's library speaks for, a real browser with a key of its own, and everything that is no proof."""

import os
import re
import secrets
import shutil
import time

import pytest
from fido2.utils import websafe_encode

from yingdun_testkit.administration import PASSWORD, SESSION_COOKIE, Api, Office, form_token
from yingdun_testkit.nats import free_ports
from yingdun_testkit.passkeys import FLAG, Chromium, Key, cut

#: Where a sign-in ends: at the console, or at the plain list where that is not built in.
HOME = "location.pathname === '/' || location.pathname.startsWith('/console/')"

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


@pytest.fixture(scope="module")
def house(make_installation):
    """An installation under a name, as passkeys need it, in which chiefs have to have one."""
    installation = make_installation("passkey", serve=False)
    port = free_ports(1)[0]
    installation.settings |= {
        "WEB__LISTEN": f"127.0.0.1:{port}",
        "WEB__PUBLIC_URL": f"https://localhost:{port}",
        "IDENTITY__REQUIRE_PASSKEY_FOR": '["chief"]',
    }
    installation.start()
    installation.addresses.web = f"https://localhost:{port}"
    installation.office = Office(installation)
    return installation


def counted(office: Office, reason: str) -> float:
    """How often a sign-in was refused for a reason. The ledger leaves refusals of one address out when there are many."""
    text = office.system.raw("GET", "/metrics", prefix="").text
    found = re.search(rf'^yingdun_access_sign_ins_refused_total{{reason="{reason}"}} (\S+)$', text, re.M)
    return float(found[1]) if found else 0.0


def register(api: Api, key: Key, password=PASSWORD, name="key in the drawer") -> dict:
    options = api.post("/me/passkeys/registration", {"password": password} if password else {}, 200)
    made = key.makes(options, api.web)
    return api.post("/me/passkeys", {"name": name, "credential": made}, 200)


def prove(api: Api, key: Key, status=200, **lies):
    options = api.post("/me/passkeys/challenge", None, 200)
    return api.post("/me/passkeys/proof", {"credential": key.signs(options, lies.pop("origin", api.web), **lies)}, status)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_a_key_of_each_kind_is_registered_and_finishes_a_sign_in(house, algorithm):
    office, key = house.office, Key(algorithm)
    name = office.person(f"passkey-{algorithm.lower()}", "radiologist")
    first = office.api(office.sign_in(name))
    assert first.get("/me/second-factor")["passkeys_offered"] is True
    assert len(register(first, key)["recovery_codes"]) == 10
    (row,) = first.get("/me/passkeys")
    assert (row["name"], row["last_used_ms"]) == ("key in the drawer", None)
    half = office.api(office.sign_in(name))
    assert half.raw("GET", "/me/passkeys").status_code == 401, "half a sign-in sees nothing"
    state = half.get("/me/second-factor")
    assert (state["stage"], state["passkeys"], state["confirmed_ms"]) == ("prove", 1, None)
    assert prove(half, key)["strong_until_ms"] > time.time() * 1000
    assert half.get("/me/second-factor")["amr"] == ["pwd", "pop", "mfa"]
    assert half.get("/me/passkeys")[0]["last_used_ms"] is not None
    reasons = [leaf["reason"] for leaf in office.leaves(actor=name)]
    for reason in ["passkey-begun", "passkey-registered", "second-factor-awaited", "passkey-proved"]:
        assert reason in reasons, reasons


def test_what_is_no_proof_is_refused_and_the_ledger_says_why(house):
    office, key, other = house.office, Key(), Key()
    name, stranger = office.person("passkey-attacks", "radiologist"), office.person("passkey-stranger", "radiologist")
    register(office.api(office.sign_in(name)), key)
    register(office.api(office.sign_in(stranger)), other)
    half, elsewhere = office.api(office.sign_in(name)), office.api(office.sign_in(name))

    def refused(reason, credential):
        before = counted(office, reason)
        answer = half.raw("POST", "/me/passkeys/proof", {"credential": credential})
        assert answer.status_code == 403, (reason, answer.text)
        assert counted(office, reason) == before + 1, reason

    def asked():
        return half.post("/me/passkeys/challenge", None, 200)

    origin = half.web
    # Five failures in a row stop a place; a right answer in between makes an end of them.
    for lies in [
        [("passkey-other-origin", lambda: key.signs(asked(), "https://localhost.evil.example")),
         ("passkey-other-origin", lambda: key.signs(asked(), origin + "0")),
         ("passkey-other-party", lambda: key.signs(asked(), origin, rp_id="evil.example"))],
        [("passkey-other-challenge", lambda: key.signs(elsewhere.post("/me/passkeys/challenge", None, 200) | {"mine": asked()}, origin)),
         ("passkey-without-verification", lambda: key.signs(asked(), origin, flags=FLAG.UP)),
         ("passkey-without-verification", lambda: key.signs(asked(), origin, flags=FLAG.UV))],
        [("passkey-in-a-frame", lambda: key.signs(asked(), origin, cross_origin=True)),
         ("passkey-in-a-frame", lambda: key.signs(asked(), origin, topOrigin="https://evil.example")),
         ("passkey-other-ceremony", lambda: key.signs(asked(), origin, type="webauthn.create"))],
        [("passkey-malformed", lambda: cut(key.signs(asked(), origin), "authenticatorData")),
         ("passkey-malformed", lambda: cut(key.signs(asked(), origin), "clientDataJSON")),
         ("passkey-wrong-signature", lambda: cut(key.signs(asked(), origin), "signature"))],
        [("unknown-passkey", lambda: other.signs(asked(), origin)),
         ("unknown-passkey", lambda: other.signs(asked(), origin) | {"id": websafe_encode(key.id)}),
         ("passkey-copied", lambda: key.signs(asked(), origin, count=1))],
    ]:
        for reason, lie in lies:
            before = key.count
            refused(reason, lie())
            key.count = max(before, key.count)
        prove(half, key)
    # A replay of what was right.
    options = asked()
    right = key.signs(options, origin)
    half.post("/me/passkeys/proof", {"credential": right}, 200)
    refused("passkey-not-asked", right)
    assert elsewhere.get("/me/second-factor")["stage"] == "prove", "what one session proved is proved in no other"


def test_what_no_browser_makes_is_not_registered(house):
    office, key = house.office, Key()
    name = office.person("passkey-registration", "radiologist")
    api = office.api(office.sign_in(name))
    assert api.raw("POST", "/me/passkeys/registration", {"password": "a wrong password"}).status_code == 403

    def asked():
        return api.post("/me/passkeys/registration", {"password": PASSWORD}, 200)

    for reason, made in [
        ("passkey-other-origin", lambda: key.makes(asked(), "https://evil.example")),
        ("passkey-other-party", lambda: key.makes(asked(), api.web, rp_id="evil.example")),
        ("passkey-other-ceremony", lambda: key.makes(asked(), api.web, type="webauthn.get")),
        ("passkey-other-challenge", lambda: key.makes(asked(), api.web, challenge=secrets.token_bytes(32))),
        ("passkey-without-verification", lambda: key.makes(asked(), api.web, flags=FLAG.UP)),
        ("passkey-in-a-frame", lambda: key.makes(asked(), api.web, cross_origin=True)),
        ("passkey-malformed", lambda: cut(key.makes(asked(), api.web), "attestationObject")),
        ("passkey-malformed", lambda: key.makes(asked(), api.web, further=b"\0")),
        ("passkey-malformed", lambda: key.makes(asked(), api.web) | {"response": {"clientDataJSON": "e30", "attestationObject": "n___"}}),
    ]:
        credential, before = made(), counted(office, reason)
        answer = api.raw("POST", "/me/passkeys", {"name": "key", "credential": credential})
        assert answer.status_code == 403, (reason, answer.text)
        assert counted(office, reason) == before + 1, reason
    for credential in [{}, [], "x", {"id": "AQ", "response": {"clientDataJSON": "*", "attestationObject": "oA"}},
                       {"id": "AQ", "response": {"clientDataJSON": "A" * 20_000, "attestationObject": "oA"}}]:
        answer = api.raw("POST", "/me/passkeys", {"name": "key", "credential": credential})
        assert answer.status_code == 400, answer.text
    assert api.raw("POST", "/me/passkeys", {"name": "", "credential": key.makes(asked(), api.web)}).status_code == 400
    register(api, key)
    # It is somebody's now, and nobody else's.
    other = office.api(office.sign_in(office.person("passkey-second-owner", "radiologist")))
    options = other.post("/me/passkeys/registration", {"password": PASSWORD}, 200)
    answer = other.raw("POST", "/me/passkeys", {"name": "key", "credential": key.makes(options, other.web)})
    assert answer.status_code == 409 and name not in answer.text


def test_several_are_listed_and_the_last_goes_with_the_recovery_codes(house):
    office, one, two = house.office, Key(), Key("EdDSA")
    name = office.person("passkey-several", "radiologist")
    api = office.api(office.sign_in(name))
    register(api, one, name="办公室电脑")
    assert register(api, two, password=None, name="phone")["recovery_codes"] == []
    rows = api.get("/me/passkeys")
    assert [row["name"] for row in rows] == ["办公室电脑", "phone"]
    half = office.api(office.sign_in(name))
    assert half.raw("POST", "/me/passkeys/registration", {"password": PASSWORD}).status_code == 403, "a password is not enough"
    assert half.raw("POST", "/me/second-factor", {"password": PASSWORD}).status_code == 403
    prove(half, two)
    half.delete(f"/me/passkeys/{rows[0]['passkey']}", 204)
    assert api.raw("GET", "/me/passkeys").status_code == 401, "every other session has ended"
    assert half.raw("DELETE", f"/me/passkeys/{rows[0]['passkey']}").status_code == 404
    half.delete(f"/me/passkeys/{rows[1]['passkey']}", 204)
    state = half.get("/me/second-factor")
    assert (state["passkeys"], state["recovery_codes_left"], state["stage"]) == (0, 0, "whole")
    assert office.api(office.sign_in(name)).get("/me/second-factor")["stage"] == "whole"


def test_a_role_that_demands_one_takes_no_code_and_an_officer_resets_it(house):
    office, key = house.office, Key()
    name = office.person("passkey-chief", "chief")
    api = office.api(office.sign_in(name))
    state = api.get("/me/second-factor")
    assert (state["stage"], state["required"], state["passkey_required"]) == ("enrol", True, True)
    codes = register(api, key)["recovery_codes"]
    assert api.raw("GET", "/studies", prefix="/dicom-web").status_code == 200
    half = office.api(office.sign_in(name))
    refused = half.raw("POST", "/me/second-factor/proof", {"code": codes[0]})
    assert refused.status_code == 409 and "passkey" in refused.text
    prove(half, key)
    assert office.system.raw("DELETE", f"/people/{name}/second-factor").status_code == 403
    assert {row["name"]: row["second_factor"] for row in office.system.get("/people")}[name] is True
    office.security.delete(f"/people/{name}/second-factor", 204)
    assert half.raw("GET", "/me/second-factor").status_code == 401, "every session ends"
    assert "reset-second-factor" in [leaf["reason"] for leaf in office.leaves(actor=office.names["security-administrator"])]
    again = office.api(office.sign_in(name))
    assert again.get("/me/second-factor")["stage"] == "enrol"
    register(again, key)


def test_recovery_codes_stand_in_where_the_role_lets_them(house):
    office, key = house.office, Key()
    name = office.person("passkey-recovery", "radiologist")
    codes = register(office.api(office.sign_in(name)), key)["recovery_codes"]
    half = office.api(office.sign_in(name))
    assert half.raw("POST", "/me/second-factor/proof", {"code": "123456"}).status_code == 403, "there is no app"
    half.post("/me/second-factor/proof", {"code": codes[0]}, 200)
    assert half.get("/me/second-factor")["amr"] == ["pwd", "otp", "mfa"]


def test_nothing_of_a_passkey_lies_readable_in_any_file(house):
    office, key = house.office, Key()
    name = office.person("passkey-files", "radiologist")
    register(office.api(office.sign_in(name)), key, name="鲜为人知的钥匙")
    point = key.private.public_key().public_numbers()
    needles = [key.id, key.id.hex().encode(), point.x.to_bytes(32, "big"), "鲜为人知的钥匙".encode()]
    for path in house.files():
        content = path.read_bytes()
        assert not [needle for needle in needles if needle in content], path
    assert not [needle for needle in needles if needle in house.log_path.read_bytes()]


def test_without_a_name_there_are_none_and_it_says_which_setting(make_installation):
    installation = make_installation("passkey-none")
    office = installation.office or Office(installation)
    name = office.person("passkey-none", "radiologist")
    answer = office.try_sign_in(name)
    api = office.api(answer.cookies[SESSION_COOKIE])
    refused = api.raw("POST", "/me/passkeys/registration", {"password": PASSWORD})
    assert refused.status_code == 409 and "web.public_url" in refused.text
    assert api.get("/me/second-factor")["passkeys_offered"] is False
    browser = office.browser()
    browser.cookies.set(SESSION_COOKIE, answer.cookies[SESSION_COOKIE], domain="127.0.0.1", path="/", secure=True)
    assert "web.public_url" in browser.get(f"{office.web}/passkeys", timeout=30).text


def test_a_page_asks_and_runs_nothing_but_its_own_script(house):
    office, key = house.office, Key()
    name = office.person("passkey-page", "radiologist")
    register(office.api(office.sign_in(name)), key)
    browser = office.browser()
    page = browser.get(f"{office.web}/login", timeout=30)
    assert "<script" not in page.text and "script-src" not in page.headers["content-security-policy"]
    form = {"name": name, "password": PASSWORD, "role": "", "form_token": form_token(page.text)}
    assert browser.post(f"{office.web}/login", data=form, allow_redirects=False, timeout=30).headers["location"] == "/second-factor"
    asked = browser.get(f"{office.web}/second-factor", timeout=30)
    policy = asked.headers["content-security-policy"]
    assert "script-src 'sha256-" in policy and "unsafe" not in policy and "connect-src" not in policy
    assert 'name="one_time_code"' in asked.text, "the code is offered beside it"
    wrong = {"passkey": "{}", "form_token": form_token(asked.text)}
    assert browser.post(f"{office.web}/second-factor", data=wrong, timeout=30).status_code == 400
    listed = browser.get(f"{office.web}/passkeys", allow_redirects=False, timeout=30)
    assert (listed.status_code, listed.headers["location"]) == (303, "/second-factor")


@pytest.fixture
def chromium(tmp_path):
    if CHROMIUM is None:
        if os.environ.get("YINGDUN_REQUIRE_BROWSER"):
            pytest.fail("Chromium is not installed (Debian package chromium)")
        pytest.skip("Chromium is not installed (Debian package chromium)")
    browser = Chromium(CHROMIUM, tmp_path)
    yield browser
    browser.close()


def test_a_browser_registers_a_passkey_and_signs_in_with_it(house, chromium):
    office, web = house.office, house.office.web
    name = office.person("passkey-browser", "radiologist")

    def sign_in():
        chromium.open(f"{web}/login")
        chromium.fill(name=name, password=PASSWORD)
        chromium.click("main form button")

    sign_in()
    chromium.until(HOME)
    chromium.open(f"{web}/passkeys")
    chromium.fill(password=PASSWORD)
    chromium.click("form[action='/passkeys/begin'] button")
    chromium.until("document.querySelector('form[data-passkey] button[data-ask]:enabled') !== null")
    chromium.fill(name="键盘旁的钥匙")
    chromium.click("button[data-ask]")
    chromium.until("document.querySelectorAll('ol li code').length === 10")
    codes = chromium.run("[...document.querySelectorAll('ol li code')].map((code) => code.textContent)")
    (credential,) = chromium.credentials()
    assert credential["rpId"] == "localhost" and credential["isResidentCredential"]
    chromium.open(f"{web}/passkeys")
    assert "键盘旁的钥匙" in chromium.run("document.querySelector('table').textContent")

    # The next sign-in asks for it.
    sign_in()
    chromium.until("location.pathname === '/second-factor' && document.querySelector('button[data-ask]:enabled') !== null")
    chromium.click("button[data-ask]")
    chromium.until(HOME)
    chromium.until(f"document.body.textContent.includes('{name}')")
    state = office.leaves(actor=name)[0:20]
    assert "passkey-proved" in [leaf["reason"] for leaf in state]

    # Who is not verified, or cancels, is told so, and takes a code.
    sign_in()
    chromium.until("location.pathname === '/second-factor' && document.querySelector('button[data-ask]:enabled') !== null")
    chromium.verifies(False)
    chromium.click("button[data-ask]")
    chromium.until("document.querySelector('[data-say=cancelled]').hidden === false")
    assert chromium.run("document.querySelector('button[data-ask]').disabled") is False
    chromium.fill(one_time_code=codes[0])
    chromium.run("document.querySelector('input[name=one_time_code]').form.submit()")
    chromium.until(HOME)
