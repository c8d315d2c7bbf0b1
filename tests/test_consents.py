"""What patients agree to: research on what is identifiable, and what leaves the house, open by a consent, and end with it."""

import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: How long after a withdrawal an open stream may go on: the bound of every withdrawn right.
CUT_SECONDS_MAX = 5.0
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0
PROJECT = "lung-2026"
#: What would give somebody away, in the clear.
REFERENCE = "Form 7719-Gertrude, folder Rathausgasse"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def house(request, make_installation):
    """An installation that asks for a consent to sharing; research on what is identifiable needs one everywhere."""
    databases = {}
    if request.param == "postgres":
        databases["databases"] = request.getfixturevalue("postgres_cluster").databases_of_an_installation()
    settings = {"IDENTITY__CONSENTS__SHARING": "needed"}
    made = with_project(make_installation(f"consents-{request.param}", settings=settings, **databases))
    cluster = request.getfixturevalue("postgres_cluster") if databases else None
    made.dumps = lambda: [cluster.dump(url) for url in databases.get("databases", {}).values()]
    return made


def with_project(installation):
    """The same with a project, a researcher of it, a chief, and a program that stores."""
    office = installation.office
    office.security.put(f"/departments/{PROJECT}", {"name": "肺结节研究 Lung nodules"}, 204)
    installation.researcher = Web(installation, office.person_token("dr-sun", "researcher"))
    joins(office, "dr-sun", PROJECT)
    installation.chief = Web(installation, office.person_token("dr-qian", "chief"))
    installation.gateway = Web(installation, office.client_token("gateway", "store", "search", "view", "export"))
    return installation


def joins(office, name, department):
    now = int(time.time() * 1000)
    body = {"name": name, "department": department, "valid_from_ms": now - 1000, "valid_until_ms": now + 3_600_000}
    office.security.put("/department-members", body, 204)


def study_in_project(installation, patient, **attributes):
    """A study of a patient, put into the project."""
    image = part10.image(patient_id=patient, **attributes)
    installation.gateway.must_store(part10.file_bytes(image))
    put_in = {"study": image.StudyInstanceUID, "requesting": [PROJECT]}
    installation.office.security.put("/study-departments", put_in, 204)
    return image


def enter(installation, patient, to, status=201, **more):
    body = {"patient_id": patient, "to": to, "form": "paper", "giver": "patient", "reference": REFERENCE, **more}
    return installation.office.security.post("/consents", body, status)


def withdraw(installation, made, status=204):
    installation.office.security.post(f"/consents/{made['consent']}/withdraw", None, status)


def answers(web, image):
    path = f"/studies/{image.StudyInstanceUID}"
    listed = bool(web.search("/studies", StudyInstanceUID=image.StudyInstanceUID))
    return listed, [web.get(f"{path}{suffix}").status_code for suffix in ("", "/metadata")]


def sees(web, image, expected):
    """What is listed opens; what is open already ends within five seconds."""
    wanted = (True, [200] * 2) if expected else (False, [404] * 2)
    wait_until(lambda: answers(web, image) == wanted, f"the study to be {'open' if expected else 'closed'}", 8)


def media(web, image):
    return web.get(f"/studies/{image.StudyInstanceUID}/media").status_code


def leaves(installation, image, **conditions):
    return installation.office.leaves(kind="access", study_uid=image.StudyInstanceUID, **conditions)


def test_a_researcher_with_a_right_sees_by_a_consent_and_no_longer_than_it(house):
    image = study_in_project(house, "consent-research")
    assert answers(house.researcher, image) == (False, [404, 404]), "of the own project, and without a consent"
    refused = leaves(house, image, outcome="refused", actor="dr-sun")[0]
    assert (refused["reason"], refused["purpose"]) == ("consent-needed", "HRESCH")
    made = enter(house, "consent-research", "research")
    assert made["studies"] == 1 and made["reference"] == REFERENCE and made["project"] is None
    assert answers(house.researcher, image) == (True, [200, 200]), "at once"
    looked = leaves(house, image, outcome="permitted", actor="dr-sun")[0]
    assert (looked["reason"], looked["counts"]["consent"]) == ("in-department", int(made["consent"]))
    # A consent is no right: what was put into no project of the researcher stays closed, and nothing leaves for research.
    other = part10.image(patient_id="consent-research")
    house.gateway.must_store(part10.file_bytes(other))
    assert answers(house.researcher, other) == (False, [404, 404])
    assert media(house.researcher, image) in (403, 404)
    withdraw(house, made)
    sees(house.researcher, image, False)
    sees(house.chief, image, True)
    withdraw(house, made, 404)
    kept = house.office.security.get("/consents", {"over": "true"})
    row = next(row for row in kept if row["consent"] == made["consent"])
    assert row["withdrawn_by"] == house.office.names["security-administrator"] and row["valid_until_ms"] == row["withdrawn_ms"]
    assert made["consent"] not in {row["consent"] for row in house.office.security.get("/consents")}


def test_an_open_stream_is_cut_when_the_consent_is_withdrawn(house):
    image = study_in_project(house, "consent-stream", frames=64, rows=1024, columns=1024)
    made = enter(house, "consent-stream", "research")
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    answer = house.researcher.get(path, "application/dicom; transfer-syntax=*", stream=True)
    assert answer.status_code == 200
    came, broken, withdrawn = 0, None, None
    try:
        for piece in answer.iter_content(256 * 1024):
            came += len(piece)
            if withdrawn is None and came > 1024 * 1024:
                withdraw(house, made)
                withdrawn = time.time()
            time.sleep(0.05)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    cut = time.time()
    whole = 64 * 1024 * 1024
    assert broken is not None and came < whole, f"{came} of {whole} bytes came"
    # What lies in the buffers of the network is taken at our own pace; nothing more is given.
    print(f"the stream ended {cut - withdrawn:.2f} s after the withdrawal, {came} bytes came")
    assert cut - withdrawn < CUT_SECONDS_MAX + BUSY_SECONDS
    leaf = leaves(house, image, outcome="refused", actor="dr-sun")[0]
    assert leaf["reason"] == "consent-needed"


def test_a_consent_to_one_project_is_for_its_members(house):
    office, image = house.office, study_in_project(house, "consent-project")
    office.security.put("/departments/heart-2026", {"name": "Heart"}, 204)
    made = enter(house, "consent-project", "research", project="heart-2026")
    assert made["project"] == "heart-2026"
    assert answers(house.researcher, image) == (False, [404, 404]), "of another project"
    joins(office, "dr-sun", "heart-2026")
    sees(house.researcher, image, True)
    office.security.post("/department-members/end", {"name": "dr-sun", "department": "heart-2026"}, 204)
    sees(house.researcher, image, False)


def test_what_leaves_the_house_needs_a_consent_where_the_institution_says_so(house):
    image = study_in_project(house, "consent-sharing")
    for web in (house.chief, house.gateway):
        assert media(web, image) == 403, "who sees it hears that it may not leave"
    assert leaves(house, image, outcome="refused", actor="dr-qian")[0]["reason"] == "consent-needed"
    sees(house.chief, image, True)
    chief = house.office.api(house.chief.token)
    send = lambda: chief.raw("POST", "/devices/NOBODYHERE/store", {"studies": [image.StudyInstanceUID]}).status_code
    assert send() == 403, "nor does a person send it"
    withdraw(house, enter(house, "consent-sharing", "research"))
    enter(house, "consent-sharing", "research")
    assert media(house.chief, image) == 403, "a consent to something else"
    made = enter(house, "consent-sharing", "sharing", giver="guardian", form="electronic")
    assert media(house.chief, image) == media(house.gateway, image) == 200
    assert leaves(house, image, outcome="permitted", actor="dr-qian", action="export")[0]["counts"]["consent"] == int(made["consent"])
    assert send() == 404, "there is no such device, and that is all"
    withdraw(house, made)
    wait_until(lambda: media(house.chief, image) == 403, "the export to be refused", 8)


def test_a_dissent_beats_a_consent(house):
    image = study_in_project(house, "consent-dissent")
    for to in ("research", "sharing"):
        enter(house, "consent-dissent", to)
    assert answers(house.researcher, image) == (True, [200, 200]) and media(house.chief, image) == 200
    against = [
        house.office.security.post("/dissents", {"patient_id": "consent-dissent", "against": use}, 201)["dissent"]
        for use in ("research", "sharing")
    ]
    sees(house.researcher, image, False)
    wait_until(lambda: media(house.chief, image) == 403, "the export to be refused", 8)
    assert leaves(house, image, outcome="refused", actor="dr-qian")[0]["reason"] == "patient-dissents"
    for number in against:
        house.office.security.post(f"/dissents/{number}/end", None, 204)
    sees(house.researcher, image, True)
    wait_until(lambda: media(house.chief, image) == 200, "the export", 8)


def test_nothing_of_a_patient_is_readable_and_every_act_has_its_leaf(house):
    made = enter(house, "consent-Privatissima", "sharing", unknown=True)
    listed = next(row for row in house.office.security.get("/consents") if row["consent"] == made["consent"])
    assert listed["reference"] == REFERENCE and "Privatissima" not in str(listed), "a pseudonym, no patient ID"
    withdraw(house, made)
    acts = [leaf for leaf in house.office.leaves(kind="administration") if leaf["reason"] in ("enter-consent", "withdraw-consent")]
    told = [(leaf["reason"], leaf["outcome"]) for leaf in acts if leaf["patient"] == made["patient"]]
    assert told == [
        ("withdraw-consent", "succeeded"), ("withdraw-consent", "permitted"),
        ("enter-consent", "succeeded"), ("enter-consent", "permitted"),
    ]
    assert REFERENCE not in str(acts)
    # Nor in any file: databases of SQLite, packs, the log, what the program prints.
    words = [word.encode() for word in ("consent-Privatissima", "7719-Gertrude", "Rathausgasse")]
    for path in house.files():
        content = path.read_bytes()
        assert not [word for word in words if word in content], path
    # Bytes are dumped in hexadecimal.
    for dump in house.dumps():
        assert b"CREATE TABLE" in dump
        assert not [word for word in words if word in dump or word.hex().encode() in dump]


def test_what_is_not_meant_or_not_ones_office_is_refused(house):
    for body, status in [
        ({"to": "everything"}, 400),
        ({"to": "sharing", "project": PROJECT}, 400),
        ({"to": "research", "project": "missing", "unknown": True}, 404),
        ({"to": "research", "form": "spoken"}, 400),
        ({"to": "research", "giver": "neighbour"}, 400),
        ({"to": "research", "reference": " "}, 400),
        ({"to": "research", "valid_until_ms": 1}, 422),
        ({"to": "research"}, 404),
    ]:
        whole = {"form": "paper", "giver": "patient", "reference": REFERENCE, "patient_id": "consent-none", **body}
        house.office.security.post("/consents", whole, status)
    body = {"patient_id": "consent-none", "to": "research", "form": "paper", "giver": "patient", "reference": "x"}
    for officer in (house.office.system, house.office.audit):
        officer.post("/consents", body, 403)
        officer.get("/consents", status=403)
        officer.post("/consents/1/withdraw", None, 403)


def test_where_nothing_is_configured_everything_but_identifiable_research_is_as_it_was(make_installation):
    installation = with_project(make_installation("consents-unset"))
    image = study_in_project(installation, "consent-unset")
    assert media(installation.chief, image) == media(installation.gateway, image) == 200
    assert answers(installation.researcher, image) == (False, [404, 404])
    enter(installation, "consent-unset", "research")
    assert answers(installation.researcher, image) == (True, [200, 200])


def test_a_word_that_is_no_answer_is_refused_before_anything_starts(make_installation):
    installation = make_installation("consents-wrong", serve=False, settings={"IDENTITY__CONSENTS__SHARING": "perhaps"})
    answer = program.run("check-config", "--config", installation.config, env=installation.environment())
    assert answer.returncode != 0 and "needed" in answer.stderr + answer.stdout


def test_consents_are_entered_listed_and_withdrawn_from_the_command_line(house, tmp_path):
    words = program.signed_in(house, tmp_path, house.office.names["security-administrator"])
    patient = tmp_path / "patient"
    patient.write_text("consent-cli\n")
    of = ["--patient-id-file", patient, "--form", "paper", "--reference", REFERENCE]
    program.run_json("consent", "enter", *of, "--to", "sharing", *words, code=1)
    made = program.run_json(
        "consent", "enter", *of, "--to", "research", "--project", PROJECT, "--giver", "guardian", "--unknown", "--days", "2", *words
    )
    assert (made["to"], made["project"], made["giver"], made["studies"]) == ("research", PROJECT, "guardian", 0)
    assert made["valid_until_ms"] - made["valid_from_ms"] == 2 * 24 * 3_600_000
    number = made["consent"]
    of_list = lambda *more: {row["consent"] for row in program.run_json("consent", "list", *more, *words)}
    assert number in of_list()
    program.run_json("consent", "withdraw", number, *words)
    assert number not in of_list() and number in of_list("--over")
    program.run_json("consent", "withdraw", number, *words, code=1)
    assert program.run("consent", "enter", *of, "--to", "treatment", *words).returncode == 2
    assert program.run("consent", "enter", "--patient-id-file", patient, "--to", "research", "--form", "paper", *words).returncode == 2
