"""Rules of the institution: three persons, one digest, every node; what they would change; and rights that nobody uses."""

import shutil
import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api, Office
from yingdun_testkit.installation import wait_until
from yingdun_testkit.several import FurtherNode, reached
from yingdun_testkit.web import Web

#: Within which rules count on every node.
EFFECTIVE_SECONDS_MAX = 5.0
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0
#: What does not open and is not listed is not there.
CLOSED = 404

NO_EXPORT = """// Nothing leaves on a medium.
@id("local-no-export")
forbid (principal is Person, action == Action::"export", resource);
"""
NO_CHIEF = """@id("local-no-chief")
forbid (principal is Person, action in [Action::"list", Action::"view"], resource)
when { principal.role == Role::"chief" };
"""


def propose(office, text: str, reason="a test") -> dict:
    return office.system.post("/policies", {"text": text, "reason": reason}, 201)


def approve(office, proposed: dict):
    for officer in (office.security, office.audit):
        officer.post(f"/policies/{proposed['version']}/approval", {"digest": proposed["digest"]}, 200)


def activate(office, proposed: dict) -> dict:
    return office.security.post(f"/policies/{proposed['version']}/activation", {"digest": proposed["digest"]}, 200)


def put_into_force(office, text: str) -> dict:
    proposed = propose(office, text)
    approve(office, proposed)
    return activate(office, proposed)


def export(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/media").status_code


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


def in_force(api) -> dict:
    return api.get("/policies")["in_force"]


@pytest.fixture(scope="module")
def ruled(make_installation):
    """An archive with an image and a chief who opens it."""
    installation = make_installation("ruled")
    installation.gateway = Web(installation, installation.office.client_token("gateway", "store", "search", "view"))
    installation.image = part10.image(patient_id="policy-1")
    installation.gateway.must_store(part10.file_bytes(installation.image))
    installation.chief = Web(installation, installation.office.person_token("chief", "chief"))
    return installation


@pytest.fixture(autouse=True)
def without_rules(request):
    """What a test put into force is taken back by its end."""
    yield
    if "ruled" in request.fixturenames:
        office = request.getfixturevalue("ruled").office
        if in_force(office.audit)["version"]:
            put_into_force(office, "")


def test_rules_take_two_approvals_of_others_and_their_digest_is_what_leaves_name(ruled):
    office, image, chief = ruled.office, ruled.image, ruled.chief
    before = in_force(office.audit)["policy_set"]
    proposed = propose(office, NO_EXPORT)
    path = f"/policies/{proposed['version']}"
    assert proposed["state"] == "proposed" and proposed["text"] == NO_EXPORT
    digest = {"digest": proposed["digest"]}
    assert office.system.raw("POST", f"{path}/approval", digest).status_code == 403, "who proposes does not approve"
    assert office.security.raw("POST", f"{path}/activation", digest).status_code == 409, "nobody approved it"
    office.security.post(f"{path}/approval", digest, 200)
    assert office.security.raw("POST", f"{path}/approval", digest).status_code == 403, "nobody approves twice"
    assert office.audit.raw("POST", f"{path}/approval", {"digest": "0" * 64}).status_code == 409, "another text"
    assert office.security.raw("POST", f"{path}/activation", digest).status_code == 409, "one office is not enough"
    approved = office.audit.post(f"{path}/approval", digest, 200)
    assert approved["state"] == "approved"
    assert {row["office"] for row in approved["approvals"]} == {"security-administrator", "audit-administrator"}
    assert export(chief, image) == 200, "approved is not in force"

    assert activate(office, proposed)["state"] == "in-force"
    refused = chief.get(f"/studies/{image.StudyInstanceUID}/media")
    assert refused.status_code == 403, refused.text
    assert opened(chief, image) == 200, "and nothing else"
    after = in_force(office.audit)["policy_set"]
    assert after != before
    [newest] = [leaf for leaf in office.leaves(kind="access", actor="chief", outcome="refused")][:1]
    assert (newest["reason"], newest["policy_set"]) == ("local-rule", after)
    words = [leaf["reason"] for leaf in office.leaves(kind="administration") if "policy" in leaf["reason"]]
    assert {"propose-policy", "approve-policy", "activate-policy"} <= set(words)
    assert ruled.chief.get("/studies").status_code == 200
    api = Api(ruled.addresses.web, str(ruled.ca_file), ruled.office.sign_in("chief"))
    assert api.raw("GET", "/policies").status_code == 403, "who is ruled has no part in it"


def test_a_text_that_opens_or_closes_the_way_back_is_refused_with_its_place(ruled, tmp_path):
    office = ruled.office
    for text, word in (
        (NO_EXPORT.replace("forbid", "permit"), "rights are given"),
        (NO_EXPORT.replace('"export"', '"activate-policy"'), "take it back"),
        (NO_EXPORT.replace('"export"', '"manage-rights"'), "take it back"),
        (NO_EXPORT.replace('"export"', '"exprot"'), "line 2, column 5"),
        (NO_EXPORT.replace("principal is Person", "principal"), "for whom"),
        (NO_CHIEF.replace('"chief"', '"cheif"'), "line 3"),
        ("nonsense", "line 1, column 9"),  # where more was expected: its end
    ):
        refused = office.system.raw("POST", "/policies/check", {"text": text})
        assert refused.status_code == 400 and word in refused.text, (text, refused.text)
        assert office.system.raw("POST", "/policies", {"text": text, "reason": "x"}).status_code == 400
    file, token = tmp_path / "rules.cedar", tmp_path / "token"
    file.write_text(NO_CHIEF)
    token.write_text(office.sign_in(office.names["system-administrator"]))
    server = ["--server", ruled.addresses.web, "--ca-file", ruled.ca_file, "--token-file", token]
    checked = program.run_json("policy", "check", file, *server)
    assert len(checked["digest"]) == 64
    proposed = program.run_json("policy", "propose", file, "--reason", "by hand", *server)
    assert program.run_json("policy", "show", proposed["version"], *server)["text"] == NO_CHIEF
    withdrawn = program.run_json("policy", "withdraw", proposed["version"], *server)
    assert withdrawn["state"] == "withdrawn"
    file.write_text("permit everything")
    failed = program.run("policy", "propose", file, "--reason", "by hand", *server)
    assert failed.returncode == 1 and "line 1" in failed.stderr, failed.stderr


def test_what_is_open_is_closed_by_new_rules_and_a_restart_keeps_them(ruled):
    office = ruled.office
    large = part10.image(patient_id="policy-large", frames=48, rows=1024, columns=1024)
    ruled.gateway.must_store(part10.file_bytes(large))
    path = f"/studies/{large.StudyInstanceUID}/series/{large.SeriesInstanceUID}/instances/{large.SOPInstanceUID}"
    answer = ruled.chief.get(path, "application/dicom; transfer-syntax=*", stream=True)
    assert answer.status_code == 200
    pieces = answer.iter_content(256 * 1024)
    next(pieces)
    put_into_force(office, NO_CHIEF)
    began, came, broken = time.monotonic(), 0, None
    try:
        for piece in pieces:
            came += len(piece)
            time.sleep(0.02)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    cut = time.monotonic() - began
    assert broken is not None and came < 48 * 1024 * 1024, f"{came} bytes came"
    assert cut < EFFECTIVE_SECONDS_MAX + BUSY_SECONDS
    assert opened(ruled.chief, ruled.image) == CLOSED
    assert not ruled.chief.search("/studies", PatientID="policy-1"), "what does not open is not listed"

    set_before = in_force(office.audit)["policy_set"]
    ruled.stop()
    ruled.start()
    office.sign_in_officers()
    ruled.gateway = Web(ruled, office.client_token_again("gateway"))
    ruled.chief = Web(ruled, office.sign_in("chief"))
    assert in_force(office.audit)["policy_set"] == set_before
    assert opened(ruled.chief, ruled.image) == CLOSED, "from the first request on"
    put_into_force(office, "")
    assert opened(ruled.chief, ruled.image) == 200


def test_the_report_finds_what_was_done_and_what_is_newly_forbidden(ruled, tmp_path):
    office, image = ruled.office, ruled.image
    assert export(ruled.chief, image) == 200
    proposed = propose(office, NO_EXPORT)
    token = tmp_path / "token"
    token.write_text(office.sign_in(office.names["audit-administrator"]))
    server = ["--server", ruled.addresses.web, "--ca-file", ruled.ca_file, "--token-file", token]
    report = program.run_json("policy", "report", proposed["version"], *server)
    replay, comparison = report["replay"], report["comparison"]
    [change] = [row for row in replay["changes"] if row["role"] == "chief"]
    assert change["action"] == "export" and change["refused"] >= 1
    assert replay["next"] is None and replay["leaves"] > 0 and replay["logs"] == 1
    known = [row for row in replay["examples"] if row["action"] == "export"]
    leaf = office.audit.get("/audit/search", {"action": "export", "outcome": "permitted", "limit": 1})[0]
    assert leaf["index"] in [row["index"] for row in known]
    assert "chief" not in str([row.get("name") for row in known])
    assert {row["action"] for row in comparison["changes"]} == {"export"}
    assert all(row["newly_allowed"] == 0 for row in comparison["changes"])
    assert comparison["asked"] > 0
    assert comparison["examples"] and comparison["examples"][0]["newly"] == "forbidden"
    reads = [row["reason"] for row in office.leaves(kind="query", actor=office.names["audit-administrator"])]
    assert {"compare-policy", "replay-policy"} <= set(reads), "each reading is a leaf"
    office.security.post(f"/policies/{proposed['version']}/rejection", None, 200)
    gone = office.audit.raw("POST", f"/policies/{proposed['version']}/approval", {"digest": proposed["digest"]})
    assert gone.status_code == 409


def test_one_officer_suspends_for_a_while_and_another_looks_at_it(ruled):
    office = ruled.office
    active = put_into_force(office, NO_CHIEF)
    assert opened(ruled.chief, ruled.image) == CLOSED
    body = {"minutes": 30, "reason": "the rule keeps chiefs from an operation"}
    for officer in (office.system, office.audit):
        assert officer.raw("POST", "/policies/suspension", body).status_code == 403
    suspended = office.security.post("/policies/suspension", body, 200)
    assert suspended["suspended_until_ms"] and suspended["to_review"][-1]["reason"] == body["reason"]
    assert opened(ruled.chief, ruled.image) == 200
    review = f"/policies/suspension/{suspended['activation']}/review"
    assert office.security.raw("POST", review).status_code == 403, "who suspended does not review it"
    assert office.audit.post(review, None, 200)["to_review"] == []
    again = office.security.post(f"/policies/{active['version']}/activation", {"digest": active["digest"]}, 200)
    assert again["state"] == "in-force"
    assert opened(ruled.chief, ruled.image) == CLOSED
    # Not a day after the other: the same person waits for the review.
    second = office.security.post("/policies/suspension", body, 200)
    office.security.post(f"/policies/{active['version']}/activation", {"digest": active["digest"]}, 200)
    assert office.security.raw("POST", "/policies/suspension", body).status_code == 409, "it waits for its review"
    office.audit.post(f"/policies/suspension/{second['activation']}/review", None, 200)


def test_rules_may_be_as_long_as_the_description_says(ruled):
    office = ruled.office
    rules = "".join(NO_EXPORT.replace("local-no-export", f"local-no-export-{number}") for number in range(40))
    text = f"// {'x' * 20_000}\n{rules}"
    checked = office.system.post("/policies/check", {"text": text}, 200)
    proposed = propose(office, text)
    assert proposed["digest"] == checked["digest"]
    assert office.system.raw("DELETE", f"/policies/{proposed['version']}").status_code == 200
    for much in (f"// {'x' * 32 * 1024}\n", f"// {'病' * 11_000}\n"):
        # Beyond the bound of the text, and perhaps beyond that of the body that carries it.
        assert office.system.raw("POST", "/policies/check", {"text": much}).status_code in (400, 413)


def test_rights_that_nobody_uses_are_told_and_those_in_use_are_not(ruled, tmp_path):
    office = ruled.office
    # Who accepts an invitation has done something.
    office.system.post("/people", {"name": "idle-chief"}, 201)
    office.security.put("/people/idle-chief/roles/chief", None, 204)
    office.care("chief", "policy-1")
    assert opened(ruled.chief, ruled.image) == 200
    token = tmp_path / "token"
    token.write_text(office.sign_in(office.names["security-administrator"]))
    server = ["--server", ruled.addresses.web, "--ca-file", ruled.ca_file, "--token-file", token]
    unused = program.run_json("access", "unused", "--days", 90, *server)
    assert unused["is_whole"] and unused["logs"] == 1
    names = [row["name"] for row in unused["accounts"]["first"]]
    assert "idle-chief" in names and "chief" not in names and "gateway" not in names
    assert {"name": "idle-chief", "role": "chief"} in unused["roles"]["first"]
    never = {(row["role"], row["action"]): row for row in unused["actions"]}
    assert ("chief", "view") not in never
    row = never[("chief", "give-grant")]
    assert row["holders"] == 2
    assert "give-grant" in row["suggestion"]["en"] and "give-grant" in row["suggestion"]["zh"]
    assert office.system.raw("GET", "/rights/unused").status_code == 403
    read = office.leaves(action="review-rights", outcome="permitted")
    assert read, "the reading is a leaf"


def test_rules_of_one_node_count_on_another_within_seconds(make_installation, postgres_cluster, tmp_path_factory):
    root = tmp_path_factory.mktemp("policy-nodes")
    first = make_installation("policy-first", databases=postgres_cluster.databases_of_an_installation(), serve=False)
    reached(first)
    first.start()
    office = first.office = Office(first)
    second = FurtherNode(root / "second", first, "second")
    second.join()
    second.start()
    try:
        gateway = Web(first, office.client_token("gateway", "store", "search", "view"))
        image = part10.image(patient_id="policy-nodes")
        gateway.must_store(part10.file_bytes(image))
        chief = Web(second, office.person_token("chief", "chief"))
        wait_until(lambda: opened(chief, image) == 200, "the second node gives it", BUSY_SECONDS)
        proposed = propose(office, NO_CHIEF)
        approve(office, proposed)
        activate(office, proposed)
        began = time.monotonic()
        wait_until(lambda: opened(chief, image) == CLOSED, "the second node follows", EFFECTIVE_SECONDS_MAX + BUSY_SECONDS)
        print(f"rules counted on the second node after {time.monotonic() - began:.2f} s")
        there = Office(second, names=office.names)
        assert in_force(there.audit) == in_force(office.audit), "one set, one digest"
    finally:
        second.kill()
        shutil.rmtree(root, ignore_errors=True)
