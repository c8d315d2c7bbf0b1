"""Import: folders, media, zip archives; interrupted and gone on with; what is left out, refused and there already."""

import json
import subprocess
import tarfile
import zipfile

import pytest
from pydicom.fileset import FileSet

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until


@pytest.fixture(scope="module")
def importer(archive):
    return Importer(archive)


class Importer:
    """A service client that may store, as an import names it."""

    def __init__(self, installation):
        self.installation = installation
        office = installation.office
        self.secret = installation.root / "importer.secret"
        made = office.system.post("/clients", {"client_id": "importer"}, 201)
        self.secret.write_text(made["client_secret"] + "\n")
        office.security.put("/clients/importer/scopes", {"scopes": ["store"]}, 204)

    def words(self, *paths, journal) -> list:
        server = ["--server", self.installation.addresses.web, "--ca-file", self.installation.ca_file]
        identity = ["--client-id", "importer", "--client-secret-file", self.secret]
        return ["import", *paths, *server, *identity, "--journal", journal]

    def run(self, *paths, journal, code=0) -> dict:
        return program.run_json(*self.words(*paths, journal=journal), code=code)["tally"]


def images(patient_id, count, **attributes):
    study, series = part10.generate_uid(), part10.generate_uid()
    return [
        part10.image(patient_id=patient_id, study=study, series=series, seed=number, **attributes)
        for number in range(count)
    ]


def write(folder, data_sets):
    folder.mkdir(parents=True, exist_ok=True)
    for number, data_set in enumerate(data_sets):
        (folder / f"{number:05}.dcm").write_bytes(part10.file_bytes(data_set))


def stored(gateway, data_sets) -> bool:
    return all(
        part10.data_set_bytes(gateway.file_of(data_set)) == part10.data_set_bytes(part10.file_bytes(data_set))
        for data_set in data_sets
    )


def test_a_folder_is_imported_bit_for_bit_and_a_second_time_nothing_is_new(importer, gateway, tmp_path):
    sent = images("import-1", 70)
    write(tmp_path / "in" / "deep", sent)
    (tmp_path / "in" / "readme.txt").write_text("no image")
    (tmp_path / "in" / "link").symlink_to("/etc")
    (tmp_path / "in" / "broken.dcm").write_bytes(part10.file_bytes(sent[0])[:1200])
    journal = tmp_path / "journal"
    tally = importer.run(tmp_path / "in", journal=journal, code=1)
    assert (tally["stored"], tally["skipped"]) == (70, {"not-dicom": 1, "symbolic-link": 1})
    assert sum(tally["refused"].values()) == 1 and tally["first_faults"][0]["file"].endswith("broken.dcm")
    assert not journal.exists(), "a complete import leaves no journal"
    assert stored(gateway, sent[:3] + sent[-3:])
    (tmp_path / "in" / "broken.dcm").unlink()
    tally = importer.run(tmp_path / "in", journal=journal)
    assert (tally["stored"], tally["duplicate"]) == (0, 70)


def test_other_bytes_of_an_instance_are_kept_as_a_new_version_and_the_newest_is_served(importer, gateway, tmp_path):
    (first,) = images("import-2", 1)
    write(tmp_path / "in", [first])
    assert importer.run(tmp_path / "in", journal=tmp_path / "j")["stored"] == 1
    first.StudyDescription = "corrected"
    write(tmp_path / "in", [first])
    assert importer.run(tmp_path / "in", journal=tmp_path / "j")["new_version"] == 1
    assert stored(gateway, [first])
    item = gateway.must_store(part10.file_bytes(first))["00081199"]["Value"][0]
    assert (item["00091001"]["Value"], item["00091002"]["Value"]) == ([1], ["DUPLICATE"])


def test_a_zip_is_read_in_place_and_its_names_mean_nothing(importer, gateway, tmp_path):
    sent = images("import-3", 3)
    path = tmp_path / "media.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data_set in zip(["../../../tmp/evil", "/absolute", "DICOM/IM1"], sent, strict=True):
            archive.writestr(name, part10.file_bytes(data_set))
        archive.writestr("index.html", "<html></html>")
        archive.writestr("bomb", b"\0" * (8 << 20))
    tally = importer.run(path, journal=tmp_path / "j", code=1)
    assert (tally["stored"], tally["skipped"], tally["unreadable"]) == (3, {"not-dicom": 1}, 1)
    assert stored(gateway, sent)


def test_archives_in_archives_are_read_and_every_fault_is_listed_and_stops_nothing(importer, gateway, tmp_path):
    sent = images("import-nested", 5)
    write(tmp_path / "in", sent[:1])
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IM1", part10.file_bytes(sent[1]))
    with tarfile.open(tmp_path / "in" / "b.tar", "w") as archive:
        for number, data_set in enumerate(sent[2:4]):
            path = tmp_path / f"{number}.dcm"
            path.write_bytes(part10.file_bytes(data_set))
            archive.add(path, f"{'long-name-' * 20}/{number}.dcm")
        archive.add(inner, "nested.zip")
    # Twenty-five damaged files, more than the report names, and one behind them that is whole.
    for number in range(25):
        (tmp_path / "in" / f"c{number:02}.dcm").write_bytes(part10.file_bytes(sent[4])[:1200])
    (tmp_path / "in" / "d.zip").write_bytes(inner.read_bytes()[:-10])
    (tmp_path / "in" / "e.7z").write_bytes(b"7z")
    (tmp_path / "in" / "f.dcm").write_bytes(part10.file_bytes(sent[4]))
    faults = tmp_path / "faults.jsonl"
    words = importer.words(tmp_path / "in", "--faults", faults, journal=tmp_path / "j")
    tally = program.run_json(*words, code=1)["tally"]
    assert (tally["stored"], tally["unreadable"], tally["skipped"]) == (5, 1, {"other-archive": 1})
    assert stored(gateway, sent)
    listed = [json.loads(line) for line in faults.read_text().splitlines()]
    names = sorted(fault["file"].rsplit("/", 1)[1] for fault in listed)
    assert names == [f"c{number:02}.dcm" for number in range(25)] + ["d.zip"]
    assert all(fault["reason"] for fault in listed) and len(tally["first_faults"]) == 20
    assert faults.stat().st_mode & 0o777 == 0o600


def test_a_medium_is_imported_by_its_dicomdir_and_says_what_is_missing(importer, gateway, tmp_path):
    sent = images("import-4", 4)
    medium = FileSet()
    for number, data_set in enumerate(sent):
        data_set.StudyID, data_set.SeriesNumber, data_set.AccessionNumber = "1", 1, ""
        data_set.InstanceNumber = number + 1
        medium.add(data_set)
    cd = tmp_path / "cd"
    medium.write(cd)
    files = sorted(path for path in cd.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    files[-1].unlink()
    (cd / "VIEWER.EXE").write_bytes(b"MZ and more")
    tally = importer.run(cd, journal=tmp_path / "j", code=1)
    assert (tally["stored"], tally["missing"], tally["skipped"]) == (3, 1, {})
    # A DICOMDIR that cannot be read leaves no image behind.
    (cd / "DICOMDIR").write_bytes(bytes(128) + b"DICM" + b"rubbish" * 100)
    tally = importer.run(cd, journal=tmp_path / "j")
    assert tally["duplicate"] == 3 and tally["skipped"] == {"media-directory": 1, "not-dicom": 1}


def test_a_dry_run_looks_at_everything_and_sends_nothing(gateway, tmp_path):
    write(tmp_path / "in", images("import-5", 2))
    tally = program.run_json("import", tmp_path / "in", "--dry-run")["tally"]
    assert tally["would_store"] == 2 and tally["stored"] == 0
    assert gateway.search("/studies", PatientID="import-5") == []


def test_wrong_words_wrong_paths_and_no_right_are_told_at_once(archive, tokens, tmp_path):
    write(tmp_path / "in", images("import-6", 1))
    assert program.run("import", tmp_path / "in").returncode == 2
    assert program.run("import", tmp_path / "nowhere", "--dry-run").returncode == 1
    server = ["--server", archive.addresses.web, "--ca-file", archive.ca_file]
    assert program.run("import", tmp_path / "in", *server, "--journal", tmp_path / "j").returncode == 2
    for number, token in enumerate([tokens.client(archive, "search"), "x" * 43]):
        words = ["import", tmp_path / "in", *server, "--journal", tmp_path / f"j{number}"]
        refused = program.run(*words, env={"YINGDUN_TOKEN": token})
        assert refused.returncode == 1 and "yingdun:" in refused.stderr, refused


def test_an_import_that_is_killed_goes_on_and_every_image_is_there_once(importer, gateway, tmp_path):
    sent = images("import-7", 1500, rows=96, columns=96)
    write(tmp_path / "in", sent)
    journal = tmp_path / "journal"
    words = importer.words(tmp_path / "in", journal=journal)
    killed = subprocess.Popen([program.binary(), "--json", *map(str, words), "--connections", "1"])
    wait_until(lambda: journal.exists() and json.loads(journal.read_text())["place"], "some are done", 60)
    killed.kill()
    killed.wait()
    done = json.loads(journal.read_text())["tally"]["stored"]
    assert 0 < done < 1500
    assert program.run(*words).returncode == 2, "an interrupted import is not begun anew by mistake"
    tally = importer.run(tmp_path / "in", "--resume", journal=journal)
    assert tally["stored"] + tally["duplicate"] == tally["files"] == 1500
    assert tally["stored"] >= done and not journal.exists()
    assert gateway.search("/studies", PatientID="import-7")[0]["00201208"]["Value"] == [1500]


def test_an_import_waits_for_a_server_that_restarts(make_installation, tmp_path):
    installation = make_installation("import-restart")
    importer = Importer(installation)
    sent = images("import-8", 1500, rows=96, columns=96)
    write(tmp_path / "in", sent)
    journal = tmp_path / "j"
    words = importer.words(tmp_path / "in", journal=journal)
    running = subprocess.Popen(
        [program.binary(), "--json", *map(str, words), "--connections", "1"], stdout=subprocess.PIPE
    )
    wait_until(lambda: journal.exists() and json.loads(journal.read_text())["place"], "some are done", 60)
    installation.settings["WEB__LISTEN"] = installation.addresses.web.removeprefix("https://")
    installation.kill()
    installation.start()
    out, _ = running.communicate(timeout=180)
    tally = json.loads(out)["tally"]
    assert running.returncode == 0, tally
    assert tally["stored"] + tally["duplicate"] == tally["files"] == 1500
