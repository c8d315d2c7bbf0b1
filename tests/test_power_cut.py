"""The power of a real file system is cut at any moment: nothing acknowledged is lost, nothing wrong is served.

Every write and every flush that a file system sends to its disk is recorded. An image is what a power cut could have left
after any of them: what was flushed, and of the rest some writes, some of them torn at 512 bytes. Each is mounted, opened and
compared with what was acknowledged by then. The long versions: `script/soak --rig power-cut-store` and `power-cut-server`.
"""

import json
import random
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest
import requests

from yingdun_testkit import program, rig
from yingdun_testkit.administration import Office
from yingdun_testkit.filesystem import KINDS, CutFileSystem, reason_to_skip
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import DidNotStart, Installation, wait_until
from yingdun_testkit.web import Web

#: Images of one life of a store, and of the installation with a server.
IMAGES_PER_STORE, IMAGES_PER_SERVER = 40, 25
#: Acknowledged records of a life of a store, objects of one of a server: some packs are closed in that time.
RECORDS, OBJECTS = 150, 40
#: Objects before the next study is begun, so that keys are made all the time.
OBJECTS_PER_STUDY = 3
WRITERS_MAX, SENDERS = 3, 3
#: Seconds for a life or a check; most of it is waiting for a processor on a loaded machine.
LIFE_SECONDS_MAX = 120


@pytest.fixture
def kinds():
    """The kinds of file systems that can be cut here."""
    reasons = {kind: reason_to_skip(kind) for kind in KINDS}
    for kind, reason in reasons.items():
        if reason:
            print(f"{kind} is left out: {reason}")
    found = [kind for kind, reason in reasons.items() if not reason]
    return found or pytest.skip("; ".join(sorted(set(reasons.values()))))


class Result:
    """What came of the images of a rig."""

    def __init__(self, name: str):
        self.name, self.seed = name, rig.seed()
        self.count, self.images = Counter(), Counter()

    def leave_record(self):
        count = self.count
        rig.leave_record(
            rig=self.name, seed=self.seed, runs=self.images.total(), acknowledged=count["acknowledged"], lost=count["lost"],
            wrong=count["wrong"], injected=count["injected"], file_systems=dict(self.images),
            file_systems_repaired=count["file_systems_repaired"],
        )


def cuts(begin: int, end: int, stamps: list, count: int, dice: random.Random) -> list:
    """Moments of cuts in order: half of them right after something was acknowledged."""
    after = dice.choices(stamps, k=count // 2)
    return sorted([*after, *(dice.randint(begin, end) for _ in range(count - len(after)))])


def images(disk: CutFileSystem, moments: list, dice: random.Random, result: Result):
    """Cuts the power at each of the moments; says which it is when the image is mounted."""
    for moment in moments:
        said = disk.cut(moment, dice.randrange(1 << 32))
        result.images[disk.kind] += 1
        result.count["injected"] += said["unflushed"] - said["kept"]
        yield moment
    result.count["file_systems_repaired"] += disk.repairs


# === the store alone ===


def store_under_cuts(folder: Path, kind: str, count: int, result: Result, careless: str | None = None):
    """One life of a store, and what each of some power cuts would have left of it."""
    dice = random.Random(f"{result.seed} {kind} {result.images.total()}")
    with CutFileSystem(folder, kind) as disk:
        store = disk.mount_point / "store"
        begin = disk.position()
        # What one writer does is not made durable by what another one syncs.
        writers = 1 if careless else dice.randint(1, WRITERS_MAX)
        options = ["--seed", dice.randrange(1 << 32), "--writers", writers, *(["--careless", careless] if careless else [])]
        acknowledged = live(disk, store, *options)
        moments = cuts(begin, disk.position(), [stamp for stamp, _ in acknowledged], count, dice)
        for moment in images(disk, moments, dice, result):
            then = "".join(line for stamp, line in acknowledged if stamp <= moment)
            found = subprocess.run(
                [program.life(), "check", store], input=then, capture_output=True, text=True, timeout=LIFE_SECONDS_MAX, check=False
            )
            assert found.stdout, f"{kind}, cut after {moment}: {found.stderr}"
            result.count.update(json.loads(found.stdout), acknowledged=then.count("\n"))


def live(disk: CutFileSystem, store: Path, *options) -> list:
    """Lets a store live, and kills it: what it acknowledged, each with what had reached the disk when that was heard."""
    words = [program.life(), "write", store, *map(str, options)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        patience = threading.Timer(LIFE_SECONDS_MAX, process.kill)
        patience.start()
        try:
            acknowledged = []
            while len(acknowledged) < RECORDS and (line := process.stdout.readline()):
                acknowledged.append((disk.position(), line))
        finally:
            patience.cancel()
            process.kill()
    assert len(acknowledged) == RECORDS, "the store ended by itself"
    return acknowledged


def test_what_a_store_acknowledged_survives_power_cuts_of_real_file_systems(kinds, tmp_path):
    result, runs = Result("power-cut-store"), rig.runs(24)
    try:
        while (done := result.images.total()) < runs:
            kind = min(kinds, key=result.images.__getitem__)
            share = min(IMAGES_PER_STORE, runs - done, -(-runs // len(kinds)))
            store_under_cuts(tmp_path / str(done), kind, share, result)
    finally:
        result.leave_record()
    assert (result.count["lost"], result.count["wrong"]) == (0, 0)
    assert result.count["acknowledged"] > 10 * runs and result.count["injected"], "the cuts came at idle moments"


@pytest.mark.parametrize("careless", ["data", "names"])
def test_a_careless_store_is_caught(careless, kinds, tmp_path):
    result = Result(f"power-cut-store, careless with {careless}")
    store_under_cuts(tmp_path, kinds[0], IMAGES_PER_STORE, result, careless)
    assert result.count["lost"], f"careless with {careless}"


# === the server with its catalogue, keys and audit log ===


class StampedBook(Book):
    """A book that knows with each acknowledgement what had reached the disk by then."""

    def __init__(self, disk: CutFileSystem):
        super().__init__()
        self._disk, self.stamps = disk, {}

    def take_note(self, number: int):
        self.stamps[number] = self._disk.position()
        super().take_note(number)

    def as_of(self, moment: int) -> Book:
        """What was acknowledged when so much had reached the disk; of the rest it is open whether it is there."""
        book = Book()
        book.sent = dict(self.sent)
        book.acknowledged = {number: self.sent[number] for number, stamp in self.stamps.items() if stamp <= moment}
        return book


def server_under_cuts(folder: Path, kind: str, count: int, result: Result, environment=None):
    """One installation on a disk, and what each of some power cuts would have left of it. With an `environment` that makes
    the server careless, until something is lost."""
    dice = random.Random(f"{result.seed} {kind} {result.images.total()}")
    with CutFileSystem(folder, kind) as disk:
        installation = Installation(disk.mount_point / "archive", settings={"STORAGE__RESERVE_BYTES": "0"})
        try:
            book, token, begin = receive(installation, disk, environment)
            moments = cuts(begin, disk.position(), list(book.stamps.values()), count, dice)
            for moment in images(disk, moments, dice, result):
                examine(installation, token, book.as_of(moment), result)
                if environment and result.count["lost"]:
                    break
        finally:
            installation.kill()


def receive(installation: Installation, disk: CutFileSystem, environment) -> tuple:
    """Lets a server receive, and kills it: what it acknowledged, a token, and where it was all set up."""
    installation.start(environment)
    token = Office(installation).client_token("power", "store", "search", "view")
    book, begin = StampedBook(disk), disk.position()
    enough = threading.Event()

    def send(name: str):
        web = Web(installation, token)
        for study in range(OBJECTS):
            large = study == 1
            objects = Objects(f"power-{name}-{study}", rows=2200 if large else 64)
            for _ in range(1 if large else OBJECTS_PER_STUDY):
                number = book.next(objects)
                try:
                    answer = web.store(objects.file(number))
                except requests.RequestException:
                    return
                assert answer.status_code == 200, answer.text
                book.take_note(number)
                if enough.is_set():
                    return

    senders = [threading.Thread(target=send, args=(name,), daemon=True) for name in range(SENDERS)]
    for sender in senders:
        sender.start()
    wait_until(lambda: len(book.acknowledged) >= OBJECTS, "so much is acknowledged", LIFE_SECONDS_MAX)
    enough.set()
    installation.kill()
    for sender in senders:
        sender.join(LIFE_SECONDS_MAX)
    return book, token, begin


def examine(installation: Installation, token: str, book: Book, result: Result):
    """Starts the server on an image and looks for all that was acknowledged."""
    result.count["acknowledged"] += len(book.acknowledged)
    try:
        assert installation.verify_audit()["ok"], "the ledger verifies as it lies there"
        installation.start()
        book.check(Web(installation, token), book.sent)
        installation.kill()
        assert installation.verify_audit()["ok"], "the ledger verifies after it went on"
    except DidNotStart as error:
        print(error)
        result.count["lost"] += len(book.acknowledged)
    except AssertionError as error:
        print(error)
        result.count["lost"] += len(book.lost) or not book.wrong
        result.count["wrong"] += len(book.wrong)
    finally:
        installation.kill()


def test_what_a_server_acknowledged_survives_power_cuts_of_real_file_systems(kinds, tmp_path):
    result, runs = Result("power-cut-server"), rig.runs(4)
    try:
        while (done := result.images.total()) < runs:
            kind = min(kinds, key=result.images.__getitem__)
            share = min(IMAGES_PER_SERVER, runs - done)
            server_under_cuts(tmp_path / str(done), kind, share, result)
    finally:
        result.leave_record()
    assert (result.count["lost"], result.count["wrong"]) == (0, 0)
    assert result.count["acknowledged"], "the cuts came before anything"


def test_a_server_whose_databases_sync_nothing_is_caught(kinds, tmp_path):
    source, library = tmp_path / "careless.c", tmp_path / "careless.so"
    source.write_text("int fsync(int file) { return 0; }\nint fdatasync(int file) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    result = Result("power-cut-server, careless")
    # Packs and audit log call the kernel themselves, so what is careless are the databases and single files.
    server_under_cuts(tmp_path, kinds[0], IMAGES_PER_SERVER, result, {"LD_PRELOAD": str(library)})
    assert result.count["lost"], "it is caught"
