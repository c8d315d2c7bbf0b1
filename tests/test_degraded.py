"""What people notice when a replica is lost while they read, and while a scrub reads everything again."""

import os
import random
import shutil
import threading
import time
from pathlib import Path

import pytest

from yingdun_testkit import part10, program, rig
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: Objects that are read at random; half a megabyte each, as a slice of a CT.
OBJECTS, ROWS = 60, 512
READERS = 3
#: Reads before and during. How long they take is judged in the long version, on a machine that does nothing else.
READS = rig.runs(60)
#: What a lost replica may add to the slowest hundredth of the reads, in seconds.
ADDED_P99_SECONDS_MAX = 1.0


@pytest.fixture(scope="module")
def read_installation(make_installation):
    """An installation with objects to read, whose packs are sealed."""
    installation = make_installation("degraded")
    web = Web(installation, installation.office.client_token("reader", "store", "search", "view"))
    book, objects = Book(), Objects("degraded", rows=ROWS)
    for _ in range(OBJECTS):
        number = book.next(objects)
        assert web.store(objects.file(number)).status_code == 200
        book.take_note(number)
    # A pack from before the start is sealed, and is opened anew.
    installation.restart()
    installation.office.sign_in_officers()
    return installation, web, book, objects


class Reads:
    """Reads from several threads, and how long each took; none may fail, none may be wrong."""

    def __init__(self, installation, token: str, objects: Objects, count: int, seed: int):
        self.seconds, self.failures = [], []
        self._lock = threading.Lock()
        share = -(-count // READERS)
        threads = [
            threading.Thread(target=self._read, args=(Web(installation, token), objects, share, random.Random(seed + number)))
            for number in range(READERS)
        ]
        for thread in threads:
            thread.start()
        self._threads = threads

    def join(self) -> "Reads":
        for thread in self._threads:
            thread.join()
        return self

    def _read(self, web: Web, objects: Objects, count: int, dice: random.Random):
        for _ in range(count):
            number = dice.randrange(OBJECTS)
            begun = time.monotonic()
            answer = web.get(objects.path(number), "application/dicom; transfer-syntax=*")
            seconds = time.monotonic() - begun
            right = answer.status_code == 200 and part10.data_set_bytes(answer.content) == part10.data_set_bytes(objects.file(number))
            with self._lock:
                self.seconds.append(seconds)
                if not right:
                    self.failures.append((number, answer.status_code))

    def percentile(self, percent: int) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def in_milliseconds(reads: Reads) -> dict:
    return {f"p{percent}_ms": round(1000 * reads.percentile(percent), 1) for percent in (50, 95, 99)}


def lose_by_renaming(replica: Path):
    replica.rename(replica.with_name("elsewhere"))


def lose_by_emptying(replica: Path):
    shutil.rmtree(replica / "packs")


def lose_by_truncating(replica: Path):
    for path in (replica / "packs").iterdir():
        os.truncate(path, path.stat().st_size // 2)


def test_reads_go_on_while_a_scrub_reads_everything(read_installation):
    installation, web, book, objects = read_installation
    seed = rig.seed()
    officer = {
        "YINGDUN_TOKEN": installation.office.system.token, "YINGDUN_SERVER": installation.addresses.web,
        "YINGDUN_CA_FILE": str(installation.ca_file),
    }
    before = Reads(installation, web.token, objects, READS, seed).join()
    stopped, passes = threading.Event(), []

    def scrub():
        while not stopped.is_set():
            passes.append(program.run("scrub", "--now", env=officer).returncode)

    scrubber = threading.Thread(target=scrub)
    scrubber.start()
    during = Reads(installation, web.token, objects, READS, seed + 1).join()
    stopped.set()
    scrubber.join()
    rig.leave_record(
        rig="scrub-latency", seed=seed, runs=len(during.seconds), acknowledged=len(book.acknowledged),
        lost=len(before.failures + during.failures), wrong=0, passes=len(passes),
        before=in_milliseconds(before), during=in_milliseconds(during),
    )
    assert not before.failures + during.failures and passes and not any(passes)


def test_reads_go_on_when_a_replica_is_lost(read_installation):
    installation, web, book, objects = read_installation
    seed = rig.seed()
    lose = random.Random(seed).choice([lose_by_renaming, lose_by_emptying, lose_by_truncating])
    before = Reads(installation, web.token, objects, READS, seed).join()
    during = Reads(installation, web.token, objects, READS, seed + 1)
    wait_until(lambda: len(during.seconds) > READS // 10, "reading has begun", 60)
    lose(installation.replicas[0])
    during.join()
    book.check(web, range(OBJECTS))
    failures = before.failures + during.failures
    rig.leave_record(
        rig="replica-loss", seed=seed, runs=len(during.seconds), acknowledged=len(book.acknowledged), lost=len(failures), wrong=0,
        injected=1, how=lose.__name__, before=in_milliseconds(before), during=in_milliseconds(during),
    )
    assert not failures, failures[:5]
    if rig.is_long():
        assert during.percentile(99) - before.percentile(99) <= ADDED_P99_SECONDS_MAX
