"""Regions of pictures that the server measures, for who is given pictures only: right, rounded, and no way to the values themselves."""

import time

import numpy
import pytest
import requests
from test_watermark import slice_of_a_body

from yingdun_testkit import part10
from yingdun_testkit.administration import Api
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.web import Web, instance_path

PATIENT = "region-4711"
SLOPE, INTERCEPT = 1, -1024


@pytest.fixture(scope="module")
def image(gateway):
    made = part10.image(patient_id=PATIENT, frames=2, Modality="CT")
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 512, 512, 16, 12, 11
    made.RescaleSlope, made.RescaleIntercept = SLOPE, INTERCEPT
    made.PixelData = numpy.stack([slice_of_a_body(seed=1), slice_of_a_body(seed=2)]).tobytes()
    gateway.must_store(part10.file_bytes(made))
    return made


@pytest.fixture(scope="module")
def reader(archive):
    return archive.office.person_token("region-reader", "radiologist")


@pytest.fixture(scope="module")
def expert(archive, reader, image):
    """The token of a remote expert to whom the study is assigned, and who is given pictures only."""
    return expert_of(archive, reader, "region-expert", image)


def expert_of(archive, reader, name, image):
    token = outsider_token(archive.office, name, "remote-expert")
    desk = Api(archive.addresses.web, str(archive.ca_file), reader)
    desk.post("/consultations", {"name": name, "study": image.StudyInstanceUID, "reason": "a second look", "minutes": 600}, 201)
    return token


def asked(archive, token, image, shape="rectangle", left=200, top=200, columns=40, rows=30, frame=1, **more):
    place = f"studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}/frames/{frame}/region"
    query = {"shape": shape, "left": left, "top": top, "columns": columns, "rows": rows, **more}
    return requests.get(
        f"{archive.addresses.web}/api/v1/{place}", params={name: value for name, value in query.items() if value is not None},
        headers={"Authorization": f"Bearer {token}"}, verify=str(archive.ca_file), timeout=30,
    )


def inside(shape, left, top, columns, rows):
    y, x = numpy.mgrid[0:512, 0:512] + 0.5
    if shape == "rectangle":
        return (x > left) & (x < left + columns) & (y > top) & (y < top + rows)
    return ((x - left - columns / 2) / (columns / 2)) ** 2 + ((y - top - rows / 2) / (rows / 2)) ** 2 <= 1


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
@pytest.mark.parametrize("frame", [1, 2])
def test_a_region_is_what_its_pixels_are_together_in_whole_units(archive, expert, image, shape, frame):
    box = (180, 140, 61, 44)
    values = image.pixel_array[frame - 1][inside(shape, *box)].astype(float) * SLOPE + INTERCEPT
    answer = asked(archive, expert, image, shape, *box, frame=frame)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"].startswith("no-store") or "private" in answer.headers["Cache-Control"]
    found = answer.json()
    assert found["pixels"] == values.size and found["unit"] == "HU"
    assert abs(found["mean"] - values.mean()) <= 0.5 and abs(found["deviation"] - values.std()) <= 0.5
    assert (found["lowest"], found["highest"]) == (values.min(), values.max())
    assert all(isinstance(found[name], int) for name in ("mean", "deviation", "lowest", "highest"))


def test_of_small_regions_no_extremes_are_told_and_of_smaller_ones_nothing(archive, expert, image):
    small = asked(archive, expert, image, columns=12, rows=11).json()
    assert (small["pixels"], small["lowest"], small["highest"]) == (132, None, None)
    assert asked(archive, expert, image, columns=12, rows=12).json()["lowest"] is not None
    for box in ({"columns": 1, "rows": 1}, {"columns": 35, "rows": 1}, {"columns": 1, "rows": 35}, {"columns": 6, "rows": 6, "shape": "ellipse"}):
        answer = asked(archive, expert, image, **box)
        assert answer.status_code == 422, box
        assert "mean" not in answer.text


@pytest.mark.parametrize(("wrong", "status"), [
    ({"left": 500}, 422), ({"top": 511}, 422), ({"columns": 513}, 422), ({"left": 65_535}, 422),
    ({"columns": 0}, 400), ({"rows": 65_536}, 400), ({"left": -1}, 400), ({"left": "x"}, 400), ({"left": None}, 400),
    ({"shape": "circle"}, 400), ({"shape": None}, 400), ({"frame": 0}, 400), ({"frame": 3}, 404),
])
def test_what_is_no_region_of_the_picture_is_refused(archive, expert, image, wrong, status):
    assert asked(archive, expert, image, **wrong).status_code == status


def test_a_picture_in_colour_has_no_values_to_measure(archive, gateway, reader, image):
    made = part10.image(patient_id=PATIENT, study=image.StudyInstanceUID, Modality="US")
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 16, 16, 3, "RGB", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelData = bytes(16 * 16 * 3)
    gateway.must_store(part10.file_bytes(made))
    assert asked(archive, reader, made, left=0, top=0, columns=10, rows=10).status_code == 406


def test_it_is_decided_as_a_picture_is(archive, expert, image):
    """Whoever is shown the picture may measure in it, and nobody else learns that there is one. Values stay here."""
    stranger = outsider_token(archive.office, "region-stranger", "remote-expert")
    assert asked(archive, stranger, image).status_code == 404
    assert asked(archive, "no-token", image).status_code == 401
    officer = archive.office.sign_in(archive.office.names["security-administrator"])
    assert asked(archive, officer, image).status_code == 403
    path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    assert Web(archive, expert).get(f"{path}/frames/1", "application/octet-stream").status_code == 403


def test_nobody_measures_often(archive, reader, image):
    """A region a second is more than a hand draws, and far fewer than there are pixels. Who is refused measures nothing, and others go on."""
    hasty, calm = (expert_of(archive, reader, name, image) for name in ("region-hasty", "region-calm"))
    began, served = time.monotonic(), 0
    while (refused := asked(archive, hasty, image, left=served % 100)).status_code == 200:
        served += 1
        assert served <= 60 * ((time.monotonic() - began) // 60 + 2), "somebody is never refused"
    assert served >= 60
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "mean" not in refused.text
    assert asked(archive, calm, image).status_code == 200
