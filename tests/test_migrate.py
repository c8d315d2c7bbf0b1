"""Migration from a real Orthanc over DICOMweb: bit for bit, interrupted and gone on with, compared, and what differs named."""

import json
import os
import subprocess

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import Orthanc

DICOMWEB_PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    if not os.path.exists(DICOMWEB_PLUGIN):
        pytest.fail("Orthanc's DICOMweb plugin is missing: script/bootstrap test installs it")
    settings = {
        "Plugins": [DICOMWEB_PLUGIN],
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"reader": "secret"},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    server = Orthanc(tmp_path_factory.mktemp("orthanc"), settings, auth=("reader", "secret"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def studies(orthanc):
    """Twelve studies of two series, one of them without a date, in the Orthanc."""
    made = []
    for number in range(12):
        study = part10.generate_uid()
        images = [
            part10.image(patient_id=f"migrate-{number}", study=study, series=series, seed=seed)
            for series in (part10.generate_uid(), part10.generate_uid())
            for seed in range(4)
        ]
        for image in images:
            image.StudyDate = "" if number == 0 else f"202601{number:02}"
            answer = orthanc.ask("POST", "/instances", data=part10.file_bytes(image))
            assert answer.ok, answer.text
        made.append(images)
    return made


@pytest.fixture(scope="module")
def words(archive, orthanc, tmp_path_factory):
    """How a migration is called, but for its folder."""
    folder = tmp_path_factory.mktemp("migration")
    office = archive.office
    made = office.system.post("/clients", {"client_id": "mover"}, 201)
    (folder / "secret").write_text(made["client_secret"])
    (folder / "basic").write_text("reader:secret\n")
    office.security.put("/clients/mover/scopes", {"scopes": ["store", "view"]}, 204)
    source = ["--from", f"http://127.0.0.1:{orthanc.http}/dicom-web", "--from-basic-file", folder / "basic"]
    server = ["--server", archive.addresses.web, "--ca-file", archive.ca_file]
    return ["migrate", *source, *server, "--client-id", "mover", "--client-secret-file", folder / "secret"]


def test_a_migration_is_estimated_done_compared_and_has_nothing_left(words, studies, gateway, tmp_path):
    estimate = program.run_json(*words, "--dry-run")
    assert (estimate["studies"], estimate["instances"]) == (12, 96)
    some = program.run_json(*words, "--folder", tmp_path / "some", "--since", "20260103", "--until", "20260104")
    assert (some["studies_good"], some["same"], some["stored"]) == (2, 16, 16)
    folder = tmp_path / "all"
    done = program.run_json(*words, "--folder", folder)
    assert (done["studies_good"], done["studies_left"]) == (12, 0)
    assert (done["same"], done["stored"], done["duplicate"], done["different"]) == (96, 80, 16, 0)
    for images in (studies[0], studies[-1]):
        expected = part10.data_set_bytes(part10.file_bytes(images[0]))
        assert part10.data_set_bytes(gateway.file_of(images[0])) == expected
    assert program.run(*words, "--folder", folder).returncode == 2, "not begun anew by mistake"
    again = program.run_json(*words, "--folder", folder, "--resume")
    assert (again["studies_good"], again["stored"]) == (12, 80)


def test_a_comparison_finds_what_is_not_here_as_it_is_there(words, studies, orthanc, gateway, tmp_path):
    (lonely,) = [part10.image(patient_id="migrate-lonely")]
    orthanc.ask("POST", "/instances", data=part10.file_bytes(lonely))
    changed = studies[5][0]
    changed.StudyDescription = "changed here"
    gateway.must_store(part10.file_bytes(changed))
    found = program.run_json(*words, "--folder", tmp_path / "verify", "--verify-only", code=1)
    assert (found["different"], found["absent"], found["stored"]) == (1, 1, 0)
    named = {fault["file"] for study in found["studies_bad"] for fault in study["faults"]}
    assert named == {changed.SOPInstanceUID, lonely.SOPInstanceUID}


def test_a_migration_that_is_killed_goes_on(words, studies, orthanc, archive, tmp_path):
    for number in range(30):
        image = part10.image(patient_id=f"migrate-kill-{number}", rows=256, columns=256)
        image.StudyDate = "20270101"
        orthanc.ask("POST", "/instances", data=part10.file_bytes(image))
    folder = tmp_path / "killed"
    dates = ["--since", "20270101", "--until", "20270101"]
    report = folder / "report.jsonl"
    command = [program.binary(), "--json", *map(str, words), "--folder", folder, "--connections", "1", *dates]
    running = subprocess.Popen(command)
    wait_until(report.exists, "a study is done", 60, step=0.01)
    running.kill()
    running.wait()
    before = [json.loads(line) for line in report.read_text().splitlines()]
    assert 0 < len(before) < 30
    done = program.run_json(*words, "--folder", folder, "--resume", *dates)
    assert (done["studies_good"], done["same"], done["studies_left"]) == (30, 30, 0)
    other = program.run(*words, "--folder", folder, "--resume")
    assert other.returncode == 2, "other dates are another migration"


def test_an_object_that_this_archive_refuses_is_named_and_not_forgotten(words, orthanc, tmp_path):
    illegal = part10.image(patient_id="migrate-illegal", series="1.2." + "3" * 70)
    illegal.StudyDate = "20280101"
    orthanc.ask("POST", "/instances", data=part10.file_bytes(illegal))
    done = program.run_json(*words, "--folder", tmp_path / "illegal", "--since", "20280101", code=1)
    assert (done["listed"], done["refused"], done["same"], done["studies_left"]) == (1, 1, 0, 1)
    assert done["studies_bad"][0]["faults"][0]["file"] == illegal.SOPInstanceUID


def test_a_source_that_cannot_be_reached_or_does_not_know_us_is_told(words, tmp_path):
    words = list(words)
    words[words.index("--from") + 1] = "http://127.0.0.1:9/dicom-web"
    assert program.run(*words, "--folder", tmp_path / "a").returncode == 1
    assert program.run(*words, "--dry-run").returncode == 1
