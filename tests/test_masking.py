"""Masking: a role that is not to learn whose a study is sees it at every door, and no name, no identifier and no telephone number
through any; what cannot be masked is refused, and what is masked is no key of a search."""

import json

import pydicom
import pytest
import requests
from pynetdicom.sop_class import ModalityWorklistInformationFind

from yingdun_testkit import part10
from yingdun_testkit.administration import SESSION_COOKIE, Office
from yingdun_testkit.elsewhere import Elsewhere
from yingdun_testkit.installation import DidNotStart
from yingdun_testkit.web import Web
from yingdun_testkit.workstation import Entity, Receiver, get, move

#: Whatever of this leaves through a door of a masked role is a leak.
SECRETS = {
    "PatientName": "Geheimnis^Xiaodong",
    "PatientID": "SECRET4711",
    "OtherPatientNames": "Verborgen^Anna",
    "ReferringPhysicianName": "Ueberweiser^Karl",
    "AccessionNumber": "ACCSECRET99",
    "PatientTelephoneNumbers": "13800138000",
    "PatientAddress": "Wangfujing 1",
    "PatientBirthDate": "19700203",
}
WORDS = ["Geheimnis", "Xiaodong", "SECRET4711", "Verborgen", "Ueberweiser", "ACCSECRET99", "13800138000", "Wangfujing", "19700203"]
WORDS += ["hidden in a private element", "JVBERi0xLjQgR2VoZWltbmlz"]

MASK = {
    "names": "initials",
    "identifiers": "pseudonym",
    "contacts": "remove",
    "attributes": {"PatientBirthDate": "remove"},
}


def toml(role):
    return f"""
[identity.masking.{role}]
names = "{MASK['names']}"
identifiers = "{MASK['identifiers']}"
contacts = "{MASK['contacts']}"
attributes = {{ PatientBirthDate = "remove" }}
"""


@pytest.fixture(scope="module")
def hospital(make_installation):
    """An installation whose radiologists and devices are masked, and whose chiefs are not."""
    installation = make_installation("masking", serve=False)
    with installation.config.open("a") as config:
        config.write(toml("radiologist") + toml("device"))
    installation.start()
    installation.office = Office(installation)
    return installation


@pytest.fixture(scope="module")
def gateway(hospital):
    return Web(hospital, hospital.office.client_token("gateway", "store", "search", "view"))


@pytest.fixture(scope="module")
def image(gateway):
    made = part10.image(**{"patient_name": SECRETS["PatientName"], "patient_id": SECRETS["PatientID"]}, frames=2)
    for keyword, value in SECRETS.items():
        setattr(made, keyword, value)
    made.StudyDescription = "thorax"
    block = made.private_block(0x0009, "ACME", create=True)
    block.add_new(0x01, "LO", "hidden in a private element")
    before = pydicom.Dataset()
    before.PatientName, before.PatientID = SECRETS["PatientName"], SECRETS["PatientID"]
    original = pydicom.Dataset()
    original.ModifiedAttributesSequence = [before]
    made.OriginalAttributesSequence = [original]
    made.EncapsulatedDocument = b"%PDF-1.4 Geheimnis" * 4000
    gateway.must_store(part10.file_bytes(made))
    return made


@pytest.fixture(scope="module")
def masked(hospital):
    return Web(hospital, hospital.office.person_token("mask-reader", "radiologist"))


@pytest.fixture(scope="module")
def chief(hospital):
    return Web(hospital, hospital.office.person_token("mask-chief", "chief"))


def tells_nothing(content):
    text = content if isinstance(content, bytes) else str(content).encode()
    told = [word for word in WORDS if word.encode() in text]
    assert told == [], told
    return content


def path_of(image):
    return f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"


def values(row, tag):
    return row[tag].get("Value")


def check_masked(row):
    assert values(row, "00100010") == [{"Alphabetic": "G^X"}]
    (stand_in,) = values(row, "00100020")
    assert stand_in.startswith("M-") and len(stand_in) == 14
    return stand_in


def test_rows_of_searches_are_masked_and_of_other_roles_are_not(masked, chief, image):
    stand_ins = set()
    for path in ("/studies", f"/studies/{image.StudyInstanceUID}/series", f"{path_of(image).rsplit('/', 1)[0]}"):
        keys = {"StudyInstanceUID": image.StudyInstanceUID} if path == "/studies" else {}
        answer = masked.get(path, params={"includefield": "all", **keys})
        assert answer.status_code == 200, answer.text
        (row,) = json.loads(tells_nothing(answer.text))
        stand_ins.add(check_masked(row))
        assert "Value" not in row["00100030"]
    assert len(stand_ins) == 1, "the same stand-in everywhere"
    (row,) = chief.search("/studies", StudyInstanceUID=image.StudyInstanceUID)
    assert values(row, "00100020") == [SECRETS["PatientID"]]
    (row,) = chief.search("/studies", PatientID=SECRETS["PatientID"])
    assert values(row, "00100010")[0]["Alphabetic"] == SECRETS["PatientName"]


def test_what_is_masked_is_no_key(masked, image):
    for keys in (
        {"PatientID": SECRETS["PatientID"]},
        {"PatientID": "nobody"},
        {"PatientID": "SECRET*"},
        {"PatientName": "Geheimnis*"},
        {"PatientName": "gehe", "fuzzymatching": "true"},
        {"PatientBirthDate": "19700101-19701231"},
        {"AccessionNumber": SECRETS["AccessionNumber"]},
        {"00080050": SECRETS["AccessionNumber"]},
        {"ReferringPhysicianName": "**"},
        {"RequestAttributesSequence.RequestedProcedureID": "R1"},
    ):
        answer = masked.get("/studies", params=keys)
        assert answer.status_code == 400, (keys, answer.text)
        assert "masked-role" in answer.text
    # What asks for the attribute and for no value of it does not restrict; what is not masked finds.
    for keys in ({"PatientID": "*"}, {"PatientName": ""}, {"StudyDescription": "thor*"}, {}):
        rows = masked.search("/studies", StudyInstanceUID=image.StudyInstanceUID, **keys)
        check_masked(rows[0])


def test_metadata_are_masked_at_every_depth(masked, chief, image):
    levels = [f"/studies/{image.StudyInstanceUID}", f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}"]
    for path in [*levels, path_of(image)]:
        answer = masked.get(f"{path}/metadata")
        assert answer.status_code == 200, answer.text
        (row,) = json.loads(tells_nothing(answer.text))
        check_masked(row)
        before = row["04000561"]["Value"][0]["04000550"]["Value"][0]
        assert check_masked(before) == check_masked(row)
        assert not any(int(tag[:4], 16) % 2 for tag in row), "no private attributes"
        assert row["00420011"] == {"vr": "OB"} and "Value" not in row["00102154"]
        assert values(row, "00081030") == ["thorax"] and values(row, "00280010") == [64]
    plain = chief.get(f"{path_of(image)}/metadata")
    assert "Geheimnis" in plain.text and "BulkDataURI" in plain.json()[0]["00420011"]
    # A cache that is shared does not answer one role with what another one was told.
    told = masked.get(f"{path_of(image)}/metadata")
    assert told.headers["ETag"] != plain.headers["ETag"]
    again = masked.session.get(
        f"{masked.base}{path_of(image)}/metadata", headers={"If-None-Match": plain.headers["ETag"]}, timeout=30
    )
    assert again.status_code == 200
    tells_nothing(again.text)


def test_pictures_are_given_and_whole_objects_are_not(masked, chief, image):
    path, study = path_of(image), f"/studies/{image.StudyInstanceUID}"
    for given in (
        f"{path}/frames/1",
        f"{path}/frames/1,2",
        f"{path}/rendered",
        f"{path}/thumbnail",
        f"{study}/thumbnail",
        f"{path}/bulk/7FE00010",
        f"{path}/pixeldata",
    ):
        answer = masked.get(given)
        assert answer.status_code == 200, (given, answer.text)
        tells_nothing(answer.content)
    uri = {"requestType": "WADO", "studyUID": image.StudyInstanceUID, "seriesUID": image.SeriesInstanceUID, "objectUID": image.SOPInstanceUID}
    web = masked.installation.addresses.web

    def wado_uri(who, content_type):
        for at in ("/wado",):
            answer = who.session.get(f"{web}{at}", params={**uri, "contentType": content_type}, timeout=30)
            if answer.status_code != 404:
                return answer
        raise AssertionError("no WADO-URI")

    answer = wado_uri(masked, "image/jpeg")
    assert answer.status_code == 200
    tells_nothing(answer.content)
    refused = {
        "object": masked.get(path),
        "object alone": masked.get(path, accept="application/dicom"),
        "converted": masked.get(path, accept="application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80"),
        "a range": masked.get(path, accept="application/dicom; transfer-syntax=*"),
        "series": masked.get(f"{study}/series/{image.SeriesInstanceUID}"),
        "study": masked.get(study),
        "zip": masked.get(study, accept="application/zip"),
        "media": masked.get(f"{study}/media"),
        "document": masked.get(f"{path}/bulk/00420011"),
        "a private value": masked.get(f"{path}/bulk/00091001"),
        "a name": masked.get(f"{path}/bulk/00100010"),
        "WADO-URI": wado_uri(masked, "application/dicom"),
    }
    for what, answer in refused.items():
        assert answer.status_code == 403 and "masked-role" in answer.text, (what, answer.status_code, answer.text[:300])
        tells_nothing(answer.content)
    # Who may not see a study hears the same as before, whether it is there or not.
    assert masked.get("/studies/1.2.3.404").status_code == 404
    for what in (chief.get(path), chief.get(f"{study}/media"), chief.get(f"{path}/bulk/00420011"), wado_uri(chief, "application/dicom")):
        assert what.status_code == 200


def test_all_bulk_data_of_a_masked_role_are_pixels(masked, chief, image):
    path = f"{path_of(image)}/bulkdata"
    answer, plain = masked.get(path), chief.get(path)
    assert (answer.status_code, plain.status_code) == (200, 200), answer.text
    tells_nothing(answer.content)
    assert b"%PDF" not in answer.content and b"%PDF" in plain.content


def test_pages_of_the_browser_are_masked(hospital, image):
    office = hospital.office
    session = requests.Session()
    session.verify, session.trust_env = str(hospital.ca_file), False
    token = office.person_token("mask-browser", "radiologist")
    for page in ("/studies", f"/studies/{image.StudyInstanceUID}"):
        answer = session.get(f"{hospital.addresses.web}{page}", headers={"Cookie": f"{SESSION_COOKIE}={token}"}, timeout=30)
        assert answer.status_code == 200
        tells_nothing(answer.text)
    assert "M-" in session.get(f"{hospital.addresses.web}/studies", headers={"Cookie": f"{SESSION_COOKIE}={token}"}, timeout=30).text


def test_devices_are_masked_over_dimse(hospital, image):
    office = hospital.office
    identity = hospital.issue_certificate("MASKWS")
    office.device("MASKWS", certificate_sha256=identity["sha256"], destination="plain://127.0.0.1:1")
    office.grant_device("MASKWS", "view", "worklist")
    entity = Entity(hospital, "MASKWS", identity)
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": image.StudyInstanceUID}
    asked = {keyword: "" for keyword in ("PatientName", "PatientID", "AccessionNumber", "PatientBirthDate", "StudyDescription")}
    rows = [row for status, row in entity.find(**keys, **asked) if status in (0xFF00, 0xFF01)]
    assert len(rows) == 1 and str(rows[0].PatientName) == "G^X" and rows[0].PatientID.startswith("M-")
    assert rows[0].StudyDescription == "thorax" and not rows[0].PatientBirthDate
    tells_nothing(rows[0])
    searched = entity.find(QueryRetrieveLevel="STUDY", StudyInstanceUID="", PatientID=SECRETS["PatientID"])
    assert len(searched) == 1 and searched[0][0] not in (0x0000, 0xFF00, 0xFF01), searched
    receiver = Receiver()
    ((status, _),) = get(entity, receiver, **keys)[-1:]
    assert status.Status == 0x0124 and "masked-role" in status.get("ErrorComment", ""), status
    ((status, _),) = move(entity, "MASKWS", **keys)[-1:]
    assert status.Status == 0x0124, status
    assert receiver.got == []
    answers = entity.find(ModalityWorklistInformationFind, PatientName="", PatientID="")
    assert [status for status, _ in answers] == [0x0124], answers


def test_worklists_and_workitems_are_refused(hospital, gateway):
    office = hospital.office
    reader = office.client_token("mask-worklist", "worklist")
    assert office.api(reader).raw("GET", "/worklist").status_code == 200
    masked = office.api(office.person_token("mask-list", "radiologist"))
    for path in ("/worklist", "/performed-steps"):
        answer = masked.raw("GET", path)
        assert answer.status_code == 403 and "masked-role" in answer.text, answer.text
    answer = masked.raw("GET", "/workitems", prefix="/dicom-web")
    assert answer.status_code == 403 and "masked-role" in answer.text, answer.text


def test_what_another_archive_found_is_masked_too(hospital, masked, chief, image):
    office = hospital.office
    theirs = part10.image(patient_name="Geheimnis^Xiaodong", patient_id="SECRET4711", AccessionNumber="ACCSECRET99")
    with Elsewhere("MASKAWAY", [theirs]) as away:
        office.device("MASKAWAY", plain_allowed=True, destination=f"plain://127.0.0.1:{away.port}")
        reader, head = office.api(masked.token), office.api(chief.token)
        ask = lambda api, keys: api.raw("POST", "/devices/MASKAWAY/find", {"keys": keys})
        found = ask(reader, {"StudyInstanceUID": theirs.StudyInstanceUID})
        assert found.status_code == 200, found.text
        (row,) = json.loads(tells_nothing(found.text))["rows"]
        check_masked(row)
        for keys in ({"PatientID": "SECRET4711"}, {"PatientName": "Geh*"}, {"00100020": "x"}):
            answer = ask(reader, keys)
            assert answer.status_code == 400 and "masked-role" in answer.text, answer.text
        (row,) = ask(head, {"StudyInstanceUID": theirs.StudyInstanceUID, "PatientID": "SECRET4711"}).json()["rows"]
        assert values(row, "00100020") == ["SECRET4711"]
        steps = reader.raw("POST", "/devices/MASKAWAY/worklist", {"keys": {}})
        assert steps.status_code == 403 and "masked-role" in steps.text, steps.text
        # Nothing whole is sent to a device for a masked role.
        sent = reader.raw("POST", "/devices/MASKAWAY/store", {"studies": [image.StudyInstanceUID]})
        assert sent.status_code == 403 and "masked-role" in sent.text, sent.text


def test_the_ledger_says_what_was_shown_masked(hospital, masked, chief, image):
    for web in (masked, chief):
        assert web.get(f"{path_of(image)}/metadata").status_code == 200
        web.search("/studies", StudyInstanceUID=image.StudyInstanceUID)
    shown = lambda actor, **more: [leaf.get("counts", {}).get("masked", 0) for leaf in hospital.office.leaves(actor=actor, **more)]
    for kind, outcome in (("access", "permitted"), ("query", "succeeded")):
        ours, others = shown("mask-reader", kind=kind, outcome=outcome), shown("mask-chief", kind=kind, outcome=outcome)
        assert ours and set(ours) == {1} and others and set(others) == {0}, (kind, ours, others)
    tells_nothing(hospital.log_text())


def test_rules_that_cannot_be_do_not_start(make_installation):
    installation = make_installation("masking-wrong", serve=False)
    kept = installation.config.read_text()
    for wrong, said in (
        ('[identity.masking.radiologist]\nnames = "hide"\n', "a treatment is"),
        ('[identity.masking.radiologist]\nattributes = { StudyInstanceUID = "remove" }\n', "StudyInstanceUID"),
        ('[identity.masking.audit-administrator]\nnames = "remove"\n', "sees no studies"),
    ):
        installation.config.write_text(f"{kept}\n{wrong}")
        with pytest.raises(DidNotStart):
            installation.start()
        assert said in installation.log_text(), installation.log_tail()
