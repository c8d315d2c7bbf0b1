"""The audit log as files: C2SP tlog-tiles, read without the program."""

import json
import struct
import subprocess
import sys
from pathlib import Path

from . import program

#: Leaves in a full bundle of entries.
BUNDLE = 256


def leaves(directory: Path) -> list:
    """Every leaf in the bundles of entries, in order. The log must be stopped."""
    return [json.loads(entry) for entry in entries(directory)]


def entries(directory: Path) -> list:
    """The same as bytes."""
    found = []
    while True:
        bundle = _bundle(directory / "tile" / "entries", len(found) // BUNDLE)
        if bundle is None:
            return found
        added = list(_entries(bundle))
        found += added
        if len(added) < BUNDLE:
            return found


def verify_independently(directory: Path, key_file: Path) -> subprocess.CompletedProcess:
    """What the verifier in `docs/verify` says, which shares no code with the program."""
    script = program.REPOSITORY / "docs" / "verify" / "verify_audit.py"
    command = [sys.executable, str(script), str(directory), key_file.read_text().strip()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


# === helpers ===


def _bundle(entries: Path, index: int) -> bytes | None:
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    full = entries.joinpath(*groups)
    if full.is_file():
        return full.read_bytes()
    partial = full.with_name(full.name + ".p")
    widths = sorted((int(path.name), path) for path in partial.iterdir()) if partial.is_dir() else []
    return widths[-1][1].read_bytes() if widths else None


def _entries(bundle: bytes):
    at = 0
    while at < len(bundle):
        (length,) = struct.unpack_from(">H", bundle, at)
        yield bundle[at + 2 : at + 2 + length]
        at += 2 + length
