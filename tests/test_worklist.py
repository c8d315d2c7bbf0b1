"""The modality worklist: entered over HTTPS and the command line, asked for by modalities."""

import copy
import json
import shutil
import subprocess
import time

import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import generate_uid
from pynetdicom.sop_class import ModalityWorklistInformationFind

from yingdun_testkit import part10, program
from yingdun_testkit.dcmtk import Listening
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import Orthanc, free_port

#: The worklist plugin, where Debian puts it.
WORKLIST_PLUGIN = "/usr/share/orthanc/plugins/libModalityWorklists.so"

STEPS = [
    # number, alphabetic, ideographic, station, modality, date, time
    ("1", "Wang^Fang", "王^芳", "CT01", "CT", "20260301", "0900"),
    ("2", "Wang^Lei", "王^磊", "CT01", "CT", "20260302", "1000"),
    ("3", "Li^Na", "李^娜", "MR01", "MR", "20260301", "1100"),
]

#: Queries: attributes of the patient and order, attributes of the step, and the numbers of the steps that match.
QUERIES = [
    ({}, {}, "123"),
    ({}, {"ScheduledStationAETitle": "CT01"}, "12"),
    ({}, {"ScheduledStationAETitle": "CT01", "ScheduledProcedureStepStartDate": "20260301"}, "1"),
    ({}, {"ScheduledProcedureStepStartDate": "20260302-20260331"}, "2"),
    ({}, {"ScheduledProcedureStepStartDate": "-20260301", "Modality": "MR"}, "3"),
    ({}, {"ScheduledProcedureStepStartDate": "20260301", "ScheduledProcedureStepStartTime": "1030-1200"}, "3"),
    ({"PatientName": "Wang*"}, {}, "12"),
    ({"PatientName": "Wang^F?ng"}, {}, "1"),
    ({"PatientID": "WL-3"}, {}, "3"),
    ({"PatientID": "nobody"}, {}, ""),
    ({"AccessionNumber": "WLA2"}, {}, "2"),
    ({"RequestedProcedureID": "WLR1"}, {"Modality": "CT"}, "1"),
]

#: Where the worklist server of DCMTK answers otherwise, and why ours is right.
DIFFERENCES = {
    # It compares the whole value, whose second component group the pattern does not cover. PS3.4 §C.2.2.2.1: a name
    # matches by any of its component groups.
    "Wang^F?ng": "",
}


def item(number, alphabetic, ideographic, station, modality, date, start) -> Dataset:
    step = Dataset()
    step.ScheduledStationAETitle, step.Modality = station, modality
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = date, start
    step.ScheduledProcedureStepDescription, step.ScheduledProcedureStepID = "examination", f"WLS{number}"
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.AccessionNumber, made.RequestedProcedureID = f"WLA{number}", f"WLR{number}"
    made.PatientName, made.PatientID = f"{alphabetic}={ideographic}", f"WL-{number}"
    made.PatientBirthDate, made.PatientSex = "19700101", "F"
    made.StudyInstanceUID, made.RequestedProcedureDescription = generate_uid(), "examination"
    made.ScheduledProcedureStepSequence = [step]
    return made


def identifier(keys, of_step, character_set="ISO_IR 192") -> Dataset:
    step = Dataset()
    for name in ("ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "Modality", "ScheduledProcedureStepID"):
        setattr(step, name, "")
    asked = Dataset()
    asked.SpecificCharacterSet = character_set
    for name in ("PatientName", "PatientID", "AccessionNumber", "RequestedProcedureID", "StudyInstanceUID"):
        setattr(asked, name, "")
    for data_set, values in ((asked, keys), (step, of_step)):
        for name, value in values.items():
            setattr(data_set, name, value)
    asked.ScheduledProcedureStepSequence = [step]
    return asked


def find(address, asked, calling="WLMOD", called="YINGDUN"):
    """The last status and the matches."""
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(ModalityWorklistInformationFind)
    association = entity.associate(*address, ae_title=called)
    assert association.is_established
    answers = list(association.send_c_find(asked, ModalityWorklistInformationFind))
    association.release()
    return answers[-1][0].Status, [found for status, found in answers if status.Status in (0xFF00, 0xFF01)]


@pytest.fixture(scope="module")
def ris(archive, tokens):
    return archive.office.api(tokens.client(archive, "worklist"))


@pytest.fixture(scope="module")
def entered(archive, ris):
    """The items and their references, and a modality that may ask."""
    archive.office.device("WLMOD", plain_allowed=True)
    archive.office.security.put("/devices/WLMOD/scopes", {"called_ae": "YINGDUN", "scopes": ["worklist"]}, 204)
    items = [item(*step) for step in STEPS]
    return items, [ris.post("/worklist", made.to_json_dict(), 201)["step"] for made in items]


def numbers(found) -> str:
    return "".join(sorted(match.PatientID[-1] for match in found))


@pytest.mark.parametrize(("keys", "of_step", "expected"), QUERIES)
def test_a_modality_finds_what_it_is_to_do(archive, entered, keys, of_step, expected):
    status, found = find(archive.addresses.dicom_plain, identifier(keys, of_step))
    assert (status, numbers(found)) == (0, expected)


def test_an_answer_has_what_was_asked_for_and_nothing_else(archive, entered):
    asked = identifier({"PatientID": "WL-1"}, {})
    _, [found] = find(archive.addresses.dicom_plain, asked)
    assert {element.keyword for element in found} == {element.keyword for element in asked}
    [step] = found.ScheduledProcedureStepSequence
    assert {element.keyword for element in step} == {
        element.keyword for element in asked.ScheduledProcedureStepSequence[0]
    }
    assert (found.AccessionNumber, step.ScheduledProcedureStepID) == ("WLA1", "WLS1")
    assert found.StudyInstanceUID == entered[0][0].StudyInstanceUID


@pytest.mark.parametrize("character_set", ["ISO_IR 192", "GB18030", "GBK"])
def test_names_are_asked_for_and_told_in_the_character_set_of_the_modality(archive, entered, character_set):
    asked = identifier({"PatientName": "王*"}, {}, character_set)
    _, found = find(archive.addresses.dicom_plain, asked)
    assert numbers(found) == "12"
    assert found[0].SpecificCharacterSet == character_set
    assert {match.PatientName.ideographic for match in found} == {"王^芳", "王^磊"}


def test_findscu_of_dcmtk_asks(archive, entered):
    host, port = archive.addresses.dicom_plain
    keys = ["PatientID", "PatientName=Li*", "ScheduledProcedureStepSequence[0].ScheduledStationAETitle"]
    arguments = [part for key in keys for part in ("-k", key)]
    done = subprocess.run(
        ["findscu", "-W", "-aet", "WLMOD", "-aec", "YINGDUN", *arguments, host, str(port)],
        capture_output=True, text=True, timeout=60, check=True,
    )
    assert "[WL-3" in done.stdout + done.stderr and "[MR01" in done.stdout + done.stderr


def test_the_worklist_server_of_dcmtk_gives_the_same_answers(archive, entered, tmp_path):
    folder = tmp_path / "WLM"
    folder.mkdir()
    (folder / "lockfile").touch()
    for number, made in enumerate(entered[0]):
        pydicom.dcmwrite(folder / f"{number}.wl", made, implicit_vr=False, little_endian=True)
    port = free_port()
    with open(tmp_path / "wlmscpfs.log", "wb") as log:
        program_path = shutil.which("wlmscpfs")
        process = subprocess.Popen(
            [program_path, "-dfp", str(tmp_path), "-dfr", str(port)], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: answers(("127.0.0.1", port)), "wlmscpfs answers", 20)
        for keys, of_step, expected in QUERIES:
            asked = identifier(keys, of_step)
            _, theirs = find(("127.0.0.1", port), asked, called="WLM")
            _, ours = find(archive.addresses.dicom_plain, asked)
            assert numbers(theirs) == DIFFERENCES.get(keys.get("PatientName"), expected), (keys, of_step)
            assert numbers(ours) == expected, (keys, of_step)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(params=["wlmscpfs", "orthanc"])
def another_worklist(request, entered, tmp_path):
    """The same steps in the worklist of another server: its title and port."""
    folder = tmp_path / "WLM"
    folder.mkdir()
    (folder / "lockfile").touch()
    for number, made in enumerate(entered[0]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ModalityWorklistInformationFind, generate_uid()
        meta.TransferSyntaxUID = part10.EXPLICIT_LITTLE_ENDIAN
        made = copy.deepcopy(made)
        made.file_meta = meta
        pydicom.dcmwrite(folder / f"{number}.wl", made, enforce_file_format=True)
    if request.param == "wlmscpfs":
        with Listening("wlmscpfs", "-dfp", tmp_path, "-dfr") as theirs:
            wait_until(lambda: answers(theirs.address), "wlmscpfs answers", 20)
            yield "WLM", theirs.port
        return
    settings = {"DicomAet": "WLM", "DicomAlwaysAllowFindWorklist": True, "DefaultEncoding": "Utf8", "Plugins": [WORKLIST_PLUGIN]}
    orthanc = Orthanc(tmp_path, {**settings, "Worklists": {"Enable": True, "Database": str(folder)}})
    yield "WLM", orthanc.dicom
    orthanc.stop()


def test_the_worklist_of_another_server_is_asked_from_the_command_line(another_worklist):
    title, port = another_worklist
    ask = lambda *keys, code=0: program.run_json(
        "find", "--worklist", f"{title}@localhost:{port}", *(word for key in keys for word in ("-k", key)), code=code
    )
    found = ask("PatientID")
    assert sorted(row["00100020"]["Value"][0] for row in found["rows"]) == ["WL-1", "WL-2", "WL-3"]
    of_step = "ScheduledProcedureStepSequence"
    [row] = ask(f"{of_step}.Modality=MR", f"{of_step}.ScheduledProcedureStepStartDate=20260301")["rows"]
    assert row["00100010"]["Value"] == [{"Alphabetic": "Li^Na", "Ideographic": "李^娜"}]
    # What a modality takes over comes without being asked for.
    assert row["00400100"]["Value"][0]["00400001"]["Value"] == ["MR01"]
    assert row["0020000D"]["Value"] and row["00401001"]["Value"] == ["WLR3"]
    assert ask("PatientID=nobody")["rows"] == []
    for wrong in (["NoSuchKey"], ["PatientID.Modality"], [f"{of_step}.Rows=1"]):
        done = program.run("find", "--worklist", f"{title}@localhost:{port}", "-k", *wrong)
        assert done.returncode == 2, done.stderr
    assert program.run("find", "--worklist", "--level", "STUDY", f"{title}@localhost:{port}", "-k", "PatientID").returncode == 2


def test_the_archive_asks_the_worklist_of_a_device_for_whoever_may_read_one(
    archive, ris, another_worklist, tokens, tmp_path, request
):
    _, port = another_worklist
    # A title of its own for each server: a record stays.
    title = f"WL{port}"
    archive.office.device(title, plain_allowed=True, destination=f"plain://127.0.0.1:{port}")
    keys = {"PatientName": "Wang*", "ScheduledProcedureStepSequence.Modality": "CT"}
    if "orthanc" in request.node.callspec.id:
        # It listens to any title; wlmscpfs knows its worklists by theirs.
        found = ris.post(f"/devices/{title}/worklist", {"keys": keys}, 200)
        assert sorted(row["00100020"]["Value"][0] for row in found["rows"]) == ["WL-1", "WL-2"]
        assert not found["more"]
        cut = ris.post(f"/devices/{title}/worklist", {"keys": keys, "limit": 1}, 200)
        assert len(cut["rows"]) == 1 and cut["more"]
        leaves = archive.office.leaves(kind="query", action="read-worklist", outcome="succeeded")
        assert any(leaf["counts"].get("rows") == 2 for leaf in leaves), "what left is on the ledger"
        token = tmp_path / "token"
        token.write_text(tokens.person(archive, "technician"))
        admin = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
        shown = program.run("device", "worklist", title, "-k", "PatientID=WL-3", *admin)
        assert shown.returncode == 0 and "ScheduledStationAETitle" in shown.stdout and "WL-3" in shown.stdout
    else:
        # It does not know the title that it is called by: what is wrong is said, with what to do.
        answer = ris.raw("POST", f"/devices/{title}/worklist", {"keys": keys})
        assert answer.status_code == 502 and answer.json()["do"], answer.text
    # What the description of the API does not allow is a 400; what DICOM does not know, a 422.
    for wrong, status in (({"PatientID": 1}, 400), ({"NoSuchKey": ""}, 422), ({"PatientID.Modality": ""}, 422)):
        ris.post(f"/devices/{title}/worklist", {"keys": wrong}, status)
    ris.post("/devices/NOBODY/worklist", {"keys": keys}, 404)
    radiologist = archive.office.api(tokens.person(archive, "radiologist"))
    radiologist.post(f"/devices/{title}/worklist", {"keys": keys}, 403)


def answers(address) -> bool:
    entity = pynetdicom.AE(ae_title="WLMOD")
    entity.add_requested_context(ModalityWorklistInformationFind)
    association = entity.associate(*address, ae_title="WLM")
    if association.is_established:
        association.release()
        return True
    time.sleep(0.1)
    return False


def test_questions_that_are_none_get_their_status_and_the_association_goes_on(archive, entered):
    two_items = identifier({}, {})
    two_items.ScheduledProcedureStepSequence.append(Dataset())
    no_date = identifier({}, {})
    no_date.ScheduledProcedureStepSequence[0][0x00400002]._value = "yesterday"
    too_long = identifier({"PatientName": "x" * 70_000}, {})
    entity = pynetdicom.AE(ae_title="WLMOD")
    entity.add_requested_context(ModalityWorklistInformationFind)
    association = entity.associate(*archive.addresses.dicom_plain, ae_title="YINGDUN")
    for asked, status in [(two_items, 0xA900), (no_date, 0xA900), (too_long, 0xC000), (identifier({}, {}), 0)]:
        assert list(association.send_c_find(asked, ModalityWorklistInformationFind))[-1][0].Status == status
    association.release()


def test_a_step_is_described_anew_and_cancelled(archive, ris, entered):
    made = item("7", "Zhao^Liu", "赵^六", "US01", "US", "20260401", "0900")
    step = ris.post("/worklist", made.to_json_dict(), 201)["step"]
    ris.post("/worklist", made.to_json_dict(), 409)
    made.ScheduledProcedureStepSequence[0].ScheduledStationAETitle = "US02"
    ris.put(f"/worklist/{step}", made.to_json_dict(), 204)
    of_station = identifier({}, {"ScheduledStationAETitle": "US02"})
    assert numbers(find(archive.addresses.dicom_plain, of_station)[1]) == "7"
    listed = [row for row in ris.get("/worklist", {"from": "20260401", "until": "20260401"}) if row["step"] == step]
    assert listed[0]["state"] == "scheduled"
    assert Dataset.from_json(listed[0]["attributes"]) == made
    ris.delete(f"/worklist/{step}", 204)
    ris.delete(f"/worklist/{step}", 404)
    assert find(archive.addresses.dicom_plain, of_station) == (0, [])


def test_what_is_no_item_is_refused(ris):
    whole = item("8", "Qian^Qi", "钱^七", "US01", "US", "20260401", "0900").to_json_dict()
    for missing in ("00100020", "0020000D", "00401001", "00400100"):
        ris.post("/worklist", {tag: value for tag, value in whole.items() if tag != missing}, 400)
    ris.post("/worklist", {**whole, "PatientID": {}}, 400)
    ris.put("/worklist/nonsense", whole, 400)


def test_the_command_line_enters_lists_and_cancels(archive, tokens, tmp_path):
    made = item("9", "Sun^Ba", "孙^八", "DX01", "DX", "20260501", "0900")
    path = tmp_path / "item.json"
    path.write_text(json.dumps(made.to_json_dict()))
    token = tmp_path / "ris.token"
    token.write_text(tokens.client(archive, "worklist"))
    token.chmod(0o600)
    who = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
    step = program.run_json("worklist", "add", path, *who)["step"]
    rows = program.run_json("worklist", "list", "--from", "20260501", *who)
    assert [row["step"] for row in rows] == [step]
    program.run_json("worklist", "cancel", step, *who)
    assert program.run_json("worklist", "list", "--from", "20260501", *who) == []


def test_who_has_no_right_sees_and_changes_nothing(archive, tokens, entered):
    archive.office.device("WLNONE", plain_allowed=True)
    status, found = find(archive.addresses.dicom_plain, identifier({}, {}), calling="WLNONE")
    assert (status, found) == (0x0124, [])
    gateway = archive.office.api(tokens.client(archive, "store", "search", "view"))
    gateway.get("/worklist", status=403)
    gateway.post("/worklist", entered[0][0].to_json_dict(), 403)
    # A modality that may read the worklist still stores nothing.
    entity = pynetdicom.AE(ae_title="WLMOD")
    entity.add_requested_context(part10.SECONDARY_CAPTURE, [part10.EXPLICIT_LITTLE_ENDIAN])
    association = entity.associate(*archive.addresses.dicom_plain, ae_title="YINGDUN")
    assert association.send_c_store(part10.image(patient_id="WL-1")).Status == 0x0124
    association.release()
