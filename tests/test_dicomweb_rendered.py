"""Pictures for programs that know no DICOM, WADO-URI, and images in another transfer syntax than the stored one."""

import io

import numpy
import pydicom
import pydicom.encaps
import pydicom.pixels
import pytest
import requests
from dicomweb_client import DICOMwebClient
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from yingdun_testkit import corpus, part10
from yingdun_testkit.web import instance_path, parts

CENTER, WIDTH = 1000, 1500


@pytest.fixture(scope="module")
def ct(gateway):
    """Three frames of 12 bits, wider than high."""
    image = part10.image(patient_id="rendered-1", frames=3, Modality="CT")
    image.Rows, image.Columns, image.BitsAllocated, image.BitsStored, image.HighBit = 60, 80, 16, 12, 11
    image.WindowCenter, image.WindowWidth = str(CENTER), str(WIDTH)
    ramp = numpy.arange(60 * 80, dtype="<u2").reshape(60, 80) % 2048
    image.PixelData = numpy.stack([ramp, ramp[::-1], ramp + 2000]).tobytes()
    gateway.must_store(part10.file_bytes(image))
    return image


@pytest.fixture(scope="module")
def path(ct):
    return instance_path(ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID)


def opened(answer) -> numpy.ndarray:
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content))
    assert Image.MIME[picture.format] == answer.headers["content-type"]
    return numpy.asarray(picture)


def windowed(values, center=CENTER, width=WIDTH) -> numpy.ndarray:
    """PS3.3 §C.11.2.1.2.1, by another hand."""
    return numpy.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


def near(picture, wanted, most=1.0):
    assert picture.shape == wanted.shape
    assert numpy.abs(picture.astype(float) - wanted).max() <= most


# === rendered ===


def test_a_picture_is_the_frame_in_the_window_of_its_data_set(gateway, path, ct):
    frames = ct.pixel_array.astype(float)
    near(opened(gateway.get(f"{path}/rendered", "image/png")), windowed(frames[0]))
    for number in (1, 2, 3):
        near(opened(gateway.get(f"{path}/frames/{number}/rendered", "image/png")), windowed(frames[number - 1]))


def test_the_window_of_the_request_goes_before_that_of_the_data_set(gateway, path, ct):
    picture = opened(gateway.get(f"{path}/rendered?window=300,400,linear", "image/png"))
    near(picture, windowed(ct.pixel_array[0].astype(float), 300, 400))


def test_a_jpeg_is_made_for_those_who_take_anything_and_its_quality_counts(gateway, path, ct):
    fine, coarse = (gateway.get(f"{path}/rendered", params={"quality": quality}) for quality in (95, 10))
    assert fine.headers["content-type"] == "image/jpeg" and len(coarse.content) < len(fine.content)
    near(opened(fine), windowed(ct.pixel_array[0].astype(float)), most=12)


def test_a_viewport_is_a_size_that_is_kept_within_and_a_part_that_may_be_turned(gateway, path, ct):
    get = lambda viewport: opened(gateway.get(f"{path}/rendered", "image/png", params={"viewport": viewport}))
    assert get("40,40").shape == (30, 40)
    assert get("160,1000").shape == (120, 160)
    whole = opened(gateway.get(f"{path}/rendered", "image/png"))
    assert (get("20,10,5,7,20,10") == whole[7:17, 5:25]).all()
    assert (get(",,5,7,-20,-10") == whole[7:17, 5:25][::-1, ::-1]).all()
    for wrong in ("0,0", "x", "10,10,79,0,2,1", "65535,65535"):
        assert gateway.get(f"{path}/rendered", params={"viewport": wrong}).status_code == 400, wrong


def test_several_frames_come_as_parts(gateway, path, ct):
    answer = gateway.get(f"{path}/frames/3,1/rendered", "image/png")
    assert answer.headers["content-type"].startswith('multipart/related; type="image/png"')
    pictures = [numpy.asarray(Image.open(io.BytesIO(content))) for _, content in parts(answer)]
    for picture, number in zip(pictures, (2, 0), strict=True):
        near(picture, windowed(ct.pixel_array[number].astype(float)))


def test_dicomweb_client_sees_the_picture(archive, gateway, ct):
    session = requests.Session()
    session.verify, session.trust_env = str(archive.ca_file), False
    session.headers["Authorization"] = f"Bearer {gateway.token}"
    client = DICOMwebClient(f"{archive.addresses.web}/dicom-web", session=session)
    address = (ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID)
    picture = client.retrieve_instance_rendered(*address, media_types=("image/png",))
    near(numpy.asarray(Image.open(io.BytesIO(picture))), windowed(ct.pixel_array[0].astype(float)))
    frame = client.retrieve_instance_frames_rendered(*address, frame_numbers=[2], media_types=("image/jpeg",))
    assert Image.open(io.BytesIO(frame)).size == (80, 60)


def test_what_cannot_be_drawn_or_made_is_said_in_words(gateway, path):
    for suffix, accept, status in [
        ("/rendered?annotation=patient", "image/png", 400), ("/rendered?window=1", "image/png", 400),
        ("/rendered?quality=0", "image/jpeg", 400), ("/rendered", "image/gif", 406), ("/frames/9/rendered", None, 404),
        ("/frames/0/rendered", None, 400), ("/thumbnail?viewport=1,1,0,0,1,1", None, 400),
    ]:
        answer = gateway.get(f"{path}{suffix}", accept)
        assert answer.status_code == status, suffix
        assert answer.json()["title_zh"]


def test_what_has_no_picture_is_not_found_and_what_cannot_be_decoded_is_not_acceptable(gateway):
    for name, status in [("pydicom/test_files/reportsi.dcm", 404), ("pydicom/test_files/liver_expb_1frame.dcm", 200)]:
        content = corpus.files()[name].read_bytes()
        gateway.must_store(content)
        found = part10.parse(content)
        address = instance_path(found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID)
        assert gateway.get(f"{address}/rendered").status_code == status, name


def test_an_encapsulated_document_is_rendered_as_what_it_is(gateway):
    content = b"%PDF-1.4\n" + bytes(range(256)) * 40 + b"%%EOF\n"
    sent = part10.image(patient_id="rendered-pdf")
    sent.SOPClassUID = sent.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    for keyword in ("PixelData", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(sent, keyword)
    sent.EncapsulatedDocument, sent.MIMETypeOfEncapsulatedDocument = content, "application/pdf"
    gateway.must_store(part10.file_bytes(sent))
    path = instance_path(sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
    for accept in ("application/pdf", "*/*"):
        answer = gateway.get(f"{path}/rendered", accept)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert answer.content == content + b"\0" and answer.headers["x-content-type-options"] == "nosniff"
    assert gateway.get(f"{path}/rendered", "image/png").status_code == 406


def test_big_endian_frames_are_octets_with_the_low_byte_first(gateway):
    content = corpus.files()["pydicom/test_files/MR_small_bigendian.dcm"].read_bytes()
    image = part10.parse(content)
    gateway.must_store(content)
    path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    for accept in ("application/octet-stream", "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"):
        frame = gateway.get(f"{path}/frames/1", accept)
        assert frame.content == image.pixel_array.astype("<i2").tobytes()
    stored = gateway.get(f"{path}/frames/1", "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2")
    assert stored.content == image.PixelData


def test_a_thumbnail_stands_for_study_series_instance_and_frame(gateway, path, ct):
    study = f"/studies/{ct.StudyInstanceUID}"
    for address in (study, f"{study}/series/{ct.SeriesInstanceUID}", path, f"{path}/frames/2"):
        picture = opened(gateway.get(f"{address}/thumbnail", "image/png"))
        assert picture.shape == (192, 256), address
    assert opened(gateway.get(f"{study}/thumbnail?viewport=64,64", "image/png")).shape == (48, 64)


def test_a_picture_that_the_client_has_is_not_made_again(gateway, path):
    first = gateway.get(f"{path}/rendered", "image/png")
    headers = {"If-None-Match": first.headers["etag"], "Accept": "image/png"}
    again = gateway.session.get(f"{gateway.base}{path}/rendered", headers=headers, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    other = gateway.session.get(f"{gateway.base}{path}/rendered?window=1,2", headers=headers, timeout=60)
    assert other.status_code == 200


# === compressed frames as samples ===


def test_compressed_frames_are_decoded_for_those_who_ask_for_octets(gateway, ct):
    packed = part10.image(patient_id="rendered-2", frames=2, seed=3)
    pixels = packed.pixel_array
    packed.compress(RLELossless)
    gateway.must_store(part10.file_bytes(packed))
    address = instance_path(packed.StudyInstanceUID, packed.SeriesInstanceUID, packed.SOPInstanceUID)
    answer = gateway.get(f"{address}/frames/2,1", 'multipart/related; type="application/octet-stream"')
    assert answer.status_code == 200, answer.text
    kinds, contents = zip(*parts(answer), strict=True)
    assert set(kinds) == {"application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"}
    assert contents == (pixels[1].tobytes(), pixels[0].tobytes())
    assert gateway.get(f"{address}/frames/1", "application/octet-stream").content == pixels[0].tobytes()
    stored = gateway.get(f"{address}/frames/1", 'multipart/related; type="application/octet-stream"; transfer-syntax=*')
    assert "image/dicom-rle" in parts(stored)[0][0]


# === WADO-URI ===


@pytest.fixture(scope="module")
def by_uri(gateway, archive, ct):
    def get(root="/wado", **parameters):
        query = {
            "requestType": "WADO", "studyUID": ct.StudyInstanceUID, "seriesUID": ct.SeriesInstanceUID,
            "objectUID": ct.SOPInstanceUID,
        } | parameters
        query = {name: value for name, value in query.items() if value is not None}
        return gateway.session.get(f"{archive.addresses.web}{root}", params=query, timeout=60)

    return get


@pytest.mark.parametrize("root", ["/wado", "/dcm4chee-arc/aets/DCM4CHEE/wado"])
def test_wado_uri_gives_the_object_as_it_is_stored(by_uri, ct, root):
    answer = by_uri(root, contentType="application/dicom")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/dicom")
    assert part10.parse(answer.content) == ct
    assert by_uri(root, contentType="application/dicom", seriesUID=None).content == answer.content


def test_wado_uri_gives_a_picture_by_default_and_with_its_parameters(by_uri, ct):
    frames = ct.pixel_array.astype(float)
    assert by_uri().headers["content-type"] == "image/jpeg"
    png = by_uri(contentType="image/png", frameNumber=2, windowCenter=300, windowWidth=400)
    near(opened(png), windowed(frames[1], 300, 400))
    assert opened(by_uri(contentType="image/png", rows=30)).shape == (30, 40)
    assert opened(by_uri(contentType="image/png", columns=160)).shape == (120, 160)
    whole = opened(by_uri(contentType="image/png"))
    part = opened(by_uri(contentType="image/png", region="0.5,0.5,1.0,1.0"))
    assert (part == whole[30:, 40:]).all()
    fine, coarse = by_uri(imageQuality=95).content, by_uri(imageQuality=5).content
    assert len(coarse) < len(fine)


def test_wado_uri_says_what_it_does_not_do_and_does_not_find(by_uri):
    for parameters, status in [
        ({"requestType": "OTHER"}, 400), ({"objectUID": None}, 400), ({"studyUID": "x"}, 400), ({"anonymize": "yes"}, 400),
        ({"annotation": "patient"}, 400), ({"windowCenter": "1"}, 400), ({"frameNumber": "4"}, 404),
        ({"studyUID": "2.25.1"}, 404), ({"seriesUID": "2.25.1"}, 404), ({"contentType": "text/html"}, 406),
    ]:
        assert by_uri(**parameters).status_code == status, parameters


# === other transfer syntaxes ===

NAMES = {"explicit": str(ExplicitVRLittleEndian), "implicit": str(ImplicitVRLittleEndian), "rle": str(RLELossless)}


@pytest.fixture(scope="module")
def two(gateway):
    """One series with a native and a compressed image, and the pixels of both."""
    native = part10.image(patient_id="converted-1", frames=2, patient_name="Convert^Ed=转换")
    packed = part10.image(
        patient_id="converted-1", frames=2, seed=9, study=native.StudyInstanceUID, series=native.SeriesInstanceUID
    )
    pixels = {image.SOPInstanceUID: image.pixel_array.copy() for image in (native, packed)}
    packed.compress(RLELossless, generate_instance_uid=False)
    gateway.must_store(part10.file_bytes(native), part10.file_bytes(packed))
    return native, packed, pixels


@pytest.mark.parametrize("name", NAMES)
def test_an_instance_comes_in_the_transfer_syntax_that_is_asked_for(gateway, two, name):
    native, packed, pixels = two
    for image in (native, packed):
        path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
        answer = gateway.get(path, f"application/dicom; transfer-syntax={NAMES[name]}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={NAMES[name]}"
        came = part10.parse(answer.content)
        assert str(came.file_meta.TransferSyntaxUID) == NAMES[name]
        assert (came.pixel_array == pixels[image.SOPInstanceUID]).all()
        assert came.PatientName == image.PatientName
        etag = {"Accept": f"application/dicom; transfer-syntax={NAMES[name]}", "If-None-Match": answer.headers["etag"]}
        assert gateway.session.get(f"{gateway.base}{path}", headers=etag, timeout=60).status_code == 304


def test_a_series_comes_in_one_transfer_syntax_whatever_its_images_are_stored_in(gateway, two):
    native, packed, pixels = two
    series = f"/studies/{native.StudyInstanceUID}/series/{native.SeriesInstanceUID}"
    answer = gateway.get(series, f'multipart/related; type="application/dicom"; transfer-syntax={ExplicitVRLittleEndian}')
    assert answer.status_code == 200
    came = [part10.parse(content) for _, content in parts(answer)]
    assert {str(image.file_meta.TransferSyntaxUID) for image in came} == {str(ExplicitVRLittleEndian)}
    for image in came:
        assert (image.pixel_array == pixels[image.SOPInstanceUID]).all()
    assert len(came) == 2


def test_frames_come_in_the_transfer_syntax_that_is_asked_for(gateway, two):
    native, _, pixels = two
    path = instance_path(native.StudyInstanceUID, native.SeriesInstanceUID, native.SOPInstanceUID)
    answer = gateway.get(f"{path}/frames/2", 'multipart/related; type="image/dicom-rle"')
    ((kind, content),) = parts(answer)
    assert kind == f"image/dicom-rle; transfer-syntax={RLELossless}"
    decoded = pydicom.pixels.get_decoder(RLELossless)
    frame, _ = decoded.as_array(
        pydicom.encaps.encapsulate([content]), rows=64, columns=64, samples_per_pixel=1, bits_allocated=16, bits_stored=16,
        photometric_interpretation="MONOCHROME2", pixel_representation=0, number_of_frames=1, pixel_keyword="PixelData",
    )
    assert (frame == pixels[native.SOPInstanceUID][1]).all()


def test_nothing_is_made_lossy_under_the_name_of_the_original(gateway, two):
    native = two[0]
    path = instance_path(native.StudyInstanceUID, native.SeriesInstanceUID, native.SOPInstanceUID)
    answer = gateway.get(path, f"application/dicom; transfer-syntax={JPEGBaseline8Bit}")
    assert answer.status_code == 406
    assert not any(str(JPEGBaseline8Bit) in form for form in answer.json()["available"])


def test_wado_uri_converts_too(by_uri, ct):
    answer = by_uri(contentType="application/dicom", transferSyntax=RLELossless)
    assert answer.status_code == 200
    came = part10.parse(answer.content)
    assert came.file_meta.TransferSyntaxUID == RLELossless and (came.pixel_array == ct.pixel_array).all()
