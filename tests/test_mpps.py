"""Modality performed procedure steps: modalities report what they do, the worklist follows, and what arrives is counted."""

import concurrent.futures
import json
import ssl

import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import evt
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
    SecondaryCaptureImageStorage,
)

from yingdun_testkit import ledger, part10, program

WRONG_ENTRY = Code("110514", "DCM", "Incorrect worklist entry selected")
CONTEXTS = [ModalityPerformedProcedureStep, ModalityPerformedProcedureStepRetrieve, ModalityWorklistInformationFind]


@pytest.fixture(scope="module")
def archive(make_installation):
    """An installation of this module's own: it is killed in the middle."""
    return make_installation("mpps")


@pytest.fixture
def ris(archive, tokens):
    return archive.office.api(tokens.client(archive, "worklist"))


class Reporter:
    """A modality that reports."""

    def __init__(self, archive, title, *scopes, identity=None):
        self.archive, self.title, self.identity = archive, title, identity
        proof = {"certificate_sha256": identity["sha256"]} if identity else {"plain_allowed": True}
        archive.office.device(title, **proof)
        archive.office.grant_device(title, *scopes)
        self.association = None

    def associate(self):
        entity = pynetdicom.AE(ae_title=self.title)
        for sop_class in CONTEXTS:
            entity.add_requested_context(sop_class)
        entity.add_requested_context(SecondaryCaptureImageStorage, ExplicitVRLittleEndian)
        tls, (host, port) = None, self.archive.addresses.dicom_plain
        if self.identity:
            context = ssl.create_default_context(cafile=self.archive.ca_file)
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
            tls, (host, port) = (context, "localhost"), self.archive.addresses.dicom_tls
        association = entity.associate(host, port, ae_title="YINGDUN", tls_args=tls)
        assert association.is_established
        return association

    def __enter__(self):
        self.association = self.associate()
        return self

    def __exit__(self, *_):
        self.association.release()

    def begin(self, report, uid):
        status, _ = self.association.send_n_create(report, ModalityPerformedProcedureStep, uid)
        return status

    def change(self, report, uid):
        status, _ = self.association.send_n_set(report, ModalityPerformedProcedureStep, uid)
        return status

    def told(self, uid, tags=()):
        return self.association.send_n_get(list(tags), ModalityPerformedProcedureStepRetrieve, uid)

    def worklist(self, step_id):
        """The status of a step as the worklist tells it; none when it does not."""
        step, asked = Dataset(), Dataset()
        step.ScheduledProcedureStepID, step.ScheduledProcedureStepStatus = step_id, ""
        asked.ScheduledProcedureStepSequence = [step]
        found = [match for _, match in self.association.send_c_find(asked, ModalityWorklistInformationFind) if match]
        return found[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus if found else None


def entry(step_id, study=None) -> Dataset:
    """An item of the worklist."""
    step = Dataset()
    step.ScheduledStationAETitle, step.Modality = "CT01", "CT"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20260301", "0900"
    step.ScheduledProcedureStepID = step_id
    made = Dataset()
    made.AccessionNumber, made.RequestedProcedureID = f"A-{step_id}", f"R-{step_id}"
    made.PatientName, made.PatientID = "Wang^Fang=王^芳", f"P-{step_id}"
    made.StudyInstanceUID = study or generate_uid()
    made.ScheduledProcedureStepSequence = [step]
    return made


def beginning(item: Dataset, **changes) -> Dataset:
    """The report that an item of the worklist is begun."""
    scheduled = Dataset()
    scheduled.StudyInstanceUID, scheduled.AccessionNumber = item.StudyInstanceUID, item.AccessionNumber
    scheduled.ScheduledProcedureStepID = item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID
    report = Dataset()
    report.SpecificCharacterSet = "GB18030"
    report.PatientName, report.PatientID = item.PatientName, item.PatientID
    report.ScheduledStepAttributesSequence = [scheduled]
    report.PerformedProcedureStepID = "PPS1"
    report.PerformedStationAETitle, report.Modality = "CT01", "CT"
    report.PerformedProcedureStepStartDate, report.PerformedProcedureStepStartTime = "20260301", "090500"
    report.PerformedProcedureStepStatus = "IN PROGRESS"
    report.PerformedSeriesSequence = []
    for name, value in changes.items():
        setattr(report, name, value)
    return without_nothing(report)


def end(status="COMPLETED", images=(), reason=None, **changes) -> Dataset:
    """The report that a step is over."""
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID if images else generate_uid()
    series.ProtocolName, series.SeriesDescription = "HEAD", ""
    series.ReferencedImageSequence = []
    for image in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        series.ReferencedImageSequence.append(reference)
    report = Dataset()
    report.PerformedProcedureStepStatus = status
    report.PerformedProcedureStepEndDate, report.PerformedProcedureStepEndTime = "20260301", "091500"
    report.PerformedSeriesSequence = [series]
    if reason:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = reason.value, reason.scheme_designator, "x"
        report.PerformedProcedureStepDiscontinuationReasonCodeSequence = [code]
    for name, value in changes.items():
        setattr(report, name, value)
    return without_nothing(report)


def without_nothing(report):
    for element in [element for element in report if element.value is None and element.VR != "SQ"]:
        del report[element.tag]
    return report


def performed(ris, **conditions):
    return ris.get("/performed-steps", conditions)


@pytest.fixture(scope="module")
def scanner(archive):
    return Reporter(archive, "CT01", "worklist")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_worklist_follows_a_modality_and_what_it_made_is_counted(archive, ris, tls):
    title = "MPPSTLS" if tls else "MPPSPLAIN"
    identity = archive.issue_certificate(title) if tls else None
    item = entry(title)
    ris.post("/worklist", item.to_json_dict(), 201)
    series = generate_uid()
    images = [
        part10.image(patient_id=item.PatientID, study=item.StudyInstanceUID, series=series, seed=seed)
        for seed in range(3)
    ]
    uid = generate_uid()
    with Reporter(archive, title, "worklist", "store", identity=identity) as modality:
        assert modality.worklist(title) == "SCHEDULED"
        assert modality.begin(beginning(item), uid).Status == 0
        assert modality.worklist(title) == "STARTED"
        [row] = performed(ris, study=item.StudyInstanceUID)
        assert (row["state"], row["reporter"]) == ("in-progress", title)
        kept = Dataset.from_json(row["attributes"])
        assert (kept.PatientName, kept.SOPInstanceUID) == (item.PatientName, uid)
        assert modality.association.send_c_store(images[0]).Status == 0
        assert modality.change(end(images=images), uid).Status == 0
        assert modality.worklist(title) is None
        counted = {"series": series, "referenced": 3, "arrived": 1}
        assert ris.get(f"/performed-steps/{row['step']}")["series"] == [counted]
        assert modality.association.send_c_store(images[1]).Status == 0
        document = ris.get(f"/performed-steps/{row['step']}")
        assert (document["state"], document["series"]) == ("completed", [{**counted, "arrived": 2}])
        assert len(Dataset.from_json(document["attributes"]).PerformedSeriesSequence[0].ReferencedImageSequence) == 3
        status, told = modality.told(uid, [0x00100010, 0x00400252])
        assert status.Status == 0
        assert {element.keyword for element in told} == {
            "SpecificCharacterSet", "PatientName", "PerformedProcedureStepStatus",
        }
        assert (told.PatientName, told.PerformedProcedureStepStatus) == (item.PatientName, "COMPLETED")
    assert [step["state"] for step in ris.get("/worklist", {"state": "completed"}) if title in str(step)] == ["completed"]


def test_a_discontinued_step_is_gone_unless_the_entry_was_the_wrong_one(ris, scanner):
    for number, (reason, told, state) in enumerate([(None, None, "discontinued"), (WRONG_ENTRY, "SCHEDULED", "scheduled")]):
        item = entry(f"DISC{number}")
        step = ris.post("/worklist", item.to_json_dict(), 201)["step"]
        uid = generate_uid()
        with scanner as modality:
            assert modality.begin(beginning(item), uid).Status == 0
            assert modality.change(end("DISCONTINUED", reason=reason), uid).Status == 0
            assert modality.worklist(f"DISC{number}") == told
            # Whoever schedules decides whether it is done again.
            assert step in {row["step"] for row in ris.get("/worklist", {"state": state})}
            ris.put(f"/worklist/{step}", item.to_json_dict(), 204)
            assert modality.worklist(f"DISC{number}") == "SCHEDULED"


def test_reports_that_are_none_get_their_status_and_the_association_goes_on(ris, scanner):
    item = entry("WRONG")
    uid = generate_uid()
    with scanner as modality:
        for changes, status in [
            ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106),
            ({"PerformedProcedureStepStatus": None}, 0x0120),
            ({"PerformedProcedureStepStatus": ""}, 0x0121),
            ({"PerformedProcedureStepID": None}, 0x0120),
            ({"PerformedStationAETitle": ""}, 0x0121),
            ({"PerformedProcedureStepStartTime": None}, 0x0120),
            ({"Modality": None}, 0x0120),
            ({"ScheduledStepAttributesSequence": []}, 0x0121),
            ({"ScheduledStepAttributesSequence": [Dataset()]}, 0x0120),
            ({"CommentsOnThePerformedProcedureStep": "x" * 70_000}, 0x0213),
        ]:
            assert modality.begin(beginning(item, **changes), uid).Status == status, changes
        assert modality.change(end(), uid).Status == 0x0112
        assert modality.told(uid)[0].Status == 0x0112
        assert modality.begin(beginning(item), uid).Status == 0
        assert modality.begin(beginning(item), uid).Status == 0x0111
        for changes, status in [
            ({"PerformedProcedureStepStatus": "PAUSED"}, 0x0106),
            ({"PerformedProcedureStepEndDate": None}, 0x0120),
            ({"PerformedProcedureStepEndTime": ""}, 0x0121),
            ({"PerformedSeriesSequence": []}, 0x0121),
            ({"PerformedSeriesSequence": [Dataset()]}, 0x0120),
        ]:
            assert modality.change(end(**changes), uid).Status == status, changes
        # What is fixed stays as it is, and the answer says so; the rest is done.
        warning = modality.change(end("IN PROGRESS", PatientName="Somebody^Else", StudyID=""), uid)
        assert (warning.Status, warning.AttributeIdentifierList) == (0x0107, 0x00100010)
        assert modality.change(end(), uid).Status == 0
        for report in (end(), end("DISCONTINUED"), end("IN PROGRESS")):
            over = modality.change(report, uid)
            assert (over.Status, over.ErrorID) == (0x0110, 0xA710)
        assert modality.told(uid)[1].PatientName == item.PatientName
        assert ris.get("/performed-steps", {"study": item.StudyInstanceUID, "state": "completed"})


def test_hostile_data_sets_are_refused_and_the_association_goes_on(scanner, monkeypatch):
    item = entry("HOSTILE")
    deep = beginning(item)
    for _ in range(60):
        outer = Dataset()
        outer.PerformedSeriesSequence = [deep]
        deep = outer
    long = end(images=[part10.image(rows=1, columns=1)])
    series = long.PerformedSeriesSequence[0]
    series.ReferencedImageSequence = list(series.ReferencedImageSequence) * 30_000
    with scanner as modality:
        assert modality.begin(deep, generate_uid()).Status == 0x0110
        uid = generate_uid()
        assert modality.begin(beginning(item), uid).Status == 0
        assert modality.change(long, uid).Status == 0x0213
        for garbage in (b"\xff" * 64, b"\x40\x00\x40\x03SQ\0\0\xff\xff\xff\xff", b"\x10\x00\x10\x00PN\xff\xff"):
            monkeypatch.setattr("pynetdicom.association.encode", lambda *_, garbage=garbage: garbage)
            assert modality.begin(Dataset(), generate_uid()).Status == 0x0110, garbage
            assert modality.change(Dataset(), uid).Status == 0x0110, garbage
            monkeypatch.undo()
        assert modality.change(end(), uid).Status == 0


def test_a_step_belongs_to_the_device_that_began_it_and_the_policy_decides_who_reports(archive, scanner):
    item, uid = entry("OWNED"), generate_uid()
    with scanner as modality:
        assert modality.begin(beginning(item), uid).Status == 0
    with Reporter(archive, "MR01", "worklist") as other:
        assert other.change(end(), uid).Status == 0x0124
        assert other.begin(beginning(item), uid).Status == 0x0111
        # Whoever may read the worklist may read what was performed.
        assert other.told(uid)[1].PerformedProcedureStepStatus == "IN PROGRESS"
    nobody = Reporter(archive, "MPPSNONE")
    for scopes in [(), ("store",), ("search",), ("view",), ("store", "search", "view", "export")]:
        archive.office.grant_device("MPPSNONE", *scopes)
        with nobody as modality:
            assert modality.begin(beginning(item), generate_uid()).Status == 0x0124, scopes
            assert modality.change(end(), uid).Status == 0x0124, scopes
            assert modality.told(uid)[0].Status == 0x0124, scopes
    with scanner as modality:
        assert modality.change(end(), uid).Status == 0


def test_who_has_no_right_reads_no_step(archive, tokens):
    gateway = archive.office.api(tokens.client(archive, "store", "search", "view"))
    gateway.get("/performed-steps", status=403)
    gateway.get(f"/performed-steps/{'0' * 32}", status=403)
    technician = archive.office.api(tokens.person(archive, "technician"))
    assert technician.get("/performed-steps")
    technician.get(f"/performed-steps/{'0' * 32}", status=404)
    technician.get("/performed-steps/nonsense", status=400)
    technician.get("/performed-steps", {"state": "done"}, 400)
    technician.get("/performed-steps", {"study": "1.2.x"}, 400)
    technician.get("/performed-steps", {"after": "0" * 32}, 404)


def test_a_peer_that_names_no_instance_is_told_the_one_that_it_gets(scanner):
    with scanner as modality:
        named = []
        handler = (evt.EVT_DIMSE_RECV, lambda event: named.append(event.message))
        modality.association.bind(*handler)
        assert modality.begin(beginning(entry("UNNAMED")), None).Status == 0
        uid = named[0].command_set.AffectedSOPInstanceUID
        assert uid.startswith("2.25.")
        assert modality.change(end(), uid).Status == 0


def test_of_devices_and_reports_that_race_one_wins_and_the_rest_hears_so(archive, scanner):
    item, uid = entry("RACE"), generate_uid()
    other = Reporter(archive, "MR02", "worklist")

    def report(modality, send):
        association = modality.associate()
        try:
            return send(association)
        finally:
            association.release()

    def begin(association):
        return association.send_n_create(beginning(item), ModalityPerformedProcedureStep, uid)[0].Status

    def complete(status):
        return lambda association: association.send_n_set(end(status), ModalityPerformedProcedureStep, uid)[0].Status

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        begun = list(pool.map(lambda modality: report(modality, begin), [scanner, other] * 3))
        assert sorted(begun) == [0] + [0x0111] * 5
        ends = [(who, complete(status)) for who in (scanner, other) for status in ("COMPLETED", "DISCONTINUED", "COMPLETED")]
        ended = list(pool.map(lambda sent: report(*sent), ends))
    # Three of the device that began it, three of the other.
    assert sorted(ended) == [0] + [0x0110] * 2 + [0x0124] * 3


def test_steps_are_paged_and_survive_the_death_of_the_server_in_the_middle(archive, tokens):
    study, uids = generate_uid(), [generate_uid() for _ in range(5)]
    modality = Reporter(archive, "MPPSKILL", "worklist")
    with modality:
        for number, uid in enumerate(uids):
            report = beginning(entry(f"KILL{number}", study), PerformedStationAETitle="PAGES")
            report.PerformedProcedureStepStartTime = f"10{number:02}"
            assert modality.begin(report, uid).Status == 0
    association = modality.associate()
    archive.kill()
    archive.start()
    archive.office.sign_in_officers()
    association.abort()
    ris = archive.office.api(tokens.client(archive, "worklist"))
    pages, after = [], {}
    while page := performed(ris, station="PAGES", limit=2, **{"from": "20260301", "until": "20260301"}, **after):
        pages.append([row["attributes"]["00080018"]["Value"][0] for row in page])
        after = {"after": page[-1]["step"]}
    assert pages == [uids[:2:-1], uids[2:0:-1], uids[:1]]
    assert performed(ris, station="PAGES", **{"from": "20260302"}) == []
    with modality:
        assert modality.begin(beginning(entry("KILL0", study)), uids[0]).Status == 0x0111
        assert modality.change(end(), uids[0]).Status == 0
    assert len(performed(ris, study=study, state="in-progress")) == 4


def test_the_command_line_reports_to_a_peer_and_reads(archive, tokens, ris, tmp_path):
    identity = archive.issue_certificate("MPPSCLI")
    Reporter(archive, "MPPSCLI", "worklist", identity=identity)
    item = entry("CLI")
    ris.post("/worklist", item.to_json_dict(), 201)
    path = tmp_path / "item.json"
    path.write_text(json.dumps(item.to_json_dict()))
    files = tmp_path / "images"
    files.mkdir()
    for seed in range(2):
        image = part10.image(patient_id=item.PatientID, study=item.StudyInstanceUID, series="1.2.840.99.7", seed=seed)
        (files / f"{seed}.dcm").write_bytes(part10.file_bytes(image))
    host, port = archive.addresses.dicom_tls
    how = [
        "--calling", "MPPSCLI", "--ca-file", archive.ca_file,
        "--certificate-file", identity["certificate_file"], "--private-key-file", identity["private_key_file"],
    ]
    peer = f"YINGDUN@localhost:{port}"
    begun = program.run_json("mpps", "create", peer, path, *how)
    assert begun["status"] == 0
    uid = begun["uid"]
    assert program.run_json("mpps", "create", peer, path, "--uid", uid, *how, code=1)["status"] == 0x0111
    assert program.run_json("mpps", "complete", peer, uid, *how, code=1)["status"] == 0x0121
    assert program.run_json("mpps", "complete", peer, uid, files, *how)["status"] == 0
    assert program.run_json("mpps", "discontinue", peer, uid, "--reason", "110514", *how, code=1)["status"] == 0x0110
    token = tmp_path / "ris.token"
    token.write_text(tokens.client(archive, "worklist"))
    token.chmod(0o600)
    who = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
    [row] = program.run_json("mpps", "list", "--study", item.StudyInstanceUID, "--state", "completed", *who)
    shown = program.run_json("mpps", "show", row["step"], *who)
    assert shown["series"] == [{"series": "1.2.840.99.7", "referenced": 2, "arrived": 0}]
    assert shown["attributes"]["00400241"]["Value"] == ["MPPSCLI"]


def test_the_command_line_reports_to_a_peer_of_another_maker(tmp_path):
    """A server of pynetdicom, which answers with the attributes that it keeps."""
    got = []

    def create(event):
        got.append(("create", event.request.AffectedSOPInstanceUID, event.attribute_list))
        return 0x0000, event.attribute_list

    def change(event):
        got.append(("set", event.request.RequestedSOPInstanceUID, event.modification_list))
        return 0x0000, event.modification_list

    entity = pynetdicom.AE(ae_title="PEER")
    entity.add_supported_context(ModalityPerformedProcedureStep)
    handlers = [(evt.EVT_N_CREATE, create), (evt.EVT_N_SET, change)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        peer = f"PEER@127.0.0.1:{server.socket.getsockname()[1]}"
        path = tmp_path / "item.json"
        path.write_text(json.dumps(entry("PEER").to_json_dict()))
        begun = program.run_json("mpps", "create", peer, path, "--calling", "CT09")
        assert begun["status"] == 0
        assert program.run_json("mpps", "discontinue", peer, begun["uid"], "--reason", "110514")["status"] == 0
    finally:
        server.shutdown()
    (_, created, report), (_, changed, over) = got
    assert created == changed == begun["uid"]
    assert (report.PatientName, report.PerformedStationAETitle) == ("Wang^Fang=王^芳", "CT09")
    assert report.ScheduledStepAttributesSequence[0].ScheduledProcedureStepID == "PEER"
    # All that the standard demands of whoever begins a step is there, empty or not.
    for name in ("PatientBirthDate", "PatientSex", "StudyID", "PerformedLocation", "PerformedSeriesSequence"):
        assert name in report, name
    assert over.PerformedProcedureStepStatus == "DISCONTINUED"
    assert over.PerformedProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110514"


def test_every_report_is_on_the_ledger_and_no_name_is_on_the_disk(archive):
    archive.stop()
    leaves = [leaf for leaf in ledger.leaves(archive.audit_directory) if leaf.get("action") == "report-step"]
    said = {(leaf["outcome"], leaf["reason"]) for leaf in leaves}
    assert said >= {
        ("permitted", "granted-scope"),
        ("refused", "no-rule-permits"),
        ("succeeded", "step-begun"),
        ("succeeded", "step-changed"),
        ("succeeded", "step-completed"),
        ("succeeded", "step-discontinued"),
        ("failed", "step-begun"),
        ("failed", "step-ended"),
        ("failed", "step-of-another-device"),
    }
    assert archive.verify_audit()["ok"]
    for path in archive.files():
        content = path.read_bytes()
        for text in ("Wang^Fang", "王^芳", "P-OWNED", "A-OWNED"):
            assert text.encode() not in content, path
