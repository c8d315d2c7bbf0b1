#!/usr/bin/env python3
"""Makes the vectors that the Rust code is checked against, with code by other hands.

Needs pyca `cryptography` >= 50 (class Cobblestone256Encryptor), linked with OpenSSL 3.2 or later for Argon2id.
Run it in a virtual environment that has it:

    python generate.py > vectors.json

Every value is computed here from the published standards and from the byte layouts that the Rust
documentation gives, never by calling the Rust code. Salts of Cobblestone objects are random, so a second run
gives other bytes; all of them must pass. Objects in the suite of SM4 are sealed by `docs/verify/open_sealed.py`.
"""

import hashlib
import hmac
import json
import pathlib
import struct
import sys

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

sys.path.append(str(pathlib.Path(__file__).parents[4] / "docs/verify"))
import open_sealed  # noqa: E402

CHUNK = 16384
# Lengths at and around every border of the format.
LENGTHS = [0, 1, 15, 16, 17, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 5 * CHUNK + 77, 1 << 20]
# Longer objects are given by salt and digest only.
WHOLE_HEX_MAX = 1100

DERIVE_PREFIX = b"yingdun/derive@v1\0"
COMBINE_PREFIX = b"yingdun/combine@v1\0"


def message(length):
    return bytes((i * 31 + i // 251) % 256 for i in range(length))


def context(*fields):
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)


def derive(key, info):
    return HKDFExpand(algorithm=hashes.SHA512(), length=32, info=DERIVE_PREFIX + info).derive(key)


def combine(parents, info):
    hkdf = HKDF(algorithm=hashes.SHA512(), length=32, salt=COMBINE_PREFIX, info=COMBINE_PREFIX + info)
    return hkdf.derive(b"".join(parents))


def wrap(parent, place, key):
    return aes_key_wrap_with_padding(derive(parent, context(b"yingdun/wrap/v1", place)), key)


def token(key, *fields):
    framed = b"".join(struct.pack(">Q", len(field)) + field for field in fields)
    return hmac.new(key, framed, hashlib.sha256).digest()[:16]


def sealed(length):
    key = hashlib.sha256(b"key %d" % length).digest()
    fields = [b"yingdun/vector/v1", b"renmin", b"%d" % length]
    encryptor = Cobblestone256Encryptor(key, context(*fields))
    cipher = encryptor.update(message(length)) + encryptor.finalize()
    decryptor = Cobblestone256Decryptor(key, context(*fields))
    assert decryptor.update(cipher) + decryptor.finalize() == message(length)
    vector = {
        "length": length,
        "key": key.hex(),
        "fields": [field.decode() for field in fields[1:]],
        "salt": cipher[:24].hex(),
        "sealed_sha256": hashlib.sha256(cipher).hexdigest(),
    }
    if length <= WHOLE_HEX_MAX:
        vector["sealed"] = cipher.hex()
    return vector


def keys():
    one, two, payload = (hashlib.sha256(name).digest() for name in (b"one", b"two", b"payload"))
    place = context(b"yingdun/vector/v1", b"renmin", "影像".encode())
    return {
        "one": one.hex(),
        "two": two.hex(),
        "payload": payload.hex(),
        "fields": ["renmin", "影像"],
        "derived": derive(one, place).hex(),
        "wrapped": wrap(one, place, payload).hex(),
        "wrapped_by_both": wrap(combine([one, two], place), place, payload).hex(),
        "token": token(one, b"patient", b"HIS", "王小明".encode()).hex(),
    }


SM = "sm4-gcm-sm3"


def sealed_with_sm4(length):
    key, salt = (hashlib.sha256(b"%s %d" % (name, length)).digest() for name in (b"key", b"salt"))
    salt = salt[:24]
    fields = [b"yingdun/vector/v1", b"renmin", b"%d" % length]
    cipher = open_sealed.seal(SM, key, context(*fields), salt, message(length))
    assert open_sealed.open_sealed(SM, key, context(*fields), cipher) == message(length)
    vector = {
        "length": length,
        "key": key.hex(),
        "fields": [field.decode() for field in fields[1:]],
        "salt": salt.hex(),
        "sealed_sha256": hashlib.sha256(cipher).hexdigest(),
    }
    if length <= WHOLE_HEX_MAX:
        vector["sealed"] = cipher.hex()
    return vector


def keys_with_sm3():
    one, two, payload, salt = (hashlib.sha256(name).digest() for name in (b"one", b"two", b"payload", b"salt"))
    place = context(b"yingdun/vector/v1", b"renmin", "影像".encode())
    both = HKDF(algorithm=hashes.SM3(), length=32, salt=COMBINE_PREFIX, info=COMBINE_PREFIX + place).derive(one + two)

    def wrap_by_sealing(parent):
        return open_sealed.seal(SM, parent, context(b"yingdun/wrap/v1", place), salt[:24], payload)

    return {
        "one": one.hex(),
        "two": two.hex(),
        "payload": payload.hex(),
        "fields": ["renmin", "影像"],
        "derived": HKDFExpand(algorithm=hashes.SM3(), length=32, info=DERIVE_PREFIX + place).derive(one).hex(),
        "wrapped": wrap_by_sealing(one).hex(),
        "wrapped_by_both": wrap_by_sealing(both).hex(),
    }


def passphrase():
    salt = bytes(range(16))
    text = "正确的马 battery staple"
    argon2id = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024)
    return {
        "passphrase": text,
        "parameters": {"memory_kib": 64 * 1024, "passes": 3, "lanes": 4, "salt": list(salt)},
        "key": argon2id.derive(text.encode()).hex(),
    }


if __name__ == "__main__":
    vectors = {
        "sealed": [sealed(n) for n in LENGTHS],
        "keys": keys(),
        "passphrase": passphrase(),
        "sealed_with_sm4": [sealed_with_sm4(n) for n in LENGTHS],
        "keys_with_sm3": keys_with_sm3(),
    }
    print(json.dumps(vectors, ensure_ascii=False, indent=1))
