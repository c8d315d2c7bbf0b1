"""Migration from real archives: bit for bit, interrupted and gone on with, compared, and what differs named.

Orthanc over DICOMweb and by C-GET, DCMTK's dcmqrscp by C-MOVE.
"""

import json
import os
import subprocess
import time

import pynetdicom
import pytest
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import Orthanc, free_port

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
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
    }
    server = Orthanc(tmp_path_factory.mktemp("orthanc"), settings, auth=("reader", "secret"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """An Orthanc that tells at most five studies at once: over DIMSE it says so, over DICOMweb it does not."""
    settings = {
        "Plugins": [DICOMWEB_PLUGIN],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "DicomAlwaysAllowFind": True,
        "LimitFindResults": 5,
    }
    server = Orthanc(tmp_path_factory.mktemp("limited"), settings)
    for number in range(24):
        image = part10.image(patient_id=f"migrate-limited-{number}")
        # Half of them on one day.
        image.StudyDate = f"202901{max(number - 11, 1):02}" if number else ""
        image.StudyTime = f"{number:02}3000"
        assert server.ask("POST", "/instances", data=part10.file_bytes(image)).ok
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
def target(archive, tmp_path_factory):
    """The archive that is migrated to, and who migrates."""
    folder = tmp_path_factory.mktemp("migration")
    office = archive.office
    made = office.system.post("/clients", {"client_id": "mover"}, 201)
    (folder / "secret").write_text(made["client_secret"])
    (folder / "basic").write_text("reader:secret\n")
    office.security.put("/clients/mover/scopes", {"scopes": ["store", "view"]}, 204)
    server = ["--server", archive.addresses.web, "--ca-file", archive.ca_file]
    return [*server, "--client-id", "mover", "--client-secret-file", folder / "secret"]


@pytest.fixture(scope="module")
def words(orthanc, target):
    """How a migration over DICOMweb is called, but for its folder."""
    source = f"http://127.0.0.1:{orthanc.http}/dicom-web"
    return ["migrate", "--from", source, "--from-basic-file", target[-1].parent / "basic", *target]


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


# === DIMSE ===


@pytest.mark.parametrize("way", ["dimse", "web"])
def test_a_source_that_tells_few_studies_at_once_is_asked_by_spans_of_time(limited, way):
    web = f"http://127.0.0.1:{limited.http}/dicom-web"
    source = web if way == "web" else f"ORTHANC@127.0.0.1:{limited.dicom}"
    limit = ["--window-studies", "5"] if way == "web" else []
    words = ["migrate", "--from", source, "--dry-run", *limit]
    dated = program.run_json(*words, "--since", "20290101")
    assert (dated["studies"], dated["may_lack"]) == (23, {"undated": False, "spans": []})
    everything = program.run_json(*words)
    assert everything["studies"] >= 23 and everything["may_lack"]["undated"], "one study has no date"


def test_orthanc_is_moved_by_c_get(orthanc, target, gateway, tmp_path):
    made = []
    for number in range(12):
        image = part10.image(patient_id=f"migrate-get-{number}", seed=number)
        image.StudyDate = "20290101"
        answer = orthanc.ask("POST", "/instances", data=part10.file_bytes(image))
        assert answer.ok, answer.text
        made.append(image)
    words = ["migrate", "--from", f"ORTHANC@127.0.0.1:{orthanc.dicom}", "--since", "20290101", "--until", "20290101"]
    folder = tmp_path / "get"
    done = program.run_json(*words, *target, "--folder", folder, "--rate", "100")
    assert (done["studies_good"], done["same"], done["stored"], done["studies_left"]) == (12, 12, 12, 0)
    for image in made:
        expected = part10.data_set_bytes(part10.file_bytes(image))
        assert part10.data_set_bytes(gateway.file_of(image)) == expected
    reports = [json.loads(line) for line in (folder / "report.jsonl").read_text().splitlines()]
    counts = [series for report in reports for series in report["series"]]
    assert {series["series"] for series in counts} == {image.SeriesInstanceUID for image in made}
    assert all((series["listed"], series["here"]) == (1, 1) for series in counts)
    again = program.run_json(*words, *target, "--folder", tmp_path / "verify", "--verify-only")
    assert (again["same"], again["stored"]) == (12, 0)


class Dcmqrscp:
    """DCMTK's archive without C-GET. It sends to the archive of the tests, where it is a device."""

    def __init__(self, folder, archive):
        (folder / "db").mkdir()
        self.port = free_port()
        host, port = archive.addresses.dicom_plain
        config = folder / "dcmqrscp.cfg"
        config.write_text(
            f"""NetworkTCPPort = {self.port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
here = (YINGDUN, {host}, {port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
DCMQR {folder / "db"} RW (200, 1024mb) ANY
AETable END
"""
        )
        command = ["dcmqrscp", "-c", str(config), "--disable-get"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._listens, "dcmqrscp listens", 20)

    def _listens(self):
        assert self.process.poll() is None
        return self.associate() is not None

    def associate(self):
        entity = pynetdicom.AE(ae_title="ANYBODY")
        entity.add_requested_context(SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN])
        association = entity.associate("127.0.0.1", self.port, ae_title="DCMQR")
        return association if association.is_established else None

    def store(self, images):
        association = self.associate()
        assert all(association.send_c_store(image).Status == 0 for image in images)
        association.release()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def dcmqrscp(archive, tmp_path_factory):
    server = Dcmqrscp(tmp_path_factory.mktemp("dcmqrscp"), archive)
    archive.office.device("DCMQR", plain_allowed=True)
    yield server
    server.stop()


def test_an_archive_without_c_get_sends_by_c_move_and_what_arrived_is_compared(dcmqrscp, target, gateway, tmp_path):
    made = []
    for number in range(3):
        study = part10.generate_uid()
        series = [part10.generate_uid(), part10.generate_uid()]
        for seed in range(4):
            image = part10.image(patient_id=f"migrate-move-{number}", study=study, series=series[seed % 2], seed=seed)
            image.StudyDate = f"2030010{number + 1}"
            made.append(image)
    dcmqrscp.store(made)
    words = ["migrate", "--from", f"DCMQR@127.0.0.1:{dcmqrscp.port}", *target]
    refused = program.run(*words, "--folder", tmp_path / "get")
    assert refused.returncode == 1 and "--move-to" in refused.stderr, refused
    unknown = program.run_json(*words, "--move-to", "NOBODY", "--since", "20300103", "--folder", tmp_path / "bad", code=1)
    assert "A801" in unknown["studies_bad"][0]["failed"], unknown
    words += ["--move-to", "YINGDUN"]
    before = program.run_json(*words, "--folder", tmp_path / "before", "--verify-only", code=1)
    assert (before["present"], before["absent"], before["studies_left"]) == (0, 12, 3)
    done = program.run_json(*words, "--folder", tmp_path / "move")
    assert (done["studies_good"], done["listed"], done["present"], done["same"]) == (3, 12, 12, 0)
    for image in made:
        expected = part10.data_set_bytes(part10.file_bytes(image))
        assert part10.data_set_bytes(gateway.file_of(image)) == expected
    # What came later is not here, and is named.
    late = part10.image(patient_id="migrate-move-0", study=made[0].StudyInstanceUID, series=made[0].SeriesInstanceUID, seed=9)
    late.StudyDate = "20300101"
    dcmqrscp.store([late])
    found = program.run_json(*words, "--folder", tmp_path / "after", "--verify-only", code=1)
    (study,) = found["studies_bad"]
    assert (found["studies_good"], study["absent"], study["present"]) == (2, 1, 4)
    assert study["faults"][0]["file"] == late.SOPInstanceUID


@pytest.fixture
def strict(make_installation, tmp_path_factory):
    """An Orthanc over TLS, and the only authority whose certificates it takes."""
    authority = make_installation("migrate-tls", serve=False)
    theirs = authority.issue_certificate("SOURCE", "localhost")
    settings = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(theirs["certificate_file"]),
        "DicomTlsPrivateKey": str(theirs["private_key_file"]),
        "DicomTlsTrustedCertificates": str(authority.ca_file),
        "DicomTlsRemoteCertificateRequired": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
    }
    server = Orthanc(tmp_path_factory.mktemp("migrate-tls-orthanc"), settings)
    yield server, authority
    server.stop()


def test_a_source_over_tls_is_asked_with_certificates_and_not_without(strict, archive, target, gateway, tmp_path):
    source, authority = strict
    made = [part10.image(patient_id=f"migrate-tls-{number}", seed=number, StudyDate="20320101") for number in range(3)]
    for image in made:
        assert source.ask("POST", "/instances", data=part10.file_bytes(image)).ok
    words = ["migrate", "--from", f"ORTHANC@localhost:{source.dicom}", *target]

    def identity(made) -> list:
        return ["--from-certificate-file", made["certificate_file"], "--from-private-key-file", made["private_key_file"]]

    trusted, mine = ["--from-ca-file", authority.ca_file], identity(authority.issue_certificate("MOVER"))
    foreign = identity(archive.issue_certificate("MOVER"))
    wrong = [[], trusted, ["--from-ca-file", archive.ca_file, *mine], [*trusted, *foreign]]
    for number, options in enumerate(wrong):
        refused = program.run(*words, *options, "--folder", tmp_path / f"wrong-{number}")
        assert refused.returncode == 1, (options, refused)
    done = program.run_json(*words, *trusted, *mine, "--folder", tmp_path / "tls")
    assert (done["studies_good"], done["same"], done["stored"], done["studies_left"]) == (3, 3, 3, 0)
    for image in made:
        expected = part10.data_set_bytes(part10.file_bytes(image))
        assert part10.data_set_bytes(gateway.file_of(image)) == expected


def test_a_migration_is_stopped_by_a_signal_and_begins_nothing_new(orthanc, target, tmp_path):
    for number in range(20):
        image = part10.image(patient_id=f"migrate-stop-{number}", rows=256, columns=256, seed=number)
        image.StudyDate, image.StudyTime = "20310101", f"{number:02}0000"
        orthanc.ask("POST", "/instances", data=part10.file_bytes(image))
    folder = tmp_path / "stopped"
    source = ["--from", f"ORTHANC@127.0.0.1:{orthanc.dicom}", "--since", "20310101", "--until", "20310101"]
    slow = ["--rate", "0.2", "--connections", "1", "--folder", folder]
    words = ["migrate", *source, *target]
    began = time.monotonic()
    running = subprocess.Popen(
        [program.binary(), "--json", *map(str, [*words, *slow])], stdout=subprocess.PIPE, text=True
    )
    wait_until((folder / "report.jsonl").exists, "a study is done", 60, step=0.01)
    running.terminate()
    said = json.loads(running.communicate(timeout=60)[0])
    # 131 KB a study at 200 KB/s: without a throttle all twenty would be done at once.
    assert time.monotonic() - began > 0.5
    assert said["interrupted"] and running.returncode == 1 and 0 < said["studies_good"] < 20
    done = program.run_json(*words, "--folder", folder, "--resume")
    assert (done["studies_good"], done["same"], done["studies_left"]) == (20, 20, 0)
