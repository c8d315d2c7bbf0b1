"""Studies in the suite of SM4 and SM3: stored, read back bit for bit, and side by side with those in the suite of AES."""

import sqlite3

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.web import Web, instance_path

AES, SM = "cobblestone-256", "sm4-gcm-sm3"

#: Above what is kept in memory while it arrives: it is sealed as a stream, in a pack of its own.
LARGE_ROWS = 2200


@pytest.fixture(scope="module")
def archive(make_installation):
    installation = make_installation("suites")
    yield installation
    installation.kill()


def study(patient: str, number: int, **attributes):
    """Two instances of one study, one small and one large."""
    uid = f"2.25.77{number}"
    same = {"patient_id": patient, "study": uid, "series": f"{uid}.1", **attributes}
    return [
        part10.image(**same, instance=f"{uid}.1.1"),
        part10.image(**same, instance=f"{uid}.1.2", rows=LARGE_ROWS, columns=LARGE_ROWS),
    ]


def assert_kept(web: Web, images: list):
    for image in images:
        sent = part10.file_bytes(image)
        assert part10.data_set_bytes(web.file_of(image)) == part10.data_set_bytes(sent)


def in_use(installation) -> dict:
    """What `doctor` says: by suite, whether new studies get it."""
    examined = program.run_json("doctor", "--config", installation.config, env=installation.environment())
    assert {suite["grade"] for suite in examined["suites"]} == {"L4"}
    return {suite["suite"]: suite["new_studies"] for suite in examined["suites"]}


def suites_of_keys(installation) -> list:
    """The suites of the study keys, in the order in which they were made."""
    with sqlite3.connect(f"file:{installation.directory}/db/keys.db?mode=ro", uri=True) as keys:
        rows = keys.execute("SELECT suite, length(wrapped) FROM study_key ORDER BY created_ms")
        return rows.fetchall()


def test_new_studies_are_sealed_in_the_suite_that_is_chosen_and_both_live_in_one_archive(archive):
    token = archive.office.client_token("gateway", "store", "view", "search")
    older, later, newer = study("SUITE-1", 1), study("SUITE-1", 1), study("SUITE-1", 2)
    Web(archive, token).must_store(part10.file_bytes(older[0]))
    assert in_use(archive) == {AES: True}

    archive.settings["KEYS__SUITE"] = SM
    archive.restart()
    assert in_use(archive) == {AES: False, SM: True}
    web = Web(archive, token)
    # One study of the same patient begins now; the other goes on and keeps its suite.
    web.must_store(part10.file_bytes(later[1]), *map(part10.file_bytes, newer))
    assert_kept(web, [older[0], later[1], *newer])
    assert suites_of_keys(archive) == [(AES, 40), (SM, 104)]
    place = instance_path(newer[1].StudyInstanceUID, newer[1].SeriesInstanceUID, newer[1].SOPInstanceUID)
    frames = web.get(f"{place}/frames/1", 'multipart/related; type="application/octet-stream"')
    assert frames.status_code == 200
    assert newer[1].PixelData in frames.content
    assert not any(newer[1].PixelData[:4096] in path.read_bytes() for path in archive.files())

    # The choice is taken back, the machine dies, and the catalogue is lost: everything is still there.
    archive.settings["KEYS__SUITE"] = AES
    archive.kill()
    for file in (archive.directory / "db").glob("catalogue.db*"):
        file.unlink()
    archive.start()
    web = Web(archive, token)
    assert_kept(web, [older[0], later[1], *newer])
    web.must_store(*map(part10.file_bytes, study("SUITE-1", 3)))
    assert [suite for suite, _ in suites_of_keys(archive)] == [AES, SM, AES]
    assert in_use(archive) == {AES: True, SM: False}
    archive.stop()
    assert archive.verify_audit()["ok"]


def test_a_suite_that_does_not_exist_stops_the_start(archive):
    refused = program.run("check-config", "--config", archive.config, env={"YINGDUN__KEYS__SUITE": "sm4"})
    assert refused.returncode != 0
    assert "sm4" in refused.stderr
