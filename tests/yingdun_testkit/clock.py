"""The wall clock of one process, which `libfaketime` sets; its monotonic clock goes on."""

from pathlib import Path

import pytest


class Clock:
    """Where the wall clock of a process stands that is started with [`environment`], in seconds from the right time."""

    def __init__(self, folder: Path):
        found = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not found:
            pytest.skip("libfaketime is not installed")
        self.file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        self.set(0)

    def set(self, seconds: int):
        self.file.write_text(f"{seconds:+d}")
