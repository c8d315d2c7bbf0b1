"""National algorithms as strangers check them: vectors of the standards and of OpenSSL, with programs that share no line with ours."""

import hashlib
import importlib.util
import json

import pytest

from yingdun_testkit import program

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
