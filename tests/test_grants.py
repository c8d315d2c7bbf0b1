"""What one person opens to another for a while: it opens, and it stops at the second at which it ends."""

import time

import pytest

from yingdun_testkit import part10
from yingdun_testkit.administration import Api
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: How long after the end of a grant an open stream may go on.
CUT_SECONDS_MAX = 1.0
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0
#: A grant that ends this many seconds from now, given for a minute that began before.
SOON_SECONDS = 6


def api(installation, token: str) -> Api:
    return Api(installation.addresses.web, str(installation.ca_file), token)


def listed(web: Web, image) -> bool:
    return bool(web.search("/studies", StudyInstanceUID=image.StudyInstanceUID))


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


@pytest.fixture
def ward(archive_on, request):
    """A chief and a clinician of this test alone: (chief, name of the clinician, DICOMweb of the clinician)."""
    name = request.node.name.split("[")[0][-30:].replace("_", "-")
    office = archive_on.office
    chief = api(archive_on, office.person_token(f"chief-{name}", "chief"))
    clinician = f"doctor-{name}"
    return chief, clinician, Web(archive_on, office.person_token(clinician, "clinician"))


def store(web: Web, patient_id: str, **attributes):
    image = part10.image(patient_id=patient_id, **attributes)
    web.must_store(part10.file_bytes(image))
    return image


def soon(seconds=SOON_SECONDS) -> dict:
    """A minute that ends in so many seconds, and when."""
    return {"minutes": 1, "from_ms": int(time.time() * 1000) - (60 - seconds) * 1000}


def test_a_study_that_was_closed_opens_is_listed_and_closes_at_the_second(archive_on, gateway_on, ward):
    chief, name, mine = ward
    image, other = store(gateway_on, "grant-1"), store(gateway_on, "grant-1")
    assert not listed(mine, image) and opened(mine, image) == 404
    body = {"name": name, "study": image.StudyInstanceUID, "reason": "a second look before the operation"}
    given = chief.post("/grants", {**body, **soon()}, 201)
    assert listed(mine, image) and opened(mine, image) == 200
    assert not listed(mine, other) and opened(mine, other) == 404, "one study is not its patient"
    until = given["valid_until_ms"] / 1000
    while time.time() < until - 0.2:
        assert listed(mine, image) == (opened(mine, image) == 200) or time.time() >= until - 0.2
        time.sleep(0.1)
    time.sleep(max(0.0, until - time.time()))
    assert opened(mine, image) == 404 and not listed(mine, image), "closed at the second"
    leaves = archive_on.office.leaves(kind="access", outcome="permitted", study_uid=image.StudyInstanceUID, actor=name)
    assert leaves and {leaf["reason"] for leaf in leaves} == {"timed-grant"}
    assert {leaf["counts"]["grant"] for leaf in leaves} == {given["grant"]}, "each leaf names the grant"

    def ended() -> bool:
        found = archive_on.office.leaves(kind="administration")
        ends = [leaf for leaf in found if leaf["reason"] == "grant-ended"]
        return any(leaf["counts"]["grant"] == given["grant"] for leaf in ends)

    wait_until(ended, "the end is a leaf", BUSY_SECONDS)


def test_a_slow_stream_is_cut_when_the_grant_ends(archive_on, gateway_on, ward):
    chief, name, mine = ward
    image = store(gateway_on, "grant-2", frames=48, rows=1024, columns=1024)
    body = {"name": name, "study": image.StudyInstanceUID, "reason": "a second look"}
    until = chief.post("/grants", {**body, **soon()}, 201)["valid_until_ms"] / 1000
    path = f"/studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    answer = mine.get(path, "application/dicom; transfer-syntax=*", stream=True)
    assert answer.status_code == 200
    came, broken = 0, None
    try:
        for piece in answer.iter_content(256 * 1024):
            came += len(piece)
            time.sleep(0.05)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    cut = time.time()
    whole = 48 * 1024 * 1024
    assert broken is not None and came < whole, f"{came} of {whole} bytes came"
    # What lies in the buffers of the network is taken at our own pace; nothing more is given.
    print(f"the stream ended {cut - until:.2f} s after the grant, {came} bytes came")
    assert cut - until < CUT_SECONDS_MAX + BUSY_SECONDS


def test_a_revoked_grant_closes_everywhere_within_a_second(archive_on, gateway_on, ward):
    chief, name, mine = ward
    image = store(gateway_on, "grant-3")
    given = chief.post("/grants", {"name": name, "patient_id": "grant-3", "reason": "on call tonight"}, 201)
    assert given["valid_until_ms"] - given["valid_from_ms"] == 24 * 3600 * 1000, "a day unless said otherwise"
    assert listed(mine, image) and opened(mine, image) == 200
    assert mine.get(f"/studies/{image.StudyInstanceUID}/media").status_code == 403, "nobody said export"
    later = store(gateway_on, "grant-3")
    assert listed(mine, later) and opened(mine, later) == 200, "a study that comes later is of the patient too"
    archive_on.office.security.get(f"/grants/{given['grant']}")
    revoked = api(archive_on, archive_on.office.security.token)
    assert revoked.raw("DELETE", f"/grants/{given['grant']}").json()["open"] is False
    wait_until(lambda: opened(mine, image) == 404, "the study closes", 1.0 + BUSY_SECONDS)
    assert not listed(mine, image) and not listed(mine, later)
    assert chief.raw("DELETE", f"/grants/{given['grant']}").status_code == 409, "once"


def test_who_gives_holds_the_right_and_nobody_gives_to_the_own_account(archive_on, gateway_on, ward):
    chief, name, mine = ward
    office = archive_on.office
    image = store(gateway_on, "grant-4")
    body = {"name": name, "study": image.StudyInstanceUID, "reason": "a second look"}
    own = api(archive_on, mine.token)
    assert own.raw("POST", "/grants", {**body, "name": name}).status_code == 404, "what one may not see is not there"
    reader = api(archive_on, office.person_token(f"reader-{name}"[:40], "radiologist"))
    assert reader.raw("POST", "/grants", body).status_code == 403
    for officer in (office.system, office.security, office.audit):
        assert officer.raw("POST", "/grants", body).status_code == 403
        assert officer.raw("POST", "/grants", {**body, "study": "2.25.404"}).status_code == 403
    assert chief.raw("POST", "/grants", {**body, "minutes": 1441}).status_code == 400
    assert chief.raw("POST", "/grants", {**body, "reason": " "}).status_code == 400
    for purpose in ("HRESCH", "ETREAT", "HOPERAT", "nothing"):
        assert chief.raw("POST", "/grants", {**body, "purpose": purpose}).status_code == 400
    assert chief.raw("POST", "/grants", {**body, "study": "2.25.404"}).status_code == 404
    assert chief.raw("POST", "/grants", {**body, "name": "nobody-at-all"}).status_code == 404
    me = chief.raw("POST", "/grants", {**body, "name": f"chief-{name.removeprefix('doctor-')}"})
    assert me.status_code == 403, me.text
    # In care, a clinician hands on what is in care, and not what was granted.
    office.care(name, "grant-4")
    other = office.person(f"other-{name}"[:40], "clinician")
    assert own.raw("POST", "/grants", {**body, "name": other}).status_code == 201
    assert not opened(mine, image) == 404
    secret = "a second look"
    folder = archive_on.directory
    rows = [path for path in folder.rglob("*.sqlite*") if secret.encode() in path.read_bytes()]
    assert not rows, f"a reason lies in the clear in {rows}"
