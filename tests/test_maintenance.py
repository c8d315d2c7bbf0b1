"""A vendor sees the state of the system in a maintenance session that two officers agreed on: nothing outside of it, and never anything of a patient."""

import json
import time
from urllib.parse import urlparse

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import SESSION_COOKIE, Api
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0

LOOKS = {"health": "/system/health", "configuration": "/system/configuration", "metrics": None}


def api(installation, token: str) -> Api:
    return Api(installation.addresses.web, str(installation.ca_file), token)


def metrics(web: Web) -> int:
    return web.session.get(f"{web.installation.addresses.web}/metrics", timeout=30).status_code


def look(vendor: Api, web: Web, scope: str) -> int:
    return metrics(web) if scope == "metrics" else vendor.raw("GET", LOOKS[scope]).status_code


def looks(vendor: Api, web: Web) -> dict:
    return {scope: look(vendor, web, scope) for scope in LOOKS}


def only(*scopes) -> dict:
    return {scope: 200 if scope in scopes else 403 for scope in LOOKS}


@pytest.fixture
def desk(archive_on, request):
    """A vendor of this test alone: (office, name, API, DICOMweb)."""
    name = "vendor-" + request.node.name.split("[")[0][-30:].replace("_", "-")
    token = outsider_token(archive_on.office, name, "vendor")
    return archive_on.office, name, api(archive_on, token), Web(archive_on, token)


def opened(office, name: str, *scopes, **more) -> dict:
    body = {"name": name, "scopes": list(scopes), "reason": "ticket 4711: the annual service", **more}
    return office.system.post("/maintenance", body, 201)


def approve(office, session: dict) -> dict:
    return office.security.post(f"/maintenance/{session['maintenance']}/approval", None, 200)


def test_a_session_opens_its_scope_and_nothing_before_or_behind(archive_on, desk):
    office, name, vendor, web = desk
    assert looks(vendor, web) == only(), "nobody opened anything"
    session = opened(office, name, "health", "metrics")
    assert (session["state"], session["approved_by"]) == ("waiting", None)
    assert session["valid_until_ms"] - session["valid_from_ms"] == 2 * 3600 * 1000, "two hours unless said otherwise"
    assert looks(vendor, web) == only(), "one officer is not enough"
    assert approve(office, session)["state"] == "open"
    assert looks(vendor, web) == only("health", "metrics")
    health = vendor.get("/system/health")
    assert health["status"] in ("ready", "attention") and health["storage"]["replicas"], health
    text = json.dumps(health)
    assert all(word not in text for word in ("key", "stud", "patient", str(archive_on.directory))), text

    ended = office.system.raw("DELETE", f"/maintenance/{session['maintenance']}").json()
    assert (ended["state"], ended["ended_by"]) == ("ended", office.names["system-administrator"])
    after = looks(vendor, web)
    assert set(after.values()) == {401}, f"signed out everywhere at once: {after}"
    again = office.security.raw("DELETE", f"/maintenance/{session['maintenance']}")
    assert again.status_code == 409, "once"


def test_the_configuration_holds_no_secret_and_no_path(archive_on, desk):
    office, name, vendor, web = desk
    approve(office, opened(office, name, "configuration"))
    assert looks(vendor, web) == only("configuration")
    configuration = vendor.get("/system/configuration")
    assert {door["door"] for door in configuration["doors"]} >= {"https", "dicom-tls"}
    assert configuration["interfaces"]["listed"] and configuration["storage"]["replicas"]
    text = json.dumps(configuration)
    for hidden in (str(archive_on.directory), "postgres://", "sqlite:", "token_file", "passphrase", "/db/"):
        assert hidden not in text, hidden


def test_it_is_refused_at_its_end_and_the_sign_in_ends(archive_on, desk):
    office, name, vendor, web = desk
    until_ms = int(time.time() * 1000) + 4000
    session = opened(office, name, "health", from_ms=until_ms - 60_000, minutes=1)
    approve(office, session)
    assert session["valid_until_ms"] == until_ms
    answers = []
    while time.time() * 1000 < until_ms + 1000:
        asked = time.time() * 1000
        answers.append((asked, look(vendor, web, "health")))
        time.sleep(0.2)
    assert any(status == 200 for asked, status in answers if asked < until_ms - 500), answers
    late = [(asked - until_ms, status) for asked, status in answers if asked >= until_ms and status == 200]
    assert not late, f"answered after its end: {late}"
    wait_until(lambda: look(vendor, web, "health") == 401, "the vendor is signed out", BUSY_SECONDS)
    number = session["maintenance"]
    assert office.system.get(f"/maintenance/{number}")["state"] == "time-over"
    leaves = [leaf for leaf in office.leaves(kind="administration") if leaf["reason"] == "maintenance-ended"]
    assert any(leaf["counts"]["maintenance"] == number for leaf in leaves)


def test_nobody_approves_the_own_session_and_who_may_not_has_no_say(archive_on, desk):
    office, name, vendor, web = desk
    session = opened(office, name, "health")
    path = f"/maintenance/{session['maintenance']}"
    assert office.system.raw("POST", f"{path}/approval").status_code == 403, "who opens does not approve"
    # Not in another office either.
    twice = office.person(f"twice-{name}"[:40], "system-administrator")
    first = office.api(office.sign_in(twice))
    body = {"name": name, "scopes": ["health"], "reason": "for myself"}
    own = first.post("/maintenance", body, 201)
    office.security.raw("DELETE", f"/people/{twice}/roles/system-administrator")
    office.security.put(f"/people/{twice}/roles/security-administrator", None, 204)
    second = office.api(office.sign_in(twice))
    refused = second.raw("POST", f"/maintenance/{own['maintenance']}/approval")
    assert refused.status_code == 403 and "another person" in refused.text, refused.text
    assert looks(vendor, web) == only()

    clinician = api(archive_on, office.person_token(f"doctor-{name}"[:40], "clinician"))
    for other in (vendor, clinician, office.audit):
        assert other.raw("POST", "/maintenance", body).status_code == 403
        assert other.raw("GET", "/maintenance").status_code == 403
        assert other.raw("POST", f"{path}/approval").status_code == 403
        assert other.raw("DELETE", path).status_code == 403
    assert office.security.raw("POST", "/maintenance", body).status_code == 403, "who approves does not open"
    # What makes no session.
    doctor = f"doctor-{name}"[:40]
    refused = office.system.raw("POST", "/maintenance", {**body, "name": doctor})
    assert refused.status_code == 403 and "vendor" in refused.text, refused.text
    for wrong, status in (
        ({"minutes": 481}, 400), ({"scopes": []}, 400), ({"scopes": ["images"]}, 400), ({"reason": " "}, 400),
        ({"name": "nobody-at-all"}, 404), ({"from_ms": int(time.time() * 1000) + 8 * 24 * 3600 * 1000}, 422),
    ):
        answer = office.system.raw("POST", "/maintenance", {**body, **wrong})
        assert answer.status_code == status, (wrong, answer.text)
    withdrawn = office.security.raw("DELETE", path).json()
    assert withdrawn["state"] == "withdrawn"
    assert office.security.raw("POST", f"{path}/approval").status_code == 409, "what was withdrawn stays so"


def test_a_vendor_sees_nothing_of_a_patient_at_any_door(archive_on, gateway_on, desk):
    office, name, vendor, web = desk
    image = part10.image(patient_id="not-for-vendors")
    gateway_on.must_store(part10.file_bytes(image))
    approve(office, opened(office, name, "health", "metrics", "configuration"))
    assert looks(vendor, web) == only(*LOOKS)
    study, series = image.StudyInstanceUID, image.SeriesInstanceUID
    instance = f"/studies/{study}/series/{series}/instances/{image.SOPInstanceUID}"
    for path in (
        "/studies", f"/studies?StudyInstanceUID={study}", f"/studies/{study}", f"/studies/{study}/metadata",
        f"/studies/{study}/series", f"/studies/{study}/media", instance, f"{instance}/rendered", f"{instance}/frames/1",
        f"/studies/{study}/thumbnail", "/workitems",
    ):
        answer = web.get(path)
        assert answer.status_code == 403, f"{path}: {answer.status_code}"
        assert study not in answer.text, path
    one = {"requestType": "WADO", "studyUID": study, "seriesUID": series, "objectUID": image.SOPInstanceUID}
    assert vendor.raw("GET", "/wado", params=one, prefix="").status_code == 403
    page = office.browser()
    page.cookies.set(SESSION_COOKIE, vendor.token, domain=urlparse(vendor.web).hostname, path="/", secure=True)
    for path in ("/studies", f"/studies/{study}"):
        shown = page.get(f"{vendor.web}{path}", timeout=30)
        assert shown.status_code == 403 and study not in shown.text, shown.text
    assert vendor.raw("GET", "/AuditEvent", prefix="/fhir/r4").status_code == 403
    assert web.store(part10.file_bytes(part10.image(patient_id="not-for-vendors"))).status_code == 403
    for path in (
        "/system/status", "/system/replicas", "/keys", "/people", "/devices", "/clients", "/audit/tail", "/audit/search",
        "/grants", "/consultations", "/events", "/conflicts", "/worklist", "/holds", "/destructions", "/alerts", "/policies",
        "/rights/unused", "/dissents", "/maintenance",
    ):
        answer = vendor.raw("GET", path)
        assert answer.status_code == 403, f"{path}: {answer.status_code} {answer.text}"
    granted = {"name": name, "patient_id": "not-for-vendors", "reason": "to see what is broken"}
    chief = api(archive_on, office.person_token(f"chief-{name}"[:40], "chief"))
    chief.raw("POST", "/grants", granted)
    assert web.get(f"/studies/{study}/metadata").status_code == 403, "a grant opens nothing to a vendor"
    refused = office.security.raw("PUT", f"/people/{name}/roles/clinician")
    assert refused.status_code == 409, "a vendor is nothing else"


def test_every_request_is_a_leaf_that_names_the_session(archive_on, desk):
    office, name, vendor, web = desk
    session = opened(office, name, "health")
    number = session["maintenance"]
    approve(office, session)
    assert looks(vendor, web) == only("health")
    assert web.get("/studies").status_code == 403
    leaves = office.leaves(actor=name, kind="query")
    said = {(leaf["action"], leaf["outcome"], leaf["reason"]) for leaf in leaves}
    assert {
        ("read-health", "permitted", "maintenance-session"), ("read-metrics", "refused", "no-rule-permits"),
        ("read-configuration", "refused", "no-rule-permits"), ("search", "refused", "vendors-only-maintain"),
    } <= said, said
    assert {leaf["counts"].get("maintenance") for leaf in leaves} == {number}
    office.security.raw("DELETE", f"/maintenance/{number}")
    about = [leaf for leaf in office.leaves() if leaf.get("counts", {}).get("maintenance") == number and leaf["actor"] != name]
    words = [(leaf["reason"], leaf["outcome"]) for leaf in about]
    for word in ("open-maintenance", "approve-maintenance", "end-maintenance"):
        assert (word, "permitted") in words and (word, "succeeded") in words, words
    alerts = [alert for alert in office.security.get("/alerts") if alert["kind"] == "maintenance-opened"]
    assert alerts, "the security administrators hear of it"


def test_no_vendor_without_a_second_factor(archive_on, desk):
    office, name, _, _ = desk
    half = f"half-{name}"[:40]
    token = office.person_token(half, "vendor")
    approve(office, opened(office, half, "health"))
    assert api(archive_on, token).raw("GET", "/system/health").status_code == 401, "half a sign-in is none"


def test_the_command_line_opens_approves_and_ends(archive_on, desk, tmp_path):
    office, name, vendor, _ = desk

    def run(who: Api, *words, **options):
        token = tmp_path / f"token-{id(who)}"
        token.write_text(who.token)
        given = ["--server", archive_on.addresses.web, "--ca-file", archive_on.ca_file, "--token-file", token]
        return program.run_json("maintenance", *words, *given, **options)

    session = run(office.system, "open", name, "--scope", "health", "--scope", "configuration", "--reason", "a new disk")
    number = str(session["maintenance"])
    assert run(office.security, "approve", number)["state"] == "open"
    assert run(office.security, "show", number)["reason"] == "a new disk"
    assert session["maintenance"] in [one["maintenance"] for one in run(office.security, "list")]
    assert run(vendor, "health")["version"] == run(vendor, "configuration")["version"]
    assert run(office.system, "end", number)["state"] == "ended"
