"""Auditors read the ledger as FHIR: pages, conditions, and a leaf for every reading."""

import pytest
import requests

from yingdun_testkit import part10
from yingdun_testkit.web import Web

PRIVATE = "fhir-private-patient"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


@pytest.fixture(scope="module")
def lived(make_installation):
    installation = make_installation("audit-fhir")
    office = installation.office
    installation.gateway = office.client_token("gateway", "store", "search", "view")
    web = Web(installation, installation.gateway)
    image = part10.image(patient_id=PRIVATE)
    web.must_store(part10.file_bytes(image))
    web.file_of(image)
    stranger = Web(installation, office.person_token("stranger", "clinician"))
    assert stranger.get(f"/studies/{image.StudyInstanceUID}").status_code == 404
    installation.image = image
    return installation


def ask(installation, path="", code=200, **parameters):
    answer = installation.office.audit.raw("GET", f"/AuditEvent{path}", params=parameters, prefix="/fhir/r4")
    assert answer.status_code == code, answer.text
    if code == 200:
        assert answer.headers["Content-Type"].startswith("application/fhir+json")
    return answer.json()


def found(bundle) -> list:
    return [entry["resource"] for entry in bundle.get("entry", [])]


def pages(installation, **parameters) -> list:
    """Everything, page by page, by the links."""
    events, seen = [], 0
    bundle = ask(installation, **parameters)
    while True:
        events += found(bundle)
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        seen += 1
        if not following:
            return events
        assert seen < 1000 and following[0].startswith(f"{installation.addresses.web}/fhir/r4/AuditEvent?")
        path = following[0].removeprefix(installation.addresses.web)
        answer = installation.office.audit.raw("GET", path, prefix="")
        assert answer.status_code == 200, answer.text
        bundle = answer.json()


def test_pages_hold_every_leaf_once_newest_first(lived):
    first = found(ask(lived, _count=1))[0]
    size = int(first["id"]) + 1
    events = [event for event in pages(lived, _count=7) if int(event["id"]) < size]
    numbers = [int(event["id"]) for event in events]
    # This institution alone has leaves here.
    assert numbers == list(range(size - 1, -1, -1))
    one = ask(lived, f"/{numbers[3]}")
    assert one == events[3]
    ask(lived, "/99999999", code=404)
    ask(lived, "/x", code=400)


def test_conditions_narrow(lived):
    everything = pages(lived, _count=1000)

    def same(condition, **parameters):
        wanted = [event["id"] for event in everything if condition(event)]
        # What was asked since then are readings of the log.
        came = [event["id"] for event in pages(lived, _count=1000, **parameters)]
        assert wanted and came[-len(wanted):] == wanted, parameters
        assert len(wanted) < len(everything), parameters

    agents = lambda event: [agent["who"].get("identifier", {}).get("value") for agent in event["agent"]]
    same(lambda event: "stranger" in agents(event), agent="stranger")
    same(lambda event: "gateway" in agents(event), **{"agent:identifier": "urn:yingdun:actor|gateway"})
    same(lambda event: event["outcome"] == "8", outcome="8")
    same(lambda event: event["action"] == "C", action="C")
    same(lambda event: event["type"]["code"] == "rest", type="rest")
    same(lambda event: event["type"]["code"] == "110114", type=f"{DCM}|110114")
    same(lambda event: any(code["code"] == "read" for code in event.get("subtype", [])), subtype="read")
    entity = lambda event, kind: [entity["what"]["identifier"]["value"] for entity in event["entity"]
                                  if entity.get("what", {}).get("type") == kind]
    for kind, name in (("Patient", "patient"), ("ImagingStudy", "entity")):
        pseudonym = next(value for event in everything for value in entity(event, kind))
        same(lambda event: pseudonym in entity(event, kind), **{name: pseudonym})
    middle = everything[len(everything) // 2]["recorded"]
    same(lambda event: event["recorded"] >= middle, date=f"ge{middle}")
    assert pages(lived, date="lt2020-01-01") == []
    assert PRIVATE not in str(everything) and lived.image.StudyInstanceUID not in str(everything)


def test_what_is_not_understood_is_refused(lived):
    for wrong in ({"patient": PRIVATE}, {"date": "yesterday"}, {"_sort": "date"}, {"outcome": "1"}, {"_count": "many"}):
        ask(lived, code=400, **wrong)
    assert len(found(ask(lived, _count=100000))) <= 1000


def test_a_cursor_of_another_log_is_refused(lived):
    [link] = [link["url"] for link in ask(lived, _count=1)["link"] if link["relation"] == "next"]
    own = link.partition("_cursor=")[2]
    ask(lived, _cursor=own)
    refused = ask(lived, code=422, _cursor=f"{own[:-16]}{'0' * 16}")
    assert "another log" in str(refused)
    ask(lived, code=400, _cursor="7")


def test_a_reading_is_a_leaf_and_nobody_else_reads(lived):
    before = found(ask(lived, _count=1))[0]
    after = found(ask(lived, _count=1))[0]
    assert int(after["id"]) == int(before["id"]) + 1
    assert after["type"]["code"] == "110101" and "'audit-administrator'" in str(after["agent"])
    for token in (lived.gateway, lived.office.person_token("reader", "radiologist")):
        answer = lived.office.api(token).raw("GET", "/AuditEvent", prefix="/fhir/r4")
        assert answer.status_code == 403
    answer = requests.get(f"{lived.addresses.web}/fhir/r4/AuditEvent", verify=str(lived.ca_file), timeout=30)
    assert answer.status_code == 401
    refused = found(ask(lived, agent="reader", outcome="8"))
    assert refused, "a refusal is a leaf too"
