"""Evidence bundles: leaves with their proofs leave the house, two programs verify them offline, and what was changed on the way is found."""

import hashlib
import json
import subprocess
import sys
import zipfile

import pytest
from yingdun_testkit import part10, program
from yingdun_testkit.web import Web

VERIFIER = program.REPOSITORY / "docs" / "verify" / "verify_bundle.py"
LOOKS = 4


@pytest.fixture(scope="module")
def watched(make_installation):
    """A doctor looked at a study several times, and one was refused."""
    installation = make_installation("bundled")
    office = installation.office
    installation.images = [part10.image(patient_id=f"bundled-{number}") for number in range(2)]
    Web(installation, office.client_token("gateway", "store", "search", "view")).must_store(
        *map(part10.file_bytes, installation.images)
    )
    for name, role in (("dr-qian", "chief"), ("dr-wei", "clinician")):
        web = Web(installation, office.person_token(name, role))
        for _ in range(LOOKS):
            web.get(f"/studies/{installation.images[0].StudyInstanceUID}/metadata")
    return installation


@pytest.fixture(scope="module")
def asked(watched, tmp_path_factory):
    """The options with which the audit administrator asks."""
    token = tmp_path_factory.mktemp("asking") / "token"
    token.write_text(watched.office.audit.token)
    return ["--server", watched.addresses.web, "--ca-file", watched.ca_file, "--token-file", token]


@pytest.fixture(scope="module")
def bundle(watched, asked, tmp_path_factory):
    file = tmp_path_factory.mktemp("bundle") / "study.zip"
    uid = watched.images[0].StudyInstanceUID
    made = program.run_json("audit", "bundle", "--study-uid", uid, "--out", file, *asked)
    assert made["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() and not made["is_cut_off"]
    assert file.stat().st_mode & 0o777 == 0o600
    return file


def verify(installation, file, code=0):
    key = installation.audit_key_file
    return program.run_json("audit", "verify-bundle", file, "--public-key", key, code=code)


def verify_independently(installation, file) -> str:
    command = [sys.executable, VERIFIER, file, installation.audit_key_file.read_text().strip()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (0 if done.stdout.startswith("OK ") else 1), done.stderr
    return done.stdout


def contents(file) -> dict:
    with zipfile.ZipFile(file) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def packed(folder, files, manifest=False):
    """The same as a bundle again; with a manifest that fits, if so wished."""
    if manifest:
        lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files) if name != "MANIFEST"]
        files = {**files, "MANIFEST": "".join(lines).encode()}
    file = folder / "changed.zip"
    with zipfile.ZipFile(file, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return file


def test_a_bundle_of_a_study_verifies_with_both_programs_and_says_who_looked(watched, bundle):
    files, report = contents(bundle), verify(watched, bundle)
    leaves = [json.loads(data) for name, data in files.items() if name.startswith("leaves/")]
    assert report["ok"] and report["leaves"] == len(leaves) and not report["is_cut_off"]
    looks = [(leaf["actor"], leaf["outcome"]) for leaf in leaves if leaf["kind"] == "access"]
    assert ("dr-qian", "permitted") in looks and looks.count(("dr-wei", "refused")) == LOOKS
    assert len({leaf["study"] for leaf in leaves}) == 1
    assert verify_independently(watched, bundle).startswith(f"OK {len(leaves)} leaves of {report['size']}, ")
    page = files["report.html"].decode()
    assert "dr-wei" in page and "拒绝" in page and "refused" in page and "<script" not in page and "http:" not in page and "https:" not in page
    assert watched.images[0].StudyInstanceUID not in page and "bundled-0" not in page
    status = watched.office.system.get("/system/status")
    assert json.loads(files["bundle.json"])["policy_set"] == status["policy_set"]


def test_the_verifier_in_the_bundle_runs_from_the_folder_that_it_is_unpacked_to(watched, bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    subprocess.run(["sha256sum", "--quiet", "-c", "MANIFEST"], cwd=tmp_path, check=True, timeout=60)
    command = [sys.executable, "verify_bundle.py", ".", (tmp_path / "log.vkey").read_text().strip()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout.startswith("OK "), done.stdout + done.stderr


def test_each_file_that_is_changed_or_gone_is_found_and_named(watched, bundle, tmp_path):
    files = contents(bundle)
    for name, data in files.items():
        changed = packed(tmp_path, {**files, name: data[:-1] + bytes([data[-1] ^ 1])})
        found = verify(watched, changed, code=1)
        assert not found["ok"] and (name in str(found["bad"]) or name == "MANIFEST"), (name, found)
        assert verify_independently(watched, changed).startswith("BAD "), name
        gone = packed(tmp_path, {key: value for key, value in files.items() if key != name})
        assert name in str(verify(watched, gone, code=1)["bad"])
        assert verify_independently(watched, gone).startswith("BAD "), name


def test_a_fitting_manifest_does_not_help_who_changes_what_leaves_say(watched, bundle, tmp_path):
    files = contents(bundle)
    leaf = max(name for name in files if name.startswith("leaves/"))
    other = files[leaf].replace(b'"version":1', b'"version":2')
    for name, data in [
        (leaf, other),
        (leaf.replace("leaves", "proofs").replace("json", "tlog-proof"), b"c2sp.org/tlog-proof@v1\nindex 0\n\n"),
        ("policy/people.cedar", files["policy/people.cedar"] + b"\n"),
        ("log.vkey", b"other+00000000+AA\n"),
        ("checkpoint", files["checkpoint"].replace(b"\n", b"x\n", 1)),
    ]:
        changed = packed(tmp_path, {**files, name: data}, manifest=True)
        assert not verify(watched, changed, code=1)["ok"], name
        assert verify_independently(watched, changed).startswith("BAD "), name
    # So are the verifier and the words beside it, by the version that they came with.
    found = verify(watched, packed(tmp_path, {**files, "verify_bundle.py": b"print('OK')\n"}, manifest=True), code=1)
    assert "verify_bundle.py" in str(found["bad"])
    # The report is derived again by the program alone; the other verifier says that it does not.
    page = files["report.html"].replace(b"dr-wei", b"dr-who")
    assert page != files["report.html"]
    found = verify(watched, packed(tmp_path, {**files, "report.html": page}, manifest=True), code=1)
    assert "report.html" in str(found["bad"])


def test_a_leaf_that_was_left_out_is_found_as_long_as_the_bundle_still_speaks_of_it(watched, bundle, tmp_path):
    files = contents(bundle)
    leaf = min(name for name in files if name.startswith("leaves/"))
    proof = leaf.replace("leaves", "proofs").replace("json", "tlog-proof")
    less = {name: data for name, data in files.items() if name not in (leaf, proof)}
    changed = packed(tmp_path, less, manifest=True)
    assert leaf in str(verify(watched, changed, code=1)["bad"])
    assert leaf in verify_independently(watched, changed)
    facts = json.loads(files["bundle.json"])
    facts["leaves"].pop()
    changed = packed(tmp_path, {**less, "bundle.json": json.dumps(facts).encode()}, manifest=True)
    assert "left out" in str(verify(watched, changed, code=1)["bad"])
    assert "were found" in verify_independently(watched, changed)
    # Who takes back every word about it has a smaller bundle: that is as far as it can be known (docs/src/en/audit.md).
    facts["found"]["leaves"] -= 1
    changed = packed(tmp_path, {**less, "bundle.json": json.dumps(facts).encode()}, manifest=True)
    assert verify_independently(watched, changed).startswith("OK ")


def test_a_bundle_that_was_cut_off_says_so_and_the_next_goes_on(watched, asked, tmp_path):
    def make(name, *options):
        actor = ["--actor", "dr-wei", "--out", tmp_path / name]
        return program.run_json("audit", "bundle", *actor, *options, *asked)

    whole = make("whole.zip")
    first = make("first.zip", "--limit", "3")
    assert first["is_cut_off"] and first["leaves"] == 3 and not whole["is_cut_off"]
    assert verify(watched, tmp_path / "first.zip")["is_cut_off"]
    assert "more that fit" in verify_independently(watched, tmp_path / "first.zip")
    second = make("second.zip", "--cursor", first["next"])
    assert second["leaves"] == whole["leaves"] - 3
    assert verify(watched, tmp_path / "second.zip")["ok"]
    again = program.run("audit", "bundle", "--actor", "dr-wei", "--out", tmp_path / "whole.zip", *asked)
    assert again.returncode == 2 and "there already" in again.stderr


def test_only_the_audit_administrator_makes_one_and_it_is_a_leaf(watched, asked, tmp_path):
    patient = tmp_path / "patient"
    patient.write_text("bundled-1\n")
    audit = watched.office.audit
    before = len(audit.get("/audit/search", {"action": "read-audit", "limit": 1000}))
    file = tmp_path / "patient.zip"
    made = program.run_json("audit", "bundle", "--patient-id-file", patient, "--out", file, *asked)
    assert made["leaves"] > 0 and verify(watched, file)["ok"]
    assert len(audit.get("/audit/search", {"action": "read-audit", "limit": 1000})) >= before + 2
    assert watched.office.system.raw("POST", "/audit/bundle", {"actor": "dr-wei"}).status_code == 403
    for wrong in ({}, {"actor": "a", "study_uid": "1.2"}, {"study_uid": "x"}, {"actor": "a", "cursor": "7"}):
        assert audit.raw("POST", "/audit/bundle", wrong).status_code == 400, wrong
    other = make_other_key(tmp_path)
    assert not program.run_json("audit", "verify-bundle", file, "--public-key", other, code=1)["ok"]


def make_other_key(folder):
    """The key of another log."""
    made = program.run_json("init", "--directory", folder / "other", "--institution", "other")
    return made["audit_public_key_file"]
