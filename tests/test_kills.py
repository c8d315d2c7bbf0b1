"""`kill -9` while objects come in: what was acknowledged is there bit for bit."""

import os
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from yingdun_testkit import part10, program, rig
from yingdun_testkit.ingest import Book, Objects, Senders
from yingdun_testkit.web import Web

#: Kills while objects are coming in. The full run: `script/soak --rig kill`.
KILLS = rig.runs(20)

#: Kills that one archive lives through. Then everything in it is looked at, and the next archive begins: one kill leaves some 80 MB, and
#: a long run needs a disk that does not grow with it. A token lasts as long.
KILLS_PER_LIFE = 50

#: Archives at a time. Most of a life is waiting, for a disk and for a start, and two of them meet each other's load.
LIVES_AT_ONCE = 2


def full_access(installation) -> Web:
    return Web(installation, installation.office.client_token("durable", "store", "search", "view"))


def test_kills_during_ingest_lose_nothing_that_was_acknowledged(make_installation, installations):
    seed = rig.seed()
    lives = [Life(f"{seed} {first}", min(KILLS_PER_LIFE, KILLS - first)) for first in range(0, KILLS, KILLS_PER_LIFE)]
    threads = ThreadPoolExecutor(LIVES_AT_ONCE)
    try:
        for ended in [threads.submit(life.live, make_installation, installations) for life in lives]:
            ended.result()
    finally:
        threads.shutdown(cancel_futures=True)
        books = [life.book for life in lives]
        total = lambda of: sum(len(of(book)) for book in books)
        rig.leave_record(
            rig="kill", seed=seed, runs=sum(life.killed for life in lives), acknowledged=total(lambda book: book.acknowledged),
            lost=total(lambda book: book.lost), wrong=total(lambda book: book.wrong),
        )


class Life:
    """An archive from its first start to the last of its kills, and what was acknowledged in it."""

    def __init__(self, seed: str, kills: int):
        self.book, self.killed = Book(), 0
        self._dice, self._kills = random.Random(seed), kills
        # Small ones share a pack and a sync; the large ones (9.7 MB) have a way of their own.
        sizes = {"small": 64, "middle": 400, "large": 2200, "d": 64}
        self._objects = [Objects(f"kill-{name}-{seed}", rows=rows) for name, rows in sizes.items()]

    def live(self, make_installation, installations):
        """Kills the server as often as it is to be, and then looks at everything; the archive is removed after a good life."""
        installation = make_installation("kill")
        installation.office.device("KILLED", plain_allowed=True)
        web = full_access(installation)
        while self.killed < self._kills:
            self._kill(installation, web)
        assert len(self.book.acknowledged) > self._kills, "the kills came before anything was acknowledged"
        self.book.check(web, range(len(self.book.sent)))
        assert installation.stop() == 0
        report = installation.verify_audit()
        assert report["ok"] and report["tail_unsigned"] == 0, report
        installations.remove_one(installation)

    def _kill(self, installation, web: Web):
        """Kills the server while it receives, starts it again and looks for what it has."""
        checked = len(self.book.sent)
        senders = Senders(installation, web.token, self.book, "KILLED", self._objects)
        time.sleep(self._dice.uniform(0.05, 0.8))
        installation.kill()
        senders.stopped.set()
        self.killed += 1
        if self.killed % 10 == 1:
            assert installation.verify_audit()["ok"], "the ledger of a killed server verifies as it lies there"
        # Who sends over DIMSE waits for an answer a while longer.
        installation.start()
        senders.join()
        # Of this kill everything, of the ones before a sample.
        before = self._dice.sample(range(checked), min(checked, 20))
        self.book.check(web, [*before, *range(checked, len(self.book.sent))])


def test_a_kill_in_the_middle_of_the_first_seconds_needs_no_hand(make_installation):
    installation = make_installation("kill-start")
    image = part10.image(patient_id="kill-start")
    web = full_access(installation)
    web.must_store(part10.file_bytes(image))
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3):
        installation.kill()
        with open(installation.log_path, "ab") as log:
            process = subprocess.Popen(
                [program.binary(), "serve", "--config", installation.config], stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, **installation.environment()},
            )
        time.sleep(delay)
        process.kill()
        process.wait()
        installation.start()
        assert part10.parse(web.file_of(image)) == image
