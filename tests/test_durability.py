"""Nothing that was acknowledged is lost and nothing wrong is served: lost replicas, flipped bytes, full disks."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pynetdicom
import pytest
import requests
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import DidNotStart, Installation, wait_until
from yingdun_testkit.web import Web, outcome

#: Seconds for a replica to become whole again.
REFILL_SECONDS_MAX = 60


def full_access(installation) -> Web:
    return Web(installation, installation.office.client_token("durable", "store", "search", "view"))


# === replicas ===


@pytest.fixture
def kept(make_installation, request):
    """An installation with a few objects, and the answers that must never change."""
    installation = make_installation(request.node.name[:30])
    web = full_access(installation)
    images = [part10.image(patient_id="kept", rows=rows, seed=rows) for rows in (32, 64, 500, 2200)]
    for image in images:
        web.must_store(part10.file_bytes(image))
    return installation, web, images, answers(web, images)


def answers(web, images) -> list:
    """What the archive says of these images, in every form."""
    said = [sorted(row["0020000D"]["Value"][0] for row in web.search("/studies", PatientID="kept"))]
    for image in images:
        said.append(part10.data_set_bytes(web.file_of(image)))
        metadata = web.get(f"/studies/{image.StudyInstanceUID}/metadata")
        assert metadata.status_code == 200, metadata.text
        said.append(_without_address(web, metadata))
    return said


def packs(replica: Path) -> dict:
    return {path.name: path.read_bytes() for path in (replica / "packs").rglob("*") if path.is_file()}


def whole(installation) -> bool:
    """All replicas hold the same packs."""
    try:
        first, *others = [packs(replica) for replica in installation.replicas]
    except FileNotFoundError:
        return False
    return bool(first) and all(other == first for other in others)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_replica_that_is_deleted_while_running_changes_no_answer_and_comes_back(kept, which):
    installation, web, images, before = kept
    shutil.rmtree(installation.replicas[which])
    assert answers(web, images) == before
    more = part10.image(patient_id="afterwards")
    web.must_store(part10.file_bytes(more))
    wait_until(lambda: _try(answers, web, images) == before, "the answers stay")
    installation.restart()
    assert answers(web, images) == before
    wait_until(lambda: whole(installation), "the replica is refilled", REFILL_SECONDS_MAX, step=0.5)
    assert part10.parse(web.file_of(more)) == more


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_replica_that_is_deleted_while_stopped_changes_no_answer_and_comes_back(kept, which):
    installation, web, images, before = kept
    installation.stop()
    shutil.rmtree(installation.replicas[which])
    installation.start()
    assert answers(web, images) == before
    wait_until(lambda: whole(installation), "the replica is refilled", REFILL_SECONDS_MAX, step=0.5)
    # It is not only there, it is good for something: alone with one other, the answers are the same.
    installation.stop()
    shutil.rmtree(installation.replicas[(which + 1) % 3])
    installation.start()
    assert answers(web, images) == before


def test_a_disk_is_changed_while_the_archive_runs(kept):
    installation, web, images, before = kept
    officer = {
        "YINGDUN_TOKEN": installation.office.system.token, "YINGDUN_SERVER": installation.addresses.web,
        "YINGDUN_CA_FILE": str(installation.ca_file),
    }

    def state():
        return {row["label"]: row for row in program.run_json("replica", "list", env=officer)}["b"]

    def open_files() -> list:
        links = Path(f"/proc/{installation.process.pid}/fd").iterdir()
        return [path for path in map(_target, links) if path.startswith(str(installation.replicas[1]))]

    assert program.run("replica", "drain", "b", env={**officer, "YINGDUN_TOKEN": web.token}).returncode == 1
    program.run_json("replica", "drain", "b", env=officer)
    wait_until(lambda: state()["state"] == "drained", "nothing on it is needed", REFILL_SECONDS_MAX, step=0.2)
    wait_until(lambda: not open_files(), "nothing of it is open", 20)
    refused = installation.office.system.raw("POST", "/system/replicas/a/drain")
    assert refused.status_code == 409, "the quorum needs the two that are left"
    more = part10.image(patient_id="meanwhile")
    web.must_store(part10.file_bytes(more))
    assert answers(web, images) == before and not open_files()

    shutil.rmtree(installation.replicas[1])
    row = program.run_json("replica", "replace", "b", env=officer)[1]
    assert row["label"] == "b" and row["state"] == "ready" and row["same_device_as"], "one disk here, and it says so"
    wait_until(lambda: state()["awaiting_repair"] == 0, "it is filled", REFILL_SECONDS_MAX, step=0.2)
    installation.kill()
    installation.start()
    wait_until(lambda: whole(installation), "all replicas are the same", REFILL_SECONDS_MAX, step=0.5)
    assert answers(web, images) == before and part10.parse(web.file_of(more)) == more


def test_with_one_room_left_no_image_is_taken_and_everything_says_which_room_is_missing(make_installation):
    installation = make_installation("rooms", serve=False, settings={"STORAGE__WRITE_DOMAINS": "2"})
    text = installation.config.read_text()
    for letter, room in zip("abc", ("north", "north", "south"), strict=True):
        text = text.replace(f'failure_domain = "disk-{letter}"', f'failure_domain = "{room}"')
    installation.config.write_text(text)
    installation.start()
    installation.office = Office(installation)
    web, book, objects = full_access(installation), Book(), Objects("rooms")
    installation.office.device("ROOMS", plain_allowed=True)
    officer = {
        "YINGDUN_TOKEN": installation.office.system.token, "YINGDUN_SERVER": installation.addresses.web,
        "YINGDUN_CA_FILE": str(installation.ca_file),
    }

    def store_one() -> requests.Response:
        number = book.next(objects)
        answer = web.store(objects.file(number))
        if answer.status_code == 200:
            book.take_note(number)
        return answer

    def domains_missing() -> float:
        return installation.office.metrics()["yingdun_storage_write_domains_missing"]

    assert store_one().status_code == 200 and domains_missing() == 0
    # The other in the north does for it; the one in the south cannot be spared.
    refused = installation.office.system.raw("POST", "/system/replicas/c/drain")
    assert refused.status_code == 409 and "south" in refused.text, refused.text
    south = installation.replicas[2]

    def stand_in_its_way() -> bool:
        # The archive may have made the folder anew in between.
        shutil.rmtree(south, ignore_errors=True)
        with contextlib.suppress(OSError), open(south, "x", encoding="ascii"):
            return True
        return False

    wait_until(stand_in_its_way, "the folder of the south is gone", 30)
    wait_until(lambda: store_one().status_code == 503, "the south is missed", 30)
    assert c_store(installation, "ROOMS", objects.file(book.next(objects))) == 0xA700
    wait_until(lambda: domains_missing() == 1, "it is in the metrics", 30)
    assert "none can in south" in installation.log_text()
    store = installation.office.system.get("/system/status")["storage"]
    assert not store["writable"] and "south" in store["short_of"], store
    told = program.run("replica", "list", env=officer)
    assert told.returncode == 1 and "none can in south" in told.stdout, told.stdout
    doctor = program.run("doctor", "--config", installation.config, env=installation.environment())
    assert doctor.returncode == 1 and "none can in south" in doctor.stdout, doctor.stdout
    book.check(web, range(len(book.sent)))

    south.unlink()
    south.mkdir(mode=0o700)
    # When it was missing only, it comes back by itself, and there is nothing to replace.
    assert installation.office.system.raw("POST", "/system/replicas/c/replace").status_code in (202, 409)
    wait_until(lambda: store_one().status_code == 200, "the south is there", 30)
    wait_until(lambda: domains_missing() == 0, "it is in the metrics", 30)
    installation.office.system.raw("POST", "/system/replicas/a/drain")
    assert store_one().status_code == 200, "one in each room"
    book.check(web, range(len(book.sent)))


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def _try(ask, *arguments):
    try:
        return ask(*arguments)
    except AssertionError:
        return None


# === flipped bytes ===


def flip(path: Path, at: int):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))


def places(path: Path, count: int) -> list:
    """Places in a file: all of a small one, its ends and an even spread of a large one."""
    size = path.stat().st_size
    if size <= count:
        return list(range(size))
    step = size / count
    return sorted({0, size - 1, *(int(number * step) for number in range(count))})


def tiny(make_installation, name):
    installation = make_installation(name)
    web = full_access(installation)
    image = part10.image(patient_id="kept", rows=32, columns=32)
    web.must_store(part10.file_bytes(image))
    return installation, web, [image], answers(web, [image])


def test_a_scrub_finds_and_repairs_what_nobody_has_read(kept):
    installation, web, images, before = kept
    officer = {
        "YINGDUN_TOKEN": installation.office.system.token, "YINGDUN_SERVER": installation.addresses.web,
        "YINGDUN_CA_FILE": str(installation.ca_file),
    }

    def scrubbed(code=0):
        """Checks every byte now, and says what each replica says then."""
        program.run_json("scrub", "--now", env=officer)
        resting = lambda: all(row["scrub"]["state"] == "resting" for row in program.run_json("scrub", env=officer, code=code))
        wait_until(resting, "the passes are through", REFILL_SECONDS_MAX, step=0.2)
        return {row["label"]: row["scrub"]["last"] for row in program.run_json("scrub", env=officer, code=code)}

    sound = scrubbed()
    assert {(last["found"], last["lost"]) for last in sound.values()} == {(0, 0)}
    assert {last["records"] for last in sound.values()} == {len(images)}
    # A pass closes the pack that is being written, so this one goes into another.
    web.must_store(part10.file_bytes(part10.image(patient_id="another")))
    assert {last["records"] for last in scrubbed().values()} == {len(images) + 1}
    good = [packs(replica) for replica in installation.replicas]
    damaged = sorted((installation.replicas[1] / "packs").glob("*.pack"))
    flip(damaged[0], damaged[0].stat().st_size // 2)
    damaged[-1].unlink()
    found = scrubbed()
    assert (found["b"]["found"], found["b"]["lost"]) == (2, 0)
    assert {found[label]["found"] for label in ("a", "c")} == {0}
    wait_until(lambda: [packs(replica) for replica in installation.replicas] == good, "it is repaired", REFILL_SECONDS_MAX)
    assert answers(web, images) == before
    reasons = lambda: {leaf["reason"] for leaf in installation.office.leaves(kind="repair")}
    wait_until(lambda: {"scrub-finished", "bytes-quarantined", "pack-repaired"} <= reasons(), "the leaves", 20)
    assert program.run("scrub", "--now", env={**officer, "YINGDUN_TOKEN": web.token}).returncode == 1
    # Also the one who looks from outside sees it, and a killed program remembers.
    installation.kill()
    installation.start()
    examined = program.run_json("doctor", "--config", installation.config, env=installation.environment())
    last = [finding for finding in examined["findings"] if "last checked in full" in finding["cause"]]
    assert len(last) == 3 and {finding["severity"] for finding in last} == {"note"}, examined


def test_a_flipped_byte_in_one_replica_changes_no_answer_and_is_put_right(make_installation):
    installation, web, images, before = tiny(make_installation, "flip-one")
    installation.restart()  # seals the pack
    installation.office.sign_in_officers()
    assert answers(web, images) == before
    (name,) = packs(installation.replicas[0])
    spread = places(installation.replicas[0] / "packs" / name, 60)

    def is_put_right(path: Path, at: int) -> bool:
        flip(path, at)
        assert answers(web, images) == before, f"byte {at} of {path}"
        right = _within(lambda: whole(installation), 0.3)
        if not right:
            flip(path, at)  # no answer came from there
        return right

    # When all is well one replica is read: the one that notices a byte in the middle.
    middle = spread[len(spread) // 2]
    paths = [replica / "packs" / name for replica in installation.replicas]
    path = next(path for path in paths if is_put_right(path, middle))
    repaired = sum(is_put_right(path, at) for at in spread)
    assert repaired >= len(spread) // 2, f"{repaired} of {len(spread)} flips were put right by reading"
    assert sum(leaf["reason"] == "bytes-quarantined" for leaf in installation.office.leaves(kind="repair"))


def _within(true, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_bytes_flipped_in_every_replica_are_never_served(make_installation):
    installation, web, images, before = tiny(make_installation, "flip-all")
    installation.stop()
    original = {
        path: path.read_bytes()
        for replica in installation.replicas
        for path in replica.rglob("*")
        if path.is_file()
    }
    (name,) = packs(installation.replicas[0])
    detected, spread = 0, places(installation.replicas[0] / "packs" / name, 16)
    for at in spread:
        for replica in installation.replicas:
            flip(replica / "packs" / name, at)
        try:
            installation.start()
        except DidNotStart:
            detected += 1
        else:
            detected += served_right_or_not_at_all(web, images, before)
            installation.stop()
        for replica in installation.replicas:
            shutil.rmtree(replica)
        for path, content in original.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    assert detected >= len(spread) // 2, f"{detected} of {len(spread)} flips were noticed"
    installation.start()
    assert answers(web, images) == before


def served_right_or_not_at_all(web, images, before) -> bool:
    """Compares what is served with what was stored; returns whether something was refused."""
    image, refused = images[0], False
    address = (image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    for wanted, ask, read in [
        (before[1], lambda: web.instance(*address), lambda answer: part10.data_set_bytes(answer.content)),
        (before[2], lambda: web.get(f"/studies/{address[0]}/metadata"), lambda answer: _without_address(web, answer)),
    ]:
        # A status, not a broken connection: nothing of so small an image is sent before all of it was verified.
        answer = ask()
        if answer.status_code == 200:
            assert read(answer) == wanted
        refused |= answer.status_code != 200
    return refused


def _without_address(web, answer) -> str:
    # The address of the server is part of bulk data addresses, and its port changes with each start.
    return answer.text.replace(web.installation.addresses.web, "")


def test_no_byte_of_the_root_key_file_can_change(make_installation):
    installation, web, images, before = tiny(make_installation, "flip-root")
    installation.stop()
    root = installation.directory / "keys" / "root.key"
    content = root.read_bytes()
    for at in places(root, 24):
        flip(root, at)
        with pytest.raises(DidNotStart):
            installation.start()
        root.write_bytes(content)
    installation.start()
    assert answers(web, images) == before


@pytest.mark.parametrize("database", ["keys", "catalogue", "identity"])
def test_flipped_bytes_of_a_database_open_nothing_wrong(make_installation, database):
    installation, web, images, before = tiny(make_installation, f"flip-{database}")
    installation.stop()
    files = {path: path.read_bytes() for path in (installation.directory / "db").iterdir()}
    path = installation.directory / "db" / f"{database}.db"
    dice = random.Random(7)
    for _ in range(8):
        for at in dice.sample(range(path.stat().st_size), 40):
            flip(path, at)
        try:
            installation.start()
        except DidNotStart:
            pass
        else:
            answer = web.instance(images[0].StudyInstanceUID, images[0].SeriesInstanceUID, images[0].SOPInstanceUID)
            if answer.status_code == 200:
                assert part10.data_set_bytes(answer.content) == before[1]
            installation.kill()
        for stale in (installation.directory / "db").iterdir():
            stale.unlink()
        for file, content in files.items():
            file.write_bytes(content)
    installation.start()
    assert answers(web, images) == before


def test_no_changed_column_of_the_catalogue_changes_a_file_or_stops_a_start(make_installation):
    """The catalogue is derived, and its plain columns carry no seal: a changed one can make a search answer wrong. A file is
    right, header and all, or refused; and the archive starts without a hand."""
    installation, web, images, before = tiny(make_installation, "rows")
    image = images[0]
    right = web.instance(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    assert part10.data_set_bytes(right.content) == before[1]
    installation.stop()
    folder = installation.directory / "db"
    files = {path: path.read_bytes() for path in folder.iterdir()}
    refused = set()
    tables = ["study", "series", "instance", "image_format", "pack_watermark"]
    for table, column, kind in columns(folder / "catalogue.db", tables):
        for change in CHANGES[kind]:
            change_column(folder / "catalogue.db", table, column, change)
            installation.start()
            try:
                answer = web.instance(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
                if answer.status_code == 200:
                    assert answer.content == right.content, f"{table}.{column}"
                    assert answer.headers["content-type"] == right.headers["content-type"], f"{table}.{column}"
                else:
                    refused.add((table, column))
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                refused.add((table, column))  # broken off, by a server that lives on
                assert web.get("/studies").status_code == 200
            installation.kill()
            for stale in folder.iterdir():
                stale.unlink()
            for path, content in files.items():
                path.write_bytes(content)
    in_header = {("image_format", column) for column in ("sop_class_uid", "transfer_syntax_uid")}
    assert in_header | {("instance", column) for column in ("sop_instance_uid", "object_bytes", "location")} <= refused


def columns(database: Path, tables: list) -> list:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [
            (table, name, kind)
            for table in tables
            for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
        ]


#: The last byte of a text is changed, the first of a binary value; a number is another one, and one that cannot be.
CHANGES = {
    "INTEGER": ["{0} + 1", "-(1 << 40) - {0}"],
    "TEXT": ["substr({0}, 1, length({0}) - 1) || char(unicode(substr({0}, -1)) + 1)"],
    "BLOB": ["CAST(CASE WHEN substr({0}, 1, 1) = x'55' THEN x'AA' ELSE x'55' END || substr({0}, 2) AS BLOB)"],
}


def change_column(database: Path, table: str, column: str, change: str):
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = {change.format(column)}")


# === full disks ===


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 512 MB in memory. A pack grows in steps of 32 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here (needs root): {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def fill(disk: Path, ballast: Path, leave: int):
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leave)


def test_full_replicas_refuse_and_take_again_when_there_is_space(make_installation, small_disk):
    replicas = [small_disk / f"replica-{letter}" for letter in "abc"]
    ballast = small_disk / "ballast"
    fill(small_disk, ballast, leave=150 << 20)
    settings = {"STORAGE__RESERVE_BYTES": str(4 << 20)}
    installation = make_installation("full", replicas=replicas, settings=settings)
    installation.office.device("FULL", plain_allowed=True)
    web, book, objects = full_access(installation), Book(), Objects("full", rows=700)
    refusal = None
    for _ in range(100):
        number = book.next(objects)
        answer = web.store(objects.file(number))
        if answer.status_code != 200:
            refusal = answer
            break
        book.take_note(number)
    assert refusal is not None and refusal.status_code == 507, refusal and refusal.text
    assert outcome(refusal).startswith("out of resources (507)")
    assert c_store(installation, "FULL", objects.file(book.next(objects))) == 0xA700
    assert book.acknowledged
    book.check(web, range(len(book.sent)))
    assert web.get("/studies").status_code == 200, "reading goes on"
    installation.restart()
    book.check(web, range(len(book.sent)))

    ballast.unlink()
    number = book.next(objects)
    wait_until(lambda: web.store(objects.file(number)).status_code == 200, "space is found again", 30, step=0.5)
    book.take_note(number)
    number = book.next(objects)
    assert c_store(installation, "FULL", objects.file(number)) == 0
    book.take_note(number)
    book.check(web, range(len(book.sent)))


def test_an_archive_whose_only_disk_is_full_refuses_loses_nothing_and_goes_on_when_there_is_space(small_disk):
    """Packs, databases and audit log are all on it: whatever it is that has no room, nothing of that is for ever."""
    installation = Installation(small_disk / "archive", settings={"STORAGE__RESERVE_BYTES": "0"})
    try:
        installation.start()
        installation.office = Office(installation)
        installation.office.device("FULL", plain_allowed=True)
        web, book = full_access(installation), Book()

        def store_one() -> requests.Response:
            # Each is of a study of its own, so that a key is made for it.
            objects = Objects(f"full-{len(book.sent)}")
            number = book.next(objects)
            answer = web.store(objects.file(number))
            if answer.status_code == 200:
                book.take_note(number)
            return answer

        assert [store_one().status_code for _ in range(5)] == [200] * 5
        ballast = small_disk / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
        # There is some room in what has its length already.
        wait_until(lambda: store_one().status_code != 200, "it is full", 60, step=0)
        assert {store_one().status_code for _ in range(20)} <= {503, 507}
        objects = Objects("full-dimse")
        assert c_store(installation, "FULL", objects.file(book.next(objects))) == 0xA700
        # Long enough for what works in the background to find no room: tiles, checkpoints, the next segment of the journal.
        time.sleep(3)
        ballast.unlink()
        wait_until(lambda: store_one().status_code == 200, "space is found again", 30, step=0.2)
        wait_until(lambda: c_store(installation, "FULL", objects.file(book.next(objects))) == 0, "by DIMSE too", 30)
        book.check(web, range(len(book.sent)))
        assert installation.stop() == 0
        assert installation.verify_audit()["ok"]
        installation.start()
        book.check(web, range(len(book.sent)))
    finally:
        installation.kill()


def test_one_full_replica_stops_nothing_and_catches_up(make_installation, small_disk, tmp_path):
    replicas = [tmp_path / "replica-a", small_disk / "replica-b", tmp_path / "replica-c"]
    ballast = small_disk / "ballast"
    fill(small_disk, ballast, leave=20 << 20)
    settings = {"STORAGE__RESERVE_BYTES": str(4 << 20)}
    installation = make_installation("full-one", replicas=replicas, settings=settings)
    web, book, objects = full_access(installation), Book(), Objects("full-one", rows=700)
    for _ in range(30):
        number = book.next(objects)
        answer = web.store(objects.file(number))
        assert answer.status_code == 200, f"two replicas have space: {answer.text}"
        book.take_note(number)
    book.check(web, range(len(book.sent)))
    ballast.unlink()
    wait_until(lambda: whole(installation), "the replica catches up", REFILL_SECONDS_MAX, step=0.5)


def c_store(installation, calling: str, content: bytes) -> int:
    """The status of one C-STORE."""
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(SecondaryCaptureImageStorage, part10.EXPLICIT_LITTLE_ENDIAN)
    association = entity.associate(*installation.addresses.dicom_plain, ae_title="YINGDUN")
    assert association.is_established
    try:
        return association.send_c_store(part10.parse(content)).Status
    finally:
        association.release()
