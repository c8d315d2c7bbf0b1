"""Orthanc as a DICOMweb client: it asks, stores and fetches over HTTPS with a token."""

import pytest
from pydicom.uid import RLELossless

from yingdun_testkit import part10
from yingdun_testkit.orthanc import WEB_PLUGIN, Orthanc


@pytest.fixture(scope="module")
def orthanc(archive, gateway, tmp_path_factory):
    server = {
        "Url": f"{archive.addresses.web}/dcm4chee-arc/aets/DCM4CHEE/rs",
        "HttpHeaders": {"Authorization": f"Bearer {gateway.token}"},
        "HasDelete": False,
    }
    settings = {
        "Plugins": [WEB_PLUGIN],
        "HttpsVerifyPeers": True,
        "HttpsCACertificates": str(archive.ca_file),
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": {"yingdun": server}},
    }
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc-web"), settings)
    yield orthanc
    orthanc.stop()


def ask(orthanc, action, **body):
    answer = orthanc.ask("POST", f"/dicom-web/servers/yingdun/{action}", json=body)
    assert answer.ok, f"{answer.status_code} {answer.text} {orthanc.log_path.read_text()[-3000:]}"
    return answer


def test_orthanc_stores_searches_and_fetches(orthanc, gateway):
    images = [part10.image(patient_id="orthanc-web", patient_name="Web^Orthanc=网^页", seed=seed) for seed in range(3)]
    for image in images[1:]:
        image.StudyInstanceUID, image.SeriesInstanceUID = images[0].StudyInstanceUID, images[0].SeriesInstanceUID
    images[2].compress(RLELossless, generate_instance_uid=False)
    made = [orthanc.ask("POST", "/instances", data=part10.file_bytes(image)).json()["ID"] for image in images]
    ask(orthanc, "stow", Resources=made, Synchronous=True)
    for image in images:
        assert part10.parse(gateway.file_of(image)).PixelData == image.PixelData

    study = images[0].StudyInstanceUID
    found = ask(orthanc, "qido", Uri="/studies", Arguments={"StudyInstanceUID": study}).json()
    assert len(found) == 1, found
    rows = ask(orthanc, "get", Uri=f"/studies/{study}/instances", Arguments={"includefield": "all"}).json()
    assert len(rows) == 3

    for one in made:
        assert orthanc.ask("DELETE", f"/instances/{one}").ok
    assert orthanc.ask("GET", "/instances").json() == []
    ask(orthanc, "retrieve", Resources=[{"Study": study}], Synchronous=True)
    again = orthanc.ask("GET", "/instances").json()
    assert sorted(again) == sorted(made)
    files = [part10.parse(orthanc.ask("GET", f"/instances/{one}/file").content) for one in again]
    by_uid = {image.SOPInstanceUID: image for image in images}
    for came in files:
        wanted = by_uid[came.SOPInstanceUID]
        assert (came.pixel_array == wanted.pixel_array).all() and came.PatientName == wanted.PatientName
