"""What the rigs with a seed have in common: how often they run, the seed, and the record that they leave."""

import json
import os
import random
from pathlib import Path

#: The keys of every record; what has no meaning for a rig is `null`.
KEYS = ("rig", "runs", "acknowledged", "lost", "wrong", "injected", "detected", "repaired", "seed")


def runs(short: int) -> int:
    """How often: `YINGDUN_RIG_RUNS`, which `script/soak` sets, or the short version."""
    return int(os.environ.get("YINGDUN_RIG_RUNS") or short)


def is_long() -> bool:
    """Whether `script/soak` asked for so many runs."""
    return "YINGDUN_RIG_RUNS" in os.environ


def seed() -> int:
    """`YINGDUN_RIG_SEED`, or another one each time."""
    return int(os.environ.get("YINGDUN_RIG_SEED") or random.randrange(1 << 32))


def leave_record(**values):
    """Prints a record, and writes it to the file that `YINGDUN_RIG_RECORD` names."""
    record = {**dict.fromkeys(KEYS), **values}
    print(record)
    if path := os.environ.get("YINGDUN_RIG_RECORD"):
        Path(path).write_text(json.dumps(record) + "\n")
