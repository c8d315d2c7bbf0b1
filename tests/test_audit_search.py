"""Who looked: searches through the index of the audit log, pages that stay where they are, and what becomes of a damaged index."""

import json
import time

import pytest
from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api
from yingdun_testkit.web import Web

STUDIES = 6
LOOKS = 5


@pytest.fixture(scope="module")
def watched(make_installation):
    """Two doctors looked at six studies; a stranger was refused each."""
    installation = make_installation("watched")
    office = installation.office
    installation.images = [part10.image(patient_id=f"watched-{number % 2}") for number in range(STUDIES)]
    Web(installation, office.client_token("gateway", "store", "search", "view")).must_store(
        *map(part10.file_bytes, installation.images)
    )
    installation.tokens = {name: office.person_token(name, "chief") for name in ("dr-qian", "dr-sun")}
    installation.tokens["dr-wei"] = office.person_token("dr-wei", "clinician")
    for name, token in installation.tokens.items():
        web = Web(installation, token)
        for image in installation.images:
            for _ in range(LOOKS if name == "dr-qian" else 1):
                web.get(f"/studies/{image.StudyInstanceUID}/metadata")
    return installation


def pages(audit, limit, **conditions):
    """All rows of a search in pages, and what the first page said of their number."""
    rows, count, cursor = [], None, {}
    while True:
        answer = audit.raw("GET", "/audit/search", params={"limit": limit, **conditions, **cursor})
        assert answer.status_code == 200, answer.text
        rows += answer.json()
        count = count or answer.headers.get("Yingdun-Count")
        if "Yingdun-Next" not in answer.headers:
            return rows, count
        cursor = {"cursor": answer.headers["Yingdun-Next"]}


def test_pages_join_without_gap_or_repetition_and_the_count_is_theirs(watched):
    audit = watched.office.audit
    whole = audit.get("/audit/search", {"limit": 1000, "kind": "access"})
    rows, count = pages(audit, 7, kind="access")
    assert rows == whole and count == str(len(whole)) and len(whole) > 3 * 7
    assert [row["index"] for row in rows] == sorted((row["index"] for row in rows), reverse=True)


@pytest.mark.parametrize(
    "conditions",
    [
        {"actor": "dr-qian"},
        {"actor": "dr-qian", "actor_kind": "person", "kind": "access", "outcome": "permitted", "action": "view"},
        {"actor": "dr-wei", "kind": "access", "outcome": "refused"},
        {"action": "store"},
        {"device": "dr-qian"},
        {"outcome": "refused"},
    ],
)
def test_a_search_finds_what_reading_all_leaves_finds(watched, conditions):
    leaves = watched.office.audit.get("/audit/tail", {"count": 1000})
    wanted = {("actor" if key == "device" else key): value for key, value in conditions.items()}
    if "device" in conditions:
        wanted["actor_kind"] = "device"
    newest = leaves[0]["index"]
    expected = [row for row in leaves if all(row["leaf"].get(key) == value for key, value in wanted.items())]
    found, _ = pages(watched.office.audit, 50, **conditions)
    assert [row for row in found if row["index"] <= newest] == expected
    assert bool(expected) == ("device" not in conditions)


def test_time_bounds_are_those_of_the_leaves(watched):
    leaves = watched.office.audit.get("/audit/tail", {"count": 1000})
    middle, end = leaves[len(leaves) // 2]["leaf"]["time_ms"], leaves[3]["leaf"]["time_ms"]
    found, _ = pages(watched.office.audit, 20, from_ms=middle, until_ms=end)
    assert found == [row for row in leaves if middle <= row["leaf"]["time_ms"] < end] and found


def test_who_looked_at_a_study_and_at_a_patient(watched):
    audit, image = watched.office.audit, watched.images[0]
    before = len(audit.get("/audit/search", {"action": "read-audit", "limit": 1000}))
    of_study = audit.post("/audit/accesses", {"study_uid": image.StudyInstanceUID}, 200)
    assert {(row["actor"], row["outcome"]) for row in of_study if row["actor"] in watched.tokens} == {
        ("dr-qian", "permitted"), ("dr-sun", "permitted"), ("dr-wei", "refused"),
    }  # fmt: skip
    assert len({row["study"] for row in of_study}) == 1
    of_patient = audit.post("/audit/accesses", {"patient_id": "watched-0", "limit": 1000}, 200)
    assert len({row["study"] for row in of_patient if row["outcome"] == "permitted"}) == STUDIES / 2
    assert audit.post("/audit/accesses", {"patient_id": "watched-404"}, 200) == []
    assert len(audit.get("/audit/search", {"action": "read-audit", "limit": 1000})) >= before + 3, "each is a leaf"
    for wrong in ({}, {"study_uid": "1.2", "patient_id": "x"}, {"study_uid": "x"}, {"patient_id": "x", "cursor": "7"}):
        assert audit.raw("POST", "/audit/accesses", wrong).status_code == 400, wrong
    assert watched.office.system.raw("POST", "/audit/accesses", {"patient_id": "watched-0"}).status_code == 403


def test_who_is_not_known_is_told_so(watched, tmp_path):
    audit, token, patient = watched.office.audit, tmp_path / "token", tmp_path / "patient"
    ask = lambda **asked: audit.raw("POST", "/audit/accesses", asked)
    for asked, known in (
        ({"patient_id": "watched-0"}, "true"),
        ({"patient_id": "watched-0", "issuer": "elsewhere"}, "false"),
        ({"patient_id": "watched-404"}, "false"),
        ({"study_uid": watched.images[0].StudyInstanceUID}, "true"),
        ({"study_uid": "1.2.3.4"}, "false"),
    ):
        answer = ask(**asked)
        assert answer.status_code == 200 and answer.headers["Yingdun-Known"] == known, asked
    token.write_text(audit.token)
    patient.write_text("watched-0")
    command = ["audit", "accesses", "--patient-id-file", patient, "--server", watched.addresses.web]
    command += ["--ca-file", watched.ca_file, "--token-file", token]
    assert program.run_json(*command)["known"] is True
    assert program.run_json(*command, "--issuer", "elsewhere")["known"] is False
    said = program.run(*command, "--issuer", "elsewhere")
    assert said.returncode == 0 and "--issuer" in said.stdout


def test_everybody_sees_the_own_accesses_and_no_others(watched):
    own = Api(watched.addresses.web, watched.ca_file, watched.tokens["dr-sun"]).raw("GET", "/me/accesses")
    assert own.status_code == 200, own.text
    assert {row["actor"] for row in own.json()} == {"dr-sun"} and len(own.json()) == STUDIES
    assert own.headers["Yingdun-Count"] == str(STUDIES)
    newest = watched.office.audit.get("/audit/search", {"actor": "dr-sun", "limit": 1})[0]["leaf"]
    assert (newest["kind"], newest["reason"]) == ("query", "own-accesses")


def test_the_command_gives_pages_and_their_number(watched, tmp_path):
    token = tmp_path / "token"
    token.write_text(watched.office.audit.token)
    asked = ["--server", watched.addresses.web, "--ca-file", watched.ca_file, "--token-file", token]
    first = program.run_json("audit", "search", "--actor", "dr-qian", "--kind", "access", "--limit", "2", *asked)
    assert len(first["leaves"]) == 2 and first["count"] >= STUDIES and first["count_is_exact"]
    second = program.run_json(
        "audit", "search", "--actor", "dr-qian", "--kind", "access", "--cursor", first["next"], *asked
    )
    assert len(second["leaves"]) == first["count"] - 2 and second["next"] is None
    seen = program.run_json("audit", "accesses", "--study", watched.images[1].StudyInstanceUID, *asked)
    assert {"dr-qian", "dr-sun", "dr-wei"} <= {row["actor"] for row in seen["accesses"]}
    assert first["log"] == (watched.audit_directory / "checkpoint").read_text().splitlines()[0] and first["logs"] <= 1
    wrong = program.run("audit", "search", "--cursor", "yesterday", *asked)
    assert wrong.returncode == 1 and "the last page" in wrong.stderr


def test_an_index_that_is_gone_or_rubbish_changes_no_answer(watched):
    expected, _ = pages(watched.office.audit, 100, actor="dr-qian", kind="access")
    assert watched.stop() == 0
    index = watched.audit_directory / "index"
    assert index.is_dir()
    for name in ("00000000-00000001.segment", "00000001-00000001.segment", "x.new"):
        (index / name).write_bytes(b"rubbish" * 100)
    watched.start()
    for api in (watched.office.audit, watched.office.system):
        api.web = watched.addresses.web
    found, _ = pages(watched.office.audit, 100, actor="dr-qian", kind="access")
    assert found == expected
    assert not list(index.iterdir()), "what is not a segment of this log was removed"
    deadline = time.monotonic() + 20
    while (state := watched.office.system.get("/system/status")["audit"])["indexed"] < state["leaves"] - 5:
        assert time.monotonic() < deadline, json.dumps(state)
        time.sleep(0.2)
    assert watched.verify_audit()["ok"], "the index is no part of the evidence"
