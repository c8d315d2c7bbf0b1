"""Export: a study as a medium that other programs read, who may, and what the ledger says of it."""

import io
import shutil
import subprocess
import zipfile

import pydicom
import pytest
from pydicom.fileset import FileSet

from yingdun_testkit import corpus, part10, program
from yingdun_testkit.web import Web


@pytest.fixture(scope="module")
def desk(archive):
    """The service that makes media."""
    return Web(archive, archive.office.client_token("desk", "search", "view", "export"))


def images(patient_id, series=2, count=3, **attributes):
    study, made = part10.generate_uid(), []
    for number in range(1, series + 1):
        uid = part10.generate_uid()
        for image in range(1, count + 1):
            made.append(
                part10.image(
                    patient_id=patient_id,
                    study=study,
                    series=uid,
                    seed=image,
                    SeriesNumber=number,
                    InstanceNumber=image,
                    StudyID="7",
                    AccessionNumber="",
                    **attributes,
                )
            )
    return made


def store(gateway, data_sets):
    gateway.must_store(*map(part10.file_bytes, data_sets))
    return data_sets


def unpacked(content: bytes, folder):
    """The archive on a disk, each entry checked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert all(part == part.upper() and len(part) <= 8 for part in name.split("/")), name
        archive.extractall(folder)
    return folder


def test_a_study_leaves_as_a_medium_that_others_read_bit_for_bit(gateway, desk, tmp_path):
    sent = store(gateway, images("export-1", patient_name="王^小东=Wang^XiaoDong"))
    study = sent[0].StudyInstanceUID
    answer = desk.get(f"/studies/{study}/media")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    again = desk.get(f"/studies/{study}", accept="application/zip")
    assert len(again.content) - len(answer.content) in range(-4, 5), "the same but for the UID of the directory"
    medium = FileSet(unpacked(answer.content, tmp_path) / "DICOMDIR")
    assert {found.SOPInstanceUID for found in medium} == {image.SOPInstanceUID for image in sent}
    assert str(medium.find_values("PatientName")[0]) == "王^小东=Wang^XiaoDong"
    for found in medium:
        (original,) = [image for image in sent if image.SOPInstanceUID == found.SOPInstanceUID]
        with open(found.path, "rb") as file:
            assert part10.data_set_bytes(file.read()) == part10.data_set_bytes(part10.file_bytes(original))
    # What the system's own program reads, without a word about the central directory.
    (tmp_path / "medium.zip").write_bytes(answer.content)
    if shutil.which("unzip"):
        tested = subprocess.run(["unzip", "-tq", tmp_path / "medium.zip"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stdout + tested.stderr


def test_dcmtk_finds_the_directory_as_good_as_its_own(gateway, desk, tmp_path):
    if not (shutil.which("dcmdump") and shutil.which("dcmmkdir")):
        pytest.skip("DCMTK is not installed")
    sent = store(gateway, images("export-2", series=2, count=2))
    folder = unpacked(desk.get(f"/studies/{sent[0].StudyInstanceUID}/media").content, tmp_path)
    dumped = subprocess.run(["dcmdump", folder / "DICOMDIR"], capture_output=True, text=True, check=False)
    assert dumped.returncode == 0 and not dumped.stderr, dumped.stderr
    ours = records(folder / "DICOMDIR")
    (folder / "DICOMDIR").rename(folder / "OURS")
    made = subprocess.run(
        ["dcmmkdir", "--recurse", "+id", folder, "+D", folder / "DICOMDIR", "DICOM"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    theirs = records(folder / "DICOMDIR")
    assert ours == theirs
    # It goes on from ours: offsets that did not hold would not survive this.
    (folder / "OURS").rename(folder / "DICOMDIR")
    update = ["dcmmkdir", "--update", "--recurse", "+id", folder, "+D", folder / "DICOMDIR"]
    updated = subprocess.run([*update, "DICOM"], capture_output=True, text=True, check=False)
    assert updated.returncode == 0, updated.stderr
    assert records(folder / "DICOMDIR") == theirs


def records(path) -> list:
    """Type, keys of identity and file of every record, in the order of the offsets."""
    keys = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "ReferencedSOPInstanceUIDInFile", "ReferencedFileID"]
    directory = pydicom.dcmread(path)
    found = []
    for record in directory.DirectoryRecordSequence:
        values = [str(record.get(key, "")) for key in keys]
        found.append((record.DirectoryRecordType, *values))
    return sorted(found)


def test_every_kind_of_object_has_a_record_of_its_kind(gateway, desk, tmp_path):
    """Reports, presentation states, documents and plans, as real programs wrote them."""
    types = {}
    study = part10.generate_uid()
    for name in ["reportsi.dcm", "rtplan.dcm", "rtdose.dcm", "CT_small.dcm", "waveform_ecg.dcm"]:
        data_set = pydicom.dcmread(corpus.files()[f"pydicom/test_files/{name}"])
        data_set.StudyInstanceUID, data_set.PatientID = study, "export-3"
        # Other tests store the file as it is, in its own study.
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = part10.generate_uid()
        types[name] = store(gateway, [data_set])
    medium = FileSet(unpacked(desk.get(f"/studies/{study}/media").content, tmp_path) / "DICOMDIR")
    kinds = {pydicom.dcmread(found.path).SOPClassUID.name: found.node._record.DirectoryRecordType for found in medium}
    assert len(medium) == len(types) == 5
    assert kinds.get("RT Plan Storage") == "RT PLAN" and kinds.get("CT Image Storage") == "IMAGE", kinds


def test_who_may_look_may_not_yet_carry_away_and_both_are_on_the_ledger(archive, gateway, desk, tokens):
    sent = store(gateway, images("export-4", series=1, count=1))
    study = sent[0].StudyInstanceUID
    reader = Web(archive, tokens.person(archive, "radiologist"))
    assert reader.get(f"/studies/{study}/metadata").status_code == 200
    for path, accept in [(f"/studies/{study}/media", None), (f"/studies/{study}", "application/zip")]:
        assert reader.get(path, accept=accept).status_code == 403
    assert gateway.get(f"/media?StudyInstanceUID={study}").status_code == 403, "no scope, no medium"
    assert reader.get(f"/studies/{part10.generate_uid()}/media").status_code == 404
    assert Web(archive, tokens.person(archive, "clinician")).get(f"/studies/{study}/media").status_code == 404
    assert desk.get(f"/studies/{study}/media").status_code == 200
    assert Web(archive, tokens.person(archive, "chief")).get(f"/studies/{study}/media").status_code == 200
    leaves = [leaf for leaf in archive.office.leaves(study_uid=study, kind="access") if leaf["action"] == "export"]
    assert {leaf["outcome"] for leaf in leaves} == {"permitted", "refused"}


def test_the_command_line_exports_a_study_a_series_and_a_patient(archive, gateway, tmp_path):
    first, second = (store(gateway, images("export-5", series=2, count=2)) for _ in range(2))
    token = {"YINGDUN_TOKEN": archive.office.client_token("desk-cli", "search", "view", "export")}
    server = ["--server", archive.addresses.web, "--ca-file", archive.ca_file]
    patient = tmp_path / "patient"
    patient.write_text("export-5\n")
    study, series = first[0].StudyInstanceUID, first[0].SeriesInstanceUID
    for number, (words, count) in enumerate(
        [([study], 4), ([study, "--series", series], 2), (["--patient-id-file", patient], 8)]
    ):
        out = tmp_path / f"{number}.zip"
        program.run_json("export", *words, "-o", out, *server, env=token)
        with zipfile.ZipFile(out) as medium:
            assert medium.testzip() is None
            assert sum(name.startswith("DICOM/") for name in medium.namelist()) == count
        assert program.run("export", *words, "-o", out, *server, env=token).returncode == 1, "nothing is overwritten"
    missing = program.run("export", part10.generate_uid(), "-o", tmp_path / "none.zip", *server, env=token)
    assert missing.returncode == 1 and not list(tmp_path.glob("none*"))
    assert second[0].StudyInstanceUID != study


def test_a_large_object_passes_through_and_is_whole(gateway, desk, tmp_path):
    (large,) = store(gateway, images("export-6", series=1, count=1, frames=24, rows=512, columns=512))
    answer = desk.get(f"/studies/{large.StudyInstanceUID}/media")
    folder = unpacked(answer.content, tmp_path)
    (path,) = [path for path in (folder / "DICOM").rglob("*") if path.is_file()]
    assert part10.data_set_bytes(path.read_bytes()) == part10.data_set_bytes(part10.file_bytes(large))
