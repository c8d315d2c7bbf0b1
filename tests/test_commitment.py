"""Storage commitment: modalities ask whether their images are kept, and are told, whatever happens in between."""

import shutil

import pytest
from pydicom.uid import generate_uid
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from yingdun_testkit import ledger, part10
from yingdun_testkit.installation import wait_until
from yingdun_testkit.modality import Modality, ask
from yingdun_testkit.orthanc import Orthanc

ALL_COMMITTED, FAILURES_EXIST = 1, 2
NO_SUCH_OBJECT_INSTANCE, CLASS_INSTANCE_CONFLICT = 0x0112, 0x0119


@pytest.fixture(scope="module")
def archive(make_installation):
    """An installation of this module's own: it is killed, and loses a replica."""
    return make_installation("commitment")


@pytest.fixture(scope="module")
def modality(archive):
    made = Modality(archive, "COMMIT")
    yield made
    made.stop()


def test_a_peer_that_stays_is_told_on_its_association(archive):
    identity = archive.issue_certificate("STAYS")
    modality = Modality(archive, "STAYS", identity=identity)
    kept = modality.store()
    unknown = (SecondaryCaptureImageStorage, generate_uid())
    other_class = ("1.2.840.10008.5.1.4.1.1.2", kept[0][1])
    association = modality.associate()
    transaction, status = ask(association, kept)
    assert status == 0
    assert modality.wait_for(transaction) == (ALL_COMMITTED, [uid for _, uid in kept], {})
    transaction, status = ask(association, [kept[1], unknown, other_class])
    assert status == 0
    event, committed, failed = modality.wait_for(transaction)
    assert (event, committed) == (FAILURES_EXIST, [kept[1][1]])
    assert failed == {unknown[1]: NO_SUCH_OBJECT_INSTANCE, other_class[1]: CLASS_INSTANCE_CONFLICT}
    # Between two reports and after them, the association does everything else.
    assert association.send_c_store(part10.image(patient_id="stays")).Status == 0
    association.release()


def test_a_peer_that_leaves_is_called(archive, modality):
    modality.listen()
    kept = modality.store()
    transaction = modality.ask_and_leave(kept)
    assert modality.wait_for(transaction) == (ALL_COMMITTED, [uid for _, uid in kept], {})
    # The same again is the same transaction, and is answered again.
    modality.reports.clear()
    assert modality.ask_and_leave(kept, transaction) == transaction
    assert modality.wait_for(transaction)[0] == ALL_COMMITTED
    modality.stop()


def test_a_peer_that_leaves_is_called_over_tls_on_a_new_association(archive):
    identity = archive.issue_certificate("LEAVES", "localhost")
    modality = Modality(archive, "LEAVES", identity=identity)
    kept = modality.store()
    unknown = (SecondaryCaptureImageStorage, generate_uid())
    modality.listen()
    try:
        transaction = modality.ask_and_leave([*kept, unknown])
        event, committed, failed = modality.wait_for(transaction)
        assert (event, committed) == (FAILURES_EXIST, [uid for _, uid in kept])
        assert failed == {unknown[1]: NO_SUCH_OBJECT_INSTANCE}
        # The archive proved who it is.
        [certificate] = modality.certificates
        assert certificate, "the report came over a connection without a certificate"
    finally:
        modality.stop()


def test_a_listener_that_nobody_vouches_for_is_told_nothing(archive, make_installation):
    """The device answers with a certificate of another authority."""
    identity = archive.issue_certificate("IMPOSTOR", "localhost")
    modality = Modality(archive, "IMPOSTOR", identity=identity)
    transaction = modality.ask_and_leave(modality.store())
    stranger = make_installation("stranger", serve=False).issue_certificate("IMPOSTOR", "localhost")
    modality.identity = stranger
    modality.listen()
    wait_until(lambda: "was not taken" in archive.log_text() and "IMPOSTOR" in archive.log_text(), "the call fails", 20)
    assert modality.reports == []
    modality.stop()
    modality.identity = identity
    modality.listen()
    try:
        assert modality.wait_for(transaction)[0] == ALL_COMMITTED
    finally:
        modality.stop()


def test_a_request_survives_the_death_of_the_server_and_of_the_listener(archive, modality):
    kept = modality.store()
    transaction = modality.ask_and_leave(kept)
    archive.kill()
    archive.start()
    archive.office.sign_in_officers()
    modality.listen()
    assert modality.wait_for(transaction, seconds=60) == (ALL_COMMITTED, [uid for _, uid in kept], {})
    modality.stop()


def test_what_the_quorum_holds_is_committed_when_a_replica_is_gone(archive, modality):
    kept = modality.store()
    shutil.rmtree(archive.replicas[0])
    modality.listen()
    transaction = modality.ask_and_leave(kept)
    assert modality.wait_for(transaction) == (ALL_COMMITTED, [uid for _, uid in kept], {})
    modality.stop()


def test_requests_that_are_none_get_their_status(archive, modality):
    association = modality.associate()
    reference = (SecondaryCaptureImageStorage, generate_uid())
    assert ask(association, [reference], action=2)[1] == 0x0123
    assert ask(association, [reference], instance="1.2.3")[1] == 0x0112
    assert ask(association, [])[1] == 0x0115
    assert ask(association, [("", reference[1])])[1] == 0x0115
    # Beyond what is read, and beyond what one transaction may name.
    assert ask(association, [reference] * 30_000)[1] == 0x0213
    assert ask(association, [reference] * 10_001)[1] == 0x0115
    transaction, status = ask(association, [reference])
    assert status == 0
    assert ask(association, [reference, reference], transaction)[1] == 0x0115
    association.release()
    reader = Modality(archive, "NOSTORE")
    archive.office.security.put("/devices/NOSTORE/scopes", {"called_ae": "YINGDUN", "scopes": ["search"]}, 204)
    association = reader.associate()
    assert ask(association, [reference])[1] == 0x0124
    association.release()


def test_orthanc_asks_for_storage_commitment(archive, tmp_path):
    host, port = archive.addresses.dicom_plain
    target = {"AET": "YINGDUN", "Host": host, "Port": port}
    orthanc = Orthanc(tmp_path, {"DicomAet": "ORTHANC-COMMIT", "DicomModalities": {"yingdun": target}})
    try:
        destination = f"plain://127.0.0.1:{orthanc.dicom}"
        archive.office.device("ORTHANC-COMMIT", plain_allowed=True, destination=destination)
        images = [part10.image(patient_id="orthanc-commit", seed=seed) for seed in range(2)]
        assert orthanc.push("yingdun", *map(part10.file_bytes, images)).json()["FailedInstancesCount"] == 0
        unknown = [SecondaryCaptureImageStorage, generate_uid()]
        for more, expected in [([], "Success"), ([unknown], "Failure")]:
            references = [[image.SOPClassUID, image.SOPInstanceUID] for image in images] + more
            asked = orthanc.ask(
                "POST", "/modalities/yingdun/storage-commitment", json={"DicomInstances": references}
            )
            assert asked.ok, asked.text
            path = asked.json()["Path"]
            done = wait_until(lambda: answered(orthanc.ask("GET", path).json()), "Orthanc is told", 30)
            assert done["Status"] == expected
            assert len(done["Success"]) == len(images)
            assert [one["FailureReason"] for one in done["Failures"]] == [NO_SUCH_OBJECT_INSTANCE] * len(more)
    finally:
        orthanc.stop()


def answered(report):
    return None if report["Status"] == "Pending" else report


def test_every_promise_is_on_the_ledger(archive):
    archive.stop()
    leaves = [leaf for leaf in ledger.leaves(archive.audit_directory) if leaf["kind"] == "commitment"]
    assert all(leaf["action"] == "commit" for leaf in leaves)
    # What was asked, what was found, what was told.
    said = {(leaf["outcome"], leaf["reason"]) for leaf in leaves}
    assert said == {
        ("permitted", "granted-scope"),
        ("refused", "no-rule-permits"),
        ("succeeded", "storage-committed"),
        ("failed", "storage-not-committed"),
        ("succeeded", "commitment-reported"),
    }
    assert archive.verify_audit()["ok"]
