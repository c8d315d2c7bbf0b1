"""Signing in with a provider of OpenID Connect from outside: a real provider, a real browser's way, and everything that must not work."""

import json
import re
import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit import provider as providers
from yingdun_testkit.administration import PASSWORD, REDIRECT, SESSION_COOKIE, Office, form_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.nats import free_ports
from yingdun_testkit.provider import CLIENT, SECRET, Browser, query_of
from yingdun_testkit.web import Web

#: What a provider says ends sessions within this time.
LOGOUT_SECONDS_MAX = 5.0
COOKIE = "__Host-yingdun-provider"


class House:
    """An installation and its provider."""

    def __init__(self, make_installation, folder, name, **settings):
        self.installation = make_installation(name, serve=False)
        issued = self.installation.issue_certificate("sso", "127.0.0.1")
        self.provider = providers.Provider(folder, issued, str(self.installation.ca_file))
        secret = self.installation.directory / "oidc-client-secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        web = f"127.0.0.1:{free_ports(1)[0]}"
        self.installation.settings |= {
            "WEB__LISTEN": web,
            "IDENTITY__OIDC__ISSUER": self.provider.issuer,
            "IDENTITY__OIDC__CLIENT_ID": CLIENT,
            "IDENTITY__OIDC__CLIENT_SECRET_FILE": str(secret),
            "IDENTITY__OIDC__CA_FILE": str(self.installation.ca_file),
            "IDENTITY__OIDC__ROLES_CLAIM": "groups",
            "IDENTITY__OIDC__ROLES": '{ doctors = "clinician", readers = "radiologist", heads = "chief" }',
            "IDENTITY__OIDC__PROVISION": "true",
            "IDENTITY__OIDC__SECOND_FACTOR_AMR": '["mfa"]',
            "IDENTITY__OIDC__SECOND_FACTOR_ACR": '["urn:two"]',
            "IDENTITY__REQUIRE_SECOND_FACTOR_FOR": '["chief"]',
            **settings,
        }
        self.provider.start(f"https://{web}/oidc/callback", f"https://{web}/oidc/logout")
        self.installation.start()
        self.office = self.installation.office = Office(self.installation)

    def browser(self) -> Browser:
        return Browser(self.office.web, self.office.ca_file)

    def signed_in(self, sub: str, start="/oidc/start") -> tuple:
        """A browser that is signed in, and its token."""
        browser = self.browser()
        answer = browser.sign_in(sub, start)
        assert answer.status_code == 200 and answer.headers["refresh"].startswith("0;url=/"), answer.text
        return browser, answer.cookies[SESSION_COOKIE]

    def refused(self, answer):
        assert answer.status_code == 401, (answer.status_code, answer.text)
        assert SESSION_COOKIE not in answer.cookies

    def refusals(self, reason: str) -> int:
        """How many sign-ins were refused for a reason: of an address that fails often, not every one has a leaf of its own."""
        text = self.office.system.raw("GET", "/metrics", prefix="").text
        found = re.search(rf'yingdun_access_sign_ins_refused_total{{reason="{reason}"}} (\d+)', text)
        return int(found.group(1)) if found else 0

    def reasons(self) -> list:
        return [leaf["reason"] for leaf in self.office.leaves(kind="authentication")]


@pytest.fixture(scope="module")
def house(make_installation, tmp_path_factory):
    providers.require()
    house = House(make_installation, tmp_path_factory.mktemp("provider"), "oidc")
    yield house
    house.provider.stop()


def test_a_person_of_the_provider_signs_in_and_is_somebody_here(house):
    house.provider.person("4711", "doctors", "bowling", name="dr-li")
    browser, token = house.signed_in("4711")
    home = browser.go("/studies")
    assert "dr-li" in home.text and 'name="password"' not in home.text
    api = house.office.api(token)
    assert api.get("/me/second-factor")["amr"] == ["external"]
    person = next(row for row in house.office.system.get("/people") if row["name"] == "dr-li")
    assert (person["roles"], person["enrolled"]) == (["clinician"], False)
    leaves = house.office.leaves(actor="dr-li", kind="authentication")
    assert leaves[0]["reason"] == "openid-connect" and leaves[0]["role"] == "clinician"
    made = [leaf["reason"] for leaf in house.office.leaves(actor="yingdun")]
    assert "provision-person" in made and "roles-from-directory" in made
    # The account is found by its subject, whatever name it is given later.
    house.provider.person("4711", "doctors", name="somebody-else")
    browser, _ = house.signed_in("4711")
    assert "dr-li" in browser.go("/studies").text
    house.installation.verify_audit()


def test_the_sign_in_form_leads_to_the_provider_and_the_request_is_bound(house):
    browser = house.browser()
    assert 'href="/oidc/start"' in browser.go("/login").text
    answer = browser.go("/oidc/start")
    cookie = answer.headers["set-cookie"]
    for attribute in (f"{COOKIE}=", "Path=/", "Secure", "HttpOnly", "SameSite=Lax"):
        assert attribute in cookie
    asked = query_of(answer.headers["location"])
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == f"{house.office.web}/oidc/callback"
    assert len(cookie) < 4096 and asked["nonce"] not in cookie and asked["state"] not in cookie
    elsewhere = browser.go("/oidc/start", {"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code == 403


def test_the_answer_of_another_browser_and_a_code_that_comes_twice_are_refused(house):
    house.provider.person("twice", "doctors")
    victim, stranger = house.browser(), house.browser()
    back = victim.to_callback("twice")
    house.refused(stranger.go(back))
    # A stranger with a sign-in of its own under way has another state.
    stranger.to_callback("twice")
    house.refused(stranger.go(back))
    wrong_state = back.replace(query_of(back)["state"], "x" * 43)
    copy = house.browser()
    copy.session.cookies.update(victim.session.cookies)
    house.refused(copy.go(wrong_state))
    kept = victim.session.cookies.copy()
    assert victim.go(back).status_code == 200
    again = house.browser()
    again.session.cookies.update(kept)
    house.refused(again.go(back))
    assert {"answer-to-another-browser", "provider-refused"} <= set(house.reasons())


def test_another_provider_that_answers_is_refused(house):
    house.provider.person("mixed", "doctors")
    browser = house.browser()
    back = browser.to_callback("mixed")
    issuer = re.search(r"iss=[^&]*", back).group(0)
    other = browser.session.cookies.copy()
    house.refused(browser.go(back.replace(issuer, "iss=https%3A%2F%2Fevil.example")))
    browser.session.cookies.update(other)
    # This provider says that it names itself: an answer without its name is not its own.
    house.refused(browser.go(back.replace(f"&{issuer}", "").replace(f"{issuer}&", "")))
    assert "answer-of-another-provider" in house.reasons()


NOW = int(time.time())
WRONG = {
    "provider-token-wrong-issuer": {"claims": {"iss": "https://evil.example"}},
    "provider-token-wrong-audience": {"claims": {"aud": "other"}},
    "provider-token-expired": {"claims": {"exp": NOW - 3600}},
    "provider-token-not-yet-valid": {"claims": {"iat": NOW + 3600, "exp": NOW + 7200}},
    "provider-token-wrong-nonce": {"claims": {"nonce": "of another sign-in"}},
    "provider-token-without-subject": {"without": ["sub"]},
    "provider-token-old-sign-in": {"without": ["auth_time"]},
    "provider-token-algorithm": {"unsigned": True},
    "provider-token-wrong-signature": {"strange": True},
}
ALSO_WRONG = {
    "several audiences": ("provider-token-wrong-audience", {"claims": {"aud": [CLIENT, "other"]}}),
    "another party": ("provider-token-wrong-audience", {"claims": {"azp": "other"}}),
    "a slash more": ("provider-token-wrong-issuer", {"claims": {"iss": None}}),
    "the secret as key": ("provider-token-algorithm", {"secret": SECRET}),
    "no nonce": ("provider-token-wrong-nonce", {"without": ["nonce"]}),
    "no end": ("provider-token-expired", {"without": ["exp"]}),
    "an old authentication": ("provider-token-old-sign-in", {"claims": {"auth_time": NOW - 9 * 3600}}),
    "a number as text": ("provider-token-malformed", {"claims": {"exp": str(NOW + 600)}}),
    "a logout token": ("provider-token-of-another-kind", {"claims": {"events": {}}}),
}
CASES = [(word, wrong) for word, wrong in WRONG.items()] + list(ALSO_WRONG.values())


@pytest.mark.parametrize("reason,wrong", CASES, ids=[*WRONG, *ALSO_WRONG])
def test_a_token_that_is_not_for_this_sign_in_signs_nobody_in(house, reason, wrong):
    house.provider.person("spoilt", "doctors")
    before = house.refusals(reason)
    house.provider.tell(wrong=wrong)
    try:
        house.refused(house.browser().sign_in("spoilt"))
    finally:
        house.provider.tell(wrong=None)
    assert house.refusals(reason) == before + 1
    assert "spoilt" not in [row["name"] for row in house.office.system.get("/people")]


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_new_keys_of_the_provider_are_found(house, kind):
    house.provider.person("rotated", "doctors")
    house.signed_in("rotated")
    house.provider.tell(rotate=kind)
    # Keys are asked for again at most every five seconds.
    time.sleep(5.5)
    house.signed_in("rotated")


def test_tokens_of_strangers_make_few_calls(house):
    before = house.provider.tell(requests=True)["requests"]
    browser = house.browser()
    for _ in range(20):
        head = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5vIn0"
        answer = browser.session.post(f"{house.office.web}/oidc/logout", data={"logout_token": f"{head}.e30.AAAA"}, timeout=30)
        assert answer.status_code == 400
    assert house.provider.tell(requests=True)["requests"] - before <= 4


def test_who_is_disabled_here_stays_out_and_open_sessions_end(house):
    house.provider.person("leaver", "doctors")
    _, token = house.signed_in("leaver")
    api = house.office.api(token)
    assert api.raw("GET", "/me/sessions").status_code == 200
    house.office.system.patch("/people/leaver", {"disabled": True}, 204)
    assert api.raw("GET", "/me/sessions").status_code == 401
    before = house.refusals("account-disabled")
    house.refused(house.browser().sign_in("leaver"))
    assert house.refusals("account-disabled") == before + 1


def test_without_a_mapped_role_there_is_no_account_and_a_mover_has_other_roles(house):
    house.provider.person("guest", "bowling")
    house.refused(house.browser().sign_in("guest"))
    assert "guest" not in [row["name"] for row in house.office.system.get("/people")]
    house.provider.person("mover", "doctors")
    _, before = house.signed_in("mover")
    house.office.security.put("/people/mover/roles/technician", None, 204)
    house.provider.person("mover", "readers")
    browser = house.browser()
    choice = browser.sign_in("mover")
    assert choice.status_code == 200 and SESSION_COOKIE not in choice.cookies
    offered = re.findall(r'href="(/oidc/start\?role=[a-z-]+)"', choice.text)
    assert sorted(offered) == ["/oidc/start?role=radiologist", "/oidc/start?role=technician"]
    assert browser.sign_in("mover", offered[0]).status_code == 200
    # The role of the open session was withdrawn with the word of the provider.
    assert house.office.api(before).raw("GET", "/me/sessions").status_code == 401
    house.provider.person("mover", "bowling")
    house.signed_in("mover")
    person = next(row for row in house.office.system.get("/people") if row["name"] == "mover")
    assert person["roles"] == ["technician"], "what an officer gave stays"


def test_a_name_that_somebody_has_is_not_taken_over(house):
    house.office.person("dr-wang", "radiologist")
    house.provider.person("not-dr-wang", "doctors", name="dr-wang")
    house.refused(house.browser().sign_in("not-dr-wang"))
    house.provider.person("blank", "doctors", name="two words")
    house.refused(house.browser().sign_in("blank"))
    assert house.refusals("name-taken") == house.refusals("identity-without-name") == 1
    # The system administrator says who it is; the password goes on working.
    house.office.system.put("/people/dr-wang/identity", {"subject": "not-dr-wang"}, 204)
    _, token = house.signed_in("not-dr-wang", "/oidc/start?role=clinician")
    assert house.office.api(token).get("/me/sessions")[0]["role"] == "clinician"
    assert house.office.try_sign_in("dr-wang", role="radiologist").status_code == 303
    house.office.system.delete("/people/dr-wang/identity", 204)
    assert house.office.api(token).raw("GET", "/me/sessions").status_code == 401
    house.refused(house.browser().sign_in("not-dr-wang"))
    person = next(row for row in house.office.system.get("/people") if row["name"] == "dr-wang")
    assert person["roles"] == ["radiologist"]


def test_officers_are_not_bound_and_their_roles_not_activated(house):
    officer = house.office.names["security-administrator"]
    answer = house.office.system.raw("PUT", f"/people/{officer}/identity", {"subject": "intruder"})
    assert answer.status_code == 409
    assert house.office.security.raw("PUT", "/people/x/identity", {"subject": "y"}).status_code == 403
    house.provider.person("promoted", "bowling")
    house.office.system.post("/people", {"name": "promoted"}, 201)
    house.office.system.put("/people/promoted/identity", {"subject": "promoted"}, 204)
    house.office.security.put("/people/promoted/roles/audit-administrator", None, 204)
    house.refused(house.browser().sign_in("promoted"))
    house.provider.person("promoted", "doctors")
    house.refused(house.browser().sign_in("promoted", "/oidc/start?role=audit-administrator"))


def test_a_second_factor_of_the_provider_counts_only_where_it_is_named(house):
    for sub, facts in [("by-method", {"amr": ["pwd", "mfa"]}), ("by-context", {"acr": "urn:two"})]:
        house.provider.person(sub, "heads", **facts)
        _, token = house.signed_in(sub)
        state = house.office.api(token).get("/me/second-factor")
        assert (state["stage"], state["amr"]) == ("whole", ["external", "mfa"]) and state["strong_until_ms"]
    house.provider.person("unproved", "heads", amr=["pwd", "otp"])
    browser = house.browser()
    answer = browser.sign_in("unproved")
    assert answer.headers["refresh"] == "0;url=/second-factor"
    half = house.office.api(answer.cookies[SESSION_COOKIE])
    assert half.raw("GET", "/me/sessions").status_code == 401
    # A local app, for whom the provider has just authenticated and who has no password here.
    made = half.post("/me/second-factor", {"password": ""}, 200)
    assert made["uri"].startswith("otpauth://totp/")


def test_a_viewer_gets_its_code_by_way_of_the_provider(house):
    house.office.system.post("/clients", {"client_id": "viewer", "redirect_uris": [REDIRECT], "confidential": False}, 201)
    house.provider.person("viewing", "readers")
    verifier = "v" * 43
    import base64
    import hashlib

    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": "viewer", "redirect_uri": REDIRECT, "state": "of the viewer",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }
    browser = house.browser()
    form = browser.session.get(f"{house.office.web}/oauth2/authorize", params=query, timeout=30)
    start = re.search(r'href="(/oidc/start\?[^"]+)"', form.text).group(1).replace("&amp;", "&")
    back = browser.sign_in("viewing", start)
    assert back.status_code == 303 and back.headers["location"].startswith(REDIRECT), back.text
    answer = query_of(back.headers["location"])
    assert answer["state"] == "of the viewer"
    exchange = {
        "grant_type": "authorization_code", "client_id": "viewer", "code": answer["code"], "redirect_uri": REDIRECT,
        "code_verifier": verifier,
    }
    granted = browser.session.post(f"{house.office.web}/oauth2/token", data=exchange, timeout=30).json()
    api = house.office.api(granted["access_token"])
    assert api.get("/me/sessions")
    # What the provider ends is ended for the viewer as well.
    token = house.provider.tell(logout={"claims": {"sub": "viewing"}})["token"]
    assert post_logout(house, token).status_code == 200
    assert api.raw("GET", "/me/sessions").status_code == 401


def begun(browser) -> dict:
    """What the provider is asked by a click on the link of the sign-in page."""
    return query_of(browser.go("/oidc/start").headers["location"])


def asks_anew(browser) -> bool:
    asked = begun(browser)
    assert (asked.get("prompt") == "login") == (asked["max_age"] == "0"), asked
    return asked["max_age"] == "0"


def test_who_left_a_shared_workstation_is_not_signed_in_again_by_a_click(house):
    house.provider.person("shared", "doctors", name="shared")
    assert not asks_anew(house.browser()), "a browser at which nobody was"
    browser, _ = house.signed_in("shared")
    assert not asks_anew(browser), "the session goes on"
    left = browser.session.post(
        f"{house.office.web}/logout", data={"form_token": form_token(browser.go("/studies").text)}, allow_redirects=False, timeout=30
    )
    assert left.status_code == 303, left.text
    assert asks_anew(browser)
    # A sign-in that did not come to an end asked nobody.
    browser.go("/oidc/callback?error=access_denied&state=x")
    assert asks_anew(browser)
    # The provider still knows who was here, and asks all the same; then it is forgotten.
    answer = browser.sign_in("shared")
    assert answer.status_code == 200 and "shared" in browser.go("/studies").text
    assert not asks_anew(browser)


def test_a_session_that_was_ended_is_not_begun_again_by_a_click(house):
    house.provider.person("rests", "doctors", name="rests")
    browser, token = house.signed_in("rests")
    # Ended without the page: as by rest, or by an officer.
    house.office.revoke(token)
    assert asks_anew(browser)
    assert browser.sign_in("rests").status_code == 200
    assert not asks_anew(browser)


def post_logout(house, token):
    browser = house.browser()
    return browser.session.post(f"{house.office.web}/oidc/logout", data={"logout_token": token}, timeout=30)


def test_who_signs_out_at_the_provider_is_signed_out_here(house):
    house.provider.person("over", "doctors")
    browser, token = house.signed_in("over")
    other, other_token = house.signed_in("over")
    api, other_api = house.office.api(token), house.office.api(other_token)
    page = browser.go(f"{house.provider.issuer}/session/end")
    assert page.status_code == 200, page.text
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.text).group(1)
    end = time.monotonic() + LOGOUT_SECONDS_MAX
    out = browser.session.post(f"{house.provider.issuer}/session/end/confirm", data={"xsrf": xsrf, "logout": "yes"}, timeout=30)
    assert out.status_code == 200, out.text
    wait_until(lambda: api.raw("GET", "/me/sessions").status_code == 401, "the session ended", end - time.monotonic())
    assert other_api.raw("GET", "/me/sessions").status_code == 200, "that of another browser goes on"
    assert "provider-logout" in house.reasons()


def test_an_open_stream_breaks_off_when_the_provider_ends_the_session(house, tokens):
    house.provider.person("streaming", "readers")
    _, token = house.signed_in("streaming")
    gateway = Web(house.installation, tokens.client(house.installation, "store"))
    # More than sockets and buffers between us hold, so that most of it is asked for later.
    image = part10.image(patient_id="provider-stream", rows=6000, columns=6000)
    gateway.must_store(part10.file_bytes(image))
    whole = Web(house.installation, token).get(f"/studies/{image.StudyInstanceUID}")
    bytes_whole = len(whole.content)
    assert whole.status_code == 200 and bytes_whole > 60_000_000
    slow = Web(house.installation, token).get(f"/studies/{image.StudyInstanceUID}", stream=True)
    pieces = slow.iter_content(64 << 10)
    read = len(next(pieces))
    assert post_logout(house, house.provider.tell(logout={"claims": {"sub": "streaming"}})["token"]).status_code == 200
    time.sleep(LOGOUT_SECONDS_MAX + 1)
    with pytest.raises(Exception) as broken:
        while True:
            read += len(next(pieces))
    assert not isinstance(broken.value, StopIteration) and read < bytes_whole, (read, bytes_whole)


def test_a_logout_token_that_is_not_believed_ends_nothing(house):
    house.provider.person("stays", "doctors")
    _, token = house.signed_in("stays")
    api = house.office.api(token)
    now = int(time.time())
    wrong = [
        {"claims": {"sub": "stays", "iss": "https://evil.example"}}, {"claims": {"sub": "stays", "aud": "other"}},
        {"claims": {"sub": "stays", "exp": now - 600}}, {"claims": {"sub": "stays", "iat": now - 3600}},
        {"claims": {"sub": "stays", "nonce": "n"}}, {"claims": {"sub": "stays", "events": {}}}, {"claims": {}},
        {"claims": {"sub": "stays"}, "without": ["jti"]},
    ]
    for case in wrong:
        assert post_logout(house, house.provider.tell(logout=case)["token"]).status_code == 400, case
    good = house.provider.tell(logout={"claims": {"sub": "stays"}})["token"]
    spoilt = good[:-8] + ("A" * 8)
    assert post_logout(house, spoilt).status_code == 400
    # An ID token of the provider is no word that somebody signed out.
    assert api.raw("GET", "/me/sessions").status_code == 200
    assert post_logout(house, good).status_code == 200
    assert api.raw("GET", "/me/sessions").status_code == 401


def test_while_the_provider_is_away_sessions_go_on_and_passwords_work(make_installation, tmp_path):
    providers.require()
    house = House(make_installation, tmp_path, "oidc-away")
    try:
        house.provider.person("stays-in", "doctors")
        _, token = house.signed_in("stays-in")
        house.office.person("local", "clinician")
        looked = doctor(house)
        assert any("certificate ends on" in finding["cause"] for finding in looked), looked
        house.provider.stop()
        house.installation.restart()
        house.office.sign_in_officers()
        assert house.office.api(token).raw("GET", "/me/sessions").status_code == 200
        answer = house.browser().go("/oidc/start")
        assert answer.status_code == 503 and 'name="password"' in answer.text
        assert house.office.try_sign_in("local").status_code == 303
        assert any(finding["severity"] == "error" for finding in doctor(house, code=1))
        assert house.office.metrics()["yingdun_oidc_calls_failed_total"] >= 1
        house.provider.start_again()
        # It is asked again in a moment.
        wait_until(lambda: house.browser().go("/oidc/start").status_code == 303, "the provider is asked again")
        house.signed_in("stays-in")
    finally:
        house.provider.stop()


def test_only_the_configured_authority_is_believed_and_plain_is_refused(make_installation, tmp_path):
    providers.require()
    house = House(make_installation, tmp_path, "oidc-authority")
    try:
        other = make_installation("oidc-other-authority", serve=False)
        house.installation.settings["IDENTITY__OIDC__CA_FILE"] = str(other.ca_file)
        house.installation.restart()
        assert house.browser().go("/oidc/start").status_code == 503
        house.installation.stop()
        for issuer in ("http://sso.example", f"http://127.0.0.1:{house.provider.port}"):
            house.installation.settings["IDENTITY__OIDC__ISSUER"] = issuer
            said = program.run("check-config", "--config", house.installation.config, env=house.installation.environment())
            assert said.returncode != 0 and "identity.oidc.issuer" in said.stdout + said.stderr
    finally:
        house.provider.stop()


def test_neither_secret_nor_subject_lies_in_any_file(house):
    needles = ["a-subject-that-nobody-reads-42"]
    house.provider.person(needles[0], "doctors", name="sealed-subject")
    house.signed_in(needles[0])
    for path in house.installation.files():
        if path.name == "oidc-client-secret":
            continue
        content = path.read_bytes()
        assert not [needle for needle in [*needles, SECRET] if needle.encode() in content], path
    log = house.installation.log_text()
    assert needles[0] not in log and SECRET not in log and "dr-li" not in log


def doctor(house, code=None) -> list:
    """What `doctor` finds of other directories."""
    said = program.run(
        "--json", "doctor", "--config", house.installation.config, env=house.installation.environment()
    )
    findings = [row for row in json.loads(said.stdout)["findings"] if row["check"] == "directories"]
    assert findings and (code is None or said.returncode == code), (said.returncode, said.stdout)
    return findings
