"""Real file systems on a disk whose power can be cut (`cut_disk`). They need root, FUSE and loop devices."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from .installation import wait_until

#: How each file system is made, its bytes, and what puts it right when it cannot be mounted. XFS and btrfs take no less.
KINDS = {
    "ext4": (["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"], 1 << 30, ["e2fsck", "-fy"]),
    "xfs": (["mkfs.xfs", "-q", "-f", "-K"], 1 << 30, ["xfs_repair"]),
    "btrfs": (["mkfs.btrfs", "-q", "-f", "-K"], 1 << 30, ["btrfs", "check", "--repair", "--force"]),
}

#: Seconds for one call of `mount`, `mkfs` or a repair.
CALL_SECONDS_MAX = 120


def reason_to_skip(kind: str) -> str | None:
    """Why file systems of a kind cannot be cut on this machine; `None` where they can."""
    if os.getuid() != 0:
        return "cutting the power of a file system needs root"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not Path(device).exists():
            return f"cutting the power of a file system needs {device}"
    if not shutil.which(KINDS[kind][0][0]):
        return f"{KINDS[kind][0][0]} is not installed"
    return None


class CutFileSystem:
    """A file system whose power can be cut. Leaving its `with` block takes everything away, whatever happened."""

    def __init__(self, folder: Path, kind: str):
        self.make, self.size, self.repair = KINDS[kind]
        self.kind, self.image, self.mount_point = kind, folder / "disk", folder / "mounted"
        self.mount_point.mkdir(parents=True)
        #: How often the file system itself had to be put right before it could be mounted.
        self.repairs = 0
        self._process, self._lock = None, threading.Lock()

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "yingdun_testkit.cut_disk", self.image, self.mount_point, str(self.size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1], start_new_session=True,
        )
        try:
            assert json.loads(self._process.stdout.readline() or "{}").get("ready"), "the disk is not served"
            _call(*self.make, self.image)
            self.mount()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Also what somebody is still looking at: nothing is mounted here again.
        subprocess.run(["umount", "-l", self.mount_point], capture_output=True, check=False)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(CALL_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
        subprocess.run(["umount", "-l", self.image], stderr=subprocess.DEVNULL, check=False)

    def position(self) -> int:
        """How many writes and flushes have reached the disk."""
        return self._ask("position")["position"]

    def cut(self, position: int, seed: int) -> dict:
        """Unmounts, and mounts what a power cut after so many writes and flushes has left."""
        self.unmount()
        said = self._ask(f"cut {position} {seed}")
        try:
            self.mount()
        except subprocess.CalledProcessError:
            # A torn superblock, for example; an administrator would do the same.
            self.repairs += 1
            subprocess.run([*self.repair, self.image], capture_output=True, timeout=CALL_SECONDS_MAX, check=False)
            self.mount()
        return said

    def mount(self):
        if self.kind == "btrfs":
            # The kernel remembers a later life of the same file system and would refuse an earlier one.
            _call("btrfs", "device", "scan", "--forget")
        # The loop device goes when the file system on it is unmounted.
        _call("mount", "-o", "loop", "-t", self.kind, self.image, self.mount_point)

    def unmount(self):
        """Unmounts, and waits until the loop device is gone too: one that is still there, because somebody looks at a file, would
        be mounted again with what it holds in memory, instead of what the disk holds."""
        wait_until(self._is_unmounted, "nobody uses the file system any more", CALL_SECONDS_MAX)
        wait_until(lambda: not self._loop_devices(), "the loop device is gone", CALL_SECONDS_MAX)

    def _is_unmounted(self) -> bool:
        subprocess.run(["umount", self.mount_point], capture_output=True, check=False)
        return not self.mount_point.is_mount()

    def _loop_devices(self) -> str:
        listed = subprocess.run(["losetup", "--associated", self.image], capture_output=True, text=True, check=True)
        return listed.stdout.strip()

    def _ask(self, command: str) -> dict:
        with self._lock:
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


def _call(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=CALL_SECONDS_MAX)
