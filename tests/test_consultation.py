"""What is assigned to a remote expert: it opens and is listed, nothing else does, and it closes with the report."""

import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0


def api(installation, token: str) -> Api:
    return Api(installation.addresses.web, str(installation.ca_file), token)


def listed(web: Web, image) -> bool:
    return bool(web.search("/studies", StudyInstanceUID=image.StudyInstanceUID))


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


def store(web: Web, patient_id: str, **attributes):
    image = part10.image(patient_id=patient_id, **attributes)
    web.must_store(part10.file_bytes(image))
    return image


@pytest.fixture
def desk(archive_on, request):
    """A radiologist and a remote expert of this test alone: (radiologist, name of the expert, the expert, DICOMweb of the expert)."""
    name = request.node.name.split("[")[0][-30:].replace("_", "-")
    office = archive_on.office
    reader = api(archive_on, office.person_token(f"reader-{name}", "radiologist"))
    expert = f"expert-{name}"
    token = outsider_token(office, expert, "remote-expert")
    return reader, expert, api(archive_on, token), Web(archive_on, token)


def test_a_task_opens_one_study_until_the_report_is_done(archive_on, gateway_on, desk):
    reader, name, expert, mine = desk
    image, other = store(gateway_on, "consult-1"), store(gateway_on, "consult-1")
    assert not listed(mine, image) and opened(mine, image) == 404
    body = {"name": name, "study": image.StudyInstanceUID, "reason": "what is this shadow"}
    task = reader.post("/consultations", body, 201)
    assert task["valid_until_ms"] - task["valid_from_ms"] == 24 * 3600 * 1000, "a day unless said otherwise"
    assert listed(mine, image) and opened(mine, image) == 200
    assert not listed(mine, other) and opened(mine, other) == 404
    assert len(mine.search("/studies")) == 1, "an expert finds what was assigned, and no more"

    # To look is all.
    assert mine.get(f"/studies/{image.StudyInstanceUID}/media").status_code == 403
    assert mine.store(part10.file_bytes(part10.image(patient_id="consult-1"))).status_code == 403
    passed_on = {"name": name, "study": image.StudyInstanceUID, "reason": "for a colleague"}
    for path in ("/grants", "/consultations"):
        assert expert.raw("POST", path, passed_on).status_code == 403, path
    assert expert.raw("GET", "/grants").status_code == 403
    assert expert.raw("GET", "/worklist").status_code == 403
    office = archive_on.office
    office.device(f"WS{task['consultation'] % 1_000_000}", destination="plain://127.0.0.1:104")
    device = f"/devices/WS{task['consultation'] % 1_000_000}"
    sent = expert.raw("POST", f"{device}/store", {"studies": [image.StudyInstanceUID]})
    assert sent.status_code == 403, sent.text
    found = expert.raw("POST", f"{device}/find", {"keys": {"PatientID": "consult-1"}})
    assert found.status_code == 403, found.text

    path = f"/consultations/{task['consultation']}"
    assert reader.raw("POST", f"{path}/completion").status_code == 403, "the expert says when it is done"
    assert expert.raw("DELETE", path).status_code == 403
    assert [one["reason"] for one in expert.get("/consultations")] == ["what is this shadow"]
    done = expert.post(f"{path}/completion", None, 200)
    assert (done["open"], done["end"]) == (False, "completed")
    wait_until(lambda: opened(mine, image) == 404, "the study closes", 1.0 + BUSY_SECONDS)
    assert not listed(mine, image)
    assert expert.raw("POST", f"{path}/completion").status_code == 409, "once"
    leaves = office.leaves(kind="access", outcome="permitted", study_uid=image.StudyInstanceUID, actor=name)
    assert leaves and {leaf["reason"] for leaf in leaves} == {"consultation"}
    assert {leaf["counts"]["grant"] for leaf in leaves} == {task["consultation"]}, "each leaf names the task"


def test_a_slow_stream_is_cut_when_the_task_is_taken_back(archive_on, gateway_on, desk):
    reader, name, _, mine = desk
    image = store(gateway_on, "consult-2", frames=48, rows=1024, columns=1024)
    body = {"name": name, "patient_id": "consult-2", "reason": "before the operation", "minutes": 10080}
    task = reader.post("/consultations", body, 201)
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    assert mine.get(path, "application/dicom; transfer-syntax=*").status_code == 403, "marked pictures, and nothing that is stored"
    frames = ",".join(str(number) for number in range(1, 49))
    answer = mine.get(f"{path}/frames/{frames}/rendered", 'multipart/related; type="image/png"', stream=True)
    assert answer.status_code == 200
    came, broken, withdrawn = 0, None, None
    try:
        for piece in answer.iter_content(256 * 1024):
            came += len(piece)
            if withdrawn is None:
                assert reader.raw("DELETE", f"/consultations/{task['consultation']}").json()["end"] == "withdrawn"
                withdrawn = time.time()
            time.sleep(0.05)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    cut = time.time() - withdrawn
    assert broken is not None and came < 48 * 1024 * 1024, f"{came} bytes came"
    print(f"the stream ended {cut:.2f} s after the task was taken back, {came} bytes came")
    assert cut < 1.0 + BUSY_SECONDS
    assert opened(mine, image) == 404 and not listed(mine, image)


def test_no_expert_without_a_second_factor_and_no_task_for_others(archive_on, gateway_on, desk):
    reader, name, _, _ = desk
    office = archive_on.office
    image = store(gateway_on, "consult-3")
    half = f"half-{name}"[:40]
    token = office.person_token(half, "remote-expert")
    body = {"name": half, "study": image.StudyInstanceUID, "reason": "what is this shadow"}
    reader.post("/consultations", body, 201)
    web = Web(archive_on, token)
    assert web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 401, "half a sign-in is none"
    clinician = office.person(f"doctor-{name}"[:40], "clinician")
    refused = reader.raw("POST", "/consultations", {**body, "name": clinician})
    assert refused.status_code == 403 and "remote-expert" in refused.text, refused.text
    assert reader.raw("POST", "/consultations", {**body, "minutes": 10081}).status_code == 400
    assert reader.raw("POST", "/consultations", {**body, "reason": " "}).status_code == 400
    assert reader.raw("POST", "/consultations", {**body, "study": "2.25.404"}).status_code == 404
    stranger = api(archive_on, office.person_token(f"other-{name}"[:40], "clinician"))
    assert stranger.raw("POST", "/consultations", body).status_code == 404, "what one may not see is not there"
    for officer in (office.system, office.security, office.audit):
        assert officer.raw("POST", "/consultations", body).status_code == 403


def test_what_a_patient_keeps_from_sharing_closes_for_the_expert(archive_on, gateway_on, desk):
    reader, name, _, mine = desk
    office = archive_on.office
    image = store(gateway_on, "consult-4")
    body = {"name": name, "study": image.StudyInstanceUID, "reason": "what is this shadow"}
    reader.post("/consultations", body, 201)
    assert listed(mine, image) and opened(mine, image) == 200
    number = office.security.post("/dissents", {"patient_id": "consult-4", "against": "sharing"}, 201)["dissent"]
    wait_until(lambda: opened(mine, image) == 404 and not listed(mine, image), "it closes", BUSY_SECONDS)
    assert reader.raw("POST", "/consultations", body).status_code in (403, 404)
    office.security.post(f"/dissents/{number}/end", None, 204)
    wait_until(lambda: opened(mine, image) == 200 and listed(mine, image), "it opens again", BUSY_SECONDS)


def test_the_command_line_assigns_and_completes(archive_on, gateway_on, desk, tmp_path):
    reader, name, expert, mine = desk
    image = store(gateway_on, "consult-5")

    def run(who: Api, *words):
        token = tmp_path / f"token-{id(who)}"
        token.write_text(who.token)
        given = ["--server", archive_on.addresses.web, "--ca-file", archive_on.ca_file, "--token-file", token]
        return program.run_json("consultation", *words, *given)

    assigned = run(reader, "assign", name, "--study", image.StudyInstanceUID, "--reason", "a second look")
    assert opened(mine, image) == 200
    number = str(assigned["consultation"])
    assert run(expert, "show", number)["reason"] == "a second look"
    assert [one["consultation"] for one in run(expert, "list")] == [assigned["consultation"]]
    assert run(expert, "complete", number)["end"] == "completed"
    wait_until(lambda: opened(mine, image) == 404, "the study closes", 1.0 + BUSY_SECONDS)
