#!/usr/bin/env python3
"""Makes docs/verify/sm2-vectors.json, which the Rust code and docs/verify/sm2_sm3.py are both checked against.

Needs the command `openssl` (3.0 or later), which makes the keys and signs. The example with its nonce is that of GB/T 32918.5,
annex A; what must be refused is made here from the text of GB/T 32918.2.

    python3 generate_sm2.py > docs/verify/sm2-vectors.json

Keys and nonces of OpenSSL are random, so a second run gives other bytes; all of them must pass.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).parents[4] / "docs/verify"))
from sm2_sm3 import N, P, USER_ID, G, multiply, octets, sm2_digest, sm2_verifies  # noqa: E402

DEFAULT = USER_ID.decode()
EXAMPLE_D = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
EXAMPLE_K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
EXAMPLE_SIGNATURE = (
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


def public_of(d):
    return b"\4" + b"".join(map(octets, multiply(d, G)))


def signed(d, k, message):
    """GB/T 32918.2, section 6.1."""
    r = (sm2_digest(public_of(d), message) + multiply(k, G)[0]) % N
    return octets(r) + octets(pow(1 + d, -1, N) * (k - r * d) % N)


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def from_der(der):
    """r and s of SEQUENCE { INTEGER, INTEGER }, in 32 bytes each."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2 : at + 2 + length], "big"))
        at += 2 + length
    return b"".join(map(octets, numbers))


def made_by_openssl(message, user_id):
    with tempfile.TemporaryDirectory() as folder:
        key, text = pathlib.Path(folder, "key.pem"), pathlib.Path(folder, "text")
        key.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"))
        text.write_bytes(message)
        shown = openssl("pkey", "-in", key, "-noout", "-text").decode()
        priv, pub = re.search(r"priv:\s*([0-9a-f:\s]+)pub:\s*([0-9a-f:\s]+)ASN1", shown).groups()
        options = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{user_id}")
        der = openssl("pkeyutl", "-sign", "-inkey", key, "-in", text, *options)
    d = int(re.sub(r"[:\s]", "", priv), 16)
    public_key, signature = bytes.fromhex(re.sub(r"[:\s]", "", pub)), from_der(der)
    assert public_key == public_of(d) and sm2_verifies(public_key, message, signature, user_id.encode())
    return vector(d, message, user_id, signature)


def vector(d, message, user_id, signature):
    return {
        "private_key": octets(d).hex(),
        "public_key": public_of(d).hex(),
        "user_id": user_id,
        "message": message.hex(),
        "signature": signature.hex(),
    }


def refused():
    d, message = EXAMPLE_D, b"message digest"
    good = signed(d, EXAMPLE_K, message)
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    e = sm2_digest(public_of(d), message)
    infinite = octets(e) + octets(-e * d * pow(1 + d, -1, N) % N)
    cases = {
        "r is 0": octets(0) + good[32:],
        "s is 0": good[:32] + octets(0),
        "r is n": octets(N) + good[32:],
        "s is n": good[:32] + octets(N),
        "r is above n": b"\xff" * 32 + good[32:],
        "s is above n": good[:32] + b"\xff" * 32,
        "r + s is n": good[:32] + octets(N - r),
        "s is n - s": good[:32] + octets(N - s),
        "r and s changed places": good[32:] + good[:32],
        "the sum of points is infinity": infinite,
        "one byte short": good[:-1],
        "one byte long": good + b"\0",
        "DER": b"\x30\x46\x02\x21\0" + good[:32] + b"\x02\x21\0" + good[32:],
        "empty": b"",
    }
    found = [{"why": why, **vector(d, message, DEFAULT, signature)} for why, signature in cases.items()]
    found.append({"why": "another message", **vector(d, b"message digesu", DEFAULT, good)})
    found.append({"why": "another user id", **vector(d, message, "1234567812345679", good)})
    found.append({"why": "another key", **vector(d + 1, message, DEFAULT, good)})
    for case in found:
        key, text, signature = (bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))
        assert not sm2_verifies(key, text, signature, case["user_id"].encode()), case["why"]
    return found


def bad_public_keys():
    good = public_of(EXAMPLE_D)
    x, y = good[1:33], good[33:]
    flipped = octets(P - int.from_bytes(y, "big"))
    cases = {
        "not on the curve": b"\4" + x + octets(int.from_bytes(y, "big") ^ 1),
        "on another curve of the same shape": b"\4" + octets(1) + octets(1),
        "x is not below p": b"\4" + octets(P) + y,
        "y is not below p": b"\4" + x + b"\xff" * 32,
        "zero coordinates for infinity": b"\4" + bytes(64),
        "infinity": b"\0" + bytes(64),
        "compressed": b"\2" + x + bytes(32),
        "hybrid": bytes([6 + y[31] % 2]) + x + y,
        "hybrid of the other sign": bytes([6 + flipped[31] % 2]) + x + flipped,
        "changed places": b"\4" + y + x,
    }
    return [{"why": why, "public_key": key.hex()} for why, key in cases.items()]


if __name__ == "__main__":
    assert signed(EXAMPLE_D, EXAMPLE_K, b"message digest").hex() == EXAMPLE_SIGNATURE
    example = vector(EXAMPLE_D, b"message digest", DEFAULT, bytes.fromhex(EXAMPLE_SIGNATURE))
    lengths = [1, 31, 32, 33, 55, 56, 64, 65, 1000]
    texts = [bytes(i * 31 % 256 for i in range(length)) for length in lengths]
    vectors = {
        "standard": example,
        "openssl": [made_by_openssl(text, DEFAULT) for text in texts]
        + [made_by_openssl(b"audit", name) for name in ("ALICE123@YAHOO.COM", "影盾", "x" * 1000)],
        "refused": refused(),
        "bad_public_keys": bad_public_keys(),
    }
    print(json.dumps(vectors, ensure_ascii=False, indent=1))
