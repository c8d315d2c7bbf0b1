"""What DICOMweb clients send in practice, one behaviour per test, named after it."""

import pytest
from pydicom.dataset import Dataset

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
