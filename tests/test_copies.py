"""Captures and prints that may be carried away: made by the server, marked, written down with the digest of their bytes, and traced to who made them."""

import hashlib
import io
import re

import numpy
import pytest
import requests
from PIL import Image

from test_watermark import PATIENT, marks_in, opened, slice_of_a_body, windowed
from yingdun_testkit import part10
from yingdun_testkit.administration import Api
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

WHO = "copy-reader"


@pytest.fixture(scope="module")
def image(gateway):
    made = part10.image(patient_name="Zhang^San=张^三", patient_id=f"{PATIENT}-copies", frames=2, Modality="CT")
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 512, 512, 16, 12, 11
    made.WindowCenter, made.WindowWidth = "1000", "1800"
    made.PixelData = numpy.stack([slice_of_a_body(seed=1), slice_of_a_body(seed=2)]).tobytes()
    gateway.must_store(part10.file_bytes(made))
    return made


@pytest.fixture(scope="module")
def reader(archive):
    return archive.office.person_token(WHO, "radiologist")


@pytest.fixture(scope="module")
def copy(archive, image, reader):
    """Asks for a copy, by whomever."""

    def ask(token=reader, **wanted):
        body = {"kind": "capture", "series": image.SeriesInstanceUID, "instance": image.SOPInstanceUID, **wanted}
        return requests.post(
            f"{archive.addresses.web}/api/v1/studies/{image.StudyInstanceUID}/copies",
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=str(archive.ca_file),
            timeout=60,
        )

    return ask


def copies(archive, **conditions):
    return archive.office.leaves(kind="copied", **conditions)


def test_a_capture_is_marked_written_down_and_traced(archive, image, reader, copy, gateway):
    """Nothing of this study is marked for this role: the copy is, and the number leads to the very copy."""
    answer = copy(window="1000,1800", side=1024)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/png", answer.text
    digest, number = hashlib.sha256(answer.content).hexdigest(), answer.headers["Yingdun-Mark"]
    assert answer.headers["Yingdun-Sha256"] == digest
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{number}.png"' and answer.headers["Cache-Control"] == "no-store"
    picture = opened(answer)
    assert picture.shape == (1024, 1024)
    plain = numpy.asarray(Image.fromarray(windowed(image.pixel_array[0].astype(float)).astype("uint8")).resize((1024, 1024), Image.BILINEAR)).astype(float)
    seen, _, hidden = marks_in(picture, plain)
    assert 0.01 < seen < 0.35 and hidden > 0.2
    made, permitted = copies(archive, actor=WHO)[:2]
    assert (permitted["outcome"], permitted["reason"], permitted["action"]) == ("permitted", "capture-permitted", "export")
    assert (made["outcome"], made["reason"], made["content_sha256"]) == ("succeeded", "picture-captured", digest)
    assert made["counts"] == {"bytes": len(answer.content), "leaf": permitted["sequence"], "frame": 1} and permitted["counts"]["marked"] == 1
    assert permitted["instance"] == made["instance"] and permitted["counts"]["frame"] == 1, "which picture, by both"
    assert permitted["study"] == made["study"] and permitted["patient"] == made["patient"]
    assert answer.headers["Yingdun-Leaf"] == str(permitted["sequence"])
    office = archive.office.audit
    by_number = office.get(f"/leaks/marks/{number}")
    assert by_number["attributed"] and (by_number["opening"]["index"], by_number["opening"]["kind"]) == (permitted["sequence"], "copied")
    for at, file in enumerate([answer.content, again(picture, 80)]):
        media_type = "image/jpeg" if at else "image/png"
        traced = trace(archive, image, file, media_type)
        assert traced["attributed"] and traced["opening"]["index"] == permitted["sequence"], traced
        assert traced["opening"]["actor"] == WHO and traced["picture"]["frame"] == 1


def test_a_print_is_a_page_with_the_picture_and_its_digest(archive, image, copy):
    answer = copy(kind="print", frame=2, window="1000,1800")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/pdf", answer.text
    page = answer.content
    assert page.startswith(b"%PDF-1.4") and page.rstrip().endswith(b"%%EOF")
    made = copies(archive, actor=WHO)[0]
    assert (made["reason"], made["content_sha256"]) == ("picture-printed", hashlib.sha256(page).hexdigest())
    assert made["counts"]["frame"] == 2, "the leaf says which of them"
    start = page.index(b"/DCTDecode")
    length = int(re.search(rb"/Length (\d+)", page[start:])[1])
    start = page.index(b"stream\n", start) + len(b"stream\n")
    picture = page[start : start + length]
    assert Image.open(io.BytesIO(picture)).size == (2048, 2048)
    # Names are outlines, and nothing of them is text that a search engine would read.
    assert b"Zhang" not in page and "张".encode() not in page
    traced = trace(archive, image, picture, "image/jpeg")
    assert traced["attributed"] and traced["picture"]["frame"] == 2 and traced["opening"]["actor"] == WHO
    assert str(traced["opening"]["index"]) == answer.headers["Yingdun-Leaf"]


def test_every_copy_has_a_number_of_its_own(copy):
    answers = [copy(side=256) for _ in range(3)]
    assert len({answer.headers["Yingdun-Mark"] for answer in answers}) == 3
    assert len({answer.headers["Yingdun-Sha256"] for answer in answers}) == 3


def test_what_the_viewer_shows_is_what_is_copied(copy, image):
    """Part, window, quarters, mirror and negative; what was drawn lies where it was drawn."""
    whole = opened(copy(window="1000,1800", side=512))
    part = opened(copy(window="1000,1800", side=512, region="128,0,256,256"))
    assert part.shape == (512, 512) and alike(part, numpy.asarray(Image.fromarray(whole[0:256, 128:384].astype("uint8")).resize((512, 512)))) > 0.9
    turned = opened(copy(window="1000,1800", side=512, turned=1))
    assert alike(turned, numpy.rot90(whole, -1)) > 0.9 and alike(turned, whole) < 0.9
    mirrored = opened(copy(window="1000,1800", side=512, mirrored=True))
    assert alike(mirrored, whole[:, ::-1]) > 0.9
    negative = opened(copy(window="1000,1800", side=512, inverted=True))
    assert alike(negative, 255 - whole) > 0.9
    lined = opened(copy(window="1000,1800", side=512, drawings=[{"points": "100,400 400,400", "words": ["12.5 mm 均值"], "at": "410,390"}]))
    across = numpy.abs(lined - whole)[394:407, 110:390].max(axis=0)
    assert (across > 20).mean() > 0.9 and across.mean() > 40, "a line from side to side"
    assert numpy.abs(lined - whole)[300:380, 110:390].mean() < across.mean() / 4, "and nothing above it but another number"
    assert numpy.abs(lined - whole)[390:410, 412:500].max() > 100, "and its words"
    assert opened(copy(side=512, format="jpeg")).shape == (512, 512)


def test_no_number_of_drawings_keeps_off_whose_picture_it_is_and_that_it_is_not_for_diagnosis(copy):
    """As many measures as may be, one of them right over the foot: what the archive says itself is still read."""

    def letters(answer):
        # What is said in black and white at the foot, on a ground that a narrow window makes black.
        return (opened(answer)[-70:-10, 10:330] > 240).mean()

    black = {"window": "60000,1", "side": 1024}
    nothing_drawn = letters(copy(**black))
    assert nothing_drawn > 0.02, "there is a foot"
    assert letters(copy(**black, drawings=[{"points": "500,1 510,1"}] * 64)) > 0.8 * nothing_drawn
    covered = copy(**black, drawings=[{"words": ["x" * 48], "at": "5,490"}] * 64)
    plain, over = opened(copy(**black))[-70:-10, 10:330], opened(covered)[-70:-10, 10:330]
    assert (over[plain > 240] > 200).mean() > 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "photograph"},
        {"side": 4096},
        {"side": 8},
        {"region": "0,0,0,10"},
        {"region": "600,0,10,10"},
        {"window": "40"},
        {"turned": 4},
        {"format": "gif"},
        {"drawings": [{"points": "a,b"}]},
        {"drawings": [{"points": "1,1 2,2", "words": ["x" * 49]}]},
        {"drawings": [{}] * 65},
        {"watermark": "no"},
        {"kind": "print", "format": "png"},
    ],
)
def test_what_is_out_of_bounds_is_refused_and_nothing_was_made(archive, copy, wrong):
    before = len([leaf for leaf in copies(archive, actor=WHO) if leaf["outcome"] == "succeeded"])
    answer = copy(**wrong)
    assert answer.status_code in (400, 406, 422), (wrong, answer.status_code, answer.text)
    assert len([leaf for leaf in copies(archive, actor=WHO) if leaf["outcome"] == "succeeded"]) == before


def test_a_frame_that_is_not_there_is_not_copied(copy):
    assert copy(frame=3).status_code == 404


@pytest.fixture(scope="module")
def expert(archive, image, reader):
    """A remote expert to whom the study is assigned."""
    token = outsider_token(archive.office, "copy-expert", "remote-expert")
    desk = Api(archive.addresses.web, str(archive.ca_file), reader)
    desk.post("/consultations", {"name": "copy-expert", "study": image.StudyInstanceUID, "reason": "a second look", "minutes": 600}, 201)
    return token


def test_who_may_carry_nothing_away_is_refused_and_that_is_written_down(archive, image, expert, copy, gateway):
    office = archive.office
    assert Web(archive, expert).get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 200, "the expert may look"
    refused = copy(expert)
    assert refused.status_code == 403 and "outsiders-only-look" in refused.text, refused.text
    leaf = office.leaves(kind="access", outcome="refused", actor="copy-expert")[0]
    assert (leaf["action"], leaf["reason"]) == ("export", "outsiders-only-look")
    # A program makes none, whatever it may take; a stranger finds nothing; nobody is asked to sign in.
    assert copy(gateway.token).status_code == 403
    assert copy(office.person_token("copy-clinician", "clinician")).status_code == 404
    assert copy(None).status_code == 401
    assert copy(office.sign_in(office.names["audit-administrator"])).status_code == 403
    assert not copies(archive, actor="copy-expert") and not copies(archive, actor="copy-clinician")


def test_a_viewer_is_told_what_it_may_draw(archive, image, reader, expert):
    def showing(token):
        answer = requests.get(
            f"{archive.addresses.web}/api/v1/studies/{image.StudyInstanceUID}/showing",
            headers={"Authorization": f"Bearer {token}"}, verify=str(archive.ca_file), timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert showing(reader) == {"grade": "L4", "marked": False, "rendered_only": False, "shielded": False, "copies": True}
    assert showing(expert) == {"grade": "L4", "marked": True, "rendered_only": True, "shielded": False, "copies": False}


def test_many_copies_are_bulk_and_stop_what_carries_away(make_installation, tmp_path):
    """The limit of a day is two hundred; here it is three. Who is stopped still looks."""
    limits = tmp_path / "limits.toml"
    limits.write_text('[limits]\nusual = [{ measure = "prints", within_minutes = 1440, at_most = 3, step = "suspend-export" }]\n')
    installation = make_installation("prints", settings={"MONITOR__LIMITS_FILE": str(limits)})
    office = installation.office
    made = part10.image(patient_id="bulk-1")
    Web(installation, office.client_token("gateway", "store")).must_store(part10.file_bytes(made))
    api = Api(installation.addresses.web, str(installation.ca_file), office.person_token("chief-of-copies", "chief"))
    body = {"kind": "print", "series": made.SeriesInstanceUID, "instance": made.SOPInstanceUID, "side": 64}
    answers = [api.raw("POST", f"/studies/{made.StudyInstanceUID}/copies", body).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 403, 403], "each copy counts, also within one look"
    refused = api.raw("POST", f"/studies/{made.StudyInstanceUID}/copies", body)
    assert "monitor-limit" in refused.text, refused.text
    assert Web(installation, api.token).get(f"/studies/{made.StudyInstanceUID}/metadata").status_code == 200
    assert [row["name"] for row in office.audit.get("/alerts") if row["kind"] == "monitor-limit"] == ["chief-of-copies"]
    assert len([leaf for leaf in office.leaves(kind="copied") if leaf["outcome"] == "succeeded"]) == 3


# === signals ===


@pytest.fixture
def tell(archive, reader, image):
    def send(token=reader, **said):
        body = {"kind": "print-key", "page": "00112233445566ff", "number": 1, "study": image.StudyInstanceUID, **said}
        return requests.post(
            f"{archive.addresses.web}/api/v1/me/signals",
            json=body, headers={"Authorization": f"Bearer {token}"} if token else {}, verify=str(archive.ca_file), timeout=30,
        )

    return send


def test_signals_are_leaves_a_kind_once_a_minute_and_missing_ones_are_told(archive, image, tell):
    token = archive.office.person_token("signals-reader", "radiologist")
    for number in (1, 2, 3):
        assert tell(token, number=number).status_code == 204
    assert tell(token, kind="unfocused", number=7).status_code == 204
    leaves = archive.office.leaves(kind="signal", actor="signals-reader")
    assert [leaf["reason"] for leaf in leaves] == ["signal-unfocused", "signal-print-key"], "one of each kind"
    assert leaves[1]["counts"] == {"observed": 1, "times": 1}
    assert leaves[0]["counts"] == {"observed": 0, "times": 1, "missing": 3}
    assert leaves[0]["study"] == archive.office.leaves(kind="copied", study_uid=image.StudyInstanceUID)[0]["study"]
    assert leaves[0]["outcome"] == "succeeded" and "patient" not in leaves[0]


def test_what_was_told_within_the_minute_is_on_the_log_also_when_nothing_comes_after_it(make_installation):
    """Whoever prints fifty times behind a first print, and leaves: the number is told when the minute is over, or when the server stops before."""
    installation = make_installation("signals")
    token = installation.office.person_token("printing", "radiologist")
    api = Api(installation.addresses.web, str(installation.ca_file), token)
    for number in (1, 2, 4):
        said = {"kind": "print", "page": "00112233445566ff", "number": number, "times": number * 10}
        assert api.raw("POST", "/me/signals", said).status_code == 204

    def counts():
        return [leaf["counts"] for leaf in installation.office.leaves(kind="signal", actor="printing")]

    assert counts()[-1] == {"observed": 1, "times": 10}
    installation.restart()
    installation.office.sign_in_officers()
    told = wait_until(lambda: counts()[:-1], "what followed is told")
    assert sum(one["times"] for one in told) == 60 and sum(one.get("missing", 0) for one in told) == 1


def test_signals_are_of_the_own_session_and_of_known_kinds(archive, gateway, tell):
    assert tell(None).status_code == 401
    assert tell(gateway.token).status_code == 403
    for wrong in ({"kind": "camera"}, {"number": 0}, {"page": "x"}, {"times": 5000}, {"actor": "somebody-else"}, {"study": "x y"}):
        assert tell(**wrong).status_code in (400, 422), wrong


# === helpers ===


def trace(archive, image, file, media_type):
    office = archive.office
    answer = requests.post(
        f"{archive.addresses.web}/api/v1/leaks/trace",
        params={"study_uid": image.StudyInstanceUID},
        data=file,
        headers={"Authorization": f"Bearer {office.audit.token}", "Content-Type": media_type},
        verify=str(archive.ca_file),
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def again(picture, quality):
    """The picture saved by another program."""
    out = io.BytesIO()
    Image.fromarray(picture.astype("uint8")).save(out, "JPEG", quality=quality)
    return out.getvalue()


def alike(one, other) -> float:
    return float(numpy.corrcoef(one.ravel(), numpy.asarray(other, dtype=float).ravel())[0, 1])
