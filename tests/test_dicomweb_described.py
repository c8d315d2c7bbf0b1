"""STOW-RS of metadata and bulk data: objects that the client describes and the archive writes."""

import json
import secrets

import numpy
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from yingdun_testkit import part10
from yingdun_testkit.web import instance_path, parts

OCTETS = "application/octet-stream"


def described(image, elsewhere: dict, threshold=256) -> dict:
    """The data set in JSON; values of more bytes go to `elsewhere`, by their addresses."""

    if "PixelData" in image and image["PixelData"].VR == "OB or OW":
        image["PixelData"].VR = "OW"

    def put(element):
        uri = f"bulk/{image.SOPInstanceUID}/{element.tag:08X}/{len(elsewhere)}"
        elsewhere[uri] = element.value
        return uri

    return image.to_json_dict(bulk_data_threshold=threshold, bulk_data_element_handler=put)


def send(gateway, data_sets, values, study=None):
    """`values` are (address, media type, bytes)."""
    boundary = secrets.token_hex(16)
    pieces = [("application/dicom+json", None, json.dumps(data_sets).encode()), *((kind, at, value) for at, kind, value in values)]
    body = b""
    for kind, location, content in pieces:
        head = f"--{boundary}\r\nContent-Type: {kind}\r\n" + (f"Content-Location: {location}\r\n" if location else "")
        body += head.encode() + b"\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return gateway.store_raw(body, f'multipart/related; type="application/dicom+json"; boundary={boundary}', study)


def came_back(gateway, image):
    return part10.parse(gateway.file_of(image))


def failures(answer) -> list:
    result = Dataset.from_json(answer.json())
    items = list(result.get("FailedSOPSequence", [])) + list(result.get("OtherFailuresSequence", []))
    return [item.FailureReason for item in items]


def test_an_object_is_written_from_its_description_and_its_values(gateway):
    image = part10.image(patient_id="described-1", patient_name="Wang^XiaoDong=王^小东", frames=3, rows=33, columns=7)
    image.PixelSpacing, image.ImageType, image.StudyDescription = ["0.5", "0.25"], ["ORIGINAL", "PRIMARY"], "头部"
    icon = Dataset()
    icon.RedPaletteColorLookupTableData = bytes(range(250)) * 2
    image.IconImageSequence = [icon]
    image.FrameTimeVector = [1.5, 2.5]
    values = {}
    data_set = described(image, values)
    assert len(values) == 2
    answer = send(gateway, [data_set], [(uri, OCTETS, value) for uri, value in values.items()])
    assert answer.status_code == 200, answer.text
    back = came_back(gateway, image)
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert back == image


def test_pixels_that_come_before_other_values_are_kept_for_them(gateway):
    image = part10.image(patient_id="described-2")
    image.add_new(0x00091010, "OB", secrets.token_bytes(1001))
    image.add_new(0x00090010, "LO", "TEST")
    values = {}
    data_set = described(image, values)
    pixels_first = sorted(values, key=lambda uri: "7FE00010" not in uri)
    backwards = [(uri, OCTETS, bytes(values[uri])) for uri in pixels_first]
    assert send(gateway, [data_set], backwards).status_code == 200
    back = came_back(gateway, image)
    assert back.PixelData == image.PixelData and back[0x00091010].value[:1001] == image[0x00091010].value


def test_compressed_frames_come_as_parts_of_one_address(gateway):
    image = part10.image(patient_id="described-3", frames=3)
    pixels = image.pixel_array
    image.compress(RLELossless)
    frames = list(generate_frames(image.PixelData, number_of_frames=3))
    data_set = described(image, {})
    data_set["7FE00010"] = {"vr": "OB", "BulkDataURI": "pixels"}
    kind = f"image/dicom-rle; transfer-syntax={RLELossless}"
    assert send(gateway, [data_set], [("pixels", kind, frame) for frame in frames]).status_code == 200
    back = came_back(gateway, image)
    assert back.file_meta.TransferSyntaxUID == RLELossless
    assert (back.pixel_array == pixels).all()
    path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    given = parts(gateway.get(f"{path}/frames/1,2,3", 'multipart/related; type="image/dicom-rle"; transfer-syntax=*'))
    assert [content for _, content in given] == frames


def test_each_object_has_its_own_outcome(gateway):
    whole, without, short, wrong = (part10.image(patient_id="described-4", seed=seed) for seed in range(4))
    values = {}
    sets = [described(image, values) for image in (whole, without, short, wrong)]
    addresses = list(values)
    sets[3]["00280010"]["Value"] = ["many"]
    answer = send(gateway, sets, [
        (addresses[0], OCTETS, whole.PixelData), (addresses[2], OCTETS, short.PixelData[:-2]), ("nobody", OCTETS, b"stray"),
    ])
    assert answer.status_code == 202, answer.text
    result = Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in result.ReferencedSOPSequence] == [whole.SOPInstanceUID]
    failed = {item.ReferencedSOPInstanceUID: item.FailureReason for item in result.FailedSOPSequence}
    assert failed == {without.SOPInstanceUID: 0xC000, short.SOPInstanceUID: 0xA900}
    assert [item.FailureReason for item in result.OtherFailuresSequence] == [0xC000, 0xC002]
    assert came_back(gateway, whole) == whole
    for image in (without, short):
        assert gateway.instance(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID).status_code == 404


def test_an_object_without_values_elsewhere_is_stored_from_the_metadata_alone(gateway):
    image = part10.image(patient_id="described-5", rows=4, columns=4)
    assert send(gateway, [described(image, {}, threshold=1 << 20)], []).status_code == 200
    assert came_back(gateway, image) == image


def test_the_study_of_the_address_holds_here_too(gateway):
    image = part10.image(patient_id="described-6", rows=4, columns=4)
    answer = send(gateway, [described(image, {}, threshold=1 << 20)], [], study="2.25.99")
    assert answer.status_code == 409 and failures(answer) == [0xA900]


@pytest.mark.parametrize(
    "metadata, status",
    [
        (b"", 400), (b"{}", 400), (b"[]", 400), (b"[1]", 409), (b"[{}]", 409), (b'[{"00080018": {"vr": "UI"}}]', 409),
        (b"[" * 100_000, 400), (b'[{"0040A730":{"vr":"SQ","Value":[' * 200, 400), (b"[" + b" " * (9 << 20) + b"]", 413),
    ],
)
def test_metadata_that_are_none_are_refused_and_nothing_is_stored(gateway, metadata, status):
    body = b"--b\r\nContent-Type: application/dicom+json\r\n\r\n" + metadata + b"\r\n--b--\r\n"
    answer = gateway.store_raw(body, 'multipart/related; type="application/dicom+json"; boundary=b')
    assert answer.status_code == status, answer.text


def test_a_request_that_breaks_off_stores_nothing_of_the_object_that_was_coming(gateway):
    image = part10.image(patient_id="described-7", rows=256, columns=256)
    values = {}
    data_set = described(image, values)
    (address,) = values
    body = b"--b\r\nContent-Type: application/dicom+json\r\n\r\n" + json.dumps([data_set]).encode()
    body += f"\r\n--b\r\nContent-Type: {OCTETS}\r\nContent-Location: {address}\r\n\r\n".encode() + image.PixelData[:70_000]
    answer = gateway.store_raw(body, 'multipart/related; type="application/dicom+json"; boundary=b')
    assert answer.status_code == 400
    assert gateway.instance(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID).status_code == 404


def test_odd_native_pixels_are_padded(gateway):
    image = part10.image(patient_id="described-8", rows=3, columns=3)
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit = 7
    pixels = numpy.arange(9, dtype=numpy.uint8).tobytes()
    image.PixelData = pixels + b"\0"
    image["PixelData"].VR = "OB"
    data_set = described(image, {})
    data_set["7FE00010"] = {"vr": "OB", "BulkDataURI": "pixels"}
    assert send(gateway, [data_set], [("pixels", OCTETS, pixels)]).status_code == 200
    assert came_back(gateway, image).PixelData == pixels + b"\0"


def test_two_attributes_cannot_share_a_part(gateway):
    image = part10.image(patient_id="described-9", rows=4, columns=4)
    data_set = described(image, {})
    data_set["7FE00010"] = {"vr": "OW", "BulkDataURI": "one"}
    data_set["00281201"] = {"vr": "OW", "BulkDataURI": "one"}
    answer = send(gateway, [data_set], [("one", OCTETS, image.PixelData)])
    assert answer.status_code == 409 and failures(answer)[0] == 0xC000


def test_values_that_would_wait_in_too_much_memory_are_refused(gateway):
    image = part10.image(patient_id="described-10", rows=4, columns=4)
    data_set = described(image, {})
    data_set["7FE00010"] = {"vr": "OW", "BulkDataURI": "pixels"}
    data_set["00091010"] = {"vr": "OB", "BulkDataURI": "late"}
    after = part10.image(patient_id="described-10", rows=4, columns=4)
    later = described(after, {})
    later["7FE00010"] = {"vr": "OW", "BulkDataURI": "small"}
    long = bytes(65 << 20)
    answer = send(gateway, [data_set, later], [("pixels", OCTETS, long), ("late", OCTETS, b"x"), ("small", OCTETS, after.PixelData)])
    assert answer.status_code == 202 and failures(answer) == [0xC001]
    assert came_back(gateway, after) == after, "the room is free again for the next"
