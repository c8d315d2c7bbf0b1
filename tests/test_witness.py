"""Audit logs that are witnessed elsewhere: who has all keys of an archive can sign another past, and is told."""

import random
import re
import shutil
import subprocess
import sys
import threading

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import DidNotStart, wait_until
from yingdun_testkit.orthanc import free_port
from yingdun_testkit.web import Web
from yingdun_testkit.witness import PythonLog, Witness, renamed, verify_independently, write_policy

#: Seconds for what takes one round of two seconds, and longer on a loaded machine.
ROUND_SECONDS_MAX = 120
#: How often the witness is killed under load.
KILLS = 5


@pytest.fixture(scope="module")
def two_houses(make_installation, tmp_path_factory):
    """Two archives; each institution runs a witness for the log of the other."""
    houses = [make_installation(name, serve=False) for name in ("first", "second")]
    folder, witnesses = tmp_path_factory.mktemp("witnesses"), []
    for name, own, other in [("first", *houses), ("second", *reversed(houses))]:
        witnesses.append(Witness(folder, name, own, other.audit_key_file).start())
    for house, witness in zip(houses, reversed(witnesses)):
        house.witness = witness
        house.policy = write_policy(house.directory / "witness.policy", witness)
        house.settings["AUDIT__WITNESS_POLICY_FILE"] = str(house.policy)
        house.settings["AUDIT__WITNESS_CA_FILE"] = witness.ca_file
        house.start()
        house.office = Office(house)
    yield houses
    for witness in witnesses:
        witness.kill()


def verify(house, directory=None, *, ask=True, code=0, options=()):
    """What `audit verify` says under the policy of a house."""
    asking = ["--ask-witnesses", "--witness-ca-file", house.witness.ca_file] if ask else []
    return program.run_json(
        *["audit", "verify", directory or house.audit_directory, "--public-key", house.audit_key_file],
        *["--witness-policy", house.policy, *asking, *options],
        code=code,
    )


def wait_until_witnessed(house, least=None):
    """Waits until its witness has seen everything that is in the log now, or so much."""
    least = least or house.office.metrics()["yingdun_audit_leaves"]
    seen = lambda: house.office.metrics().get("yingdun_audit_witnessed_size", 0) >= least
    wait_until(seen, f"{least} leaves are witnessed", ROUND_SECONDS_MAX)
    return least


def gauge(house, name: str) -> float:
    """What is measured of the one witness."""
    return house.office.metrics()[name]


def health(house) -> dict:
    return house.office.browser().get(f"{house.addresses.web}/health/ready", timeout=30).json()


def test_a_bundle_of_evidence_continues_what_witnesses_have_seen(two_houses, tmp_path):
    house, other = two_houses
    least = wait_until_witnessed(house)
    token, file = tmp_path / "token", tmp_path / "evidence.zip"
    token.write_text(house.office.audit.token)
    asked = ["--server", house.addresses.web, "--ca-file", house.ca_file, "--token-file", token]
    program.run_json("audit", "bundle", "--actor", "audit-admin", "--out", file, *asked)
    given = ["audit", "verify-bundle", file, "--public-key", house.audit_key_file, "--witness-policy"]
    found = program.run_json(*given, house.policy)
    assert found["ok"] and least <= found["witnessed_size"] <= found["size"] and found["witnessed_at_ms"]
    assert not program.run_json(*given, other.policy, code=1)["ok"], "other witnesses than those of the policy"
    program_of_others = program.REPOSITORY / "docs" / "verify" / "verify_bundle.py"
    command = [sys.executable, program_of_others, file, house.audit_key_file.read_text().strip()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert f"continues {found['witnessed_size']} witnessed" in done.stdout, done.stdout + done.stderr


def test_two_archives_witness_each_other_and_strangers_can_check_it(two_houses, tmp_path):
    for house in two_houses:
        least = wait_until_witnessed(house)
        report = verify(house, options=["--witnessed-within", "60"])
        witnessed = report["witnessed"]
        assert report["ok"] and witnessed["ok"] and witnessed["size"] >= least
        assert [seen["name"] for seen in witnessed["witnesses"]] == [house.witness.name] and not witnessed["silent"]
        # The file beside the log is enough, offline and for somebody who does not have the program.
        assert verify(house, ask=False)["witnessed"]["size"] >= least
        kept = tmp_path / "witnessed"
        shutil.copy(house.audit_directory / "witnessed", kept)
        other = verify_independently(kept, house.audit_key_file, house.policy)
        assert other.returncode == 0 and other.stdout.startswith("OK size"), other.stdout + other.stderr
        content = kept.read_bytes()
        for at in range(0, len(content), 61):
            kept.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            assert verify_independently(kept, house.audit_key_file, house.policy).returncode == 1, at
        watched = house.witness.show()["logs"]
        assert watched[0]["size"] >= least and not watched[0]["forked"]
        wait_until(lambda: gauge(house, "yingdun_audit_witness_cosigns") == 1, "it cosigns", ROUND_SECONDS_MAX)
        status = house.office.system.get("/system/status")["audit"]
        assert status["witnesses"][0]["name"] == house.witness.name and status["witnessed_size"] >= least
    # Under the policy of the other nobody has seen it; a policy for the other's log is not one for this; and enough means enough.
    first, second = two_houses
    assert verify_with(first, second.policy).returncode == 1
    of_other = tmp_path / "of-other"
    of_other.write_text(f"log {second.audit_key_file.read_text()}{first.policy.read_text()}")
    assert verify_with(first, of_other).returncode == 2
    strict = write_policy(tmp_path / "both", first.witness, second.witness)
    done = verify_with(first, strict)
    assert done.returncode == 1 and "not enough witnesses" in done.stdout + done.stderr
    enough = write_policy(tmp_path / "one", first.witness, second.witness, least=1)
    assert verify_with(first, enough).returncode == 0


def verify_with(house, policy):
    return program.run(
        *["audit", "verify", house.audit_directory, "--public-key", house.audit_key_file, "--witness-policy", policy],
        env={"LC_ALL": "C"},
    )


def test_an_archive_goes_on_without_its_witness_and_catches_up(two_houses):
    house, _ = two_houses
    wait_until_witnessed(house)
    house.witness.kill()
    web = Web(house, house.office.client_token("scanner", "store", "view"))
    image = part10.image(patient_id="without-witness")
    web.must_store(part10.file_bytes(image))
    wait_until(lambda: gauge(house, "yingdun_audit_witness_cosigns") == 0, "it is noticed", ROUND_SECONDS_MAX)
    assert web.file_of(image)
    silent = verify(house)["witnessed"]["silent"]
    assert [entry["name"] for entry in silent] == [house.witness.name]
    said = program.run("doctor", "--config", house.config, env={**house.environment(), "LC_ALL": "C"})
    assert "cannot be asked" in said.stdout, said.stdout
    house.witness.start()
    wait_until_witnessed(house)
    wait_until(lambda: gauge(house, "yingdun_audit_witness_cosigns") == 1, "it cosigns again", ROUND_SECONDS_MAX)


def test_who_has_all_keys_and_sets_the_log_back_or_forks_it_is_told(two_houses, tmp_path):
    house, _ = two_houses
    wait_until_witnessed(house)
    house.stop()
    early = tmp_path / "early"
    shutil.copytree(house.audit_directory, early)
    house.start()
    house.office.sign_in_officers()
    for _ in range(40):
        house.office.audit.get("/audit/tail", {"count": 1})
    seen = wait_until_witnessed(house)
    house.stop()
    kept = tmp_path / "kept"
    shutil.copy(house.audit_directory / "witnessed", kept)

    # He has the folder, the keys and the program: everything is set back, with the checkpoint beside it.
    shutil.rmtree(house.audit_directory)
    shutil.copytree(early, house.audit_directory)
    assert house.verify_audit()["ok"], "its own files tell nothing"
    assert verify(house, ask=False)["ok"], "and so it is with the witnesses' old word"
    told = verify(house, code=1)
    assert not told["ok"] and "set back" in told["first_bad"]

    # The archive itself goes on from there, signs another past, and its witness does not follow.
    house.start()
    house.office.sign_in_officers()
    contradicted = lambda: gauge(house, "yingdun_audit_witness_contradicts") == 1
    wait_until(contradicted, "the witness contradicts", ROUND_SECONDS_MAX)
    assert health(house)["attention"] == ["witnesses"]
    leaves = lambda: house.office.leaves(kind="system", outcome="failed")
    wait_until(lambda: [leaf for leaf in leaves() if leaf["reason"] == "log-contradicted"], "its leaf", ROUND_SECONDS_MAX)
    while house.office.metrics()["yingdun_audit_leaves"] <= seen + 20:
        for _ in range(20):
            house.office.audit.get("/audit/tail", {"count": 1})
    said = program.run("doctor", "--config", house.config, env={**house.environment(), "LC_ALL": "C"})
    assert said.returncode == 1 and ("another history" in said.stdout or "set back" in said.stdout), said.stdout
    house.stop()
    told = verify(house, code=1)
    assert "another history" in told["first_bad"]
    # A checkpoint that was kept elsewhere is enough, without asking anybody.
    shutil.copy(kept, house.audit_directory / "witnessed")
    assert "another history" in verify(house, ask=False, code=1)["first_bad"]
    assert house.witness.show()["logs"][0]["size"] >= seen


@pytest.fixture(scope="module")
def two_nodes(make_installation, tmp_path_factory):
    """Two archives whose `serve` is a witness for the other: no process beside it."""
    nodes = [make_installation(name, serve=False) for name in ("node-a", "node-b")]
    folder = tmp_path_factory.mktemp("witnesses-of-nodes")
    for name, own, other in [("node-a", *nodes), ("node-b", *reversed(nodes))]:
        own.own_witness = Witness(folder, name, own, other.audit_key_file)
        own.own_witness.listen(f"127.0.0.1:{free_port()}")
        own.settings["AUDIT__WITNESS_DIRECTORY"] = str(own.own_witness.directory)
    for node, other in [nodes, reversed(nodes)]:
        node.witness = other.own_witness
        node.policy = node.directory / "witness.policy"
        node.policy.write_text(
            program.run("audit", "policy", "--witness", node.witness.key, node.witness.url, env={"LC_ALL": "C"}).stdout
        )
        node.settings["AUDIT__WITNESS_POLICY_FILE"] = str(node.policy)
        node.settings["AUDIT__WITNESS_CA_FILE"] = node.witness.ca_file
        node.start()
        node.office = Office(node)
    return nodes


def test_nodes_witness_each_other_within_serve_and_a_log_that_is_set_back_is_told_by_the_other(two_nodes, tmp_path):
    first, second = two_nodes
    for node in two_nodes:
        wait_until_witnessed(node)
        assert verify(node)["witnessed"]["ok"]
        # What it witnesses itself is measured with the rest.
        cosigned = lambda: node.office.metrics()["yingdun_witness_requests_total"] >= 1
        wait_until(cosigned, "it cosigns for the other", ROUND_SECONDS_MAX)
        said = program.run("doctor", "--config", node.config, env={**node.environment(), "LC_ALL": "C"})
        assert "the witness of this node has seen" in said.stdout, said.stdout
    first.stop()
    early = tmp_path / "early"
    shutil.copytree(first.audit_directory, early)
    first.start()
    first.office.sign_in_officers()
    for _ in range(20):
        first.office.audit.get("/audit/tail", {"count": 1})
    seen = wait_until_witnessed(first)
    first.stop()
    shutil.rmtree(first.audit_directory)
    shutil.copytree(early, first.audit_directory)
    first.start()
    first.office.sign_in_officers()
    wait_until(lambda: gauge(first, "yingdun_audit_witness_contradicts") == 1, "the other contradicts", ROUND_SECONDS_MAX)
    assert health(first)["attention"] == ["witnesses"]
    told = verify(first, code=1)
    assert "set back" in told["first_bad"] or "another history" in told["first_bad"]
    # At the other node nobody can be talked out of it, and its own log is none the worse.
    assert second.own_witness.show()["logs"][0]["size"] >= seen
    assert "witnesses" not in health(second).get("attention", [])
    wait_until_witnessed(second)


def test_a_node_refuses_to_witness_its_own_log_or_to_count_its_own_witness(two_nodes, tmp_path):
    _, node = two_nodes
    node.stop()
    kept = node.own_witness.settings_file.read_text()
    own = node.audit_key_file.read_text().strip()
    for key in (own, renamed(own, "somebody.example/else")):
        node.own_witness.settings_file.write_text(re.sub(r"logs = \[.*?\]", f'logs = ["{key}"]', kept, flags=re.S))
        with pytest.raises(DidNotStart, match="watches the log of this node"):
            node.start()
    said = program.run("doctor", "--config", node.config, env={**node.environment(), "LC_ALL": "C"})
    assert said.returncode == 1 and "watches the log of this node" in said.stdout, said.stdout
    node.own_witness.settings_file.write_text(kept)
    itself = program.run("audit", "policy", "--witness", node.own_witness.key, node.own_witness.url).stdout
    policy = node.policy.read_text()
    node.policy.write_text(itself)
    with pytest.raises(DidNotStart, match="counts the witness of this node"):
        node.start()
    node.policy.write_text(policy)
    # One more log in the installation: this witness does not watch it, and says so.
    begin = {"YINGDUN__AUDIT__ORIGIN": "node-b/audit/second", "YINGDUN__AUDIT__DIRECTORY": str(tmp_path / "second")}
    program.run_json("audit", "begin", "--config", node.config, env={**node.environment(), **begin})
    said = program.run("doctor", "--config", node.config, env={**node.environment(), "LC_ALL": "C"})
    assert "does not watch `node-b/audit/second`" in said.stdout, said.stdout
    for wrong in (["nonsense", "https://b.example"], [node.own_witness.key, "http://b.example"]):
        assert program.run("audit", "policy", "--witness", *wrong).returncode == 2
    assert program.run("audit", "policy", "--witness", node.own_witness.key, "https://b", "--least", "2").returncode == 2
    node.start()


@pytest.fixture
def alone(make_installation, tmp_path):
    """A witness of a log that is written in Python."""
    log = PythonLog("python.example/log", leaves=[b"%d" % number for number in range(5)])
    key_file = tmp_path / "log.vkey"
    key_file.write_text(log.vkey + "\n")
    witness = Witness(tmp_path, "alone", make_installation("alone", serve=False), key_file)
    yield witness, log
    witness.kill()


def test_a_witness_answers_as_the_specification_says(alone):
    witness, log = alone
    (witness.directory / "token").write_text("metrics-token\n")
    witness.settings_file.write_text(witness.settings_file.read_text() + 'metrics_token_file = "token"\n')
    witness.start()
    assert witness.newest(log.origin).status_code == 404
    cosigned = witness.add(log.request(0))
    assert cosigned.status_code == 200 and cosigned.text.startswith("\u2014 alone.example/witness ")
    assert witness.newest(log.origin).text == log.checkpoint() + cosigned.text
    for size in (6, 7, 8, 13, 64, 65, 200):
        log.add(*(b"%d" % number for number in range(len(log.hashes), size)))
        old = witness.show()["logs"][0]["size"]
        assert witness.add(log.request(old)).status_code == 200, size
    conflict = witness.add(log.request(64))
    assert (conflict.status_code, conflict.text) == (409, "200\n")
    assert conflict.headers["content-type"] == "text/x.tlog.size"
    stranger, unknown = PythonLog(log.origin), PythonLog("unknown.example/log")
    other = log.fork()
    log.add(b"right")
    other.hashes[100] = bytes(32)
    other.add(b"wrong")
    for status, body in [
        (400, "nonsense"),
        (400, b"\xff".decode("latin-1") * 10),
        (400, "old 0\n\n" + "x" * 300_000),
        (400, f"old 999\n\n{log.checkpoint()}"),
        (403, stranger.request(0)),
        (404, unknown.request(0)),
        (422, f"old 200\n\n{log.checkpoint()}"),
        (422, other.request(200)),
    ]:
        assert witness.add(body).status_code == status, body[:60]
    assert witness.add(log.request(200)).status_code == 200
    # Two heads of one size: proof of a fork, which is kept.
    assert witness.add(f"old 201\n\n{other.checkpoint()}").status_code == 422
    assert witness.show(code=1)["logs"][0]["forked"]
    ask = lambda path, **headers: witness.session.get(witness.url + path, headers=headers, timeout=30)
    assert ask("/metrics").status_code == ask("/").status_code == ask("/add-checkpoint").status_code == 404
    metrics = ask("/metrics", Authorization="Bearer metrics-token").text
    assert 'yingdun_witness_requests_total{answer="cosigned"} 9' in metrics, metrics
    assert witness.stop() == 0


def test_a_witness_that_is_killed_again_and_again_never_forgets_what_it_signed(alone):
    witness, log = alone
    random_pause = random.Random(7)
    signed = 0
    for life in range(KILLS):
        witness.start()
        seen = witness.show()["logs"][0]["size"] or 0
        assert seen >= signed, f"life {life}: it signed {signed} and remembers {seen}"
        # Another end for what it has seen is never signed, whatever came between memory and signature.
        if seen:
            other = log.fork()
            other.hashes = [*log.hashes[: seen - 1], bytes(32)]
            other.add(*(b"x%d" % number for number in range(3)))
            assert witness.add(other.request(seen)).status_code == 422
        enough, done = threading.Event(), []

        def ask(old=seen, enough=enough, done=done):
            while True:
                log.add(b"%d" % len(log.hashes))
                try:
                    answer = witness.add(log.request(old))
                except Exception:  # noqa: BLE001 - it was killed in the middle of whatever it did
                    return
                assert answer.status_code == 200, answer.text
                old = len(log.hashes)
                done.append(old)
                if len(done) == 4:
                    enough.set()

        asking = threading.Thread(target=ask)
        asking.start()
        assert enough.wait(ROUND_SECONDS_MAX)
        threading.Event().wait(random_pause.random() / 50)
        witness.kill()
        asking.join()
        signed = done[-1]
    witness.start()
    old = witness.show()["logs"][0]["size"]
    assert old >= signed
    assert witness.add(log.request(old)).status_code == 200
