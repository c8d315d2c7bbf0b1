"""An account is frozen over an alert: what is open ends, nothing begins, an emergency neither; the person is told whom to call, and another
office lifts it."""

import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import PASSWORD
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web, instance_path

EMERGENCY = {"code": "unconscious-patient", "reason": "found in the street", "password": PASSWORD}
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 20.0


@pytest.fixture
def suspect(archive, gateway, request):
    """Somebody who broke the glass, and the alert that tells of it: (login name, own API, image, alert)."""
    name = "suspect-" + request.node.name[5:30].strip("_").replace("_", "-")
    image = part10.image(patient_id=f"{name}-patient")
    gateway.must_store(part10.file_bytes(image))
    mine = archive.office.api(archive.office.person_token(name, "clinician"))
    mine.post("/break-glass", {"patient_id": image.PatientID, **EMERGENCY}, 201)
    [alert] = [row for row in archive.office.audit.get("/alerts") if row["name"] == name]
    return name, mine, image, alert


def test_a_frozen_account_has_no_session_and_begins_none_until_another_officer_lifts_it(archive, suspect):
    office, (name, mine, image, alert) = archive.office, suspect
    web = Web(archive, mine.token)
    metadata = f"/studies/{image.StudyInstanceUID}/metadata"
    assert web.get(metadata).status_code == 200
    frozen = office.audit.post(f"/alerts/{alert['alert']}/freeze", {"reason": "reads from two countries"}, 201)
    assert (frozen["kind"], frozen["name"], frozen["stops"]) == ("account-frozen", name, "freeze-account")
    assert frozen["acknowledged_by"] == office.names["audit-administrator"] and frozen["explained"] == {"alert": alert["alert"]}
    assert office.audit.get(f"/alerts/{alert['alert']}")["acknowledged_by"] == office.names["audit-administrator"], "who freezes has looked"
    assert web.get(metadata).status_code == 401, "at once"
    assert mine.raw("POST", "/break-glass", {"patient_id": image.PatientID, **EMERGENCY}).status_code == 401, "an emergency neither"
    refused = office.try_sign_in(name)
    assert refused.status_code == 401 and "请致电安全管理员" in refused.text and "急救时请由同事打开" in refused.text, "whom to call, and what to do meanwhile"
    assert "冻结" not in office.try_sign_in(name, password="not the password 7").text, "a stranger is not told"
    words = {leaf["reason"] for leaf in office.leaves(kind="authentication", actor=name, outcome="refused")}
    assert {"account-frozen", "wrong-password"} <= words

    again = office.audit.raw("POST", f"/alerts/{alert['alert']}/freeze", {"reason": "again"})
    assert again.status_code == 409 and "already" in again.text
    for other in (office.audit, office.system):
        assert other.raw("POST", f"/alerts/{frozen['alert']}/lift").status_code == 403, "who froze does not lift"
    lifted = office.security.post(f"/alerts/{frozen['alert']}/lift", None, 200)
    assert lifted["lifted_by"] == office.names["security-administrator"]
    back = Web(archive, office.sign_in(name))
    assert back.get(metadata).status_code == 200, "the glass is still broken for the patient"
    assert web.get(metadata).status_code == 401, "what was ended stays ended"
    assert "two countries" not in archive.log_text() and name not in archive.log_text()


def test_a_stream_that_is_open_is_cut(archive, gateway, suspect):
    office, (name, mine, image, alert) = archive.office, suspect
    large = part10.image(patient_id=image.PatientID, frames=48, rows=1024, columns=1024)
    gateway.must_store(part10.file_bytes(large))
    path = instance_path(large.StudyInstanceUID, large.SeriesInstanceUID, large.SOPInstanceUID)
    answer = Web(archive, mine.token).get(path, "application/dicom; transfer-syntax=*", stream=True)
    assert answer.status_code == 200
    pieces = answer.iter_content(256 * 1024)
    next(pieces)
    office.audit.post(f"/alerts/{alert['alert']}/freeze", {"reason": "takes everything"}, 201)
    came, broken = 0, None
    try:
        for piece in pieces:
            came += len(piece)
            time.sleep(0.02)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    assert broken is not None and came < 48 * 1024 * 1024, f"{came} bytes came"


def test_nobody_freezes_without_the_office_a_reason_or_a_person(archive, suspect):
    office, (_, mine, _, alert) = archive.office, suspect
    place = f"/alerts/{alert['alert']}/freeze"
    for other in (office.security, office.system, mine):
        assert other.raw("POST", place, {"reason": "why"}).status_code == 403
    for body in ({}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": "why", "until_ms": 1}):
        assert office.audit.raw("POST", place, body).status_code == 400, body
    assert office.audit.raw("POST", "/alerts/1/freeze", {"reason": "why"}).status_code == 404
    assert mine.get("/me")["name"].startswith("suspect-"), "and nothing ended"


def test_the_command_line_freezes(archive, suspect, tmp_path):
    office, (name, mine, _, alert) = archive.office, suspect
    officer = program.signed_in(archive, tmp_path, office.names["audit-administrator"])
    frozen = program.run_json("monitor", "freeze", alert["alert"], "--reason", "two countries", *officer)
    assert frozen["stops"] == "freeze-account"
    wait_until(lambda: mine.raw("GET", "/me").status_code == 401, "the session is over", BUSY_SECONDS)
    assert office.try_sign_in(name).status_code == 401
