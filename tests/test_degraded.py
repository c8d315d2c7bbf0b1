"""What people notice when a replica is lost while they read, and while a scrub reads everything again."""

import os
import random
import shutil
import threading
from pathlib import Path

import pytest

from yingdun_testkit import part10, rig
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import wait_until
from yingdun_testkit.reads import Reads
from yingdun_testkit.web import Web

#: Objects that are read at random; half a megabyte each, as a slice of a CT.
OBJECTS, ROWS = 60, 512
READERS = 3
#: Reads before and during. How long they take is judged in the long version, on a machine that does nothing else.
READS = rig.runs(60)
#: Seconds between two requests for a pass over everything.
SCRUB_ASKED_EVERY_SECONDS = 0.2
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


def reads(installation, token: str, objects: Objects, seed: int) -> Reads:
    return Reads(lambda _: Web(installation, token), objects, range(OBJECTS), seed, count=READS, readers=READERS)


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
    before = reads(installation, web.token, objects, seed).join()
    stopped, passes = threading.Event(), []

    def scrub():
        # A request, as to start a program each time would be felt more than what it asks for. A pass that is under way goes on.
        # Asked at once: few reads are soon over.
        while True:
            passes.append(installation.office.system.raw("POST", "/system/scrub").status_code)
            if stopped.wait(SCRUB_ASKED_EVERY_SECONDS):
                return

    scrubber = threading.Thread(target=scrub)
    scrubber.start()
    during = reads(installation, web.token, objects, seed + 1).join()
    stopped.set()
    scrubber.join()
    rig.leave_record(
        rig="scrub-latency", seed=seed, runs=len(during.done), acknowledged=len(book.acknowledged),
        lost=len(before.failures + during.failures), wrong=len(before.wrong + during.wrong), passes=len(passes),
        before=before.milliseconds(), during=during.milliseconds(),
    )
    assert not before.failures + during.failures + before.wrong + during.wrong and set(passes) == {202}


def test_reads_go_on_when_a_replica_is_lost(read_installation):
    installation, web, book, objects = read_installation
    seed = rig.seed()
    lose = random.Random(seed).choice([lose_by_renaming, lose_by_emptying, lose_by_truncating])
    before = reads(installation, web.token, objects, seed).join()
    during = reads(installation, web.token, objects, seed + 1)
    wait_until(lambda: len(during.done) > READS // 10, "reading has begun", 60)
    lose(installation.replicas[0])
    during.join()
    book.check(web, range(OBJECTS))
    failures, wrong = before.failures + during.failures, before.wrong + during.wrong
    rig.leave_record(
        rig="replica-loss", seed=seed, runs=len(during.done), acknowledged=len(book.acknowledged), lost=len(failures), wrong=len(wrong),
        injected=1, how=lose.__name__, before=before.milliseconds(), during=during.milliseconds(),
    )
    assert not failures and not wrong, (failures[:5], wrong[:5])
    if rig.is_long():
        added_ms = during.milliseconds()["p99_ms"] - before.milliseconds()["p99_ms"]
        assert added_ms <= 1000 * ADDED_P99_SECONDS_MAX
