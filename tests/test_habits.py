"""Hospital habits: what one device does otherwise than another, and what becomes of what it sends."""

import json
import sqlite3
import time

import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, RLELossless, generate_uid
from pynetdicom import build_role, evt
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from yingdun_testkit import part10, program
from yingdun_testkit.orthanc import free_port
from yingdun_testkit.web import Web

FIND = StudyRootQueryRetrieveInformationModelFind
GET = StudyRootQueryRetrieveInformationModelGet
MOVE = StudyRootQueryRetrieveInformationModelMove

#: 毛^隆 in GB18030, which is also legal UTF-8: nobody can guess it.
MAO = "毛^隆".encode("gb18030")


def device(archive, title, *scopes, **facts):
    """A plain device with scopes."""
    archive.office.device(title, plain_allowed=True, **facts)
    archive.office.grant_device(title, "store", *scopes)


def associate(archive, title, *contexts, handlers=(), roles=()):
    entity = pynetdicom.AE(ae_title=title)
    for context in contexts:
        entity.add_requested_context(*context)
    association = entity.associate(
        *archive.addresses.dicom_plain, ae_title="YINGDUN", evt_handlers=list(handlers), ext_neg=list(roles)
    )
    assert association.is_established
    return association


def send(archive, title, *images):
    association = associate(archive, title, (SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN]))
    assert [association.send_c_store(image).Status for image in images] == [0] * len(images)
    association.release()


def find(archive, title, model, **keys) -> list:
    """The matches of a C-FIND, as they were sent; values may be bytes."""
    asked = Dataset()
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    association = associate(archive, title, (model,))
    answers = list(association.send_c_find(asked, model))
    association.release()
    assert answers[-1][0].Status == 0, answers[-1][0]
    return [found for status, found in answers if status.Status in (0xFF00, 0xFF01)]


def study_query(**keys) -> dict:
    return {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", "PatientName": "", "PatientID": "", **keys}


def undeclared(**attributes):
    """An image that names no character set; its name is 毛^隆 in GB18030."""
    image = part10.image(charset=None, **attributes)
    del image.SpecificCharacterSet
    image.add(pydicom.DataElement(0x00100010, "PN", MAO))
    return image


# === what differs ===


@pytest.mark.parametrize(("title", "habits", "name"), [
    ("HABPLAIN", {}, "ë^¡"),
    ("HABGB", {"character_set_in": "GB18030"}, "毛^隆"),
])
def test_texts_without_a_character_set_are_read_in_that_of_the_record(archive, gateway, title, habits, name):
    device(archive, title, habits=habits)
    image = undeclared(patient_id=title)
    sent = part10.file_bytes(image)
    send(archive, title, image)
    [row] = gateway.search("/studies", PatientID=title)
    assert row["00100010"]["Value"] == [{"Alphabetic": name}]
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    [metadata] = gateway.get(f"{path}/metadata").json()
    assert metadata["00100010"]["Value"] == [{"Alphabetic": name}]
    # What is given back is what was received.
    assert part10.data_set_bytes(gateway.file_of(image)) == part10.data_set_bytes(sent)


def test_a_query_without_a_character_set_is_read_and_answered_in_that_of_the_record(archive, gateway):
    device(archive, "HABASK", "view", habits={"character_set_in": "GB18030"})
    gateway.must_store(part10.file_bytes(part10.image(patient_name="毛^隆", patient_id="hab-ask")))
    association = associate(archive, "HABASK", (FIND,))
    asked = Dataset()
    for keyword, value in study_query().items():
        setattr(asked, keyword, value)
    asked.add(pydicom.DataElement(0x00100010, "PN", MAO))
    found = [answer for status, answer in association.send_c_find(asked, FIND) if status.Status == 0xFF00]
    association.release()
    mine = [answer for answer in found if answer.PatientID == "hab-ask"]
    assert [answer.SpecificCharacterSet for answer in mine] == ["GB18030"]
    assert mine[0].PatientName == "毛^隆"


def test_answers_are_written_in_the_character_set_of_the_record(archive, gateway, tokens):
    device(archive, "HABOUT", "view", "worklist", habits={"character_set_out": "GBK"})
    gateway.must_store(part10.file_bytes(part10.image(patient_name="张^伟", patient_id="hab-out")))
    query = study_query(PatientID="hab-out", SpecificCharacterSet="ISO_IR 192")
    [found] = find(archive, "HABOUT", FIND, **query)
    assert (found.SpecificCharacterSet, found.PatientName) == ("GBK", "张^伟")

    step = Dataset()
    step.ScheduledStationAETitle, step.Modality, step.ScheduledProcedureStepID = "HABOUT", "CT", "HAB1"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20260301", "0900"
    step.ScheduledProcedureStepDescription = "examination"
    item = Dataset()
    item.SpecificCharacterSet, item.PatientName, item.PatientID = "ISO_IR 192", "张^伟", "hab-out"
    item.PatientBirthDate, item.PatientSex = "19700101", "F"
    item.AccessionNumber, item.RequestedProcedureID, item.StudyInstanceUID = "HABA1", "HABR1", generate_uid()
    item.RequestedProcedureDescription, item.ScheduledProcedureStepSequence = "examination", [step]
    ris = archive.office.api(tokens.client(archive, "worklist"))
    entered = ris.post("/worklist", item.to_json_dict(), 201)["step"]
    keys = {"SpecificCharacterSet": "ISO_IR 192", "PatientID": "hab-out", "PatientName": ""}
    [found] = find(archive, "HABOUT", ModalityWorklistInformationFind, **keys)
    ris.delete(f"/worklist/{entered}", 204)
    assert (found.SpecificCharacterSet, found.PatientName) == ("GBK", "张^伟")


def test_a_star_asks_for_every_date_where_the_record_says_so(archive, gateway):
    device(archive, "HABSTAR", "view", habits={"star_is_universal": True})
    device(archive, "HABNOSTAR", "view")
    gateway.must_store(part10.file_bytes(part10.image(patient_id="hab-star")))
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    query = study_query(PatientID="hab-star", StudyDate="*", StudyTime="*", StudyInstanceUID="*")
    [found] = find(archive, "HABSTAR", FIND, **query)
    assert found.StudyDate == "20260301"
    association = associate(archive, "HABNOSTAR", (FIND,))
    asked = Dataset()
    for keyword, value in query.items():
        setattr(asked, keyword, value)
    [(status, _)] = association.send_c_find(asked, FIND)
    association.release()
    assert status.Status == 0xC000, "without the habit a star is no date"


@pytest.mark.parametrize(("title", "habits", "found"), [
    ("HABBEGIN", {"names_begin": True}, 2),
    ("HABWHOLE", {}, 0),
])
def test_names_without_a_wildcard_are_beginnings_where_the_record_says_so(archive, gateway, title, habits, found):
    device(archive, title, "view", habits=habits)
    for given in ("Fang", "Lei"):
        image = part10.image(patient_name=f"Ouyang^{given}", patient_id=f"{title}-{given}")
        gateway.must_store(part10.file_bytes(image))
    rows = find(archive, title, FIND, **study_query(PatientName="OUYANG", PatientID=f"{title}*"))
    assert len(rows) == found


def retrieved(archive, title, image, syntaxes):
    """What a C-GET brings, and the lengths of the data PDUs in which it came."""
    lengths, objects = [], []

    def measure(event):
        if isinstance(event.pdu, pynetdicom.pdu.P_DATA_TF):
            lengths.append(event.pdu.pdu_length)

    def take(event):
        objects.append((event.context.transfer_syntax, event.dataset))
        return 0

    association = associate(
        archive, title, (GET,), (SecondaryCaptureImageStorage, syntaxes),
        handlers=[(evt.EVT_PDU_RECV, measure), (evt.EVT_C_STORE, take)],
        roles=[build_role(SecondaryCaptureImageStorage, scp_role=True)],
    )
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", image.StudyInstanceUID
    assert [status.Status for status, _ in association.send_c_get(asked, GET)][-1] == 0
    association.release()
    [(syntax, data_set)] = objects
    return syntax, data_set, max(lengths)


def test_no_pdu_is_longer_than_the_record_says(archive, gateway):
    device(archive, "HABLONG", "view")
    device(archive, "HABSHORT", "view", habits={"pdu_bytes_max": 4096})
    image = part10.image(patient_id="hab-pdu", rows=128, columns=128)
    gateway.must_store(part10.file_bytes(image))
    # pynetdicom reads 16382 bytes, and says so.
    assert retrieved(archive, "HABLONG", image, [part10.EXPLICIT_LITTLE_ENDIAN])[2] > 16000
    assert retrieved(archive, "HABSHORT", image, [part10.EXPLICIT_LITTLE_ENDIAN])[2] <= 4096


def test_objects_are_fetched_in_the_transfer_syntax_that_the_record_prefers(archive, gateway):
    device(archive, "HABKEPT", "view")
    device(archive, "HABRLE", "view", habits={"transfer_syntaxes": [RLELossless]})
    image = part10.image(patient_id="hab-get")
    gateway.must_store(part10.file_bytes(image))
    offered = [part10.EXPLICIT_LITTLE_ENDIAN, RLELossless]
    assert retrieved(archive, "HABKEPT", image, offered)[0] == part10.EXPLICIT_LITTLE_ENDIAN
    syntax, data_set, _ = retrieved(archive, "HABRLE", image, offered)
    assert syntax == RLELossless
    data_set.file_meta = pydicom.dataset.FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = syntax
    assert (data_set.pixel_array == image.pixel_array).all()


@pytest.mark.parametrize(("title", "wished", "syntax"), [
    ("HABTO1", [], part10.EXPLICIT_LITTLE_ENDIAN),
    ("HABTO2", [RLELossless, ImplicitVRLittleEndian], RLELossless),
    ("HABTO3", ["1.2.840.10008.1.2.4.50", ImplicitVRLittleEndian], ImplicitVRLittleEndian),
])
def test_objects_are_sent_in_the_transfer_syntax_that_the_record_prefers(archive, gateway, title, wished, syntax):
    port, came = free_port(), []
    device(archive, title, "view", destination=f"plain://127.0.0.1:{port}", habits={"transfer_syntaxes": wished})
    image = part10.image(patient_id=f"hab-move-{title}")
    gateway.must_store(part10.file_bytes(image))
    entity = pynetdicom.AE(ae_title=title)
    entity.add_supported_context(
        SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN, ImplicitVRLittleEndian, RLELossless]
    )

    def take(event):
        came.append(event.context.transfer_syntax)
        return 0

    listener = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    association = associate(archive, title, (MOVE,))
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", image.StudyInstanceUID
    last = [status.Status for status, _ in association.send_c_move(asked, title, MOVE)][-1]
    association.release()
    listener.shutdown()
    assert (last, came) == (0, [syntax])


# === coercion ===

RULES = [
    {"action": "trim-zeros", "attribute": "PatientID"},
    {"action": "prefix", "attribute": "PatientID", "value": "RM-"},
    {"action": "set-if-absent", "attribute": "IssuerOfPatientID", "value": "RENMIN"},
    {"action": "prefix", "attribute": "AccessionNumber", "value": "R"},
    {"action": "map", "attribute": "InstitutionName", "values": {"WARD3": "人民医院"}},
    {"action": "remove", "attribute": "StudyDescription"},
]


def test_rules_change_what_is_searched_and_never_the_object(archive, gateway):
    device(archive, "HABRULES", "view", habits={"coercions": RULES})
    image = part10.image(
        patient_id="000815", AccessionNumber="77", InstitutionName="WARD3", StudyDescription="do not say"
    )
    sent = part10.file_bytes(image)
    send(archive, "HABRULES", image)
    [row] = gateway.search("/studies", PatientID="RM-815", includefield="all")
    told = {tag: row[tag].get("Value") for tag in ("00100021", "00080050", "00080080", "00081030") if tag in row}
    assert told == {"00100021": ["RENMIN"], "00080050": ["R77"], "00080080": ["人民医院"]}
    [found] = find(archive, "HABRULES", FIND, **study_query(PatientID="RM-815", AccessionNumber="R77"))
    assert found.StudyInstanceUID == image.StudyInstanceUID
    assert gateway.search("/studies", PatientID="000815") == []
    assert part10.data_set_bytes(gateway.file_of(image)) == part10.data_set_bytes(sent)


def test_an_object_too_large_for_memory_is_coerced_like_a_small_one(archive, gateway):
    device(archive, "HABLARGE", habits={"coercions": RULES})
    image = part10.image(patient_id="000816", rows=2048, columns=2400)
    send(archive, "HABLARGE", image)
    assert len(gateway.search("/studies", PatientID="RM-816")) == 1


def test_rules_are_tried_before_they_count(archive, tmp_path):
    device(archive, "HABTRY")
    image = part10.image(patient_id="000817", AccessionNumber="78")
    path, habits, token = tmp_path / "image.dcm", tmp_path / "habits.json", tmp_path / "token"
    path.write_bytes(part10.file_bytes(image))
    habits.write_text(json.dumps({"coercions": RULES}))
    token.write_text(archive.office.system.token)
    admin = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
    changes = program.run_json("device", "coerce", "HABTRY", "--dry-run", path, "--habits", habits, *admin)
    assert changes == [
        {"attribute": "PatientID", "before": "000817", "after": "RM-817"},
        {"attribute": "IssuerOfPatientID", "before": "", "after": "RENMIN"},
        {"attribute": "AccessionNumber", "before": "78", "after": "R78"},
    ]
    assert program.run_json("device", "coerce", "HABTRY", "--dry-run", path, *admin) == []
    program.run_json("device", "habits", "HABTRY", "--set", habits, *admin)
    assert program.run_json("device", "habits", "HABTRY", *admin)["coercions"] == RULES
    assert program.run_json("device", "coerce", "HABTRY", "--dry-run", path, *admin) == changes


@pytest.mark.parametrize("habits", [
    {"coercions": [{"action": "set", "attribute": "StudyInstanceUID", "value": "1.2"}]},
    {"coercions": [{"action": "remove", "attribute": "PatientID"}] * 33},
    {"character_set_in": "KLINGON"},
    {"pdu_bytes_max": 10},
    {"no_such_habit": True},
])
def test_habits_that_no_device_can_have_are_refused(archive, habits):
    record = {"ae_title": "HABWRONG", "called_ae": "YINGDUN", "addresses": ["127.0.0.1"], "habits": habits}
    assert archive.office.system.raw("POST", "/devices", record).status_code == 400


# === issuers of patient IDs ===


@pytest.fixture(scope="module")
def namesakes(archive, gateway):
    """Three people with the same patient ID: of two issuers, and of one that only a device's rule names."""
    device(archive, "HABISSUER", "view", habits={"coercions": [
        {"action": "set-if-absent", "attribute": "IssuerOfPatientID", "value": "WEST"},
    ]})
    qualifiers = Dataset()
    qualifiers.UniversalEntityID, qualifiers.UniversalEntityIDType = "1.2.156.10011.9", "ISO"
    north = part10.image(patient_name="North^A", patient_id="hab-iss", IssuerOfPatientID="NORTH")
    south = part10.image(
        patient_name="South^B", patient_id="hab-iss", IssuerOfPatientIDQualifiersSequence=[qualifiers]
    )
    west = part10.image(patient_name="West^C", patient_id="hab-iss")
    gateway.must_store(part10.file_bytes(north), part10.file_bytes(south))
    send(archive, "HABISSUER", west)
    return {"NORTH": north, "1.2.156.10011.9": south, "WEST": west}


def test_people_with_one_patient_id_of_several_issuers_are_never_merged(archive, gateway, namesakes):
    query = {"QueryRetrieveLevel": "PATIENT", "PatientID": "hab-iss", "PatientName": "", "IssuerOfPatientID": ""}
    found = find(archive, "HABISSUER", PatientRootQueryRetrieveInformationModelFind, **query)
    assert {(row.IssuerOfPatientID, str(row.PatientName)) for row in found} == {
        (issuer, str(image.PatientName)) for issuer, image in namesakes.items()
    }
    assert len(gateway.search("/studies", PatientID="hab-iss")) == 3


def test_a_search_by_patient_id_and_issuer_finds_one_person(archive, gateway, namesakes):
    for issuer, image in namesakes.items():
        [row] = gateway.search("/studies", PatientID="hab-iss", IssuerOfPatientID=issuer)
        assert row["0020000D"]["Value"] == [image.StudyInstanceUID]
        [found] = find(archive, "HABISSUER", FIND, **study_query(PatientID="hab-iss", IssuerOfPatientID=issuer))
        assert found.StudyInstanceUID == image.StudyInstanceUID


def test_a_retrieval_by_patient_id_and_issuer_brings_one_person(archive, namesakes):
    model, came = PatientRootQueryRetrieveInformationModelGet, []

    def take(event):
        came.append(event.request.AffectedSOPInstanceUID)
        return 0

    association = associate(
        archive, "HABISSUER", (model,), (SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN]),
        handlers=[(evt.EVT_C_STORE, take)], roles=[build_role(SecondaryCaptureImageStorage, scp_role=True)],
    )
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.PatientID, asked.IssuerOfPatientID = "PATIENT", "hab-iss", "WEST"
    assert [status.Status for status, _ in association.send_c_get(asked, model)][-1] == 0
    association.release()
    assert came == [namesakes["WEST"].SOPInstanceUID]


def test_an_issuer_is_part_of_whom_a_study_belongs_to(archive, gateway, namesakes):
    """A late image that names the other issuer is kept, and flagged."""
    north = namesakes["NORTH"]
    before = archive.office.metrics()["yingdun_patient_conflicts_total"]
    late = part10.image(patient_id="hab-iss", study=north.StudyInstanceUID, IssuerOfPatientID="SOUTH")
    gateway.must_store(part10.file_bytes(late))
    assert archive.office.metrics()["yingdun_patient_conflicts_total"] == before + 1


# === accession numbers, and studies at rest ===


@pytest.fixture(scope="module")
def follower(make_installation):
    """An archive in which studies rest after a second, a sender and a program that follows it."""
    installation = make_installation("following", settings={"CATALOGUE__STUDY_STABLE_AFTER_S": "1"})
    installation.token = installation.office.client_token("follower", "store", "search", "view")
    return installation


def follow(installation, after=0, wait=0) -> tuple:
    """Events behind a number, and the number to go on from."""
    api = installation.office.api(installation.token)
    told = api.get("/events", {"after": after, "wait": wait})
    return told["events"], told["next"]


def wait_for_event(installation, after, study) -> dict:
    for _ in range(10):
        events, after = follow(installation, after, 2)
        for event in events:
            if event["study_uid"] == study:
                return event
    raise AssertionError("no event of the study came")


def newest(installation) -> int:
    return follow(installation)[1]


def test_a_study_that_receives_nothing_more_is_told_once_per_rest(follower):
    web, seen = Web(follower, follower.token), newest(follower)
    first = part10.image(patient_id="rest-1")
    study = first.StudyInstanceUID
    web.must_store(part10.file_bytes(first))
    web.must_store(part10.file_bytes(part10.image(patient_id="rest-1", study=study)))
    event = wait_for_event(follower, seen, study)
    assert (event["kind"], event["series"], event["instances"]) == ("study-stable", 2, 2)
    assert follow(follower, event["sequence"], 3) == ([], event["sequence"]), "one rest is one event"

    # What is there already is nothing new.
    web.must_store(part10.file_bytes(first))
    assert follow(follower, event["sequence"], 3)[0] == []

    # What comes late makes it rest anew.
    web.must_store(part10.file_bytes(part10.image(patient_id="rest-1", study=study)))
    again = wait_for_event(follower, event["sequence"], study)
    assert (again["sequence"], again["instances"]) == (event["sequence"] + 1, 3)


def test_rests_and_events_survive_a_kill_and_are_told_once(follower):
    web, seen = Web(follower, follower.token), newest(follower)
    told, pending = part10.image(patient_id="rest-2"), part10.image(patient_id="rest-3")
    web.must_store(part10.file_bytes(told))
    wait_for_event(follower, seen, told.StudyInstanceUID)
    web.must_store(part10.file_bytes(pending))
    follower.kill()
    follower.start()
    follower.office.sign_in_officers()
    wait_for_event(follower, seen, pending.StudyInstanceUID)
    studies = [event["study_uid"] for event in follow(follower, seen, 0)[0]]
    assert studies == [told.StudyInstanceUID, pending.StudyInstanceUID]
    assert follow(follower, newest(follower), 3)[0] == []


def test_a_follower_is_answered_when_there_is_something_to_tell(follower):
    web, seen = Web(follower, follower.token), newest(follower)
    image = part10.image(patient_id="rest-4")
    web.must_store(part10.file_bytes(image))
    begun = time.monotonic()
    events, _ = follow(follower, seen, 20)
    assert [event["study_uid"] for event in events] == [image.StudyInstanceUID]
    assert time.monotonic() - begun < 10


def test_a_person_is_told_of_the_studies_that_are_theirs_to_see(follower):
    web, seen = Web(follower, follower.token), newest(follower)
    mine, other = part10.image(patient_id="rest-mine"), part10.image(patient_id="rest-other")
    web.must_store(part10.file_bytes(mine), part10.file_bytes(other))
    wait_for_event(follower, seen, mine.StudyInstanceUID)
    wait_for_event(follower, seen, other.StudyInstanceUID)
    token = follower.office.person_token("restdoctor", "clinician")
    follower.office.care("restdoctor", "rest-mine")
    told = follower.office.api(token).get("/events", {"after": seen})
    assert [event["study_uid"] for event in told["events"]] == [mine.StudyInstanceUID]
    assert told["next"] == newest(follower)


def test_an_accession_number_of_two_studies_is_kept_and_flagged(follower):
    web, seen = Web(follower, follower.token), newest(follower)
    api = follower.office.api(follower.token)
    before = follower.office.metrics()["yingdun_accession_conflicts_total"]
    images = [
        part10.image(patient_id="acc-1", AccessionNumber="A1"),
        part10.image(patient_id="acc-2", AccessionNumber="A1"),
        # Of another issuer: another number.
        part10.image(patient_id="acc-3", AccessionNumber="A1", IssuerOfPatientID="ELSEWHERE"),
        part10.image(patient_id="acc-4", AccessionNumber="A2"),
    ]
    web.must_store(*map(part10.file_bytes, images))
    conflicts = {
        image.StudyInstanceUID: wait_for_event(follower, seen, image.StudyInstanceUID)["accession_conflict"]
        for image in images
    }
    assert list(conflicts.values()) == [True, True, False, False]
    shared = {image.StudyInstanceUID for image in images[:2]}
    [group] = api.get("/conflicts")["accessions"]
    assert {study["study_uid"] for study in group} == shared
    assert follower.office.metrics()["yingdun_accession_conflicts_total"] == before + 2
    flagged = {
        leaf["study"] for leaf in follower.office.leaves(kind="stored") if leaf["reason"] == "accession-conflict"
    }
    assert flagged == {study["study"] for study in group}
    assert follower.office.system.get("/system/status")["holdings"]["accession_conflicts"] == 2
    # All four are there, and are found.
    assert len(web.search("/studies", AccessionNumber="A1")) == 3


def test_studies_of_several_patients_are_listed_for_who_has_to_look(follower, tmp_path):
    web = Web(follower, follower.token)
    first = part10.image(patient_id="two-1")
    web.must_store(part10.file_bytes(first))
    web.must_store(part10.file_bytes(part10.image(patient_id="two-2", study=first.StudyInstanceUID)))
    token = tmp_path / "token"
    token.write_text(follower.token)
    admin = ["--server", follower.addresses.web, "--ca-file", follower.ca_file, "--token-file", token]
    listed = program.run_json("conflicts", *admin)
    assert first.StudyInstanceUID in [study["study_uid"] for study in listed["patients"]]
    events = program.run_json("events", "--after", newest(follower), *admin)
    assert events == [] or {event["kind"] for event in events} == {"study-stable"}


def test_a_catalogue_that_is_filled_anew_knows_the_same_and_tells_nothing_twice(follower):
    """A lost catalogue row is applied again: places in the packs say that nothing is new."""
    while follow(follower, newest(follower), 3)[0]:
        pass  # What the tests before have stored comes to rest.
    before, seen = follow(follower), newest(follower)
    conflicts = follower.office.api(follower.token).get("/conflicts")
    follower.stop()
    with sqlite3.connect(follower.directory / "db" / "catalogue.db") as database:
        for table in ("patient", "study", "series", "instance", "search_term", "study_accession", "pack_watermark"):
            database.execute(f"DELETE FROM {table}")
    follower.start()
    follower.office.sign_in_officers()
    assert follow(follower) == before
    assert follower.office.api(follower.token).get("/conflicts") == conflicts
    assert follow(follower, seen, 3)[0] == []
