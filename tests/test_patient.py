"""A patient sees the own studies when they are released, and who looked at them; nobody else's, and no names."""

import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api, Office
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0


@pytest.fixture(scope="module")
def released(make_installation):
    """An installation that releases what came to its patient at once."""
    installation = make_installation("patients", settings={"IDENTITY__PATIENT_RELEASE_HOURS": "0"})
    installation.office = installation.office or Office(installation)
    installation.gateway = Web(installation, installation.office.client_token("patients-gateway", "store", "search", "view"))
    return installation


def store(installation, patient_id: str, **attributes):
    image = part10.image(patient_id=patient_id, **attributes)
    installation.gateway.must_store(part10.file_bytes(image))
    return image


def patient(installation, name: str):
    """A patient who signed in: (API, DICOMweb)."""
    token = outsider_token(installation.office, name, "patient")
    return Api(installation.addresses.web, str(installation.ca_file), token), Web(installation, token)


def bind(installation, name: str, patient_id: str, status=201) -> dict:
    body = {"name": name, "patient_id": patient_id, "checked": "identity card seen at the desk"}
    return installation.office.security.post("/patient-accounts", body, status)


def listed(web: Web) -> set:
    return {row["0020000D"]["Value"][0] for row in web.search("/studies")}


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


def test_a_patient_sees_the_own_studies_and_no_other(released):
    own, other = store(released, "patient-1"), store(released, "patient-2")
    api, web = patient(released, "zhang-1")
    assert listed(web) == set() and opened(web, own) == 404, "bound to nothing"
    bind(released, "zhang-1", "patient-1")
    assert listed(web) == {own.StudyInstanceUID}
    assert (opened(web, own), opened(web, other)) == (200, 404)
    later = store(released, "patient-1")
    assert listed(web) == {own.StudyInstanceUID, later.StudyInstanceUID}, "what comes later is the own, too"
    # To look is all.
    assert web.get(f"/studies/{own.StudyInstanceUID}/media").status_code == 403
    assert web.store(part10.file_bytes(part10.image(patient_id="patient-1"))).status_code == 403
    for path in ("/grants", "/consultations", "/worklist", "/people", "/audit/search", "/break-glass"):
        assert api.raw("GET", path).status_code == 403, path
    body = {"name": "zhang-1", "patient_id": "patient-2", "checked": "myself"}
    assert api.raw("POST", "/patient-accounts", body).status_code == 403
    assert [one["open"] for one in api.get("/patient-accounts")] == [True]


def test_what_is_not_released_is_not_there(archive_on, gateway_on, request):
    office = archive_on.office
    name = f"zhang-closed-{'postgres' if 'postgres' in request.node.name else 'sqlite'}"
    image = part10.image(patient_id=name)
    gateway_on.must_store(part10.file_bytes(image))
    web = Web(archive_on, outsider_token(office, name, "patient"))
    office.security.post("/patient-accounts", {"name": name, "patient_id": name, "checked": "card"}, 201)
    assert listed(web) == set() and opened(web, image) == 404, "an unset option is closed"


def test_a_patient_learns_who_looked_and_no_name(released):
    office, own = released.office, store(released, "patient-3")
    reader = Web(released, office.person_token("reader-of-three", "radiologist"))
    assert opened(reader, own) == 200
    api, web = patient(released, "zhang-3")
    bind(released, "zhang-3", "patient-3")
    assert opened(web, own) == 200
    answer = api.raw("GET", "/me/record/accesses")
    assert answer.status_code == 200, answer.text
    assert "reader-of-three" not in answer.text and "patients-gateway" not in answer.text, "no names"
    rows = answer.json()
    mine = [row for row in rows if row["oneself"]]
    assert mine and {row["role"] for row in mine} == {"patient"} and {row["purpose"] for row in mine} == {"PATRQT"}
    looks = [row for row in rows if row["role"] == "radiologist"]
    assert {(row["action"], row["reason"]) for row in looks} == {("view", "reads-for-institution")}
    assert len({row["who"] for row in looks}) == 1
    # The same person is another one to another patient.
    other = store(released, "patient-4")
    assert opened(reader, other) == 200
    stranger, _ = patient(released, "zhang-4")
    assert stranger.raw("GET", "/me/record/accesses").status_code == 403, "bound to nothing"
    bind(released, "zhang-4", "patient-4")
    theirs = [row for row in stranger.get("/me/record/accesses") if row["role"] == "radiologist"]
    assert theirs and {row["who"] for row in theirs}.isdisjoint({row["who"] for row in looks})
    assert {row["study"] for row in theirs}.isdisjoint({row["study"] for row in rows}), "nobody else's"
    asked = [leaf for leaf in office.leaves(kind="query", actor="zhang-3") if leaf["reason"] == "own-record-accesses"]
    assert asked, "that a patient asked is a leaf"
    assert office.security.raw("GET", "/me/record/accesses").status_code == 403


def test_a_patient_withdraws_an_own_consent_and_nobody_elses(released, tmp_path):
    office = released.office
    store(released, "patient-7"), store(released, "patient-8")
    api, _ = patient(released, "zhang-7")
    assert api.raw("GET", "/me/record/consents").status_code == 403, "bound to nothing"
    bind(released, "zhang-7", "patient-7")

    def enter(patient_id):
        body = {"patient_id": patient_id, "to": "sharing", "form": "paper", "giver": "patient", "reference": "folder of Dr Hidden"}
        return office.security.post("/consents", body, 201)["consent"]

    own, kept, other = enter("patient-7"), enter("patient-7"), enter("patient-8")
    answer = api.raw("GET", "/me/record/consents")
    assert {row["consent"] for row in answer.json()} == {own, kept}
    assert "Hidden" not in answer.text and office.names["security-administrator"] not in answer.text, "no names"
    for number in (other, "1", "18446744073709551615"):
        assert api.raw("POST", f"/me/record/consents/{number}/withdraw").status_code == 404, number
    assert api.raw("POST", f"/consents/{own}/withdraw").status_code == 403, "that is the door of an office"
    assert office.security.raw("POST", f"/me/record/consents/{own}/withdraw").status_code == 403
    assert api.raw("POST", f"/me/record/consents/{own}/withdraw").status_code == 204
    assert api.raw("POST", f"/me/record/consents/{own}/withdraw").status_code == 404, "it is over"
    row = next(row for row in office.security.get("/consents", {"over": "true"}) if row["consent"] == own)
    assert row["withdrawn_by"] == "zhang-7" and row["withdrawn_ms"]
    leaves = [leaf for leaf in office.leaves(kind="administration", actor="zhang-7") if leaf["reason"] == "withdraw-consent"]
    outcomes = [leaf["outcome"] for leaf in leaves]
    assert sorted(outcomes) == sorted(["permitted"] * 5 + ["failed"] * 4 + ["succeeded"]), "a leaf before and after each"
    assert {leaf["patient"] for leaf in leaves} == {row["patient"]}, "also where somebody else's was meant"
    # The same at the command line.
    options = ["--server", released.addresses.web, "--ca-file", released.ca_file, "--token-file", tmp_path / "token"]
    (tmp_path / "token").write_text(api.token)
    (tmp_path / "token").chmod(0o600)
    assert [row["consent"] for row in program.run_json("patient-account", "consents", *options)] == [kept]
    program.run_json("patient-account", "withdraw-consent", kept, *options)
    assert program.run_json("patient-account", "consents", *options) == []
    over = program.run_json("patient-account", "consents", "--over", *options)
    assert {row["consent"] for row in over} == {own, kept} and all(row["withdrawn_ms"] for row in over)
    assert [row["consent"] for row in office.security.get("/consents") if row["consent"] in (own, kept, other)] == [other]


def test_an_account_is_bound_once_and_unbound_in_an_open_stream(released, tmp_path):
    office = released.office
    own = store(released, "patient-5", frames=48, rows=1024, columns=1024)
    _, web = patient(released, "zhang-5")
    office.person("clerk-5", "clinician")
    body = {"patient_id": "patient-5", "checked": "identity card"}
    assert office.security.raw("POST", "/patient-accounts", {**body, "name": "clerk-5"}).status_code == 403
    assert office.security.raw("PUT", "/people/clerk-5/roles/patient").status_code == 409, "staff have accounts of their own"
    nobody = {**body, "name": "zhang-5", "patient_id": "patient-nobody"}
    assert office.security.raw("POST", "/patient-accounts", nobody).status_code == 404
    patient_id = tmp_path / "patient-id"
    patient_id.write_text("patient-5\n")
    officer = program.signed_in(released, tmp_path, office.names["security-administrator"])
    words = ["--patient-id-file", patient_id, "--checked", "identity card"]
    account = program.run_json("patient-account", "bind", "zhang-5", *words, *officer)["account"]
    again = office.security.raw("POST", "/patient-accounts", {**body, "name": "zhang-5"})
    assert again.status_code == 409, again.text
    path = f"/studies/{own.StudyInstanceUID}/series/{own.SeriesInstanceUID}/instances/{own.SOPInstanceUID}"
    assert web.get(path, "application/dicom; transfer-syntax=*").status_code == 403, "marked pictures, and nothing that is stored"
    frames = ",".join(str(number) for number in range(1, 49))
    answer = web.get(f"{path}/frames/{frames}/rendered", 'multipart/related; type="image/png"', stream=True)
    assert answer.status_code == 200
    came, broken, unbound = 0, None, None
    try:
        for piece in answer.iter_content(256 * 1024):
            came += len(piece)
            if unbound is None:
                assert program.run_json("patient-account", "unbind", str(account), *officer)["open"] is False
                unbound = time.time()
            time.sleep(0.05)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    assert broken is not None and came < 48 * 1024 * 1024, f"{came} bytes came"
    assert time.time() - unbound < 1.0 + BUSY_SECONDS
    wait_until(lambda: opened(web, own) == 404 and listed(web) == set(), "it closes", BUSY_SECONDS)
