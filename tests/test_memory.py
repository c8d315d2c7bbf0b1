"""Keys in the memory of a serving archive: locked, and in nothing that a core dump would hold."""

import json
import os
import re
import sqlite3
import struct
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding

from yingdun_testkit import part10
from yingdun_testkit.administration import Office
from yingdun_testkit.program import REPOSITORY
from yingdun_testkit.web import Web

sys.path.insert(0, str(REPOSITORY / "docs" / "verify"))
from open_sealed import context, open_sealed  # noqa: E402

SUITE = "cobblestone-256"
COMBINE = b"yingdun/combine@v1\0"


# === every key, worked out from what lies on the disk, without the program ===


def number(value: int) -> bytes:
    return struct.pack(">Q", value)


def expand(key: bytes, info: bytes) -> bytes:
    return HKDFExpand(hashes.SHA512(), 32, info).derive(key)


def unwrap(parent: bytes, place: bytes, wrapped: bytes) -> bytes:
    derived = expand(parent, b"yingdun/derive@v1\0" + context(b"yingdun/wrap/v1", place))
    return aes_key_unwrap_with_padding(derived, wrapped)


def root_key(path: Path, passphrase: bytes) -> tuple:
    """The key of the root-key file and the root key."""
    content = path.read_bytes()[:-32]
    length = struct.unpack(">H", content[8:10])[0]
    parameters = json.loads(content[10 : 10 + length])["passphrase"]
    derivation = Argon2id(
        salt=bytes(parameters["salt"]),
        length=32,
        iterations=parameters["passes"],
        lanes=parameters["lanes"],
        memory_cost=parameters["memory_kib"],
    )
    key, preamble = derivation.derive(passphrase), content[: 10 + length]
    return key, open_sealed(SUITE, key, context(b"yingdun/root-key-file/v1", preamble), content[10 + length :])


def all_keys(installation) -> dict:
    """Every key of an archive with one patient and one study."""
    folder = installation.directory
    file_key, root = root_key(folder / "keys" / "root.key", (folder / "keys" / "passphrase").read_bytes().strip())
    slot = (folder / "keys" / "epoch.key").read_bytes()
    if not slot.startswith(b"YDEPOCH1"):
        slot = slot[4096:]
    epoch_number, length = struct.unpack(">QH", slot[8:18])
    epoch = unwrap(root, context(b"yingdun/epoch/v1", number(epoch_number)), slot[18 : 18 + length])
    with sqlite3.connect(f"file:{folder}/db/keys.db?mode=ro", uri=True) as rows:
        (kek,) = rows.execute("SELECT institution, grade, suite, version, wrapped FROM key_encryption_key").fetchall()
        (patient,) = rows.execute("SELECT patient_ref, wrapped FROM patient_key").fetchall()
        (study,) = rows.execute("SELECT study_ref, wrapped FROM study_key").fetchall()
    line = [text.encode() for text in kek[:3]] + [number(kek[3])]
    kek_key = unwrap(epoch, context(b"yingdun/kek/v1", *line), kek[4])
    patient_key = unwrap(kek_key, context(b"yingdun/patient-key/v1", *line, patient[0]), patient[1])
    place = context(b"yingdun/study-key/v1", *line, patient[0], study[0])
    extract = hmac.HMAC(COMBINE, hashes.SHA512())
    extract.update(patient_key + kek_key)
    study_key = unwrap(expand(extract.finalize(), COMBINE + place), place, study[1])
    return {
        "file": file_key,
        "root": root,
        "epoch": epoch,
        "kek": kek_key,
        "patient": patient_key,
        "study": study_key,
    }


# === what a process has in memory ===


def regions(pid: int):
    """Start, end, rights and flags of each part of its memory."""
    for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text()):
        start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", block).groups()
        flags = re.search(r"^VmFlags: (.*)$", block, re.MULTILINE)
        yield int(start, 16), int(end, 16), rights, flags.group(1).split() if flags else []


def memory(pid: int):
    """The contents of each part that can be read, with its flags."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as whole:
        for start, end, rights, flags in regions(pid):
            if not rights.startswith("r") or "io" in flags:
                continue
            try:
                whole.seek(start)
                yield whole.read(end - start), flags
            except (OSError, ValueError, OverflowError):
                continue  # vvar and its like


@pytest.fixture(scope="module")
def busy(make_installation):
    """An archive that has sealed and opened an image."""
    installation = make_installation("memory")
    office = installation.office or Office(installation)
    web = Web(installation, office.client_token("memory-gateway", "store", "search", "view"))
    image = part10.image(patient_id="in-memory")
    web.must_store(part10.file_bytes(image))
    assert part10.parse(web.file_of(image)) == image
    return installation


def test_the_process_is_not_dumped_and_locks_the_memory_of_its_keys(busy):
    pid = busy.process.pid
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s+0", limits), limits
    locked = int(re.search(r"VmLck:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1))
    soft = re.search(r"Max locked memory\s+(\S+)", limits).group(1)
    if soft == "unlimited" or int(soft) >= 64 << 10:
        assert locked >= 32
    if os.geteuid() != 0:
        # Another process of the account is not let near it; only root is.
        with pytest.raises(PermissionError):
            open(f"/proc/{pid}/mem", "rb")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the memory of the archive")
def test_no_key_is_in_what_a_core_dump_would_hold(busy):
    keys = all_keys(busy)
    passphrase = (busy.directory / "keys" / "passphrase").read_bytes().strip()
    dumped, kept = [], []
    for content, flags in memory(busy.process.pid):
        found = [name for name, key in keys.items() if key in content or key.hex().encode() in content]
        if passphrase in content:
            found.append("passphrase")
        # A core dump leaves out what is marked so (core(5), madvise(2) MADV_DONTDUMP).
        (kept if "dd" in flags else dumped).extend(found)
    assert {"root", "epoch", "kek"} <= set(kept), "the search finds keys where they are"
    assert dumped == [], sorted(dumped)
