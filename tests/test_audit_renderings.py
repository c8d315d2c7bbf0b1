"""Leaves in the words of others: valid DICOM audit messages, FHIR AuditEvents, and nothing that a leaf does not say."""

import json
from pathlib import Path

import pytest
from lxml import etree

from yingdun_testkit import part10, program
from yingdun_testkit.web import Web

SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).parent / "expected" / "audit-message.rng")))
PRIVATE = "rendered-private-patient"


@pytest.fixture(scope="module")
def lived(make_installation):
    """An installation with leaves of many kinds, at rest."""
    installation = make_installation("renderings")
    office = installation.office
    web = Web(installation, office.client_token("gateway", "store", "search", "view", "export"))
    image = part10.image(patient_id=PRIVATE)
    web.must_store(part10.file_bytes(image))
    web.file_of(image)
    web.search("/studies", PatientID=PRIVATE)
    stranger = Web(installation, office.person_token("stranger", "clinician"))
    assert stranger.get(f"/studies/{image.StudyInstanceUID}").status_code == 404
    assert office.try_sign_in("stranger", "wrong wrong wrong").status_code != 200
    installation.image = image
    assert installation.stop() == 0
    return installation


def render(installation, form: str, *options) -> list:
    said = program.run(
        *["audit", "render", installation.audit_directory, "--public-key", installation.audit_key_file],
        *["--as", form, *options],
    )
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines()


def test_every_leaf_is_a_valid_audit_message(lived):
    messages = [etree.fromstring(line.encode()) for line in render(lived, "dicom")]
    assert len(messages) == lived.verify_audit()["size"] > 15
    for message in messages:
        SCHEMA.assertValid(message)
    told = {message.find("EventIdentification/EventID").get("csd-code") for message in messages}
    # Start, query, access, transfer, sign-in, alert.
    assert {"110100", "110112", "110103", "110104", "110114", "110113"} <= told
    refused = [message for message in messages if "no-rule-permits" in etree.tostring(message, encoding="unicode")]
    assert refused and all(message[0].get("EventOutcomeIndicator") == "8" for message in refused)


def test_the_schema_refuses_what_is_no_audit_message(lived):
    line = render(lived, "dicom", "--from", "3", "--count", "1")[0]
    for before, after in [
        ("EventOutcomeIndicator=\"", "EventOutcomeIndicator=\"7"),
        ("UserIsRequestor=\"true\"", "UserIsRequestor=\"maybe\""),
        ("AuditSourceID", "AuditSource"),
    ]:
        assert before in line
        assert not SCHEMA.validate(etree.fromstring(line.replace(before, after, 1).encode())), before


def test_every_leaf_is_an_audit_event_of_r4(lived):
    events = [json.loads(line) for line in render(lived, "fhir")]
    assert [event["id"] for event in events] == [str(number) for number in range(len(events))]
    for event in events:
        assert event["resourceType"] == "AuditEvent"
        assert event["action"] in "CRUDE" and event["outcome"] in ("0", "4", "8", "12")
        assert set(event["type"]) >= {"system", "code"} and event["recorded"].endswith("Z")
        assert event["agent"] and event["source"]["observer"] and event["entity"]
        assert all(isinstance(agent["requestor"], bool) for agent in event["agent"])
        assert sum(agent["requestor"] for agent in event["agent"]) == 1
    profiles = {profile.rsplit(".", 1)[-1] for event in events for profile in event.get("meta", {}).get("profile", [])}
    assert {"PatientCreate", "PatientRead", "Query"} <= profiles


def test_no_rendering_names_a_patient(lived):
    text = "\n".join(render(lived, "dicom") + render(lived, "fhir"))
    assert PRIVATE not in text and lived.image.StudyInstanceUID not in text
    patients = {
        entity["what"]["identifier"]["value"]
        for event in map(json.loads, render(lived, "fhir"))
        for entity in event["entity"]
        if entity["role"]["code"] == "1"
    }
    assert len(patients) == 1 and patients.pop() in "\n".join(render(lived, "dicom"))
