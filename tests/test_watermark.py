"""Marks in rendered pictures: who is shown them, that nothing takes them off, and that where pictures are all that is given, nothing else is."""

import io

import numpy
import pytest
import requests
from PIL import Image

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.web import Web, instance_path

PATIENT = "wm-4711"


def slice_of_a_body(columns=512, rows=512, seed=1) -> numpy.ndarray:
    """Something like a slice: a body with organs in noise."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:rows, 0:columns].astype(float)
    u, v = (x - columns / 2) / (columns / 2), (y - rows / 2) / (rows / 2)
    picture = numpy.where(u**2 / 0.72 + v**2 / 0.5 < 1, 1060.0, 30.0)
    for _ in range(24):
        cx, cy, a, b = *rng.uniform(-0.5, 0.5, 2), *rng.uniform(0.03, 0.2, 2)
        angle = rng.uniform(0, numpy.pi)
        du, dv = u - cx, v - cy
        p, q = du * numpy.cos(angle) + dv * numpy.sin(angle), dv * numpy.cos(angle) - du * numpy.sin(angle)
        picture = numpy.where((p / a) ** 2 + (q / b) ** 2 < 1, picture + rng.uniform(-400, 500), picture)
    smooth = rng.normal(0, 1, (rows // 8 + 1, columns // 8 + 1)).repeat(8, 0).repeat(8, 1)[:rows, :columns]
    return numpy.clip(picture + rng.normal(0, 18, (rows, columns)) + 12 * smooth, 0, 4095).astype("<u2")


@pytest.fixture(scope="module")
def image(gateway):
    made = part10.image(patient_id=PATIENT, frames=2, Modality="CT")
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 512, 512, 16, 12, 11
    made.WindowCenter, made.WindowWidth = "1000", "1800"
    made.PixelData = numpy.stack([slice_of_a_body(seed=1), slice_of_a_body(seed=2)]).tobytes()
    gateway.must_store(part10.file_bytes(made))
    return made


@pytest.fixture(scope="module")
def path(image):
    return instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)


@pytest.fixture(scope="module")
def reader(archive):
    return archive.office.person_token("wm-reader", "radiologist")


@pytest.fixture(scope="module")
def expert(archive, reader, image):
    """DICOMweb of a remote expert to whom the study is assigned."""
    token = outsider_token(archive.office, "wm-expert", "remote-expert")
    desk = Api(archive.addresses.web, str(archive.ca_file), reader)
    desk.post("/consultations", {"name": "wm-expert", "study": image.StudyInstanceUID, "reason": "a second look", "minutes": 600}, 201)
    return Web(archive, token)


def opened(answer) -> numpy.ndarray:
    assert answer.status_code == 200, answer.text
    return numpy.asarray(Image.open(io.BytesIO(answer.content))).astype(float)


def windowed(values, center=1000, width=1800) -> numpy.ndarray:
    return numpy.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


def marks_in(picture, plain):
    """(share of pixels with letters on them, strongest change, share of pixels that changed at all)."""
    change = numpy.abs(picture - plain)
    return (change > 12).mean(), change.max(), (change > 1).mean()


def test_an_expert_is_shown_marks_and_a_workstation_what_is_stored(archive, gateway, expert, reader, path, image):
    plain = windowed(image.pixel_array[0].astype(float))
    for web in (gateway, Web(archive, reader)):
        assert numpy.abs(opened(web.get(f"{path}/rendered", "image/png")) - plain).max() <= 1.0, "no mark where none is configured"
    seen, strongest, hidden = marks_in(opened(expert.get(f"{path}/rendered", "image/png")), plain)
    assert 0.01 < seen < 0.12, f"{seen:.3f} of the picture has letters on it"
    assert strongest < 52, "the picture can be read under them"
    assert hidden > 0.3, "and the hidden mark is everywhere"


def test_a_leaf_says_that_pictures_were_marked(archive, expert, path, image):
    opened(expert.get(f"{path}/rendered"))
    leaves = archive.office.leaves(kind="access", outcome="permitted", study_uid=image.StudyInstanceUID, actor="wm-expert")
    assert leaves and all(leaf["counts"]["marked"] == 2 for leaf in leaves)
    others = archive.office.leaves(kind="access", outcome="permitted", study_uid=image.StudyInstanceUID, actor="wm-reader")
    assert all("marked" not in leaf.get("counts", {}) for leaf in others)


def test_no_parameter_takes_a_mark_off(archive, expert, gateway, path, image):
    asked = [
        ("/rendered", {}),
        ("/frames/2/rendered", {}),
        ("/rendered", {"viewport": "1024,1024"}),
        ("/rendered", {"viewport": "300,300,100,100,256,256"}),
        ("/rendered", {"window": "900,2400"}),
        ("/rendered", {"viewport": "512,512,0,0,-512,512"}),
        ("/thumbnail", {"viewport": "256,256"}),
    ]
    for at, parameters in asked:
        marked, plain = (opened(web.get(f"{path}{at}", "image/png", params=parameters)) for web in (expert, gateway))
        seen, strongest, hidden = marks_in(marked, plain)
        assert 0.005 < seen < 0.3 and strongest < 52 and hidden > 0.2, (at, parameters, seen, strongest, hidden)
    # Words that no parameter has are refused or mean nothing.
    for word in ({"watermark": "no"}, {"mark": "0"}, {"annotation": ""}):
        answer = expert.get(f"{path}/rendered", "image/png", params=word)
        if answer.status_code == 200:
            assert marks_in(opened(answer), opened(gateway.get(f"{path}/rendered", "image/png")))[0] > 0.01, word


def test_an_old_address_gives_a_marked_picture_and_no_object(archive, expert, gateway, image):
    uids = {
        "requestType": "WADO",
        "studyUID": image.StudyInstanceUID,
        "seriesUID": image.SeriesInstanceUID,
        "objectUID": image.SOPInstanceUID,
    }

    def get(web, content_type):
        return requests.get(
            f"{archive.addresses.web}/wado",
            params={**uids, "contentType": content_type},
            headers={"Authorization": f"Bearer {web.token}"},
            verify=str(archive.ca_file),
            timeout=30,
        )

    seen, *_ = marks_in(opened(get(expert, "image/png")), opened(get(gateway, "image/png")))
    assert seen > 0.01
    refused = get(expert, "application/dicom")
    assert refused.status_code == 403 and "rendered-only" in refused.text, refused.text


def test_nothing_is_given_but_marked_pictures(archive, expert, gateway, path, image):
    study = f"/studies/{image.StudyInstanceUID}"
    for at, accept in [
        (study, 'multipart/related; type="application/dicom"; transfer-syntax=*'),
        (path, "application/dicom; transfer-syntax=*"),
        (f"{path}/frames/1", 'multipart/related; type="application/octet-stream"'),
        (f"{path}/frames/1", 'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80'),
        (f"{path}/frames/1", "application/octet-stream"),
        (f"{path}/bulkdata/7FE00010", "application/octet-stream"),
        (f"{study}/bulkdata", 'multipart/related; type="application/octet-stream"'),
        (f"{study}/pixeldata", 'multipart/related; type="application/octet-stream"'),
    ]:
        answer = expert.get(at, accept)
        assert answer.status_code in (403, 404, 406), (at, accept, answer.status_code)
        assert b"DICM" not in answer.content and len(answer.content) < 4096, at
        if gateway.get(at, accept).status_code == 200:
            assert answer.status_code == 403, (at, answer.text)
            assert "rendered-only" in answer.text, answer.text
    document = expert.get(f"{path}/metadata").json()[0]
    text = str(document)
    assert "BulkDataURI" not in text and "InlineBinary" not in text and "7FE00010" not in document
    assert document["00280010"]["Value"] == [512], "what describes the picture is there"
    assert "7FE00010" in gateway.get(f"{path}/metadata").json()[0]


def test_validators_of_two_sessions_are_two(expert, gateway, path):
    one, other = (web.get(f"{path}/rendered", "image/png").headers.get("etag") for web in (expert, gateway))
    assert one and other and one != other
    headers = {"Accept": "image/png", "If-None-Match": other}
    answer = expert.session.get(f"{expert.base}{path}/rendered", headers=headers, timeout=30)
    assert answer.status_code == 200, "a picture without marks is none of theirs"


# === tracing ===


@pytest.fixture(scope="module")
def officer(archive, tmp_path_factory):
    """Words of the command line that sign the audit administrator in."""
    return program.signed_in(archive, tmp_path_factory.mktemp("wm"), archive.office.names["audit-administrator"])


def jpeg(picture, quality) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture.astype("uint8")).save(out, "JPEG", quality=quality)
    return out.getvalue()


def trace(archive, content, image, **more):
    media_type = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    return requests.post(
        f"{archive.addresses.web}/api/v1/leaks/trace",
        params={"study_uid": image.StudyInstanceUID, **more},
        data=content,
        headers={"Authorization": f"Bearer {archive.office.audit.token}", "Content-Type": media_type},
        verify=str(archive.ca_file),
        timeout=300,
    )


def test_a_picture_that_went_through_other_hands_leads_to_its_opening(archive, expert, path, image):
    shown = opened(expert.get(f"{path}/frames/2/rendered", "image/png", params={"viewport": "1024,1024"}))
    # Cut, made smaller, and saved by another program.
    cut = Image.fromarray(shown.astype("uint8")).crop((150, 200, 850, 900)).resize((525, 525), Image.Resampling.BILINEAR)
    answer = trace(archive, jpeg(numpy.asarray(cut), 70), image)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["attributed"] and told["sureness"] > 7, told
    opening = told["opening"]
    assert (opening["actor"], opening["role"]) == ("wm-expert", "remote-expert")
    assert (told["picture"]["instance_uid"], told["picture"]["frame"]) == (image.SOPInstanceUID, 2)
    leaves = archive.office.audit.get("/audit/search", {"actor": "wm-expert", "kind": "access", "limit": 1000})
    (leaf,) = [row for row in leaves if row["index"] == opening["index"] and row["log"] == opening["log"]]
    assert leaf["leaf"]["time_ms"] == opening["time_ms"] and leaf["leaf"]["counts"]["marked"] == 2
    # The question itself, and that the archive read the study for it, are leaves.
    asked = archive.office.leaves(action="read-audit", actor=archive.office.names["audit-administrator"])
    assert asked and archive.office.leaves(action="recover", study_uid=image.StudyInstanceUID)
    # The number that the mark tells leads to the same leaf without the picture.
    number = told["told"]
    assert number and number.startswith("WM-")
    by_number = archive.office.audit.get(f"/leaks/marks/{number}")
    assert by_number["attributed"] and by_number["opening"]["index"] == opening["index"]


def test_pictures_of_nobody_are_attributed_to_nobody(archive, gateway, expert, path, image):
    opened(expert.get(f"{path}/rendered"))
    unmarked = gateway.get(f"{path}/rendered", "image/png").content
    other = part10.image(patient_id="wm-other", Modality="CT")
    other.Rows, other.Columns, other.BitsAllocated, other.BitsStored, other.HighBit = 512, 512, 16, 12, 11
    other.PixelData = slice_of_a_body(seed=9).tobytes()
    for content in (unmarked, jpeg(windowed(slice_of_a_body(seed=1)), 80), jpeg(windowed(slice_of_a_body(seed=9)), 90)):
        told = trace(archive, content, image).json()
        assert told["attributed"] is False and told["opening"] is None, told
        assert told["openings"] >= 1 and told["frames"] == 2
    made_up = archive.office.audit.get("/leaks/marks/WM-0000-0000-0000")
    assert made_up["attributed"] is False and made_up["opening"] is None
    assert trace(archive, b"GIF89a" + bytes(64), image).status_code in (415, 422)
    assert trace(archive, unmarked[:2000], image).status_code == 422


def test_who_may_not_read_the_log_traces_nothing(archive, expert, reader, image):
    office = archive.office
    for api in (office.security, office.system, Api(archive.addresses.web, str(archive.ca_file), reader)):
        assert api.raw("GET", "/leaks/marks/WM-0000-0000-0000").status_code == 403
    refused = requests.post(
        f"{archive.addresses.web}/api/v1/leaks/trace",
        params={"study_uid": image.StudyInstanceUID},
        data=jpeg(numpy.zeros((64, 64)), 80),
        headers={"Authorization": f"Bearer {expert.token}", "Content-Type": "image/jpeg"},
        verify=str(archive.ca_file),
        timeout=30,
    )
    assert refused.status_code == 403


def test_the_command_line_traces(archive, expert, officer, path, image, tmp_path):
    found = tmp_path / "found.jpg"
    found.write_bytes(jpeg(opened(expert.get(f"{path}/rendered", "image/png")), 75))
    told = program.run_json("leak", "trace", found, "--study", image.StudyInstanceUID, *officer)
    assert told["attributed"] and told["opening"]["actor"] == "wm-expert"
    told = program.run_json("leak", "mark", told["told"], *officer)
    assert told["attributed"] and told["opening"]["actor"] == "wm-expert"
