"""National algorithms as strangers check them: vectors of the standards and of OpenSSL, with programs that share no line with ours."""

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys

import pytest

from yingdun_testkit import ledger, part10, program
from yingdun_testkit.installation import DidNotStart
from yingdun_testkit.web import Web

VERIFY = program.REPOSITORY / "docs" / "verify"


def _module(name):
    spec = importlib.util.spec_from_file_location(name, VERIFY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sm():
    return _module("sm2_sm3")


def test_sm3_in_plain_python_is_that_of_openssl(sm):
    assert sm.plain_sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    for length in (*range(130), 1000):
        text = bytes(number * 37 % 256 for number in range(length))
        assert sm.plain_sm3(text) == hashlib.new("sm3", text).digest(), length


def test_the_reader_takes_and_refuses_the_published_sm2_signatures(sm):
    vectors = json.loads((VERIFY / "sm2-vectors.json").read_text())

    def verifies(case):
        key, text, signature = (bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))
        return sm.sm2_verifies(key, text, signature, case["user_id"].encode())

    accepted = [vectors["standard"], *vectors["openssl"]]
    assert len(accepted) > 10 and all(map(verifies, accepted))
    assert [case["why"] for case in vectors["refused"] if verifies(case)] == []
    found = [case["why"] for case in vectors["bad_public_keys"] if sm.decode_public_key(bytes.fromhex(case["public_key"]))]
    assert len(vectors["bad_public_keys"]) >= 10 and found == []


# === the SM3 tree of the audit log ===


class National:
    """A log that began without an SM3 tree, got it at a restart, went on, and is at rest."""

    def __init__(self, installation):
        self.installation = installation
        self.directory = installation.audit_directory
        self.key_file = installation.directory / "audit-sm3.vkey"
        office = installation.office
        gateway = office.client_token("gateway", "store", "view")
        Web(installation, gateway).must_store(part10.file_bytes(part10.image(patient_id="national-1")))
        self.without = office.audit.raw("GET", "/audit/checkpoint", params={"tree": "sm3"}).status_code
        self.unknown = office.audit.raw("GET", "/audit/checkpoint", params={"tree": "md5"}).status_code
        # More than one bundle of 256 leaves, so that there are full tiles and partial ones, older than the tree.
        while office.metrics()["yingdun_audit_leaves"] < 300:
            for _ in range(20):
                office.audit.get("/audit/tail", {"count": 1})
        installation.stop()
        self.older = len(ledger.leaves(self.directory))
        assert not (self.directory / "sm3").exists() and not self.key_file.exists()
        installation.settings["AUDIT__SM3_TREE"] = "true"
        installation.start()
        office.sign_in_officers()
        Web(installation, gateway).must_store(part10.file_bytes(part10.image(patient_id="national-2")))
        self.checkpoint = office.audit.raw("GET", "/audit/checkpoint", params={"tree": "sm3"}).text
        self.proofs = {
            index: office.audit.raw("GET", f"/audit/proofs/{index}", params={"tree": "sm3"}).text
            for index in (0, 100, 255, self.older)
        }
        assert installation.stop() == 0
        self.keys = (self.installation.audit_key_file, self.key_file)

    def verify(self, directory=None, keys=None, code=0):
        named = [word for key in keys or self.keys for word in ("--public-key", key)]
        return program.run_json("audit", "verify", directory or self.directory, *named, code=code)

    def verify_independently(self, directory=None, keys=None):
        command = [sys.executable, VERIFY / "verify_audit.py", directory or self.directory]
        command += [key.read_text().strip() for key in keys or self.keys]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def national(make_installation):
    return National(make_installation("national"))


def test_a_tree_that_is_turned_on_later_covers_every_leaf_and_ends_with_the_other_one(national):
    assert (national.without, national.unknown) == (404, 400)
    report = national.verify()
    size = len(ledger.leaves(national.directory))
    assert size > national.older > 300 - 1
    assert [(tree["tree"], tree["size"], tree["leaves_checked"]) for tree in report["trees"]] == [
        ("sha-256", size, size),
        ("sm3", size, size),
    ]
    assert report["ok"] and report["first_bad"] is None
    roots = [tree["root"] for tree in report["trees"]]
    assert roots[0] != roots[1]
    other = national.verify_independently()
    assert other.returncode == 0, other.stdout + other.stderr
    assert other.stdout.count(f"OK {size} signed records") == 2
    assert all(base64.b64encode(bytes.fromhex(root)).decode() in other.stdout for root in roots)


def test_the_files_and_the_sm2_key_are_enough(national, tmp_path):
    copy = tmp_path / "audit"
    shutil.copytree(national.directory, copy)
    (copy / "checkpoint").unlink()
    for level in "012":
        shutil.rmtree(copy / "tile" / level, ignore_errors=True)
    only = (national.key_file,)
    assert national.verify(copy, only)["ok"]
    assert national.verify_independently(copy, only).returncode == 0


def _note(text):
    """Text, key name and signature of a signed note with one signature."""
    body, line = text.rsplit("\n\n", 1)
    dash, name, signature = line.strip().split(" ")
    assert dash == "\u2014"
    return body + "\n", name, base64.b64decode(signature)[4:]


def _public_key(key_file):
    kind, encoded = b"\xffyingdun/sm2-sm3@v1", key_file.read_text().strip().split("+", 2)[2]
    key = base64.b64decode(encoded)
    assert key.startswith(kind) and len(key) == len(kind) + 65
    return key[len(kind) :]


def test_openssl_verifies_the_signature_of_the_checkpoint(national, tmp_path):
    text, name, signature = _note(national.checkpoint)
    origin, size, _, _ = text.split("\n")
    assert origin == name == "renmin/audit/sm3" and int(size) >= national.older

    def der_integer(number):
        content = number.lstrip(b"\0")
        content = b"\0" + content if content[0] & 0x80 else content
        return bytes([2, len(content)]) + content

    numbers = der_integer(signature[:32]) + der_integer(signature[32:])
    # SubjectPublicKeyInfo: id-ecPublicKey on the curve sm2p256v1.
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
    point = b"\x03\x42\x00" + _public_key(national.key_file)
    key, signed, message = (tmp_path / name for name in ("key.der", "signature", "message"))
    key.write_bytes(bytes([0x30, len(algorithm) + len(point)]) + algorithm + point)
    signed.write_bytes(bytes([0x30, len(numbers)]) + numbers)
    options = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-sigfile", signed]
    for content, code in ((text, 0), (text.replace(size, size + "0"), 1)):
        message.write_text(content)
        done = subprocess.run([*command, "-in", message, *options], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr


def _root_of_proof(sm, leaf, proof):
    """The root that an inclusion proof gives (RFC 9162, section 2.1.3.2), and the one that was signed."""
    head, note = proof.split("\n\n", 1)
    lines = head.split("\n")
    assert lines[0] == "yingdun/sm3-tlog-proof@v1"
    text, _, _ = _note(note)
    node, last = int(lines[1].removeprefix("index ")), int(text.split("\n")[1]) - 1
    root = sm.sm3(b"\0", leaf)
    for sibling in map(base64.b64decode, lines[2:]):
        if node & 1 or node == last:
            root = sm.sm3(b"\1", sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = sm.sm3(b"\1", root, sibling)
        node, last = node >> 1, last >> 1
    assert last == 0
    return root, base64.b64decode(text.split("\n")[2]), note


def test_a_proof_in_the_sm3_tree_leads_from_the_leaf_to_what_sm2_has_signed(national, sm):
    leaves = ledger.entries(national.directory)
    key = _public_key(national.key_file)
    offline = {}
    for index in (0, 256, len(leaves) - 1):
        done = program.run("audit", "prove", national.directory, index, "--public-key", national.key_file)
        assert done.returncode == 0, done.stderr
        offline[index] = done.stdout
    for index, proof in [*national.proofs.items(), *offline.items()]:
        found, signed, note = _root_of_proof(sm, leaves[index], proof)
        assert found == signed, index
        assert _root_of_proof(sm, leaves[index] + b" ", proof)[0] != signed
        text, _, signature = _note(note)
        assert sm.sm2_verifies(key, text.encode(), signature)


def test_a_flipped_byte_in_the_sm3_tree_or_its_leaves_is_found_by_both_verifiers(national, tmp_path):
    copy = tmp_path / "audit"
    shutil.copytree(national.directory, copy)
    files = [path for path in copy.rglob("*") if path.is_file() and ("sm3" in path.parts or "entries" in path.parts)]
    assert {path.name for path in files} > {"checkpoint", "000"}
    for path in files:
        content = path.read_bytes()
        for at in sorted({0, len(content) // 2, len(content) - 1}):
            damaged = bytearray(content)
            damaged[at] ^= 1
            path.write_bytes(damaged)
            report = national.verify(copy, code=1)
            assert not report["ok"] and report["first_bad"], (path, at)
        other = national.verify_independently(copy, (national.key_file,))
        assert other.returncode == 1, (path, other.stdout, other.stderr)
        path.write_bytes(content)
    assert national.verify(copy)["ok"]


def test_a_log_that_has_the_tree_does_not_go_on_without_it(national):
    installation = national.installation
    installation.settings["AUDIT__SM3_TREE"] = "false"
    examined = program.run_json("doctor", "--config", installation.config, code=1, env=installation.environment())
    assert any("SM3 tree" in finding["cause"] for finding in examined["findings"]), examined
    with pytest.raises(DidNotStart) as refused:
        installation.start()
    assert "audit.sm3_tree = true" in str(refused.value)
    installation.settings["AUDIT__SM3_TREE"] = "true"
    installation.start()
    installation.kill()
    assert national.verify()["ok"], "killed, and whole as it lies there"
    examined = program.run_json("doctor", "--config", installation.config, env=installation.environment())
    assert not any(finding["check"] == "audit-log" for finding in examined["findings"]), examined
    other = installation.audit_directory / "sm3" / "checkpoint"
    kept = other.read_bytes()
    other.write_bytes(kept.replace(kept[-10:-5], b"AAAAA"))
    examined = program.run_json("doctor", "--config", installation.config, code=1, env=installation.environment())
    assert any("sm3 tree" in finding["cause"] for finding in examined["findings"]), examined
    other.write_bytes(kept)
