"""Sealed objects, read without the program: `docs/verify/open_sealed.py` against the published vectors."""

import hashlib
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
READER = ROOT / "docs/verify/open_sealed.py"
VECTORS = json.loads((ROOT / "crates/crypto/tests/vectors/vectors.json").read_text())
SUITES = {"cobblestone-256": "sealed", "sm4-gcm-sm3": "sealed_with_sm4"}


def read(folder, suite, vector, sealed):
    (folder / "key").write_text(vector["key"])
    (folder / "object").write_bytes(sealed)
    fields = ["yingdun/vector/v1", *vector["fields"]]
    return subprocess.run(
        [sys.executable, READER, suite, folder / "key", folder / "object", *fields], capture_output=True, check=False
    )


@pytest.mark.parametrize("suite", SUITES)
def test_every_vector_opens_to_its_message_and_not_as_another_suite(suite, tmp_path):
    """The unit tests of the program seal to these same bytes."""
    (other,) = SUITES.keys() - {suite}
    vectors = [vector for vector in VECTORS[SUITES[suite]] if "sealed" in vector]
    assert len(vectors) >= 5
    for vector in vectors:
        sealed = bytes.fromhex(vector["sealed"])
        assert hashlib.sha256(sealed).hexdigest() == vector["sealed_sha256"]
        opened = read(tmp_path, suite, vector, sealed)
        assert opened.returncode == 0, opened.stderr
        assert opened.stdout == bytes((i * 31 + i // 251) % 256 for i in range(vector["length"]))
        assert read(tmp_path, other, vector, sealed).returncode != 0


@pytest.mark.parametrize("suite", SUITES)
def test_a_damaged_or_shortened_object_gives_no_byte(suite, tmp_path):
    vector = next(vector for vector in VECTORS[SUITES[suite]] if vector["length"] == 17)
    sealed = bytearray.fromhex(vector["sealed"])
    for damaged in (sealed[:-1], sealed[:60], b"", sealed[:30] + b"\0" + sealed[31:], sealed[:-5] + b"\0" + sealed[-4:]):
        refused = read(tmp_path, suite, vector, bytes(damaged))
        assert refused.returncode != 0
        assert refused.stdout == b""
