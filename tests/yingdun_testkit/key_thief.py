"""A thief of keys: tries everything that was left behind, with the root key, to open studies that were destroyed.

    python -m yingdun_testkit.key_thief --root-file ROOT --passphrase-file FILE --rows OLD_KEYS_DB FILE…

The thief has the root-key file and its passphrase, an older copy of the key database, and any files: databases with their logs,
epoch files, images of disks, core dumps. Every window of 40 bytes of every file, at every byte, is tried as a wrapped key in every
place that the older copy names, under every key that was found so far. Nothing here was taken from the program.

Prints JSON: which study references of the older copy open.
"""

import argparse
import hashlib
import hmac
import json
import sqlite3
import struct
from pathlib import Path

import numpy
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

#: Bytes of a wrapped key of 32 bytes (RFC 5649), and what it begins with when it is unwrapped: constant and length.
WRAPPED_BYTES, BEGINNING = 40, bytes.fromhex("A65959A600000020")
#: Windows that are tried at once.
BATCH = 1 << 18
#: A wrapped key is noise: of 40 such bytes hardly ever more than these are zeros, or have their highest bit alike.
ZEROS_MAX, HIGH_BITS = 6, (4, 36)
#: Epochs, and versions of key-encryption keys, that are tried.
EPOCHS = VERSIONS = range(1, 6)
DERIVE, COMBINE, WRAP = b"yingdun/derive@v1\0", b"yingdun/combine@v1\0", b"yingdun/wrap/v1"


def context(*fields) -> bytes:
    fields = (field.encode() if isinstance(field, str) else field for field in fields)
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)


def number(value: int) -> bytes:
    return struct.pack(">Q", value)


def expand(key: bytes, info: bytes, length=32) -> bytes:
    return HKDFExpand(hashes.SHA512(), length, info).derive(key)


def wrapping_key(parents, place: bytes) -> bytes:
    """The AES key that wraps in a place, below one parent or two together."""
    if len(parents) > 1:
        extracted = hmac.new(COMBINE, b"".join(parents), hashlib.sha512).digest()
        parents = [expand(extracted, COMBINE + place)]
    return expand(parents[0], DERIVE + context(WRAP, place))


def root_key(root_file: Path, passphrase: str) -> bytes:
    """The root key that a passphrase opens (docs/src/en/formats.md)."""
    content = root_file.read_bytes()[:-32]
    assert content.startswith(b"YDROOT1\n")
    length = struct.unpack(">H", content[8:10])[0]
    header, sealed = content[10 : 10 + length], content[10 + length :]
    parameters = json.loads(header)
    parameters = parameters.get("passphrase", parameters)
    derived = Argon2id(
        salt=bytes(parameters["salt"]), length=32, iterations=parameters["passes"], lanes=parameters["lanes"],
        memory_cost=parameters["memory_kib"],
    ).derive(passphrase.encode())
    place = context("yingdun/root-key-file/v1", content[: 10 + length])
    salt, commitment, body = sealed[:24], sealed[24:56], sealed[56:]
    keys = expand(derived, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + place, 76)
    assert hmac.compare_digest(keys[44:], commitment), "the passphrase does not open the root key"
    gcm = Cipher(algorithms.AES(keys[:32]), modes.GCM(keys[32:44], body[-16:])).decryptor()
    return gcm.update(body[:-16]) + gcm.finalize()


def windows(blobs):
    """Every window that can be a wrapped key, each once, as an array of rows."""
    found = []
    for blob in blobs:
        for start in range(0, max(len(blob) - WRAPPED_BYTES + 1, 0), 1 << 24):
            part = numpy.frombuffer(blob[start : start + (1 << 24) + WRAPPED_BYTES - 1], dtype=numpy.uint8)
            counted = lambda mask: numpy.cumsum(numpy.concatenate(([0], mask.astype(numpy.int32))))  # noqa: E731
            of = lambda sums: sums[WRAPPED_BYTES:] - sums[:-WRAPPED_BYTES]  # noqa: E731
            zeros, high = of(counted(part == 0)), of(counted(part >= 128))
            noise = (zeros <= ZEROS_MAX) & (high >= HIGH_BITS[0]) & (high <= HIGH_BITS[1])
            at = numpy.nonzero(noise)[0]
            for few in numpy.array_split(at, len(at) // BATCH + 1):
                found.append(part[few[:, None] + numpy.arange(WRAPPED_BYTES)])
    rows = numpy.ascontiguousarray(numpy.concatenate(found))
    return numpy.unique(rows.view(f"V{WRAPPED_BYTES}")).view(numpy.uint8).reshape(-1, WRAPPED_BYTES)


def unwrap_all(key: bytes, rows) -> set:
    """The keys of all windows that unwrap (RFC 3394 §2.2.2, RFC 5649 §4.2), every window in the same steps."""
    keys, beginning = set(), numpy.frombuffer(BEGINNING, dtype=numpy.uint8)
    for start in range(0, len(rows), BATCH):
        few = rows[start : start + BATCH].reshape(-1, 5, 8).copy()
        ecb = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
        for step in range(24, 0, -1):
            block = numpy.empty((len(few), 2, 8), dtype=numpy.uint8)
            block[:, 0] = few[:, 0]
            block[:, 0, 7] ^= step
            place = (step - 1) % 4 + 1
            block[:, 1] = few[:, place]
            plain = numpy.frombuffer(ecb.update(block.tobytes()), dtype=numpy.uint8).reshape(-1, 2, 8)
            few[:, 0], few[:, place] = plain[:, 0], plain[:, 1]
        for hit in numpy.nonzero((few[:, 0] == beginning).all(axis=1))[0]:
            keys.add(few[hit, 1:].tobytes())
    return keys


class Thief:
    """Everything that was found, and what it opens."""

    def __init__(self, root: bytes, rows_of: Path, files):
        self.root = root
        with sqlite3.connect(f"file:{rows_of}?mode=ro&immutable=1", uri=True) as copy:
            self.studies = copy.execute(
                "SELECT institution, grade, suite, patient_ref, study_ref FROM study_key ORDER BY created_ms"
            ).fetchall()
        self.windows = windows(Path(file).read_bytes() for file in files)

    def unwrap(self, parents, place: bytes) -> set:
        return unwrap_all(wrapping_key(parents, place), self.windows)

    def epochs(self) -> set:
        return {key for epoch in EPOCHS for key in self.unwrap([self.root], context("yingdun/epoch/v1", number(epoch)))}

    def opened(self) -> dict:
        """By study reference: its keys, where it opens."""
        above = [self.root, *self.epochs()]
        opened = {study.hex(): [] for *_, study in self.studies}
        keks, patients = {}, {}
        for institution, grade, suite, patient, study in self.studies:
            for version in VERSIONS:
                line = (institution, grade, suite, number(version))
                if line not in keks:
                    place = context("yingdun/kek/v1", *line)
                    keks[line] = {key for parent in above for key in self.unwrap([parent], place)}
                if (line, patient) not in patients:
                    place = context("yingdun/patient-key/v1", *line, patient)
                    patients[line, patient] = {key for kek in keks[line] for key in self.unwrap([kek], place)}
                place = context("yingdun/study-key/v1", *line, patient, study)
                for kek in keks[line]:
                    for patient_key in patients[line, patient]:
                        opened[study.hex()] += [key.hex() for key in self.unwrap([patient_key, kek], place)]
        return opened


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--root-file", type=Path, required=True)
    arguments.add_argument("--passphrase-file", type=Path, required=True)
    arguments.add_argument("--rows", type=Path, required=True, help="an older copy of the key database")
    arguments.add_argument("files", type=Path, nargs="+")
    given = arguments.parse_args()
    root = root_key(given.root_file, given.passphrase_file.read_text(encoding="utf-8").strip())
    thief = Thief(root, given.rows, given.files)
    print(json.dumps({"windows": len(thief.windows), "opened": thief.opened()}, indent=1))


if __name__ == "__main__":
    main()
