"""Second factors and sessions from outside: an app computes codes, browsers and scripts sign in with both."""

import base64
import contextlib
import hashlib
import secrets
import sqlite3
import time
from urllib.parse import parse_qs, urlparse

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import PASSWORD, REDIRECT, SESSION_COOKIE, Api, Office, form_token
from yingdun_testkit.authenticator import STEP_SECONDS, App, enrol
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: An open stream is decided anew at least this often.
DECISION_SECONDS_MAX = 5.0


@pytest.fixture(scope="module")
def guarded(make_installation):
    """An installation that demands a second factor of chiefs, and a fresh one before it opens what is sensitive."""
    settings = {
        "IDENTITY__REQUIRE_SECOND_FACTOR_FOR": '["chief"]',
        "IDENTITY__STEP_UP_FOR_SENSITIVE": "true",
    }
    installation = make_installation("second-factor", settings=settings)
    installation.office = installation.office or Office(installation)
    return installation


def test_a_browser_sets_a_second_factor_up_and_signs_in_with_both(guarded):
    office = guarded.office
    name = office.person("factor-browser", "radiologist")
    browser = office.browser()

    def send(path, **fields):
        page = browser.get(f"{office.web}{path}", timeout=30)
        form = {**fields, "form_token": form_token(page.text)}
        return browser.post(f"{office.web}{path}", data=form, allow_redirects=False, timeout=30)

    assert send("/login", name=name, password=PASSWORD, role="").headers["location"] == "/"
    page = browser.get(f"{office.web}/second-factor", timeout=30)
    form = {"password": PASSWORD, "form_token": form_token(page.text)}
    shown = browser.post(f"{office.web}/second-factor/begin", data=form, timeout=30)
    assert shown.status_code == 200 and shown.headers["cache-control"] == "no-store", shown.text
    app = App(shown.text.split('<code class="secret">')[1].split("</code>")[0])
    wrong = {"one_time_code": "000000" if app.code() != "000000" else "000001", "form_token": form_token(shown.text)}
    again = browser.post(f"{office.web}/second-factor/confirm", data=wrong, timeout=30)
    assert again.status_code == 401, again.text
    right = {"one_time_code": app.fresh(), "form_token": form_token(again.text)}
    codes = browser.post(f"{office.web}/second-factor/confirm", data=right, timeout=30)
    assert codes.status_code == 200 and codes.text.count("<li><code>") == 10, codes.text

    browser = office.browser()
    assert send("/login", name=name, password=PASSWORD, role="").headers["location"] == "/second-factor"
    home = browser.get(f"{office.web}/", timeout=30)
    assert 'name="password"' in home.text, "half a sign-in is none"
    assert send("/second-factor", one_time_code="ABCD-EFGH-IJKL-MNOP").status_code == 401
    assert send("/second-factor", one_time_code=app.fresh()).headers["location"] == "/"
    assert name in browser.get(f"{office.web}/studies", timeout=30).text
    sessions = browser.get(f"{office.web}/sessions", timeout=30)
    assert "python-requests" in sessions.text and "127.0.0.1" in sessions.text and "本会话" in sessions.text


def test_half_a_sign_in_opens_no_route_and_a_code_works_once(guarded):
    office = guarded.office
    name = office.person("factor-api", "technician")
    app, recovery = enrol(office.api(office.sign_in(name)))
    token = office.sign_in(name)
    half = office.api(token)
    for method, path, prefix in [
        ("GET", "/me/sessions", "/api/v1"), ("GET", "/jobs", "/api/v1"), ("GET", "/worklist", "/api/v1"),
        ("GET", "/studies", "/dicom-web"), ("POST", "/me/second-factor/removal", "/api/v1"),
    ]:
        body = {"code": "123456"} if method == "POST" else None
        answer = half.raw(method, path, body, prefix=prefix)
        assert answer.status_code == 401, (path, answer.text)
        assert "insufficient_user_authentication" in answer.headers["www-authenticate"]
    state = half.get("/me/second-factor")
    assert (state["stage"], state["amr"], state["recovery_codes_left"]) == ("prove", ["pwd"], 10)
    code = app.fresh()
    assert half.post("/me/second-factor/proof", {"code": code}, 200)["strong_until_ms"] > time.time() * 1000
    assert half.get("/me/second-factor")["amr"] == ["pwd", "otp", "mfa"]
    assert half.get("/worklist") == []
    assert half.raw("POST", "/me/second-factor/proof", {"code": code}).status_code == 403
    # A recovery code stands in for the phone, once.
    other = office.api(office.sign_in(name))
    other.post("/me/second-factor/proof", {"code": recovery[0].lower()}, 200)
    assert other.raw("POST", "/me/second-factor/proof", {"code": recovery[0]}).status_code == 403
    reasons = [leaf["reason"] for leaf in office.leaves(actor=name)]
    for reason in ["second-factor-begun", "second-factor-enrolled", "second-factor-awaited", "second-factor-proved",
                   "recovery-code-used", "replayed-one-time-code"]:
        assert reason in reasons, reasons


def test_neither_secret_nor_recovery_code_lies_in_any_file(guarded):
    office = guarded.office
    name = office.person("factor-files", "technician")
    api = office.api(office.sign_in(name))
    made = api.post("/me/second-factor", {"password": PASSWORD}, 200)
    app = App(made["secret"])
    codes = api.post("/me/second-factor/confirmation", {"code": app.fresh()}, 200)["recovery_codes"]
    needles = [app.key, made["secret"].encode(), app.key.hex().encode()]
    needles += [form.encode() for code in codes for form in (code, code.replace("-", ""))]
    for path in guarded.files():
        content = path.read_bytes()
        assert not [needle for needle in needles if needle in content], path
    assert not [needle for needle in needles if needle in guarded.log_path.read_bytes()]


def test_a_role_that_demands_it_lets_nobody_in_before(guarded):
    office = guarded.office
    name = office.person("factor-chief", "chief")
    token = office.sign_in(name)
    api = office.api(token)
    assert api.get("/me/second-factor")["stage"] == "enrol"
    assert api.raw("GET", "/studies", prefix="/dicom-web").status_code == 401
    app, _ = enrol(api)
    assert api.raw("GET", "/studies", prefix="/dicom-web").status_code == 200
    # Who lost the phone is let in again by two officers: one for the password, one for the second factor.
    refused = office.system.raw("DELETE", f"/people/{name}/second-factor")
    assert refused.status_code == 403
    people = {row["name"]: row["second_factor"] for row in office.system.get("/people")}
    assert people[name] is True
    office.security.delete(f"/people/{name}/second-factor", 204)
    assert api.raw("GET", "/me/second-factor").status_code == 401, "every session ends"
    assert office.api(office.sign_in(name)).get("/me/second-factor")["stage"] == "enrol"


def test_a_viewer_gets_its_token_behind_both(guarded):
    office = guarded.office
    name = office.person("factor-viewer", "radiologist")
    app, _ = enrol(office.api(office.sign_in(name)))
    office.system.post("/clients", {"client_id": "factor-viewer-program", "confidential": False, "redirect_uris": [REDIRECT]}, 201)
    browser, verifier = office.browser(), secrets.token_urlsafe(48)
    query = {
        "response_type": "code", "client_id": "factor-viewer-program", "redirect_uri": REDIRECT, "state": "a state",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    address = f"{office.web}/oauth2/authorize"
    page = browser.get(address, params=query, timeout=30)
    form = {**query, "name": name, "password": PASSWORD, "role": "", "form_token": form_token(page.text)}
    asked = browser.post(address, data=form, allow_redirects=False, timeout=30)
    assert asked.status_code == 200 and 'name="one_time_code"' in asked.text
    assert SESSION_COOKIE not in browser.cookies, "the pages are not signed in by it"
    form = {**query, "one_time_code": "ABCD-EFGH-IJKL-MNOP", "form_token": form_token(asked.text)}
    again = browser.post(address, data=form, allow_redirects=False, timeout=30)
    assert again.status_code == 401, again.text
    form = {**query, "one_time_code": app.fresh(), "form_token": form_token(again.text)}
    back = browser.post(address, data=form, allow_redirects=False, timeout=30)
    assert back.status_code == 303, back.text
    answer = parse_qs(urlparse(back.headers["location"]).query)
    exchange = {
        "grant_type": "authorization_code", "client_id": "factor-viewer-program", "code": answer["code"][0],
        "redirect_uri": REDIRECT, "code_verifier": verifier,
    }
    granted = browser.post(f"{office.web}/oauth2/token", data=exchange, timeout=30).json()
    state = office.api(granted["access_token"]).get("/me/second-factor")
    assert (state["stage"], state["amr"]) == ("whole", ["pwd", "otp", "mfa"]) and state["strong_until_ms"]


def test_the_command_line_signs_in_with_both(guarded, tmp_path):
    office = guarded.office
    name = office.person("factor-cli", "technician")
    token, password, code = tmp_path / "token", tmp_path / "password", tmp_path / "code"
    password.write_text(PASSWORD)
    server = ["--server", office.web, "--ca-file", office.ca_file]
    login = ["login", name, *server, "--password-file", password, "--token-file", token]
    admin = [*server, "--token-file", token]
    assert program.run_json(*login)["stage"] == "whole"
    made = program.run_json("second-factor", "enrol", "--password-file", password, *admin)
    app = App(made["secret"])
    code.write_text(app.fresh() + "\n")
    assert len(program.run_json("second-factor", "confirm", "--code-file", code, *admin)["recovery_codes"]) == 10
    code.write_text(app.fresh() + "\n")
    assert program.run_json(*login, "--code-file", code)["stage"] == "whole"
    status = program.run_json("second-factor", "status", *admin)
    assert status["recovery_codes_left"] == 10 and status["stage"] == "whole"
    mine = program.run_json("session", "list", *admin)
    assert [row["present"] for row in mine].count(True) == 1
    code.write_text(app.fresh() + "\n")
    program.run_json("second-factor", "remove", "--code-file", code, *admin)
    assert program.run_json("second-factor", "status", *admin)["confirmed_ms"] is None


def test_sessions_are_seen_and_ended_from_elsewhere(guarded):
    office = guarded.office
    name = office.person("factor-sessions", "radiologist")
    one, two = office.api(office.sign_in(name)), office.api(office.sign_in(name))
    rows = one.get("/me/sessions")
    assert [row["present"] for row in rows] == [False, True]
    assert {row["address"] for row in rows} == {"127.0.0.1"} and all("requests" in row["program"] for row in rows)
    one.delete(f"/me/sessions/{rows[0]['session']}", 204)
    assert two.raw("GET", "/me/sessions").status_code == 401
    seen = office.system.get(f"/people/{name}/sessions")
    assert [row["session"] for row in seen] == [rows[1]["session"]]
    office.system.delete(f"/people/{name}/sessions/{seen[0]['session']}", 204)
    assert one.raw("GET", "/me/sessions").status_code == 401
    assert office.security.raw("GET", f"/people/{name}/sessions").status_code == 403
    reasons = [leaf["reason"] for leaf in office.leaves(actor=office.names["system-administrator"])]
    assert "list-sessions" in reasons and "end-session" in reasons


@pytest.mark.parametrize("how", ["disabled", "ended"])
def test_an_open_stream_breaks_off_when_its_person_is_disabled_or_its_session_ended(guarded, tokens, how):
    office = guarded.office
    name = office.person(f"factor-stream-{how}", "radiologist")
    token = office.sign_in(name)
    gateway = Web(guarded, tokens.client(guarded, "store"))
    # More than sockets and buffers between us hold, so that most of it is asked for later.
    image = part10.image(patient_id=f"stream-{how}", rows=6000, columns=6000)
    gateway.must_store(part10.file_bytes(image))
    whole = Web(guarded, token).get(f"/studies/{image.StudyInstanceUID}")
    bytes_whole = len(whole.content)
    assert whole.status_code == 200 and bytes_whole > 60_000_000
    slow = Web(guarded, token).get(f"/studies/{image.StudyInstanceUID}", stream=True)
    pieces = slow.iter_content(64 << 10)
    read = len(next(pieces))
    if how == "disabled":
        office.system.patch(f"/people/{name}", {"disabled": True}, 204)
    else:
        (session,) = [row for row in office.system.get(f"/people/{name}/sessions")]
        office.system.delete(f"/people/{name}/sessions/{session['session']}", 204)
    time.sleep(DECISION_SECONDS_MAX + 1)
    with pytest.raises(Exception) as broken:
        while True:
            read += len(next(pieces))
    assert not isinstance(broken.value, StopIteration) and read < bytes_whole, (read, bytes_whole)


def test_a_session_that_rests_ends(make_installation):
    installation = make_installation("second-factor-idle", settings={"IDENTITY__IDLE_MINUTES": "2"})
    office = installation.office or Office(installation)
    token = office.sign_in(office.person("factor-idle", "radiologist"))
    api = office.api(token)

    def rest(seconds):
        """As long ago as that was the session used last, as far as the server wrote it down."""
        with contextlib.closing(sqlite3.connect(installation.directory / "db" / "identity.db", timeout=30)) as rows, rows:
            changed = rows.execute("UPDATE session SET last_used_ms = last_used_ms - ? WHERE actor = ?", (seconds * 1000, "factor-idle"))
            assert changed.rowcount == 1

    rest(60)
    assert api.raw("GET", "/me/sessions").status_code == 200
    rest(60)
    assert api.raw("GET", "/me/sessions").status_code == 200, "whoever works does not rest"
    rest(150)
    wait_until(lambda: api.raw("GET", "/me/sessions").status_code == 401, "who rested has to sign in", 10)
