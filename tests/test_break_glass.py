"""One patient, in an emergency, at once; and a review by somebody else."""

import pytest

from yingdun_testkit import part10
from yingdun_testkit.administration import PASSWORD, Api
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 11.0

WORDS = {"code": "unconscious-patient", "reason": "found in the street, nobody knows who treats"}


def api(installation, token: str) -> Api:
    return Api(installation.addresses.web, str(installation.ca_file), token)


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


def listed(web: Web, image) -> bool:
    return bool(web.search("/studies", StudyInstanceUID=image.StudyInstanceUID))


def store(web: Web, patient_id: str):
    image = part10.image(patient_id=patient_id)
    web.must_store(part10.file_bytes(image))
    return image


@pytest.fixture
def doctor(archive_on, request):
    """A clinician of this test alone: (name, administration, DICOMweb)."""
    name = "doc-" + request.node.name.split("[")[0][-40:].replace("_", "-")
    token = archive_on.office.person_token(name, "clinician")
    return name, api(archive_on, token), Web(archive_on, token)


def test_a_patient_opens_in_an_emergency_ends_and_is_reviewed_by_another_person(archive_on, gateway_on, doctor):
    name, mine, web = doctor
    office = archive_on.office
    image, other = store(gateway_on, "emergency-1"), store(gateway_on, "emergency-2")
    assert opened(web, image) == 404 and not listed(web, image)
    wrong = mine.raw("POST", "/break-glass", {"patient_id": "emergency-1", **WORDS, "password": "not this one"})
    assert wrong.status_code == 403 and "step-up" in wrong.text, wrong.text
    case = mine.post("/break-glass", {"patient_id": "emergency-1", **WORDS, "password": PASSWORD}, 201)
    assert case["valid_until_ms"] - case["valid_from_ms"] == 3600 * 1000, "an hour unless said otherwise"
    assert case["review_due_ms"] - case["given_ms"] == 72 * 3600 * 1000
    assert opened(web, image) == 200 and listed(web, image)
    assert opened(web, other) == 404 and not listed(web, other), "one patient"
    assert web.get(f"/studies/{image.StudyInstanceUID}/media").status_code == 403, "nothing is carried away"
    sent = mine.raw("POST", "/devices/NOBODYHERE/store", {"studies": [image.StudyInstanceUID]})
    assert sent.status_code == 403, f"nor sent anywhere: {sent.text}"
    leaves = office.leaves(kind="access", outcome="permitted", study_uid=image.StudyInstanceUID, actor=name)
    assert [(leaf["reason"], leaf["counts"]["grant"]) for leaf in leaves] == [("break-glass", case["grant"])]
    changes = office.leaves(kind="administration", actor=name)
    assert "break-glass-unconscious" in {leaf["reason"] for leaf in changes}

    [told] = [row for row in office.audit.get("/alerts", {"new": "true"}) if row["name"] == name]
    assert (told["kind"], told["stops"]) == ("monitor-break-glass", None) and told["patient"], "officers hear of it at once"
    seen = office.audit.get("/break-glass")
    mine_of = [row for row in seen if row["grant"] == case["grant"]]
    assert [row["reason"] for row in mine_of] == [WORDS["reason"]] and mine_of[0]["verdict"] is None
    wait_until(lambda: office.metrics()["yingdun_break_glass_reviews"] >= 1, "the metric tells", BUSY_SECONDS)

    path, verdict = f"/break-glass/{case['grant']}/review", {"verdict": "justified", "reason": "brought by ambulance"}
    assert mine.raw("POST", path, verdict).status_code == 403, "who asks does not review"
    for officer in (office.system, office.security):
        assert officer.raw("POST", path, verdict).status_code == 403
    reviewed = office.audit.post(path, verdict, 200)
    assert (reviewed["verdict"], reviewed["review"]) == ("justified", "brought by ambulance")
    assert reviewed["reviewed_by"] != reviewed["name"] == name
    assert office.audit.raw("POST", path, verdict).status_code == 409, "once"

    ended = mine.raw("DELETE", f"/break-glass/{case['grant']}")
    assert ended.status_code == 200 and ended.json()["open"] is False
    wait_until(lambda: opened(web, image) == 404, "the patient closes", 1.0 + BUSY_SECONDS)
    assert not listed(web, image)


def test_who_may_not_break_the_glass_does_not(archive_on, gateway_on, tokens, doctor):
    _, mine, _ = doctor
    store(gateway_on, "emergency-3")
    body = {"patient_id": "emergency-3", **WORDS, "password": PASSWORD}
    for role in ("technician", "researcher", "system-administrator", "security-administrator", "audit-administrator"):
        other = api(archive_on, tokens.person(archive_on, role))
        assert other.raw("POST", "/break-glass", body).status_code == 403, role
    assert mine.raw("POST", "/break-glass", {**body, "minutes": 241}).status_code == 400
    assert mine.raw("POST", "/break-glass", {**body, "code": "curiosity"}).status_code == 400
    assert mine.raw("POST", "/break-glass", {**body, "reason": ""}).status_code == 400
    assert mine.raw("POST", "/break-glass", {**body, "patient_id": "nobody-here"}).status_code == 404


def test_who_had_no_reason_has_less_and_is_never_shut_out(archive_on, gateway_on, doctor):
    _, mine, web = doctor
    images = [store(gateway_on, f"emergency-less-{number}") for number in range(5)]

    def broken(number: int) -> dict:
        body = {"patient_id": f"emergency-less-{number}", **WORDS, "minutes": 240, "password": PASSWORD}
        return mine.post("/break-glass", body, 201)

    first = broken(0)
    assert first["quota"]["marks"] == 0 and first["quota"]["minutes_max"] == 240
    verdict = {"verdict": "not-justified", "reason": "a neighbour"}
    archive_on.office.audit.post(f"/break-glass/{first['grant']}/review", verdict, 200)
    cases = [broken(number) for number in range(1, 4)]
    assert [case["quota"]["marks"] for case in cases] == [1, 1, 1]
    assert [case["quota"]["minutes_max"] for case in cases] == [60, 60, 15]
    assert cases[-1]["quota"]["ends_others"], "above the quota it is one patient at a time"
    assert opened(web, images[3]) == 200, "and that one opens"
    wait_until(lambda: opened(web, images[1]) == 404, "the others close", 1.0 + BUSY_SECONDS)
