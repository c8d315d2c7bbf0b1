"""What DICOMweb clients send in practice, one behaviour per test, named after it."""

from email.parser import BytesParser
from xml.etree import ElementTree

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import RLELossless

from yingdun_testkit import part10
from yingdun_testkit.web import instance_path, parts

PATIENT = "habits-1"
OBJECT = "application/dicom"
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture(scope="module")
def image(gateway):
    image = part10.image(patient_id=PATIENT, patient_name="Habit^Hal", AccessionNumber="HABIT-1")
    gateway.must_store(part10.file_bytes(image))
    return image


@pytest.fixture(scope="module")
def path(image):
    return instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)


# === what is accepted ===


@pytest.mark.parametrize("accept", [None, "*/*", "multipart/*", "multipart/related", "text/html, */*;q=0.8"])
def test_whoever_accepts_anything_gets_what_is_stored(gateway, path, image, accept):
    # The client library sends `*/*` unless the header is taken out.
    answer = gateway.session.get(f"{gateway.base}{path}", headers={"Accept": accept}, timeout=60)
    assert answer.status_code == 200
    ((kind, content),) = parts(answer)
    assert kind == f"{OBJECT}; transfer-syntax={image.file_meta.TransferSyntaxUID}"
    assert part10.parse(content) == image


@pytest.mark.parametrize("quoted", [f'type="{OBJECT}"', f"type={OBJECT}", f'Type="{OBJECT.upper()}"'])
@pytest.mark.parametrize("syntax", ["", "; transfer-syntax=*", '; transfer-syntax="*"', f"; transfer-syntax={EXPLICIT}"])
def test_multipart_dicom_is_understood_in_every_spelling(gateway, path, quoted, syntax):
    answer = gateway.get(path, f"multipart/related; {quoted}{syntax}")
    assert answer.status_code == 200 and len(parts(answer)) == 1


def test_one_instance_comes_alone_when_its_type_is_asked_for(gateway, path, image):
    answer = gateway.get(path, f"{OBJECT}; transfer-syntax=*")
    assert answer.headers["content-type"] == f"{OBJECT}; transfer-syntax={image.file_meta.TransferSyntaxUID}"
    assert part10.parse(answer.content) == image


def test_the_higher_quality_wins(gateway, path):
    multipart = f'multipart/related; type="{OBJECT}"; transfer-syntax=*'
    for accept, kind in [
        (f"{multipart};q=0.2, {OBJECT};q=0.9", OBJECT),
        (f"{multipart};q=0.9, {OBJECT};q=0.2", "multipart/related"),
        (f"{OBJECT};q=0, */*", "multipart/related"),
    ]:
        assert gateway.get(path, accept).headers["content-type"].startswith(kind), accept


def test_the_parameter_accept_stands_for_the_header(gateway, path):
    answer = gateway.get(path, "image/png", params={"accept": OBJECT})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith(OBJECT)


def test_a_form_that_does_not_exist_is_refused_with_those_that_do(gateway, path, image):
    frames = 'multipart/related; type="application/octet-stream"; transfer-syntax=' + EXPLICIT
    for suffix, accept, available in [
        ("", "text/html", f'multipart/related; type="{OBJECT}"; transfer-syntax={EXPLICIT}'),
        ("", "text/html", f"{OBJECT}; transfer-syntax={EXPLICIT}"),
        ("/frames/1", "text/html", frames),
        ("/metadata", 'multipart/related; type="application/dicom+xml"', "application/dicom+json"),
    ]:
        answer = gateway.get(f"{path}{suffix}", accept)
        assert answer.status_code == 406, suffix
        assert available in answer.json()["available"], answer.json()


def test_a_whole_series_does_not_come_as_one_object(gateway, image):
    series = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}"
    assert gateway.get(series, OBJECT).status_code == 406


# === where it is looked for ===


@pytest.mark.parametrize("root", ["/dicom-web", "/wado", "/dcm4chee-arc/aets/DCM4CHEE/rs", "/dcm4chee-arc/aets/AS/rs"])
def test_the_roots_of_other_archives_lead_to_the_same_images(gateway, archive, path, image, root):
    web = archive.addresses.web
    found = gateway.session.get(f"{web}{root}/studies", params={"PatientID": PATIENT}, timeout=60).json()
    assert len(found) == 1
    (row,) = map(Dataset.from_json, found)
    assert row.RetrieveURL == f"{web}/dicom-web/studies/{image.StudyInstanceUID}", "one address, whatever the root"
    got = gateway.session.get(f"{web}{root}{path}", headers={"Accept": OBJECT}, timeout=60)
    assert part10.parse(got.content) == image


# === searching ===


def test_a_search_without_matches_is_200_with_an_empty_list(gateway):
    for level in ("studies", "series", "instances"):
        answer = gateway.get(f"/{level}", params={"StudyInstanceUID": "2.25.4711"})
        assert answer.status_code == 200 and answer.json() == [], level


@pytest.mark.parametrize("query", ["PatientID=habits-1", "00100020=habits-1", "PatientID=habits-1&PatientSex="])
def test_an_attribute_is_named_by_keyword_or_by_tag(gateway, image, query):
    assert len(gateway.get(f"/studies?{query}").json()) == 1


def test_include_field_comes_as_all_as_a_list_and_repeated(gateway, image):
    series = f"/studies/{image.StudyInstanceUID}/series"
    wanted = {"00100020", "00100010"}
    for fields in (
        "includefield=all",
        "includefield=PatientID,PatientName",
        "includefield=PatientID&includefield=00100010",
        "includefield=PatientID%2C00100010&limit=10&offset=0&fuzzymatching=false",
    ):
        (row,) = gateway.get(f"{series}?{fields}").json()
        assert wanted <= set(row), fields
    (row,) = gateway.get(series).json()
    assert not wanted & set(row)


def test_several_uids_come_as_a_list_or_repeated(gateway, image):
    uid = image.StudyInstanceUID
    for query in (f"StudyInstanceUID={uid},2.25.1", f"StudyInstanceUID={uid}%5C2.25.1", f"StudyInstanceUID=2.25.1&0020000D={uid}"):
        assert len(gateway.get(f"/studies?{query}").json()) == 1, query


def test_more_matches_than_the_limit_are_announced_and_fewer_are_not(gateway, image):
    for number in range(2):
        gateway.must_store(part10.file_bytes(part10.image(patient_id="habits-pages", seed=number)))
    query = {"PatientID": "habits-pages"}
    assert "299" in gateway.get("/studies", params=query | {"limit": 1}).headers["warning"]
    assert "warning" not in gateway.get("/studies", params=query | {"limit": 1, "offset": 1}).headers
    assert "warning" not in gateway.get("/studies", params=query | {"limit": 2}).headers


# === bulk data ===


def located(answer) -> dict:
    """The parts of a multipart answer by their address."""
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + answer.content)
    return {part["content-location"]: part.get_payload(decode=True) for part in message.get_payload()}


@pytest.fixture(scope="module")
def mixed_series(gateway, image):
    """One series with an image of two native frames, one with compressed frames, and one with a long private value."""
    native = part10.image(patient_id="habits-bulk", frames=2)
    native.add_new(0x00091010, "OB", bytes(range(256)) * 20)
    native.add_new(0x00091011, "OB", b"short")
    native.add_new(0x00090010, "LO", "TEST")
    packed = part10.image(patient_id="habits-bulk", frames=2, study=native.StudyInstanceUID, series=native.SeriesInstanceUID, seed=5)
    pixels = packed.PixelData
    packed.compress(RLELossless)
    gateway.must_store(part10.file_bytes(native), part10.file_bytes(packed))
    return native, packed, pixels


def test_bulk_data_of_study_series_and_instance_come_with_their_addresses(gateway, mixed_series):
    native, packed, _ = mixed_series
    study = f"/studies/{native.StudyInstanceUID}"
    series = f"{study}/series/{native.SeriesInstanceUID}"
    whole = f"{gateway.base}{instance_path(native.StudyInstanceUID, native.SeriesInstanceUID, native.SOPInstanceUID)}"
    frames = list(generate_frames(packed.PixelData, number_of_frames=2))
    other = f"{gateway.base}{instance_path(packed.StudyInstanceUID, packed.SeriesInstanceUID, packed.SOPInstanceUID)}"
    wanted = {
        f"{whole}/bulk/00091010": native[0x00091010].value,
        f"{whole}/bulk/7FE00010": native.PixelData,
        f"{other}/frames/1": frames[0],
        f"{other}/frames/2": frames[1],
    }
    for path in (study, series):
        assert located(gateway.get(f"{path}/bulkdata")) == wanted
        pixels = located(gateway.get(f"{path}/pixeldata", 'multipart/related; type="*/*"'))
        assert pixels == {address: value for address, value in wanted.items() if "00091010" not in address}
    instance = instance_path(native.StudyInstanceUID, native.SeriesInstanceUID, native.SOPInstanceUID)
    of_one = located(gateway.get(f"{instance}/bulkdata", 'multipart/related; type="application/octet-stream"'))
    assert of_one == {address: value for address, value in wanted.items() if address.startswith(whole)}
    for address, value in of_one.items():
        answer = gateway.session.get(address, headers={"Accept": "application/octet-stream"}, timeout=60)
        assert answer.content == value, "each part can be had alone at its address"


def test_compressed_pixels_are_not_given_as_octets_to_those_who_do_not_ask_for_what_is_stored(gateway, mixed_series):
    packed = mixed_series[1]
    path = instance_path(packed.StudyInstanceUID, packed.SeriesInstanceUID, packed.SOPInstanceUID)
    answer = gateway.get(f"{path}/pixeldata", 'multipart/related; type="application/octet-stream"')
    assert answer.status_code == 406 and "image/dicom-rle" in answer.json()["available"][0]


def test_any_binary_element_has_an_address_long_or_short(gateway, mixed_series):
    native = mixed_series[0]
    path = instance_path(native.StudyInstanceUID, native.SeriesInstanceUID, native.SOPInstanceUID)
    for tag in (0x00091010, 0x00091011):
        for word in ("bulk", "bulkdata"):
            answer = gateway.get(f"{path}/{word}/{tag:08X}", "application/octet-stream")
            assert answer.content.rstrip(b"\0") == bytes(native[tag].value).rstrip(b"\0"), hex(tag)
    part = gateway.session.get(
        f"{gateway.base}{path}/bulkdata/00091011",
        headers={"Accept": "application/octet-stream", "Range": "bytes=1-2"}, timeout=60,
    )
    assert (part.status_code, part.content) == (206, b"ho")
    for nothing in ("00100020", "00091099", "0009", "x/y/z"):
        assert gateway.get(f"{path}/bulkdata/{nothing}").status_code == 404, nothing


# === what can be done ===


def test_the_capabilities_name_every_resource(gateway):
    answer = gateway.session.options(f"{gateway.base}/", timeout=60)
    assert answer.headers["content-type"] == "application/vnd.sun.wadl+xml"
    wadl = ElementTree.fromstring(answer.content)
    name = "{http://wadl.dev.java.net/2009/02}"
    (dicomweb, _uri) = wadl.findall(f"{name}resources")
    assert dicomweb.get("base") == gateway.base
    paths = {resource.get("path") for resource in dicomweb.findall(f"{name}resource")}
    instance = "studies/{study}/series/{series}/instances/{instance}"
    assert {"studies", "series", f"{instance}/rendered", f"{instance}/frames/{{frames}}", "studies/{study}/thumbnail"} <= paths
    store = next(method for method in wadl.iter(f"{name}method") if method.get("id") == "StoreInstances")
    assert {response.get("status") for response in store.findall(f"{name}response")} >= {"200", "202", "409"}
    described = gateway.session.options(f"{gateway.base}/", headers={"Accept": "application/json"}, timeout=60).json()
    assert described["openapi"].startswith("3.")
    assert gateway.session.options(f"{gateway.base}/", headers={"Accept": "text/html"}, timeout=60).status_code == 406
