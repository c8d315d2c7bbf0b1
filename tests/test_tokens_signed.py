"""Requests that a partner signs (RFC 9421): good once, for this address, this token and this body."""

import datetime
import time

import pytest

from yingdun_testkit import part10
from yingdun_testkit.programs import Signer

SEARCH = "/dicom-web/studies?limit=1"
STORE = "/dicom-web/studies"
UTC = datetime.timezone.utc


@pytest.fixture(scope="module")
def house(make_installation):
    return make_installation("signed")


def signer(house, name: str, kind="EC", scopes=("search", "store", "view")) -> Signer:
    """A program whose requests have to be signed."""
    office = house.office
    secret = office.system.post("/clients", {"client_id": name}, 201)["client_secret"]
    made = Signer(house, "", kind)
    until = int(time.time() * 1000) + 3_600_000
    body = {"kind": "signature-key", "public_key": made.public_pem, "valid_until_ms": until}
    told = office.system.post(f"/clients/{name}/credentials", body, 201)
    assert told["sha256"] == made.key_id
    office.system.put(f"/clients/{name}/demands", {"demands": ["signature"]}, 204)
    office.security.put(f"/clients/{name}/scopes", {"scopes": list(scopes)}, 204)
    made.token = office.client_credentials(name, secret).json()["access_token"]
    return made


def refusal(answer) -> str:
    assert answer.status_code == 401, f"{answer.status_code} {answer.text}"
    return answer.json()["came"]


def multipart(image) -> tuple:
    content = part10.file_bytes(image)
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--\r\n"
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+json"}
    return body, kind


@pytest.mark.parametrize("kind", ["EC", "OKP"])
def test_a_signed_request_is_served_and_an_unsigned_one_is_not(house, kind):
    made = signer(house, f"signer-{kind}", kind)
    assert made.send(made.signed("GET", SEARCH)).status_code == 200
    bare = made.session.get(f"{made.web}{SEARCH}", headers={"Authorization": f"Bearer {made.token}"}, timeout=30)
    assert refusal(bare) == "request-not-signed", "a stolen token"
    reasons = {leaf["reason"] for leaf in house.office.leaves(kind="authentication", outcome="refused")}
    assert "request-not-signed" in reasons


def test_a_request_comes_once(house):
    made = signer(house, "replayed")
    request = made.signed("GET", SEARCH)
    assert made.send(request).status_code == 200
    assert refusal(made.send(request)) == "replayed-request"
    again = made.signed("GET", SEARCH, nonce="the-same-nonce")
    assert made.send(again).status_code == 200
    assert refusal(made.send(made.signed("GET", "/dicom-web/series?limit=1", nonce="the-same-nonce"))) == "replayed-request"


def test_what_was_changed_on_the_way_is_found(house):
    made = signer(house, "changed")
    moved = made.signed("GET", SEARCH)
    moved.url = f"{made.web}/dicom-web/studies?limit=100"
    assert refusal(made.send(moved)) == "request-signature-wrong", "another query"
    other = made.signed("GET", SEARCH)
    other.method = "DELETE"
    assert made.send(other).status_code in (401, 405)
    injected = made.signed("GET", SEARCH, headers={"X-Partner": "a"}, covered=(*made.COVERED, "x-partner"))
    injected.headers["X-Partner"] = "a, b"
    assert refusal(made.send(injected)) == "request-signature-wrong", "a field that is covered"
    relabelled = made.signed("GET", SEARCH)
    relabelled.headers["Signature-Input"] = relabelled.headers["Signature-Input"].replace(made.key_id, "0" * 64)
    assert refusal(made.send(relabelled)) == "request-signature-unknown-key"


def test_a_signature_covers_enough_is_of_now_and_by_a_key_of_the_account(house):
    made, stranger = signer(house, "strict-signer"), signer(house, "strict-stranger")
    for missing in ("@method", "@target-uri", "authorization"):
        covered = tuple(name for name in made.COVERED if name != missing)
        assert refusal(made.send(made.signed("GET", SEARCH, covered=covered))) == "request-signature-covers-too-little", missing
    now = datetime.datetime.now(UTC)
    for seconds in (-90, 90):
        created = now + datetime.timedelta(seconds=seconds)
        assert refusal(made.send(made.signed("GET", SEARCH, created=created))) == "request-signature-wrong-clock"
    stranger.token = made.token
    assert refusal(stranger.send(stranger.signed("GET", SEARCH))) == "request-signature-unknown-key", "a key of another account"
    parts = ("@method", "@authority", "@path", "@query", "authorization")
    assert made.send(made.signed("GET", SEARCH, covered=parts)).status_code == 200, "the address in parts"


def test_a_body_is_what_was_signed_before_anything_of_it_takes_effect(house):
    made = signer(house, "storing")
    good, evil = (part10.image(patient_id="SIGNED-1", seed=seed) for seed in (901, 902))
    body, kind = multipart(good)
    changed = made.signed("POST", STORE, body, kind)
    other, _ = multipart(evil)
    changed.body, changed.headers["Content-Length"] = other, str(len(other))
    assert refusal(made.send(changed)) == "request-body-changed"
    bare = made.signed("POST", STORE, body, kind, covered=made.COVERED)
    assert refusal(made.send(bare)) == "request-signature-covers-too-little", "without the kind of body"
    stored = made.send(made.signed("POST", STORE, body, kind))
    assert stored.status_code == 200, stored.text
    found = made.send(made.signed("GET", "/dicom-web/studies?PatientID=SIGNED-1"))
    assert [row["0020000D"]["Value"][0] for row in found.json()] == [good.StudyInstanceUID], "and nothing of the other"


def test_a_body_that_is_too_large_to_be_read_first_is_told_so(house):
    made = signer(house, "large")
    body, kind = multipart(part10.image(patient_id="SIGNED-2", seed=903))
    large = made.signed("POST", STORE, body + bytes(16 << 20), kind)
    answer = made.send(large)
    assert answer.status_code == 413 and "no signature is demanded" in answer.text, answer.text


def test_a_key_that_is_taken_away_signs_nothing_any_more(house):
    made = signer(house, "forgotten")
    assert made.send(made.signed("GET", SEARCH)).status_code == 200
    house.office.system.delete(f"/clients/forgotten/credentials/signature-key/{made.key_id}", 204)
    assert refusal(made.send(made.signed("GET", SEARCH))) == "request-signature-unknown-key"
