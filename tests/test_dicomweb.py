"""DICOMweb as dicomweb-client and pydicom see it."""

import json
import time

import numpy
import pydicom
import pytest
import requests
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import generate_uid

from yingdun_testkit import corpus, part10
from yingdun_testkit.web import instance_path, parts

PATIENT = "web-1"


@pytest.fixture(scope="module")
def client(archive_on, gateway_on) -> DICOMwebClient:
    session = requests.Session()
    session.verify = str(archive_on.ca_file)
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {gateway_on.token}"
    return DICOMwebClient(f"{archive_on.addresses.web}/dicom-web", session=session)


@pytest.fixture(scope="module")
def study(client) -> list:
    """Two series with three instances, stored by dicomweb-client."""
    of_study = {
        "patient_id": PATIENT, "patient_name": "Li^Si^^Dr", "PatientBirthDate": "19700102", "PatientSex": "M",
        "AccessionNumber": "ACC-77", "StudyID": "S77", "StudyDescription": "Head and neck",
        "ReferringPhysicianName": "Ref^Doc", "study": generate_uid(),
    }
    first = part10.image(**of_study, frames=3, SeriesNumber=1, SeriesDescription="first")
    second = part10.image(
        **of_study, series=first.SeriesInstanceUID, seed=2, InstanceNumber=2, SeriesNumber=1, SeriesDescription="first"
    )
    third = part10.image(**of_study, seed=3, Modality="MR", SeriesNumber=2, SeriesDescription="second")
    images = [first, second, third]
    result = client.store_instances(images)
    assert len(result.ReferencedSOPSequence) == 3 and "FailedSOPSequence" not in result
    return images


def uids(rows, keyword):
    return {getattr(Dataset.from_json(row), keyword) for row in rows}


# === searching ===


@pytest.mark.parametrize(
    "keys",
    [
        {"PatientID": PATIENT},
        {"00100020": PATIENT},
        {"PatientID": "web-?"},
        {"PatientName": "Li^Si^^Dr"},
        {"PatientName": "li^s*"},
        {"PatientName": "*Si*", "PatientID": PATIENT},
        {"AccessionNumber": "ACC-77"},
        {"AccessionNumber": "ACC-7*"},
        {"StudyID": "S77"},
        {"ReferringPhysicianName": "Ref^Doc"},
        {"PatientID": PATIENT, "StudyDate": "20260301"},
        {"PatientID": PATIENT, "StudyDate": "20260201-20260331"},
        {"PatientID": PATIENT, "StudyDate": "20260301-"},
        {"PatientID": PATIENT, "StudyDate": "-20260301"},
        {"PatientID": PATIENT, "StudyTime": "100000-110000"},
        {"PatientID": PATIENT, "ModalitiesInStudy": "MR"},
        {"PatientID": PATIENT, "PatientBirthDate": "19700102"},
        {"PatientID": PATIENT, "PatientSex": "M"},
        {"PatientID": PATIENT, "StudyDescription": "Head*"},
    ],
)
def test_a_study_is_found_by_each_of_its_attributes(client, study, keys):
    rows = client.search_for_studies(search_filters=keys)
    assert study[0].StudyInstanceUID in uids(rows, "StudyInstanceUID"), keys
    if "PatientID" in keys and "?" not in keys["PatientID"]:
        assert len(rows) == 1


@pytest.mark.parametrize(
    "keys",
    [
        {"PatientID": "web-"},
        {"PatientID": "WEB-1x"},
        {"PatientName": "Li^Wu"},
        {"PatientID": PATIENT, "StudyDate": "20260302-"},
        {"PatientID": PATIENT, "StudyDate": "20260302"},
        {"PatientID": PATIENT, "StudyTime": "110000-120000"},
        {"PatientID": PATIENT, "ModalitiesInStudy": "CT"},
        {"PatientID": PATIENT, "PatientSex": "F"},
        {"StudyInstanceUID": "2.25.404"},
    ],
)
def test_other_values_do_not_match(client, study, keys):
    assert client.search_for_studies(search_filters=keys) == []


def test_the_answer_has_the_attributes_that_the_standard_demands(client, study):
    (row,) = client.search_for_studies(search_filters={"PatientID": PATIENT})
    found, wanted = Dataset.from_json(row), study[0]
    for keyword in (
        "StudyDate", "StudyTime", "AccessionNumber", "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
        "StudyInstanceUID", "StudyID", "ReferringPhysicianName",
    ):
        assert found[keyword].value == wanted[keyword].value, keyword
    assert found.InstanceAvailability == "ONLINE"
    assert set(found.ModalitiesInStudy) == {"OT", "MR"}
    assert found.NumberOfStudyRelatedSeries == 2 and found.NumberOfStudyRelatedInstances == 3
    assert found.RetrieveURL.endswith(f"/dicom-web/studies/{wanted.StudyInstanceUID}")


def test_series_and_instances_are_found_under_their_study_and_across(client, study):
    first, second, third = study
    by_study = client.search_for_series(first.StudyInstanceUID)
    assert uids(by_study, "SeriesInstanceUID") == {first.SeriesInstanceUID, third.SeriesInstanceUID}
    across = client.search_for_series(search_filters={"PatientID": PATIENT, "Modality": "MR"})
    assert uids(across, "SeriesInstanceUID") == {third.SeriesInstanceUID}
    numbered = client.search_for_series(first.StudyInstanceUID, search_filters={"SeriesNumber": "2"})
    assert uids(numbered, "SeriesInstanceUID") == {third.SeriesInstanceUID}
    instances = client.search_for_instances(first.StudyInstanceUID, first.SeriesInstanceUID)
    assert uids(instances, "SOPInstanceUID") == {first.SOPInstanceUID, second.SOPInstanceUID}
    row = next(row for row in instances if Dataset.from_json(row).SOPInstanceUID == first.SOPInstanceUID)
    found = Dataset.from_json(row)
    for keyword in ("SOPClassUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames"):
        assert found[keyword].value == first[keyword].value, keyword
    one = client.search_for_instances(search_filters={"SOPInstanceUID": third.SOPInstanceUID})
    assert uids(one, "SOPInstanceUID") == {third.SOPInstanceUID}
    assert uids(client.search_for_instances(first.StudyInstanceUID), "SOPInstanceUID") == {
        image.SOPInstanceUID for image in study
    }


def test_pages_fit_together(client, gateway_on):
    wanted = set()
    for number in range(7):
        image = part10.image(patient_id="pages", seed=number)
        gateway_on.must_store(part10.file_bytes(image))
        wanted.add(image.StudyInstanceUID)
    seen = []
    for offset in range(0, 9, 3):
        rows = client.search_for_studies(search_filters={"PatientID": "pages"}, limit=3, offset=offset)
        seen += [Dataset.from_json(row).StudyInstanceUID for row in rows]
    assert len(seen) == 7 and set(seen) == wanted
    answer = gateway_on.get("/studies", params={"PatientID": "pages", "limit": 3})
    assert "more results" in answer.headers["warning"]


def test_further_attributes_come_when_asked_for(client, study):
    filters = {"PatientID": PATIENT}
    (plain,) = client.search_for_studies(search_filters=filters)
    assert "00080080" not in plain
    (row,) = client.search_for_series(study[0].StudyInstanceUID, search_filters={"Modality": "MR"}, fields=["PatientID"])
    assert row["00100020"]["Value"] == [PATIENT]


@pytest.mark.parametrize(
    "query",
    ["PatientNmae=x", "limit=0", "limit=x", "offset=-1", "StudyDate=yesterday", "PatientID=a&PatientID=b",
     "StudyInstanceUID=../../etc/passwd", "includefield=Nothing",
     "RequestAttributesSequence.Nothing=x"],
)
def test_a_query_that_cannot_be_answered_is_refused_and_not_guessed(gateway_on, query):
    answer = gateway_on.get(f"/studies?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_key_that_is_not_matched_restricts_nothing_and_is_named(gateway_on, study):
    answer = gateway_on.get("/studies", params={"PatientID": PATIENT, "KVP": "1"})
    assert answer.status_code == 200 and len(answer.json()) > 0
    assert answer.headers["warning"].startswith("299 ") and "KVP" in answer.headers["warning"]


def test_fuzzy_matching_takes_the_parts_of_a_name_in_any_order(gateway_on):
    image = part10.image(patient_id="fuzzy", patient_name="Szabo^Marta=宋^玛塔")
    gateway_on.must_store(part10.file_bytes(image))
    for name, fuzzy in [("mart szab", True), ("玛", True), ("song mata", True), ("smt", True), ("arta", False)]:
        answer = gateway_on.get("/studies", params={"PatientName": name, "fuzzymatching": "true"})
        found = ["fuzzy"] == [row["00100020"]["Value"][0] for row in answer.json()]
        assert answer.status_code == 200 and "warning" not in answer.headers and found == fuzzy, name
    answer = gateway_on.get("/studies", params={"PatientName": "szabo", "fuzzymatching": "false"})
    assert answer.json() == []


def test_chinese_names_are_found_whatever_their_character_set(gateway_on):
    for number, (charset, name) in enumerate(
        [("GB18030", "王^小东"), ("GBK", "李^小龙"), ("ISO_IR 192", "张^三丰"), ("\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东")]
    ):
        image = part10.image(
            patient_id=f"charset-{number}", patient_name=name,
            charset=charset.split("\\") if "\\" in charset else charset,
        )
        gateway_on.must_store(part10.file_bytes(image))
        wanted = name.split("=")[-1]
        for pattern in (wanted, wanted.split("^")[0] + "*"):
            rows = gateway_on.search("/studies", PatientName=pattern, PatientID=f"charset-{number}")
            assert uids(rows, "StudyInstanceUID") == {image.StudyInstanceUID}, (charset, pattern)
        shown = rows[0]["00100010"]["Value"][0]
        assert wanted in shown.values(), (charset, shown)


# === retrieving ===


def test_study_series_and_instance_come_back_as_they_were_stored(client, study):
    first, second, third = study
    by_uid = {image.SOPInstanceUID: image for image in study}
    for came, wanted in [
        (client.retrieve_study(first.StudyInstanceUID), 3),
        (client.retrieve_series(first.StudyInstanceUID, first.SeriesInstanceUID), 2),
        ([client.retrieve_instance(third.StudyInstanceUID, third.SeriesInstanceUID, third.SOPInstanceUID)], 1),
    ]:
        assert len(came) == wanted
        for data_set in came:
            assert data_set == by_uid[data_set.SOPInstanceUID]


def test_metadata_is_the_data_set_without_its_bulk(client, study):
    first = study[0]
    metadata = client.retrieve_study_metadata(first.StudyInstanceUID)
    assert len(metadata) == 3
    for row in metadata:
        wanted = next(image for image in study if image.SOPInstanceUID == row["00080018"]["Value"][0])
        pixels = row.pop("7FE00010")
        assert pixels["vr"] == "OW" and pixels["BulkDataURI"].startswith("https://")
        found = Dataset.from_json(row)
        for element in wanted:
            if element.tag != 0x7FE00010:
                assert found[element.tag].value == element.value, element
        bulk = client.retrieve_bulkdata(pixels["BulkDataURI"])
        assert b"".join(bulk) == wanted.PixelData


def test_metadata_of_a_thousand_instances_stream_in_little_memory(gateway, archive):
    """30 MB of JSON, read slowly: the archive holds what is under way and no more."""
    study, series, words = generate_uid(), generate_uid(), "What a report would say. " * 1200
    for first in range(0, 1000, 100):
        images = [
            part10.image(
                patient_id="web-thousand", study=study, series=series, rows=2, columns=2, InstanceNumber=number + 1,
                ImageComments=words[:10_000], AdditionalPatientHistory=words[:10_000], PatientComments=words[:10_000],
            )
            for number in range(first, first + 100)
        ]
        gateway.must_store(*map(part10.file_bytes, images))
    archive.forget_resident_peak()
    before, whole = archive.resident_bytes_max(), bytearray()
    with gateway.get(f"/studies/{study}/series/{series}/metadata", stream=True) as answer:
        assert answer.status_code == 200
        for content in answer.iter_content(1 << 20):
            whole += content
            time.sleep(0.02)
    grown = archive.resident_bytes_max() - before
    assert len(whole) > 30_000_000 and grown < len(whole) // 2, f"{len(whole)} bytes of JSON, {grown} bytes grown"
    numbers = [data_set["00200013"]["Value"][0] for data_set in json.loads(whole)]
    assert sorted(numbers) == list(range(1, 1001))


def test_frames_are_the_pixels_of_pydicom(client, study):
    first = study[0]
    address = (first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID)
    frames = client.retrieve_instance_frames(*address, frame_numbers=[3, 1])
    pixels = first.pixel_array
    assert [bytes(frame) for frame in frames] == [pixels[2].tobytes(), pixels[0].tobytes()]


def test_a_frame_or_a_value_that_does_not_exist_is_not_found(gateway_on, study):
    first = study[0]
    path = instance_path(first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID)
    for suffix, status in [
        ("/frames/4", 404), ("/frames/0", 400), ("/frames/x", 400), ("/frames/1,4", 404), ("/bulkdata/00080005", 404),
        ("/bulkdata/../../etc/passwd", 404),
    ]:
        assert gateway_on.get(path + suffix).status_code == status, suffix
    other_series = instance_path(first.StudyInstanceUID, study[2].SeriesInstanceUID, first.SOPInstanceUID)
    assert gateway_on.get(other_series).status_code == 404


@pytest.mark.parametrize(
    "name, media_type",
    [
        ("pydicom/test_files/JPEG2000.dcm", "image/jp2"),
        ("pydicom/test_files/SC_rgb_jpeg_gdcm.dcm", "image/jpeg"),
        ("pydicom/test_files/SC_rgb_rle_2frame.dcm", "image/dicom-rle"),
        ("pydicom-data/emri_small_jpeg_2k_lossless.dcm", "image/jp2"),
    ],
)
def test_frames_of_compressed_objects_are_the_codestreams_that_were_sent(gateway_on, name, media_type):
    wanted, count = stored_file(gateway_on, name)
    came = frames_of(gateway_on, wanted, count, f'multipart/related; type="{media_type}"; transfer-syntax=*')
    assert [frame for _, frame in came] == list(pydicom.encaps.generate_frames(wanted.PixelData, number_of_frames=count))
    for part_type, _ in came:
        assert part_type.startswith(media_type), part_type
        assert str(wanted.file_meta.TransferSyntaxUID) in part_type


def test_frames_of_big_endian_objects_have_the_low_byte_first_as_octets_do(gateway_on):
    wanted, count = stored_file(gateway_on, "pydicom-data/emri_small_big_endian.dcm")
    length = get_expected_length(wanted) // count
    sent = [wanted.PixelData[at : at + length] for at in range(0, length * count, length)]
    octets = frames_of(gateway_on, wanted, count, 'multipart/related; type="application/octet-stream"')
    assert [frame for _, frame in octets] == [numpy.frombuffer(frame, ">u2").astype("<u2").tobytes() for frame in sent]
    as_sent = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.2'
    assert [frame for _, frame in frames_of(gateway_on, wanted, count, as_sent)] == sent


def stored_file(gateway, name):
    content = corpus.files()[name].read_bytes()
    gateway.must_store(content)
    wanted = part10.parse(content)
    return wanted, int(wanted.get("NumberOfFrames", 1))


def frames_of(gateway, wanted, count, accept) -> list:
    path = instance_path(wanted.StudyInstanceUID, wanted.SeriesInstanceUID, wanted.SOPInstanceUID)
    numbers = ",".join(str(number + 1) for number in range(count))
    answer = gateway.get(f"{path}/frames/{numbers}", accept)
    assert answer.status_code == 200, answer.text
    return parts(answer)


def test_another_transfer_syntax_than_the_stored_one_is_not_made_up(gateway_on, study):
    first = study[0]
    path = instance_path(first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID)
    answer = gateway_on.get(path, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.102')
    assert answer.status_code == 406
    assert gateway_on.get(path, "image/png").status_code == 406


# === storing ===


def test_a_request_may_be_stored_in_part_and_says_which(gateway_on):
    good = part10.image(patient_id="partial")
    bad = part10.image(patient_id="partial")
    del bad.SeriesInstanceUID
    answer = gateway_on.store(part10.file_bytes(good), part10.file_bytes(bad), b"no DICOM at all")
    assert answer.status_code == 202
    result = Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in result.ReferencedSOPSequence] == [good.SOPInstanceUID]
    (failed,) = result.FailedSOPSequence
    assert failed.ReferencedSOPInstanceUID == bad.SOPInstanceUID and failed.FailureReason == 0xC000
    assert part10.parse(gateway_on.file_of(good)) == good


def test_an_object_for_another_study_than_the_address_is_refused(gateway_on):
    image = part10.image(patient_id="address")
    answer = gateway_on.store(part10.file_bytes(image), study="2.25.77")
    assert answer.status_code == 409
    assert Dataset.from_json(answer.json()).FailedSOPSequence[0].FailureReason == 0xA900
    assert gateway_on.store(part10.file_bytes(image), study=image.StudyInstanceUID).status_code == 200


def test_a_single_object_may_come_without_multipart(gateway_on):
    image = part10.image(patient_id="single")
    assert gateway_on.store_raw(part10.file_bytes(image), "application/dicom").status_code == 200
    assert part10.parse(gateway_on.file_of(image)) == image


def test_other_media_types_are_refused(gateway_on):
    for content_type in ("application/json", 'multipart/related; type="application/dicom+xml"; boundary=x', "text/plain"):
        assert gateway_on.store_raw(b"x", content_type).status_code == 415, content_type


def test_nothing_is_deleted(gateway_on, archive_on, study):
    first = study[0]
    path = f"/studies/{first.StudyInstanceUID}"
    for suffix in ("", f"/series/{first.SeriesInstanceUID}",
                   f"/series/{first.SeriesInstanceUID}/instances/{first.SOPInstanceUID}"):
        answer = gateway_on.session.delete(f"{gateway_on.base}{path}{suffix}", timeout=30)
        assert answer.status_code == 403, suffix
    assert part10.parse(gateway_on.file_of(first)) == first
    assert archive_on.office.leaves(outcome="refused", study_uid=first.StudyInstanceUID)


def test_the_alias_and_the_description_of_the_interface_are_served(archive_on, gateway_on, study):
    web = archive_on.addresses.web
    alias = gateway_on.session.get(f"{web}/wado/studies", params={"PatientID": PATIENT}, timeout=30)
    assert alias.status_code == 200 and len(alias.json()) == 1
    description = gateway_on.session.get(f"{web}/api/openapi.json", timeout=30).json()
    assert description["openapi"].startswith("3.")
    assert "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}" in description["paths"]
    assert gateway_on.session.get(f"{web}/health/live", timeout=30).status_code == 200
    assert gateway_on.session.get(f"{web}/health/ready", timeout=30).status_code == 200
