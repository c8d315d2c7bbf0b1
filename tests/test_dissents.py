"""What a patient does not want, and what is sealed: it closes for those whom it names, wherever they ask, and opens again when it ends."""

import pytest

from yingdun_testkit import part10
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

@pytest.fixture
def record(archive_on, gateway_on, request):
    """A patient of this test alone: (patient ID, Study Instance UID)."""
    patient = f"dissent-{request.node.name[:24]}"
    image = part10.image(patient_id=patient)
    gateway_on.must_store(part10.file_bytes(image))
    return patient, image.StudyInstanceUID


def person(archive_on, request, name, role):
    name = f"{name}-{request.node.name.split('[')[0][-20:]}".replace("_", "-")
    return name, Web(archive_on, archive_on.office.person_token(name, role))


def sees(web, study, expected):
    """What is listed opens, at every door of this room; what is open already ends within five seconds."""

    def answers():
        listed = bool(web.search("/studies", StudyInstanceUID=study))
        opens = [web.get(f"/studies/{study}{path}").status_code for path in ("", "/metadata")]
        return listed, opens

    wanted = (True, [200] * 2) if expected else (False, [404] * 2)
    wait_until(lambda: answers() == wanted, f"the study to be {'open' if expected else 'closed'}", 8)


def enter(office, patient, against, **more):
    body = {"patient_id": patient, "against": against, **more}
    return office.security.post("/dissents", body, 201)["dissent"]


def test_a_person_who_is_not_wanted_sees_nothing_and_others_go_on(archive_on, record, request):
    office, (patient, study) = archive_on.office, record
    name, unwanted = person(archive_on, request, "li", "radiologist")
    _, other = person(archive_on, request, "zhao", "radiologist")
    sees(unwanted, study, True)
    number = enter(office, patient, "person", name=name)
    sees(unwanted, study, False)
    sees(other, study, True)
    office.security.post(f"/dissents/{number}/end", None, 204)
    sees(unwanted, study, True)
    office.security.post(f"/dissents/{number}/end", None, 404)


def test_a_seal_closes_for_programs_too(archive_on, gateway_on, record, request):
    office, (patient, study) = archive_on.office, record
    name, named = person(archive_on, request, "li", "radiologist")
    _, chief = person(archive_on, request, "qian", "chief")
    sees(gateway_on, study, True)
    number = enter(office, patient, "sealed", names=[name])
    for closed in (chief, gateway_on):
        sees(closed, study, False)
        assert closed.get(f"/studies/{study}/media").status_code == 404
    sees(named, study, True)
    # What comes for a sealed patient is still taken.
    gateway_on.must_store(part10.file_bytes(part10.image(patient_id=patient)))
    office.security.post(f"/dissents/{number}/end", None, 204)
    sees(chief, study, True)


def test_a_dissent_from_sharing_keeps_it_in_the_house(archive_on, record, request):
    office, (patient, study) = archive_on.office, record
    _, chief = person(archive_on, request, "qian", "chief")
    assert chief.get(f"/studies/{study}/media").status_code == 200
    enter(office, patient, "sharing")
    wait_until(lambda: chief.get(f"/studies/{study}/media").status_code != 200, "the export to be refused", 8)
    # Who sees it hears that it may not leave.
    assert chief.get(f"/studies/{study}/media").status_code == 403
    sees(chief, study, True)


def test_the_send_door_sends_nothing_that_a_patient_does_not_share(archive_on, record, request):
    office, (patient, study) = archive_on.office, record
    name, _ = person(archive_on, request, "li", "radiologist")
    reader = office.api(office.sign_in(name))
    send = lambda status: reader.post("/devices/NOBODYHERE/store", {"studies": [study]}, status)
    send(404)  # Who reads may send to a workstation; there is none of this title.
    number = enter(office, patient, "sharing")
    wait_until(lambda: reader.raw("POST", "/devices/NOBODYHERE/store", {"studies": [study]}).status_code == 403, "refused", 8)
    leaf = office.leaves(kind="access", outcome="refused", study_uid=study, actor=name)[0]
    assert (leaf["action"], leaf["reason"]) == ("export", "patient-dissents")
    office.security.post(f"/dissents/{number}/end", None, 204)
    wait_until(lambda: reader.raw("POST", "/devices/NOBODYHERE/store", {"studies": [study]}).status_code == 404, "sent", 8)


def test_a_seal_that_would_close_nothing_is_refused_and_one_that_closes_says_how_much(archive_on, record):
    office, (patient, _) = archive_on.office, record
    body = {"against": "sealed", "names": []}
    # A typing error, and an issuer that the images do not have: both would seal nothing.
    for wrong in ({"patient_id": f"{patient}-typo"}, {"patient_id": patient, "issuer": "other-house"}):
        refused = office.security.post("/dissents", {**body, **wrong}, 404)
        assert "unknown" in refused["do"] and "issuer" in refused["do"]
    leaf = office.leaves(kind="administration")[0]
    assert (leaf["reason"], leaf["outcome"]) == ("enter-dissent", "failed")
    to_come = office.security.post("/dissents", {**body, "patient_id": f"{patient}-typo", "unknown": True}, 201)
    entered = office.security.post("/dissents", {**body, "patient_id": patient}, 201)
    assert (to_come["studies"], entered["studies"]) == (0, 1)


def test_what_is_not_meant_or_not_ones_office_is_refused(archive_on):
    office = archive_on.office
    for body, status in [
        ({"against": "everything"}, 400),
        ({"against": "person"}, 400),
        ({"against": "research", "name": "li"}, 400),
        ({"against": "person", "name": "nobody-at-all"}, 404),
        ({"against": "research", "valid_until_ms": 1}, 422),
    ]:
        office.security.post("/dissents", {"patient_id": "dissent-none", **body}, status)
    for officer in (office.system, office.audit):
        officer.post("/dissents", {"patient_id": "dissent-none", "against": "research"}, 403)
        officer.get("/dissents", status=403)
    number = enter(office, "dissent-none", "research", unknown=True)
    row = next(row for row in office.security.get("/dissents") if row["dissent"] == number)
    assert row["against"] == "research" and "dissent-none" not in str(row), "a pseudonym, no patient ID"
    leaf = office.leaves(kind="administration")[0]
    assert leaf["reason"] == "enter-dissent" and leaf["patient"] == row["patient"]
