"""What the archive writes itself, in the eyes of `dciodvfy` of dicom3tools: no error that was not in what came in."""

import io
import re
import shutil
import subprocess
import zipfile

import pytest
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from test_dicomweb_described import OCTETS, described, send
from yingdun_testkit import corpus, part10
from yingdun_testkit.web import Web, instance_path

#: Real objects of several kinds: grey and in colours, signed, one frame and many, in several transfer syntaxes.
IMAGES = [
    "CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "examples_ybr_color.dcm",
    "SC_rgb_small_odd.dcm", "examples_palette.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "SC_rgb_rle.dcm",
]

#: Every transfer syntax that an object is written in without loss.
TARGETS = [
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
]

#: Newer than the `dciodvfy` of Debian 12, which cannot say what is right about them.
UNKNOWN_TO_DCIODVFY = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202")


#: Ultrasound has YBR_FULL in RLE only, by planes (PS3.3 C.8.5.6.1). Conversion without loss leaves colours what they are.
COLOURS_OF_ULTRASOUND = {
    "Error - Unrecognized enumerated value <0> for value 1 of attribute <Planar Configuration>",
    "Error - Unrecognized enumerated value <YBR_FULL> for value 1 of attribute <Photometric Interpretation>",
}


@pytest.fixture(scope="module", autouse=True)
def dciodvfy():
    if not shutil.which("dciodvfy"):
        pytest.fail("dciodvfy is missing: script/bootstrap test installs it")


def errors(content: bytes, folder) -> set:
    """What is wrong with a file, without the places where it stands."""
    path = folder / "checked.dcm"
    path.write_bytes(content)
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, timeout=120, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    assert said, "it looked at something"
    return {re.sub(r"0x[0-9a-f]+|\d+ dec", "", line) for line in said if line.startswith("Error")}


@pytest.mark.parametrize("name", IMAGES)
def test_an_object_in_another_transfer_syntax_has_no_new_error(gateway, tmp_path, name):
    content = corpus.files()[f"pydicom/test_files/{name}"].read_bytes()
    image = part10.parse(content)
    gateway.must_store(content)
    path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    before, checked = errors(content, tmp_path), 0
    if name == "examples_ybr_color.dcm":
        before |= COLOURS_OF_ULTRASOUND
    for target in TARGETS:
        answer = gateway.get(path, f"application/dicom; transfer-syntax={target}")
        assert answer.status_code in (200, 406), f"{target}: {answer.text[:300]}"
        if answer.status_code == 406:
            continue
        assert part10.parse(answer.content).file_meta.TransferSyntaxUID == target
        made = answer.content
        # `dciodvfy` of Debian 12 reads no deflated objects; pydicom does.
        if target == DeflatedExplicitVRLittleEndian:
            made = part10.parse(made)
            made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            made = part10.file_bytes(made)
        if target not in UNKNOWN_TO_DCIODVFY:
            assert errors(made, tmp_path) <= before, f"{name} as {UID(target).name}"
            checked += 1
    assert checked >= 5, "most of them can be made"


def test_a_medium_has_a_directory_without_errors(archive, gateway, tmp_path):
    desk = Web(archive, archive.office.client_token("desk-of-media", "search", "view", "export"))
    content = corpus.files()["pydicom/test_files/CT_small.dcm"].read_bytes()
    gateway.must_store(content)
    answer = desk.get(f"/studies/{part10.parse(content).StudyInstanceUID}/media")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as medium:
        assert not errors(medium.read("DICOMDIR"), tmp_path)
        (image,) = [name for name in medium.namelist() if name.startswith("DICOM/")]
        assert errors(medium.read(image), tmp_path) <= errors(content, tmp_path)


def test_an_object_made_of_its_description_has_no_new_error(gateway, tmp_path):
    image = part10.parse(corpus.files()["pydicom/test_files/CT_small.dcm"].read_bytes())
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = part10.generate_uid()
    values = {}
    answer = send(gateway, [described(image, values)], [(uri, OCTETS, value) for uri, value in values.items()])
    assert answer.status_code == 200, answer.text
    assert errors(gateway.file_of(image), tmp_path) <= errors(part10.file_bytes(image), tmp_path)
