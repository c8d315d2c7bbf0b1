"""A disk whose power can be cut: a file served over FUSE that keeps every write and every flush in order.

A loop device over that file carries a real file system. Later the file is given the content that a disk could have been left
with by a power cut after any of those operations: what was flushed by then, and of the rest some writes, some of them torn at
a sector. The program speaks the FUSE protocol itself (Linux, `include/uapi/linux/fuse.h`, 7.31): one regular file, no names.

`python -m yingdun_testkit.cut_disk FILE MOUNT_POINT BYTES` reads commands from its standard input, one a line, and answers each
with one line of JSON. When its input ends, it takes away what is mounted, also when whoever started it was killed.
"""

import bisect
import ctypes
import errno
import json
import mmap
import os
import random
import stat
import struct
import subprocess
import sys
import threading

SECTOR_BYTES = 512
#: Bytes of one request; Linux splits what is longer.
WRITE_BYTES_MAX = 1 << 20
PAGE_BYTES = 4096

#: Numbers of the requests that are answered.
GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FSYNC, FLUSH, INIT = 3, 4, 14, 15, 16, 18, 20, 25, 26
#: Requests that take no answer: FORGET, INTERRUPT, BATCH_FORGET.
UNANSWERED = {2, 36, 42}

HEADER, ANSWER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
#: Of READ and WRITE: handle, offset, bytes, flags, lock owner, flags of the file, padding.
TRANSFER = struct.Struct("<QQIIQII")

#: The kernel keeps no page of the file, so it sees at once that the content was exchanged.
FOPEN_DIRECT_IO = 1
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
MS_NOSUID, MS_NODEV = 2, 4


class Recording:
    """What is on the disk, what was, and the operations in between."""

    def __init__(self, size: int):
        self.size = size
        #: Everything that was flushed up to `self._applied`, in memory that takes room where it was written.
        self._base = os.memfd_create("base")
        os.ftruncate(self._base, size)
        self.content = mmap.mmap(-1, size)
        #: (offset, bytes) of each write, `None` for a flush.
        self.operations = []
        self._flushes = []
        self._applied = 0
        self.records = True

    def write(self, offset: int, content: bytes):
        self.content[offset : offset + len(content)] = content
        if self.records:
            self.operations.append((offset, content))

    def flush(self):
        if self.records:
            self._flushes.append(len(self.operations))
            self.operations.append(None)

    def cut(self, position: int, seed: int) -> dict:
        """Gives the disk the content of a power cut after so many operations; nothing is recorded from now on."""
        assert self._applied <= position <= len(self.operations), "cuts go forward"
        self.records = False
        flushed = bisect.bisect_left(self._flushes, position)
        durable = self._flushes[flushed - 1] + 1 if flushed else 0
        for operation in self.operations[self._applied : durable]:
            if operation:
                os.pwrite(self._base, operation[1], operation[0])
        self._applied = max(self._applied, durable)
        self.content = mmap.mmap(self._base, self.size, access=mmap.ACCESS_COPY)
        pending = [operation for operation in self.operations[durable:position] if operation]
        return {"unflushed": len(pending), **self._survive(pending, random.Random(seed))}

    def _survive(self, pending: list, dice: random.Random) -> dict:
        """Lets some of the writes through that no flush had followed."""
        # Sometimes nearly all survive, sometimes nearly none.
        chance = dice.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        kept = torn = 0
        for offset, content in pending:
            whole, partly = dice.random() < chance, dice.random() < 0.1
            kept, torn = kept + (whole and not partly), torn + partly
            for at in range(0, len(content), SECTOR_BYTES):
                if (dice.random() < 0.5) if partly else whole:
                    sector = content[at : at + SECTOR_BYTES]
                    self.content[offset + at : offset + at + len(sector)] = sector
        return {"kept": kept, "torn": torn}


class Served:
    """The recording as a file of the kernel's."""

    def __init__(self, path: str, recording: Recording, lock: threading.Lock):
        self.path, self._recording, self._lock = path, recording, lock
        open(path, "ab").close()
        self._device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._device},rootmode={stat.S_IFREG:o},user_id=0,group_id=0"
        mount = ctypes.CDLL(None, use_errno=True).mount
        if mount(b"yingdun-cut", path.encode(), b"fuse", MS_NOSUID | MS_NODEV, options.encode()):
            raise OSError(ctypes.get_errno(), "mount")

    def run(self):
        """Answers until the file is no longer mounted."""
        while True:
            try:
                request = os.read(self._device, WRITE_BYTES_MAX + PAGE_BYTES)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                raise
            _, code, unique, *_ = HEADER.unpack_from(request)
            if code in UNANSWERED:
                continue
            with self._lock:
                answer = self._answer(code, request[HEADER.size :])
            error, body = (answer, b"") if isinstance(answer, int) else (0, answer)
            os.writev(self._device, [ANSWER.pack(ANSWER.size + len(body), -error, unique), body])

    def _answer(self, code: int, body: bytes):
        """The body of an answer, or an error number."""
        if code == WRITE:
            _, offset, length, *_ = TRANSFER.unpack_from(body)
            if offset + length > self._recording.size:
                return errno.ENOSPC
            self._recording.write(offset, body[TRANSFER.size : TRANSFER.size + length])
            return struct.pack("<II", length, 0)
        if code == READ:
            _, offset, length, *_ = TRANSFER.unpack_from(body)
            return self._recording.content[offset : offset + length]
        if code == FSYNC:
            self._recording.flush()
            return b""
        if code == INIT:
            major, minor, ahead, flags = struct.unpack_from("<IIII", body)
            kept = flags & (BIG_WRITES | MAX_PAGES)
            head = struct.pack("<IIIIHHII", major, min(minor, 31), ahead, kept, 0, 0, WRITE_BYTES_MAX, 1)
            return (head + struct.pack("<H", WRITE_BYTES_MAX // PAGE_BYTES)).ljust(64, b"\0")
        if code in (GETATTR, SETATTR):
            size = self._recording.size
            times = struct.pack("<QQQIII", 0, 0, 0, 0, 0, 0)
            rest = struct.pack("<IIIIIII", stat.S_IFREG | 0o600, 1, 0, 0, 0, PAGE_BYTES, 0)
            return struct.pack("<QII", 60, 0, 0) + struct.pack("<QQQ", 1, size, size // SECTOR_BYTES) + times + rest
        if code == OPEN:
            return struct.pack("<QII", 0, FOPEN_DIRECT_IO, 0)
        if code in (FLUSH, RELEASE):
            return b""
        return errno.ENOSYS


def main():
    path, mount_point, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    recording, lock = Recording(size), threading.Lock()
    served = Served(path, recording, lock)
    threading.Thread(target=served.run, daemon=True).start()
    print(json.dumps({"ready": True}), flush=True)
    try:
        for line in sys.stdin:
            word, *numbers = line.split()
            with lock:
                if word == "cut":
                    said = recording.cut(*map(int, numbers))
                else:
                    assert word == "position", word
                    said = {"position": len(recording.operations)}
            print(json.dumps(said), flush=True)
    finally:
        for mounted in (mount_point, path):
            # Most times it is gone already; a loop device goes with the file system on it.
            subprocess.run(["umount", "-l", mounted], stderr=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
