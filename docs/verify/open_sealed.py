#!/usr/bin/env python3
"""Opens a sealed object of Yingdun without Yingdun.

    open_sealed.py SUITE KEY_FILE SEALED_FILE LABEL [FIELD…] > PLAIN

SUITE        cobblestone-256 or sm4-gcm-sm3
KEY_FILE     32 bytes as 64 hexadecimal digits
LABEL FIELD  the context: text, or hex:… for bytes

Needs pyca `cryptography` linked with an OpenSSL that has SM4-GCM. The format is described in
docs/design/001-record.md; nothing here was taken from the program.
"""

import hmac
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CHUNK, TAG, SALT, COMMITMENT, NONCE = 16384, 16, 24, 32, 12

# cipher, bytes of its key, hash, label in front of salt and context
SUITES = {
    "cobblestone-256": (algorithms.AES, 32, hashes.SHA512, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"),
    "sm4-gcm-sm3": (algorithms.SM4, 16, hashes.SM3, b"yingdun/chunked-encryption@v1+AEAD_SM4_GCM+SM3\0"),
}


class NotOpened(Exception):
    """Nothing of the object may be used."""


def context(*fields):
    """A label and fields, each behind its length."""
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)


def message_keys(suite, key, salt, place):
    """The cipher, the first nonce and the commitment of one message."""
    cipher, key_bytes, digest, label = SUITES[suite]
    expand = HKDFExpand(digest(), key_bytes + NONCE + COMMITMENT, label + salt + place)
    derived = expand.derive(key)
    nonce = int.from_bytes(derived[key_bytes : key_bytes + NONCE], "big")
    return cipher(derived[:key_bytes]), nonce, derived[key_bytes + NONCE :]


def seal(suite, key, place, salt, plain):
    """What the program writes when its random salt is `salt`."""
    cipher, nonce, commitment = message_keys(suite, key, salt, place)
    sealed = salt + commitment
    for number in range(len(plain) // CHUNK + 1):
        gcm = Cipher(cipher, modes.GCM((nonce ^ number).to_bytes(NONCE, "big"))).encryptor()
        sealed += gcm.update(plain[number * CHUNK : (number + 1) * CHUNK]) + gcm.finalize() + gcm.tag
    return sealed


def open_sealed(suite, key, place, sealed):
    """The plaintext, when every byte of `sealed` is in its place."""
    salt, commitment, body = sealed[:SALT], sealed[SALT : SALT + COMMITMENT], sealed[SALT + COMMITMENT :]
    cipher, nonce, expected = message_keys(suite, key, salt, place)
    if not hmac.compare_digest(commitment, expected):
        raise NotOpened("another key, another context or another suite")
    # The last chunk is always shorter than the others: an object that was cut does not open.
    last_bytes = len(body) % (CHUNK + TAG)
    if last_bytes < TAG:
        raise NotOpened("the object was cut off")
    plain = []
    for number, start in enumerate(range(0, len(body), CHUNK + TAG)):
        chunk = body[start : start + CHUNK + TAG]
        mode = modes.GCM((nonce ^ number).to_bytes(NONCE, "big"), chunk[-TAG:])
        gcm = Cipher(cipher, mode).decryptor()
        try:
            plain.append(gcm.update(chunk[:-TAG]) + gcm.finalize())
        except InvalidTag:
            raise NotOpened(f"chunk {number} is damaged") from None
    return b"".join(plain)


def main():
    if len(sys.argv) < 5 or sys.argv[1] not in SUITES:
        sys.exit(__doc__)
    suite, key_file, sealed_file, *fields = sys.argv[1:]
    with open(key_file, encoding="ascii") as file:
        key = bytes.fromhex(file.read())
    with open(sealed_file, "rb") as file:
        sealed = file.read()
    place = context(*(bytes.fromhex(f[4:]) if f.startswith("hex:") else f.encode() for f in fields))
    try:
        sys.stdout.buffer.write(open_sealed(suite, key, place, sealed))
    except NotOpened as cause:
        sys.exit(f"{sealed_file} does not open: {cause}")


if __name__ == "__main__":
    main()
