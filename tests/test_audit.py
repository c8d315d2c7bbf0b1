"""The ledger: complete, verifiable by strangers, and sensitive to every byte."""

import base64
import shutil
import sqlite3
from pathlib import Path

import pytest

from yingdun_testkit import ledger, part10, program
from yingdun_testkit.installation import DidNotStart
from yingdun_testkit.web import Web


@pytest.fixture(scope="module")
def lived(make_installation):
    """An installation that did everything once and was stopped; its ledger is at rest."""
    installation = make_installation("ledger")
    office = installation.office
    web = Web(installation, office.client_token("gateway", "store", "search", "view"))
    images = [part10.image(patient_id=f"ledger-{number}") for number in range(6)]
    web.must_store(*map(part10.file_bytes, images))
    for image in images:
        for _ in range(3):
            web.file_of(image)
    web.search("/studies", PatientID="ledger-1")
    stranger = Web(installation, office.person_token("stranger", "clinician"))
    for image in images:
        assert stranger.get(f"/studies/{image.StudyInstanceUID}").status_code == 404
    installation.unwraps = office.metrics()["yingdun_key_unwraps_total"]
    # More than one bundle of 256 leaves, so that there are full tiles and partial ones.
    while office.metrics()["yingdun_audit_leaves"] < 300:
        for _ in range(20):
            office.audit.get("/audit/tail", {"count": 1})
    installation.checkpoint = office.audit.raw("GET", "/audit/checkpoint").text
    assert installation.stop() == 0
    return installation


def test_the_ledger_verifies_and_a_stranger_comes_to_the_same_root(lived):
    report = lived.verify_audit()
    assert report["ok"] and report["first_bad"] is None
    assert report["leaves_checked"] == report["size"] > 300
    assert report["tail_unsigned"] == 0, "an orderly stop signs everything"
    other = ledger.verify_independently(lived.audit_directory, lived.audit_key_file)
    assert other.returncode == 0, other.stdout + other.stderr
    assert other.stdout.startswith("OK")
    assert str(report["size"]) in other.stdout
    assert base64.b64encode(bytes.fromhex(report["root"])).decode() in other.stdout


def test_it_continues_a_checkpoint_that_was_kept_elsewhere(lived, tmp_path):
    kept = tmp_path / "checkpoint"
    kept.write_text(lived.checkpoint)
    report = program.run_json(
        "audit", "verify", lived.audit_directory, "--public-key", lived.audit_key_file, "--known-checkpoint", kept
    )
    assert report["ok"]


def test_every_key_unwrap_has_its_leaf_and_every_such_leaf_its_unwrap(lived):
    leaves = ledger.leaves(lived.audit_directory)
    assert [leaf["sequence"] for leaf in leaves] == list(range(len(leaves)))
    boot = leaves[-1]["boot"]
    opened = [leaf for leaf in leaves if leaf["kind"] == "access" and leaf["outcome"] == "permitted"]
    opened = [leaf for leaf in opened if leaf["boot"] == boot and "study" in leaf]
    assert len(opened) == lived.unwraps > 0


def test_the_ledger_tells_what_happened_and_names_nobody(lived):
    leaves = ledger.leaves(lived.audit_directory)
    kinds = {leaf["kind"] for leaf in leaves}
    assert {"access", "access-closed", "query", "stored", "authentication", "administration", "system"} <= kinds
    refused = [leaf for leaf in leaves if leaf["actor"] == "stranger" and leaf["outcome"] == "refused"]
    assert len(refused) >= 6
    text = "".join(path.read_bytes().decode("latin-1") for path in lived.audit_directory.rglob("*") if path.is_file())
    assert "ledger-1" not in text and "Test^Patient" not in text


def test_a_proof_of_a_leaf_is_given_offline(lived):
    done = program.run("audit", "prove", lived.audit_directory, "5", "--public-key", lived.audit_key_file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("c2sp.org/tlog-proof@v1\n")
    assert "index 5\n" in done.stdout
    beyond = program.run("audit", "prove", lived.audit_directory, "999999", "--public-key", lived.audit_key_file)
    assert beyond.returncode == 1


def _flip(path: Path, at: int):
    content = bytearray(path.read_bytes())
    content[at] ^= 0x01
    path.write_bytes(content)


def _spread(size: int, count: int) -> list:
    return sorted({0, size - 1, *(int(size * number / count) for number in range(count))})


def test_a_flipped_byte_in_any_tile_bundle_or_checkpoint_is_found_by_both_verifiers(lived, tmp_path):
    copy = tmp_path / "audit"
    shutil.copytree(lived.audit_directory, copy)
    files = [path for path in copy.rglob("*") if path.is_file() and (path.name == "checkpoint" or "tile" in path.parts)]
    assert len(files) >= 4
    for path in files:
        content = path.read_bytes()
        for number, at in enumerate(_spread(len(content), 12)):
            _flip(path, at)
            report = lived.verify_audit(copy, code=1)
            assert not report["ok"] and report["first_bad"], (path.name, at)
            if number % 6 == 0:
                other = ledger.verify_independently(copy, lived.audit_key_file)
                assert other.returncode == 1, (path.name, at, other.stdout, other.stderr)
            path.write_bytes(content)
    assert lived.verify_audit(copy)["ok"]


def test_the_verifier_names_the_record_that_was_changed(lived, tmp_path):
    copy = tmp_path / "audit"
    shutil.copytree(lived.audit_directory, copy)
    bundle = copy / "tile" / "entries" / "000"
    content = bundle.read_bytes()
    leaf = ledger.leaves(copy)[100]
    at = content.index('"sequence":100,'.encode())
    time_at = content.index(str(leaf["time_ms"]).encode(), at)
    _flip(bundle, time_at)
    assert "100" in lived.verify_audit(copy, code=1)["first_bad"]
    other = ledger.verify_independently(copy, lived.audit_key_file)
    assert other.returncode == 1 and "100" in other.stdout + other.stderr


def test_a_shortened_ledger_does_not_continue_the_checkpoint_that_was_kept(lived, make_installation, tmp_path):
    other = make_installation("ledger-other", serve=False)
    kept = tmp_path / "checkpoint"
    kept.write_text(lived.checkpoint)
    done = program.run(
        "audit", "verify", other.audit_directory, "--public-key", other.audit_key_file, "--known-checkpoint", kept
    )
    assert done.returncode == 1


def test_another_key_does_not_verify_it(lived, make_installation):
    other = make_installation("ledger-key", serve=False)
    done = program.run("audit", "verify", lived.audit_directory, "--public-key", other.audit_key_file)
    assert done.returncode == 1


def test_a_server_does_not_start_on_a_ledger_that_was_tampered_with(make_installation):
    installation = make_installation("ledger-tampered")
    installation.stop()
    checkpoint = installation.audit_directory / "checkpoint"
    content = checkpoint.read_bytes()
    _flip(checkpoint, len(content) // 2)
    with pytest.raises(DidNotStart):
        installation.start()
    checkpoint.write_bytes(content)
    installation.start()


def test_each_node_has_a_log_with_a_name_and_keys_of_its_own(make_installation, tmp_path):
    installation = make_installation("logs-of-nodes", serve=False)
    config = ["--config", installation.config]

    def as_node(name, folder):
        return {"YINGDUN__AUDIT__ORIGIN": f"renmin/audit/{name}", "YINGDUN__AUDIT__DIRECTORY": str(tmp_path / folder)}

    second = as_node("second", "second")
    # What is older than the list is entered as it is, and goes on.
    first_key = installation.audit_key_file.read_text().strip()
    installation.start()
    assert installation.stop() == 0
    (log,) = program.run_json("audit", "logs", *config)["logs"]
    assert log["public_keys"] == [first_key] and log["number"] == 1 and log["of_this_node"]
    refused = program.run("audit", "begin", *config)
    assert refused.returncode == 1 and "another audit log than this one is called" in refused.stderr

    # A name that nobody has begun is refused, also with the folder of the first log.
    strange = {**second, "YINGDUN__AUDIT__DIRECTORY": str(installation.audit_directory)}
    with pytest.raises(DidNotStart, match="has no audit log `renmin/audit/second`, but `renmin/audit`"):
        installation.start(strange)
    begun = program.run_json("audit", "begin", *config, env=second)
    assert begun["public_key"] != first_key and begun["origin"] == "renmin/audit/second"
    assert installation.audit_key_file.read_text().strip() == first_key, "a key that was handed out is not replaced"
    first_size = installation.verify_audit()["size"]
    installation.start(second)
    assert installation.stop() == 0
    said = program.run("doctor", *config, env={**second, "LC_ALL": "C"}).stdout
    assert "`renmin/audit/second`, is witnessed by none of the other nodes" in said, said
    assert "witnesses none of the logs of the other nodes" in said
    key_file = tmp_path / "second.vkey"
    key_file.write_text(begun["public_key"])
    verified = program.run_json("audit", "verify", tmp_path / "second", "--public-key", key_file)
    assert verified["ok"] and verified["size"] >= 3, "begun, started, stopped"
    assert ledger.leaves(tmp_path / "second")[0]["reason"] == "audit-log-begun"
    assert ledger.verify_independently(tmp_path / "second", key_file).returncode == 0
    assert installation.verify_audit()["size"] == first_size, "the other log is as it was"
    other = program.run("audit", "verify", tmp_path / "second", "--public-key", installation.audit_key_file)
    assert other.returncode != 0

    # Neither begins anew, nor is another folder taken for it.
    shutil.rmtree(tmp_path / "second")
    with pytest.raises(DidNotStart, match="there is no audit log in"):
        installation.start(second)
    again = program.run("audit", "begin", *config, env=second)
    assert again.returncode == 1 and "another audit log than this one is called" in again.stderr
    assert not (tmp_path / "second" / "checkpoint").exists()
    with sqlite3.connect(installation.directory / "db" / "keys.db") as rows:
        rows.execute("UPDATE audit_log SET first_leaf = zeroblob(32) WHERE number = 1")
    rows.close()
    with pytest.raises(DidNotStart, match="it began with another leaf"):
        installation.start()
    logs = program.run_json("audit", "logs", *config, env=second)["logs"]
    assert [log["of_this_node"] for log in logs] == [False, True]
    assert logs[1]["public_keys"] == [begun["public_key"]]
