"""Who gets in over DICOM, as DCMTK sees it: certificates, titles, and the reason of every rejection."""

import pytest

from yingdun_testkit import part10
from yingdun_testkit.dcmtk import Peer
from yingdun_testkit.installation import Installation


@pytest.fixture(scope="module")
def ct(archive):
    """A registered CT with a certificate of its own."""
    identity = archive.issue_certificate("CT01")
    archive.office.device("CT01", certificate_sha256=identity["sha256"])
    return Peer("CT01", identity=identity, ca_file=archive.ca_file)


@pytest.fixture(scope="module")
def stranger(make_installation) -> Installation:
    """An installation of somebody else: certificates of a foreign authority."""
    return make_installation("stranger", serve=False)


@pytest.fixture
def files(tmp_path):
    """Three instances of one series, as files."""
    first = part10.image(patient_id="dimse-1")
    images = [first]
    for number in (2, 3):
        image = part10.image(
            patient_id="dimse-1", study=first.StudyInstanceUID, series=first.SeriesInstanceUID, InstanceNumber=number
        )
        images.append(image)
    for number, image in enumerate(images):
        (tmp_path / f"{number}.dcm").write_bytes(part10.file_bytes(image))
    return images, sorted(tmp_path.glob("*.dcm"))


def rejected(done, reason: str):
    """The association was rejected for this reason, for good, by the service user."""
    assert done.returncode != 0
    assert f"Reason: {reason}" in done.stdout, done.stdout
    assert "Result: Rejected Permanent, Source: Service User" in done.stdout, done.stdout


def refusals(archive) -> int:
    """Rejections on the ledger. A source that is refused often gets leaves more slowly: the rest is counted."""
    leaves = archive.office.leaves(kind="association", outcome="refused")
    return len(leaves) + archive.office.metrics()["yingdun_access_refusal_leaves_suppressed_total"]


def test_the_registered_device_is_answered(archive, ct):
    done = ct.echo(archive.addresses.dicom_tls)
    assert done.returncode == 0, done.stdout
    assert "Received Echo Response (Success)" in done.stdout


def test_the_registered_device_stores_and_what_it_sent_is_there_bit_for_bit(archive, ct, files, gateway):
    images, paths = files
    done = ct.store(archive.addresses.dicom_tls, *paths)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Received Store Response (Success)") == 3
    for image, path in zip(images, paths):
        assert part10.data_set_bytes(gateway.file_of(image)) == part10.data_set_bytes(path.read_bytes())


def test_without_a_certificate_there_is_no_association(archive, ct):
    done = Peer("CT01", ca_file=archive.ca_file).echo(archive.addresses.dicom_tls)
    assert done.returncode != 0
    assert "Association Accepted" not in done.stdout


def test_a_certificate_of_another_authority_is_no_certificate(archive, ct, stranger):
    foreign = stranger.issue_certificate("CT01")
    done = Peer("CT01", identity=foreign, ca_file=archive.ca_file).echo(archive.addresses.dicom_tls)
    assert done.returncode != 0
    assert "Association Accepted" not in done.stdout


def test_a_peer_that_does_not_know_our_authority_does_not_talk_to_us(archive, ct, stranger):
    done = Peer("CT01", identity=ct.identity, ca_file=stranger.ca_file).echo(archive.addresses.dicom_tls)
    assert done.returncode != 0
    assert "Association Accepted" not in done.stdout


def test_a_good_certificate_does_not_speak_for_another_title(archive, ct):
    identity = archive.issue_certificate("MR01")
    archive.office.device("MR01", certificate_sha256=identity["sha256"])
    before = refusals(archive)
    done = Peer("MR01", identity=ct.identity, ca_file=archive.ca_file).echo(archive.addresses.dicom_tls)
    rejected(done, "No Reason")
    assert refusals(archive) == before + 1, "the rejection is on the ledger"


def test_an_unknown_calling_title_is_told_so(archive, ct):
    done = Peer("NOBODY", identity=ct.identity, ca_file=archive.ca_file).echo(archive.addresses.dicom_tls)
    rejected(done, "Calling AE Title Not Recognized")


def test_an_unknown_called_title_is_told_so(archive, ct):
    done = Peer("CT01", "WRONG", identity=ct.identity, ca_file=archive.ca_file).echo(archive.addresses.dicom_tls)
    rejected(done, "Called AE Title Not Recognized")


def test_a_disabled_device_stays_outside(archive):
    identity = archive.issue_certificate("OLD01")
    record = {"called_ae": "YINGDUN", "certificate_sha256": identity["sha256"], "addresses": ["127.0.0.1"]}
    archive.office.device("OLD01", **record)
    peer = Peer("OLD01", identity=identity, ca_file=archive.ca_file)
    assert peer.echo(archive.addresses.dicom_tls).returncode == 0
    archive.office.system.put("/devices/OLD01", {**record, "disabled": True}, 204)
    rejected(peer.echo(archive.addresses.dicom_tls), "No Reason")


def test_a_device_calls_from_its_own_address_only(archive):
    identity = archive.issue_certificate("FAR01")
    archive.office.device("FAR01", certificate_sha256=identity["sha256"], addresses=["192.0.2.7"])
    peer = Peer("FAR01", identity=identity, ca_file=archive.ca_file)
    rejected(peer.echo(archive.addresses.dicom_tls), "No Reason")


def test_plain_dicom_is_for_devices_that_were_allowed_to(archive, ct, files):
    rejected(Peer("CT01").echo(archive.addresses.dicom_plain), "No Reason")
    archive.office.device("PLAIN01", plain_allowed=True)
    peer = Peer("PLAIN01")
    assert peer.echo(archive.addresses.dicom_plain).returncode == 0
    images, paths = files
    done = peer.store(archive.addresses.dicom_plain, *paths)
    assert done.returncode == 0, done.stdout
    rejected(Peer("NOBODY").echo(archive.addresses.dicom_plain), "Calling AE Title Not Recognized")
    rejected(Peer("PLAIN01", "WRONG").echo(archive.addresses.dicom_plain), "Called AE Title Not Recognized")


def test_a_plain_association_does_not_work_at_the_tls_door(archive):
    done = Peer("PLAIN01").echo(archive.addresses.dicom_tls)
    assert done.returncode != 0
    assert "Association Accepted" not in done.stdout
