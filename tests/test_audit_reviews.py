"""Samples of the audit log that were marked as reviewed, over the interface: what a mark says, who may make one, what is no sample, and what of
it stands in the clear."""

import hashlib
import json

import pytest
import requests

from yingdun_testkit import program

SEED = "00112233445566778899aabbccddeeff"
WORDS = "每条都看过：一次越权访问待查 Q-9931"


@pytest.fixture(scope="module")
def records(ward):
    rows = ward.office.audit.get("/audit/search", {"kind": "stored", "limit": 3})
    return [f"{row['index']}@{row['log']}" for row in rows]


def sample_of(records, **more) -> dict:
    return {"drawn": "filtered", "of": 40, "seed": SEED, "filters": "kind=stored&until_ms=1795434351053", "records": records, "words": WORDS, **more}


def ask(ward, role, method, path, **more):
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)
    return requests.request(method, f"{web}/api/v1{path}", headers={"Authorization": f"Bearer {ward.tokens[role]}"}, verify=ca, timeout=60, **more)


def digest(sample) -> str:
    lines = ["yingdun audit sample v1", f"drawn {sample['drawn']}", f"of {sample['of']}", f"seed {sample['seed']}", f"filters {sample['filters']}"]
    return hashlib.sha256("".join(f"{line}\n" for line in [*lines, *sample["records"]]).encode()).hexdigest()


def newest(ward, count):
    return ward.office.audit.get("/audit/search", {"kind": "administration", "action": "read-audit", "limit": count})


def test_a_mark_is_a_leaf_with_the_digest_and_without_the_words(ward, records):
    sample = sample_of(records)
    review = ward.office.audit.post("/audit/reviews", sample, 201)
    assert review["sample"] == digest(sample) and review["words"] == WORDS and review["records"] == records
    leaves = [row["leaf"] for row in newest(ward, 2)]
    assert [leaf["outcome"] for leaf in leaves] == ["succeeded", "permitted"]
    for leaf in leaves:
        assert (leaf["reason"], leaf["content_sha256"]) == ("audit-sample-reviewed", review["sample"])
        assert leaf["counts"] == {"records": 3, "review": review["review"]} and "Q-9931" not in json.dumps(leaf)
    assert [one["review"] for one in ward.office.audit.get("/audit/reviews", {"sample": review["sample"]})] == [review["review"]]
    assert ward.office.audit.get("/audit/reviews", {"sample": "0" * 64}) == []
    # No file of the installation has it in the clear.
    secret = WORDS.encode()
    assert [path for path in ward.installation.files() if secret in path.read_bytes()] == []


def test_two_reviews_of_one_sample_stand_beside_each_other(ward, records):
    sample = sample_of(records, seed="f" * 32)
    ward.office.audit.post("/audit/reviews", sample, 201)
    ward.office.audit.post("/audit/reviews", {**sample, "words": "again"}, 201)
    assert [one["words"] for one in ward.office.audit.get("/audit/reviews", {"sample": digest(sample)})] == ["again", WORDS]


@pytest.mark.parametrize("role", ["clinician", "system-administrator", "security-administrator"])
def test_only_who_may_read_the_log_marks_or_reads_marks(ward, records, role):
    before = ward.office.audit.get("/audit/reviews")
    assert ask(ward, role, "POST", "/audit/reviews", json=sample_of(records)).status_code == 403
    # Whether there are such records is not told.
    assert ask(ward, role, "POST", "/audit/reviews", json=sample_of(["99999999@nowhere/audit"])).status_code == 403
    assert ask(ward, role, "GET", "/audit/reviews").status_code == 403
    assert ward.office.audit.get("/audit/reviews") == before


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"records": []}, 400),
        ({"records": ["one"]}, 400),
        ({"records": ["99999999@renmin/audit"]}, 404),
        ({"records": ["1@nowhere/audit"]}, 404),
        ({"drawn": "chosen"}, 400),
        ({"seed": "short"}, 400),
        ({"filters": "two words"}, 400),
        ({"words": "  "}, 400),
        ({"words": "x" * 501}, 400),
        ({"of": 1}, 422),
        ({"more": 1}, 400),
    ],
)
def test_what_is_no_sample_is_not_marked(ward, records, change, status):
    before = ward.office.audit.get("/audit/reviews")
    assert ask(ward, "audit-administrator", "POST", "/audit/reviews", json={**sample_of(records), **change}).status_code == status
    assert ward.office.audit.get("/audit/reviews") == before


def test_a_record_twice_and_too_many_are_no_sample(ward, records):
    assert ask(ward, "audit-administrator", "POST", "/audit/reviews", json=sample_of([records[0]] * 2)).status_code == 422
    assert ask(ward, "audit-administrator", "POST", "/audit/reviews", json=sample_of([f"{n}@renmin/audit" for n in range(51)])).status_code in (400, 413)


def test_the_command_line_lists_marks(ward, records, tmp_path):
    sample = sample_of(records, seed="a" * 32)
    ward.office.audit.post("/audit/reviews", sample, 201)
    token = tmp_path / "token"
    token.write_text(ward.tokens["audit-administrator"])
    server = ["--server", ward.installation.addresses.web, "--ca-file", ward.installation.ca_file, "--token-file", token]
    [found] = program.run_json("audit", "reviews", "--sample", digest(sample), *server)
    assert found["words"] == WORDS and found["seed"] == "a" * 32


def test_a_file_is_on_the_log_with_its_rows_and_digest(ward):
    content = hashlib.sha256(b"a file").hexdigest()
    assert ask(ward, "clinician", "POST", "/me/files", json={"list": "studies", "rows": 12, "sha256": content}).status_code == 204
    [row] = ward.office.audit.get("/audit/search", {"actor": ward.names["clinician"], "kind": "copied", "limit": 1})
    leaf = row["leaf"]
    assert (leaf["reason"], leaf["counts"], leaf["content_sha256"]) == ("file-of-studies", {"rows": 12}, content)
    for wrong in ({"list": "Studies"}, {"list": "a--b"}, {"list": "a" * 25}, {"sha256": "x"}, {"rows": -1}):
        assert ask(ward, "clinician", "POST", "/me/files", json={"list": "studies", "rows": 1, "sha256": content, **wrong}).status_code == 400
