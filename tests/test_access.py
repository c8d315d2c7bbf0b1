"""Who may do what, and that every answer is on the ledger."""

import time

import pytest
from requests.adapters import HTTPAdapter

from yingdun_testkit import part10
from yingdun_testkit.administration import PASSWORD, REDIRECT, form_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: A decision is taken again at least this often (DESIGN: an open permit lives five seconds).
DECISION_SECONDS_MAX = 5.0
#: What a machine may take in which everything else runs at the same time; a window that is never decided again has 60 s.
BUSY_SECONDS = 10.0

#: Every role of people.
PEOPLE = [
    "clinician", "radiologist", "chief", "technician", "researcher",
    "system-administrator", "security-administrator", "audit-administrator",
]


def study_of(web: Web, patient_id: str, **attributes):
    """Stores a study of one instance and returns its data set."""
    image = part10.image(patient_id=patient_id, **attributes)
    web.must_store(part10.file_bytes(image))
    return image


def listed(web: Web, image) -> bool:
    rows = web.search("/studies", StudyInstanceUID=image.StudyInstanceUID)
    return [row["0020000D"]["Value"][0] for row in rows] == [image.StudyInstanceUID]


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


@pytest.fixture
def doctor(archive_on, request):
    """A clinician of this test alone: (name, DICOMweb)."""
    office = archive_on.office
    name = f"doctor-{request.node.name.split('[')[0][-40:]}".replace("_", "-")
    return name, Web(archive_on, office.person_token(name, "clinician"))


def test_a_doctor_opens_the_patient_in_care_and_a_stranger_does_not_even_learn_that_there_is_one(
    archive_on, gateway_on, tokens, doctor
):
    office = archive_on.office
    image = study_of(gateway_on, "care-1", patient_name="Zhang^San")
    name, mine = doctor
    assert not listed(mine, image) and opened(mine, image) == 404
    office.care(name, "care-1")
    assert listed(mine, image) and opened(mine, image) == 200
    assert part10.parse(mine.file_of(image)) == image

    stranger = Web(archive_on, tokens.person(archive_on, "clinician"))
    assert not listed(stranger, image)
    refusals = len(office.leaves(kind="access", outcome="refused", study_uid=image.StudyInstanceUID))
    there = stranger.get(f"/studies/{image.StudyInstanceUID}/metadata")
    nowhere = stranger.get("/studies/2.25.404/metadata")
    assert there.status_code == nowhere.status_code == 404
    assert there.content == nowhere.content, "the answer tells whether the study exists"
    after = office.leaves(kind="access", outcome="refused", study_uid=image.StudyInstanceUID)
    assert len(after) == refusals + 1, "a refusal is a leaf"
    assert after[0]["actor"] == "the-clinician"
    permitted = office.leaves(kind="access", outcome="permitted", study_uid=image.StudyInstanceUID, actor=name)
    assert len(permitted) == 1, "requests of one study within a minute are one leaf"


def test_an_ended_care_relation_ends_access_within_seconds(archive_on, gateway_on, doctor):
    image = study_of(gateway_on, "care-2")
    name, mine = doctor
    archive_on.office.care(name, "care-2")
    assert opened(mine, image) == 200
    archive_on.office.end_care(name, "care-2")
    wait_until(lambda: opened(mine, image) == 404, "the study closes", DECISION_SECONDS_MAX + BUSY_SECONDS)
    assert not listed(mine, image)


def test_a_care_relation_ends_by_itself(archive_on, gateway_on, doctor):
    image = study_of(gateway_on, "care-3")
    name, mine = doctor
    archive_on.office.care(name, "care-3", hours=4 / 3600)
    assert opened(mine, image) == 200
    wait_until(lambda: opened(mine, image) == 404, "the relation expires", 4 + DECISION_SECONDS_MAX + BUSY_SECONDS)


def test_radiologists_and_chiefs_read_for_their_institution(archive_on, gateway_on, tokens):
    image = study_of(gateway_on, "reader-1")
    for role in ("radiologist", "chief"):
        web = Web(archive_on, tokens.person(archive_on, role))
        assert listed(web, image) and opened(web, image) == 200, role


def test_a_technician_sees_what_was_acquired_today_and_stores(archive_on, gateway_on, tokens):
    image = study_of(gateway_on, "technician-1")
    web = Web(archive_on, tokens.person(archive_on, "technician"))
    assert listed(web, image) and opened(web, image) == 200
    own = part10.image(patient_id="technician-2")
    web.must_store(part10.file_bytes(own))


@pytest.mark.parametrize(
    "role", ["system-administrator", "security-administrator", "audit-administrator"]
)
def test_officers_see_no_images_and_store_none(archive_on, gateway_on, tokens, role):
    image = study_of(gateway_on, f"closed-{role}")
    web = Web(archive_on, tokens.person(archive_on, role))
    path = f"/studies/{image.StudyInstanceUID}"
    assert web.get("/studies").status_code == 403
    for suffix in ("", "/metadata", "/bulkdata", "/pixeldata", "/thumbnail", f"/series/{image.SeriesInstanceUID}"):
        assert web.get(path + suffix).status_code == 403, suffix
    there, nowhere = web.get(f"{path}/metadata"), web.get("/studies/2.25.404/metadata")
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content), "the answer tells that it exists"
    answer = web.store(part10.file_bytes(part10.image(patient_id="closed")))
    assert answer.status_code == 403


def test_a_researcher_of_no_project_finds_nothing_and_stores_nothing(archive_on, gateway_on, tokens):
    image = study_of(gateway_on, "closed-researcher")
    web = Web(archive_on, tokens.person(archive_on, "researcher"))
    path = f"/studies/{image.StudyInstanceUID}"
    assert web.search("/studies") == []
    for suffix in ("", "/metadata", "/bulkdata", "/pixeldata", "/thumbnail", f"/series/{image.SeriesInstanceUID}", "/media"):
        assert web.get(path + suffix).status_code == 404, suffix
    there, nowhere = web.get(f"{path}/metadata"), web.get("/studies/2.25.404/metadata")
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content), "the answer tells that it exists"
    assert web.store(part10.file_bytes(part10.image(patient_id="closed"))).status_code == 403


def test_a_service_does_what_its_scopes_say(archive_on, gateway_on, tokens):
    image = study_of(gateway_on, "scopes-1")
    storing = Web(archive_on, tokens.client(archive_on, "store"))
    searching = Web(archive_on, tokens.client(archive_on, "search"))
    viewing = Web(archive_on, tokens.client(archive_on, "search", "view"))
    study_of(storing, "scopes-2")
    assert storing.get("/studies").status_code == 403
    assert not listed(searching, image), "what does not open is not listed"
    assert listed(viewing, image) and opened(viewing, image) == 200
    for web in (storing, searching):
        there, nowhere = opened(web, image), web.get("/studies/2.25.404/metadata").status_code
        assert there == nowhere and there in (403, 404)
    for web in (searching, viewing):
        assert web.store(part10.file_bytes(part10.image())).status_code == 403


def test_events_and_conflicts_are_told_to_who_may_search(archive_on, tokens):
    office, raw = archive_on.office, lambda token, path: archive_on.office.api(token).raw("GET", path).status_code
    who = {role: tokens.person(archive_on, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive_on, scope) for scope in ("store", "search", "view", "export", "worklist")}
    may_search = {"clinician", "radiologist", "chief", "technician", "researcher", "search", "view"}
    for path in ("/events", "/conflicts"):
        answers = {name: raw(token, path) for name, token in who.items()}
        assert answers == {name: 200 if name in may_search else 403 for name in who}, path
        assert raw("x" * 43, path) == 401
    # Only what can be seen is told: who may search and not view hears of no study.
    searching = office.api(who["search"])
    assert searching.get("/events")["events"] == []
    assert searching.get("/conflicts") == {"patients": [], "accessions": []}
    for wrong in ({"after": "-1"}, {"wait": "soon"}, {"limit": "1.5"}):
        searching.get("/events", wrong, status=400)


def test_only_the_system_administrator_has_devices_called(archive_on, tokens):
    office, body = archive_on.office, {"called_ae": "YINGDUN"}
    who = {role: tokens.person(archive_on, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive_on, scope) for scope in ("store", "search", "view", "export", "worklist")}
    answers = {name: office.api(token).raw("POST", "/devices/NOBODY/echo", body).status_code for name, token in who.items()}
    assert answers == {name: 404 if name == "system-administrator" else 403 for name in who}


#: Every route of the unified worklist, with a body where it takes one.
WORKLIST_ROUTES = [
    ("GET", "/workitems", None),
    ("POST", "/workitems", {}),
    ("GET", "/workitems/2.25.404", None),
    ("POST", "/workitems/2.25.404", {}),
    ("PUT", "/workitems/2.25.404/state", {
        "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}, "00081195": {"vr": "UI", "Value": ["2.25.1"]},
    }),
    ("POST", "/workitems/2.25.404/cancelrequest", {}),
    ("POST", "/workitems/2.25.404/subscribers/NOBODY", None),
    ("DELETE", "/workitems/2.25.404/subscribers/NOBODY", None),
    ("POST", "/workitems/1.2.840.10008.5.1.4.34.5/subscribers/NOBODY/suspend", None),
    ("GET", "/subscribers/NOBODY", None),
]


@pytest.mark.parametrize("method, path, body", WORKLIST_ROUTES, ids=[f"{method} {path}" for method, path, _ in WORKLIST_ROUTES])
def test_the_unified_worklist_is_open_to_technicians_and_worklist_programs_only(archive, tokens, method, path, body):
    def asked(token) -> int:
        session = Web(archive, token).session
        headers = {"Content-Type": "application/dicom+json"} if body is not None else {}
        url = f"{archive.addresses.web}/dicom-web{path}"
        return session.request(method, url, json=body, headers=headers, timeout=30).status_code

    who = {role: tokens.person(archive, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive, scope) for scope in ("store", "search", "view", "export", "worklist")}
    answers = {name: asked(token) for name, token in who.items()}
    open_to = {name for name, status in answers.items() if status != 403}
    assert open_to == {"technician", "worklist"}, answers
    assert all(answers[name] in (200, 400, 404) for name in open_to), answers
    assert [asked(token) for token in (None, "x" * 43)] == [401, 401]


def test_keys_are_an_office_of_the_security_administrator(archive_on, tokens):
    office = archive_on.office
    who = {role: tokens.person(archive_on, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive_on, scope) for scope in ("store", "search", "view", "export", "worklist")}
    dry_run = {"dry_run": True}
    rows = {("GET", "/keys"): None, ("POST", "/keys/rotation"): dry_run, ("POST", "/keys/rewrap"): dry_run}
    for (method, path), body in rows.items():
        answers = {name: office.api(token).raw(method, path, body).status_code for name, token in who.items()}
        # Where nothing was stored yet there is no key to replace.
        assert answers.pop("security-administrator") in ((200, 404) if path == "/keys/rotation" else (200,)), path
        assert set(answers.values()) == {403}, (path, answers)
        assert office.api("x" * 43).raw(method, path, body).status_code == 401
    assert office.security.raw("DELETE", "/keys/rewrap").status_code == 404, "nothing is wrapped again"
    assert office.system.raw("DELETE", "/keys/rewrap").status_code == 403
    assert office.security.raw("POST", "/keys/rotation", {"grade": "L9"}).status_code == 400


def test_destruction_is_asked_for_by_one_office_and_approved_by_another(archive_on, tokens):
    office = archive_on.office
    who = {role: tokens.person(archive_on, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive_on, scope) for scope in ("store", "search", "view", "export", "worklist")}
    asks, approves, nobody = "security-administrator", "audit-administrator", "0" * 32
    rows = {
        ("POST", "/destructions"): {asks: 404},
        ("GET", "/destructions"): {asks: 200, approves: 200},
        ("GET", f"/destructions/{nobody}"): {asks: 404, approves: 404},
        ("POST", f"/destructions/{nobody}/approval"): {approves: 404},
        ("DELETE", f"/destructions/{nobody}"): {asks: 404, approves: 404},
    }
    for (method, path), expected in rows.items():
        body = {"study": "2.25.404", "reason": "mistake"} if path == "/destructions" and method == "POST" else None
        answers = {name: office.api(token).raw(method, path, body).status_code for name, token in who.items()}
        assert answers == {name: expected.get(name, 403) for name in who}, path
        assert office.api("x" * 43).raw(method, path, body).status_code == 401
    for wrong in ({"study": "2.25.404"}, {"study": "2.25.404", "reason": "from-log"}, {"reason": "mistake"}):
        assert office.security.raw("POST", "/destructions", wrong).status_code == 400, wrong


def test_legal_holds_are_placed_by_one_office_and_their_release_is_approved_by_another(archive_on, tokens):
    office = archive_on.office
    who = {role: tokens.person(archive_on, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive_on, scope) for scope in ("store", "search", "view", "export", "worklist")}
    places, approves, nobody = "audit-administrator", "security-administrator", "0" * 32
    ended = {"reason": "ended"}
    rows = {
        ("POST", "/holds"): ({"study": "2.25.404", "reason": "ordered"}, {places: 404}),
        ("GET", "/holds"): (None, {places: 200, approves: 200}),
        ("GET", f"/holds/{nobody}"): (None, {places: 404, approves: 404}),
        ("POST", f"/holds/{nobody}/release"): (ended, {places: 404}),
        ("POST", f"/holds/{nobody}/release/approval"): (None, {approves: 404}),
        ("DELETE", f"/holds/{nobody}/release"): (None, {places: 404, approves: 404}),
    }
    for (method, path), (body, expected) in rows.items():
        answers = {name: office.api(token).raw(method, path, body).status_code for name, token in who.items()}
        assert answers == {name: expected.get(name, 403) for name in who}, path
        assert office.api("x" * 43).raw(method, path, body).status_code == 401
    for wrong in ({"study": "2.25.404"}, {"study": "2.25.404", "reason": "from-log"}, {"reason": "ordered"}):
        assert office.audit.raw("POST", "/holds", wrong).status_code == 400, wrong
    assert office.audit.raw("POST", f"/holds/{nobody}/release", {"reason": "because"}).status_code == 400


def test_no_token_or_a_wrong_one_opens_nothing(archive_on, gateway_on):
    image = study_of(gateway_on, "anonymous-1")
    for token in (None, "x" * 43, "not a token at all"):
        for path in ("/studies", f"/studies/{image.StudyInstanceUID}"):
            answer = Web(archive_on, token).get(path)
            assert answer.status_code == 401, (token, path)
            assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert Web(archive_on, None).store(part10.file_bytes(part10.image())).status_code == 401


def test_a_revoked_token_is_dead_at_once(archive_on, gateway_on):
    office = archive_on.office
    token = office.client_token("revoked", "search", "view")
    image = study_of(gateway_on, "revoked-1")
    web = Web(archive_on, token)
    assert opened(web, image) == 200
    office.revoke(token)
    assert web.get("/studies").status_code == 401
    assert opened(web, image) == 401


def test_a_disabled_account_loses_its_sessions(archive_on):
    office = archive_on.office
    token = office.person_token("leaver", "radiologist")
    web = Web(archive_on, token)
    assert web.get("/studies").status_code == 200
    office.system.patch("/people/leaver", {"disabled": True}, 204)
    wait_until(lambda: web.get("/studies").status_code in (401, 403), "the session ends", DECISION_SECONDS_MAX + BUSY_SECONDS)
    assert office.try_sign_in("leaver").status_code == 401
    client = office.client_token("leaving-client", "search")
    web = Web(archive_on, client)
    assert web.get("/studies").status_code == 200
    office.system.patch("/clients/leaving-client", {"disabled": True}, 204)
    wait_until(lambda: web.get("/studies").status_code in (401, 403), "the client ends", DECISION_SECONDS_MAX + BUSY_SECONDS)


def test_a_role_that_was_taken_ends_what_it_opened(archive_on, gateway_on):
    office = archive_on.office
    image = study_of(gateway_on, "role-1")
    web = Web(archive_on, office.person_token("former-chief", "chief"))
    assert opened(web, image) == 200
    office.security.delete("/people/former-chief/roles/chief", 204)
    wait_until(lambda: opened(web, image) in (401, 403, 404), "the study closes", DECISION_SECONDS_MAX + BUSY_SECONDS)


def test_each_officer_has_one_office(archive_on):
    office = archive_on.office
    officers = {"system": office.system, "security": office.security, "audit": office.audit}
    # Who gives rights has to see to whom; everything else has one officer.
    attempts = [
        ({"system"}, "POST", "/people", {"name": "intruder"}),
        ({"system"}, "POST", "/clients", {"client_id": "intruder"}),
        ({"system"}, "POST", "/devices", {"ae_title": "INTRUDER", "called_ae": "YINGDUN"}),
        ({"system"}, "POST", "/devices/NOBODY/echo", {"called_ae": "YINGDUN"}),
        ({"system"}, "GET", "/system/status", None),
        ({"system"}, "GET", "/system/scrub", None),
        ({"system"}, "POST", "/system/scrub", None),
        ({"system"}, "GET", "/system/replicas", None),
        ({"system"}, "GET", "/system/compaction", None),
        ({"system"}, "POST", "/system/compaction", {"dry_run": True}),
        ({"system"}, "POST", "/system/replicas/no-such-replica/drain", None),
        ({"system"}, "POST", "/system/replicas/no-such-replica/replace", None),
        (set(), "GET", "/vault/holdings", None),
        (set(), "GET", "/vault/packs/0000000000000001?from=0&to=8", None),
        (set(), "POST", "/vault/probe", {"key": "00" * 32, "packs": []}),
        (set(), "GET", "/vault/parts/keys", None),
        (set(), "GET", "/vault/audit", None),
        ({"system", "security"}, "GET", "/people", None),
        ({"security"}, "PUT", "/people/nobody/roles/chief", None),
        ({"security"}, "POST", "/care-relations/end", {"name": "intruder", "patient_id": "1"}),
        ({"audit"}, "GET", "/audit/tail", None),
        ({"audit"}, "GET", "/audit/checkpoint", None),
    ]
    for allowed, method, path, body in attempts:
        for name, officer in officers.items():
            status = officer.raw(method, path, body).status_code
            assert (status != 403) == (name in allowed), (name, method, path, status)
            assert status < 500 and status != 401, (name, method, path, status)


def test_an_officer_holds_no_second_role(archive_on):
    office = archive_on.office
    for name in ("system-admin", "audit-admin", "security-admin"):
        answer = office.security.raw("PUT", f"/people/{name}/roles/radiologist")
        assert answer.status_code in (403, 409), (name, answer.status_code)
    office.person("two-hats", "radiologist")
    assert office.security.raw("PUT", "/people/two-hats/roles/audit-administrator").status_code == 409


def test_an_invitation_works_once(archive_on):
    office = archive_on.office
    for invitation in archive_on.made["invitations"]:
        page = office.browser()
        url = f"{office.web}/enrol/{invitation['token']}"
        token = form_token(page.get(url, timeout=30).text)
        form = {"password": "another long password", "again": "another long password", "form_token": token}
        assert page.post(url, data=form, timeout=30).status_code == 401


def test_wrong_passwords_stop_their_address_and_are_on_the_ledger(archive_on):
    office = archive_on.office
    office.person("forgetful", "radiologist")
    for _ in range(5):
        assert office.try_sign_in("forgetful", "a wrong password").status_code == 401
    assert office.try_sign_in("forgetful").status_code == 401, "the right password does not help at a stopped address"
    # A source that is refused often gets leaves more slowly; the metric counts what has none of its own.
    leaves = office.leaves(kind="authentication", outcome="refused", actor="forgetful")
    suppressed = office.metrics()["yingdun_access_refusal_leaves_suppressed_total"]
    assert len(leaves) + suppressed >= 5


def test_a_stranger_who_fails_on_purpose_does_not_lock_the_owner_out(archive_on):
    office = archive_on.office
    name = office.person("attacked", "radiologist")
    open_session = Web(archive_on, office.sign_in(name))
    hosts = iter(range(2, 250))

    def stranger(password):
        """Somebody at an address of their own, whose form is filled in."""
        browser = office.browser()
        browser.mount("https://", SourceAddress(f"127.0.0.{next(hosts)}"))
        page = browser.get(f"{office.web}/login", timeout=30)
        form = {"name": name, "password": password, "role": "", "form_token": form_token(page.text)}
        return lambda: browser.post(f"{office.web}/login", data=form, allow_redirects=False, timeout=30).status_code

    # The fifth failure makes strangers wait for a second, each further one twice as long. On a busy machine that may be
    # over before the next one comes; then more of them fail first, until the wait is longer than the machine is slow.
    for further in range(5):
        failing = [stranger("a wrong password") for _ in range(STRANGE_FAILURES + further)]
        right = stranger(PASSWORD)
        for number, fail in enumerate(failing, start=1):
            if number > STRANGE_FAILURES:
                time.sleep(2 ** (number - STRANGE_FAILURES - 1) + 0.1)
            began = time.monotonic()
            assert fail() == 401
        status, took = right(), time.monotonic() - began
        if status == 401:
            break
        assert status == 303 and took >= 2**further, "at a strange place even the right password has to wait"
    else:
        pytest.fail("no stranger came before a wait of 16 s was over")
    for fail in [stranger("a wrong password") for _ in range(5)]:
        assert fail() == 401
    assert office.try_sign_in(name).status_code == 303, "the owner at the usual place"
    assert open_session.get("/studies").status_code == 200


#: Failures from strange places that nobody has to wait for, and the one after which they have to.
STRANGE_FAILURES = 5


class SourceAddress(HTTPAdapter):
    """Connects from an address of this machine."""

    def __init__(self, address: str):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def test_a_person_signs_in_through_a_viewer_with_code_and_pkce(archive_on, gateway_on):
    office = archive_on.office
    record = {"client_id": "viewer", "confidential": False, "redirect_uris": [REDIRECT]}
    office.system.post("/clients", record, 201)
    office.person("dr-viewer", "radiologist")
    granted = office.authorization_code("viewer", "dr-viewer")
    assert granted["token_type"] == "Bearer" and granted["role"] == "radiologist"
    image = study_of(gateway_on, "viewer-1")
    assert opened(Web(archive_on, granted["access_token"]), image) == 200


def test_a_restart_keeps_people_rights_and_images(make_installation):
    installation = make_installation("restart")
    web = Web(installation, installation.office.client_token("keeper", "store", "search", "view"))
    image = study_of(web, "restart-1")
    installation.office.person("dr-restart", "clinician")
    installation.office.care("dr-restart", "restart-1")
    before = part10.data_set_bytes(web.file_of(image))
    installation.restart()
    installation.office.sign_in_officers()
    mine = Web(installation, installation.office.sign_in("dr-restart"))
    assert part10.data_set_bytes(mine.file_of(image)) == before
    installation.office.system.get("/system/status")
