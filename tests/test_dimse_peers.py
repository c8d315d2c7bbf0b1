"""Other programs that send: pynetdicom in this process, and an Orthanc server that pushes."""

import ssl

import pynetdicom
import pytest
from pynetdicom.sop_class import SecondaryCaptureImageStorage, Verification

from yingdun_testkit import part10, program
from yingdun_testkit.orthanc import Orthanc


def send(archive, calling, *data_sets, identity=None, address=None, contexts=None):
    """Sends data sets over one association; returns their statuses, or `None` when it was not accepted."""
    entity = pynetdicom.AE(ae_title=calling)
    for uid, syntaxes in contexts or [(SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN])]:
        entity.add_requested_context(uid, syntaxes)
    entity.add_requested_context(Verification)
    tls = None
    if identity:
        context = ssl.create_default_context(cafile=archive.ca_file)
        context.load_cert_chain(identity["certificate_file"], identity["private_key_file"])
        tls = (context, "localhost")
    host, port = address or (archive.addresses.dicom_tls if identity else archive.addresses.dicom_plain)
    association = entity.associate(host, port, ae_title="YINGDUN", tls_args=tls)
    if not association.is_established:
        return None
    try:
        assert association.send_c_echo().Status == 0
        return [association.send_c_store(data_set).Status for data_set in data_sets]
    finally:
        association.release()


@pytest.fixture(scope="module")
def modality(archive):
    identity = archive.issue_certificate("PYNET")
    archive.office.device("PYNET", certificate_sha256=identity["sha256"])
    return identity


def test_pynetdicom_stores_over_tls(archive, modality, gateway):
    images = [part10.image(patient_id="pynet-1", seed=seed) for seed in range(5)]
    assert send(archive, "PYNET", *images, identity=modality) == [0] * 5
    for image in images:
        assert part10.parse(gateway.file_of(image)) == image


def test_pynetdicom_is_not_let_in_with_anothers_certificate(archive, modality):
    other = archive.issue_certificate("OTHER")
    assert send(archive, "PYNET", identity=other) is None


def test_pynetdicom_stores_in_plain_where_that_is_allowed(archive, gateway):
    archive.office.device("PYPLAIN", plain_allowed=True)
    image = part10.image(patient_id="pynet-2", patient_name="Wang^Wu")
    assert send(archive, "PYPLAIN", image) == [0]
    assert part10.parse(gateway.file_of(image)) == image


def test_the_same_object_twice_is_stored_once_and_a_changed_one_is_a_new_version(archive, modality, gateway):
    image = part10.image(patient_id="pynet-3", seed=1)
    assert send(archive, "PYNET", image, image, identity=modality) == [0, 0]
    changed = part10.image(
        patient_id="pynet-3",
        study=image.StudyInstanceUID,
        series=image.SeriesInstanceUID,
        instance=image.SOPInstanceUID,
        seed=2,
    )
    assert send(archive, "PYNET", changed, identity=modality) == [0]
    rows = gateway.search("/instances", StudyInstanceUID=image.StudyInstanceUID)
    assert len(rows) == 1
    assert part10.parse(gateway.file_of(image)).PixelData == changed.PixelData


def test_wrong_objects_get_their_status_and_the_association_goes_on(archive, modality, gateway):
    good = part10.image(patient_id="pynet-4")
    no_study = part10.image(patient_id="pynet-4")
    del no_study.StudyInstanceUID
    after = part10.image(patient_id="pynet-4", seed=9)
    statuses = send(archive, "PYNET", good, no_study, after, identity=modality)
    assert statuses[0] == 0 and statuses[2] == 0
    assert statuses[1] & 0xF000 == 0xC000
    assert part10.parse(gateway.file_of(after)) == after


def test_a_class_that_is_not_stored_is_refused_in_the_negotiation(archive, modality):
    entity = pynetdicom.AE(ae_title="PYNET")
    entity.add_requested_context(Verification)
    entity.add_requested_context("1.2.840.10008.1.9")  # Basic Study Content Notification
    entity.add_requested_context("1.2.840.10008.5.1.1.9")  # Basic Grayscale Print Management
    context = ssl.create_default_context(cafile=archive.ca_file)
    context.load_cert_chain(modality["certificate_file"], modality["private_key_file"])
    host, port = archive.addresses.dicom_tls
    association = entity.associate(host, port, ae_title="YINGDUN", tls_args=(context, "localhost"))
    assert association.is_established
    assert [context.abstract_syntax for context in association.accepted_contexts] == [Verification]
    assert len(association.rejected_contexts) == 2
    association.release()


# === Orthanc ===


@pytest.mark.parametrize("transport", ["tls", "plain"])
def test_orthanc_pushes_a_study(archive, gateway, tmp_path, transport):
    title = f"ORTHANC-{transport.upper()}"
    identity = archive.issue_certificate(title)
    settings = {"DicomAet": title}
    if transport == "tls":
        archive.office.device(title, certificate_sha256=identity["sha256"])
        # Orthanc uses one identity for both directions, and names the authorities that it trusts in one file.
        settings |= {
            "DicomTlsCertificate": identity["certificate_file"],
            "DicomTlsPrivateKey": identity["private_key_file"],
            "DicomTlsTrustedCertificates": str(archive.ca_file),
        }
        host, port = archive.addresses.dicom_tls
    else:
        archive.office.device(title, plain_allowed=True)
        host, port = archive.addresses.dicom_plain
    target = {"AET": "YINGDUN", "Host": host, "Port": port, "UseDicomTls": transport == "tls"}
    orthanc = Orthanc(tmp_path, {**settings, "DicomModalities": {"yingdun": target}})
    try:
        assert orthanc.ask("POST", "/modalities/yingdun/echo", data="{}").ok, orthanc.log_path.read_text()[-2000:]
        images = [part10.image(patient_id=f"orthanc-{transport}", seed=seed) for seed in range(3)]
        pushed = orthanc.push("yingdun", *map(part10.file_bytes, images))
        assert pushed.ok, orthanc.log_path.read_text()[-2000:]
        assert pushed.json()["FailedInstancesCount"] == 0
        for image in images:
            assert part10.parse(gateway.file_of(image)) == image
    finally:
        orthanc.stop()


# === our own tools ===


def test_our_own_echo_and_store_find_the_archive(archive, modality, gateway, tmp_path):
    host, port = archive.addresses.dicom_tls
    destination = f"YINGDUN@{host}:{port}"
    identity = [
        "--calling", "PYNET", "--ca-file", archive.ca_file, "--certificate-file", modality["certificate_file"],
        "--private-key-file", modality["private_key_file"],
    ]
    program.run_json("echo", destination, *identity)
    images = [part10.image(patient_id="own-scu", seed=seed) for seed in range(3)]
    for number, image in enumerate(images):
        (tmp_path / f"{number}.dcm").write_bytes(part10.file_bytes(image))
    assert program.run_json("store", destination, tmp_path, *identity)["stored"] == 3
    for image in images:
        assert part10.parse(gateway.file_of(image)) == image
    other = tmp_path / "not-dicom.txt"
    other.write_text("nothing")
    report = program.run_json("store", destination, other, *identity, code=1)
    assert [failed["file"] for failed in report["failed"]] == [str(other)]


def test_our_own_echo_says_why_it_was_turned_away(archive, modality):
    host, port = archive.addresses.dicom_tls
    done = program.run(
        "echo", f"YINGDUN@{host}:{port}", "--calling", "NOBODY", "--ca-file", archive.ca_file,
        "--certificate-file", modality["certificate_file"], "--private-key-file", modality["private_key_file"],
    )
    assert done.returncode == 1
    assert "the peer does not know our AE title" in done.stdout
