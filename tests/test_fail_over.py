"""The database server is lost while the archive receives and answers: another one is promoted, nothing acknowledged is lost,
and nobody restarts anything."""

import json
import os
import random
import shutil
import threading
import time
from pathlib import Path

import pynetdicom
import pytest
import requests
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from yingdun_testkit import part10, postgres, program
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import DidNotStart, wait_until
from yingdun_testkit.pair import Pair
from yingdun_testkit.web import Web

#: How often the primary is lost. The full run: `script/soak --rig fail-over`.
CYCLES = int(os.environ.get("YINGDUN_RIG_RUNS", "1"))

#: Seconds from the loss of the primary until everything is served again. What is promised, and what this test measures.
BACK_SECONDS_MAX = 30

#: Acknowledged objects that must have come before a loss, and after it.
ENOUGH = 20


class Work:
    """Threads that store, make people and search without pause, and note what was acknowledged and when."""

    def __init__(self, installation, web: Web, name: str):
        self.installation, self.web, self.name = installation, web, name
        self.book, self.people = Book(), []
        #: The moments at which each kind of work succeeded last.
        self.succeeded = {}
        self.stopped = threading.Event()
        kinds = [self._stow, self._stow, self._c_store, self._search, self._administer]
        self._threads = [threading.Thread(target=self._run, args=(kind,), daemon=True) for kind in kinds]
        for thread in self._threads:
            thread.start()

    def kinds(self) -> set:
        return {"_stow", "_c_store", "_search", "_administer"}

    def end(self):
        self.stopped.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "work hangs"

    def all_since(self, moment: float) -> bool:
        """Whether each kind of work has succeeded after a moment."""
        return all(self.succeeded.get(kind, 0) > moment for kind in self.kinds())

    def _run(self, kind):
        number = 0
        while not self.stopped.is_set():
            begun = time.monotonic()
            # A study of its own every few objects: new keys are the hardest.
            number += 1
            try:
                done = kind(number)
            except (requests.RequestException, AssertionError):
                done = False
            if done:
                # What was begun before a loss proves nothing about what comes after it.
                self.succeeded[kind.__name__] = begun
            else:
                time.sleep(0.05)

    def _stow(self, number):
        objects = Objects(f"{self.name}-stow-{threading.get_ident()}-{number // 3}")
        placed = self.book.next(objects)
        if Web(self.installation, self.web.token).store(objects.file(placed)).status_code != 200:
            return False
        self.book.take_note(placed)
        return True

    def _c_store(self, number):
        objects = Objects(f"{self.name}-c-store-{number // 3}")
        placed = self.book.next(objects)
        entity = pynetdicom.AE(ae_title="FAILOVER")
        entity.add_requested_context(SecondaryCaptureImageStorage, part10.EXPLICIT_LITTLE_ENDIAN)
        association = entity.associate(*self.installation.addresses.dicom_plain, ae_title="YINGDUN")
        if not association.is_established:
            return False
        try:
            status = association.send_c_store(part10.parse(objects.file(placed)))
        finally:
            association.release()
        if status.get("Status") != 0:
            return False
        self.book.take_note(placed)
        return True

    def _search(self, _number):
        answer = Web(self.installation, self.web.token).get("/studies", params={"limit": 1})
        return answer.status_code == 200

    def _administer(self, number):
        name = f"{self.name}-person-{number}"
        office = self.installation.office
        answer = office.system.raw("POST", "/people", {"name": name})
        if answer.status_code != 201:
            return False
        self.people.append(name)
        return True


def test_a_lost_primary_is_survived_without_a_hand_and_nothing_acknowledged_is_lost(make_installation):
    if postgres.programs() is None:
        if os.environ.get("YINGDUN_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is missing: script/bootstrap test installs it")
        pytest.skip("PostgreSQL is not installed")
    seed = int(os.environ.get("YINGDUN_RIG_SEED") or random.randrange(1 << 32))
    dice = random.Random(seed)
    record = {"rig": "fail-over", "runs": 0, "acknowledged": 0, "lost": 0, "wrong": 0, "back_seconds_max": 0.0, "seed": seed}
    try:
        for cycle in range(CYCLES):
            with Pair() as pair:
                fail_over(make_installation, pair, cycle, dice, record)
            record["runs"] += 1
    finally:
        print(record)
        if path := os.environ.get("YINGDUN_RIG_RECORD"):
            Path(path).write_text(json.dumps(record) + "\n")
    assert record["back_seconds_max"] <= BACK_SECONDS_MAX, record


def fail_over(make_installation, pair: Pair, cycle: int, dice: random.Random, record: dict):
    """One loss: in even cycles the primary is killed, in odd ones it stands still."""
    installation = make_installation(f"fail-over-{cycle}", databases=pair.databases_of_an_installation())
    installation.office.device("FAILOVER", plain_allowed=True)
    web = Web(installation, installation.office.client_token("fail-over", "store", "search", "view"))
    work = Work(installation, web, f"fail-over-{cycle}")
    process = installation.process
    wait_until(lambda: len(work.book.acknowledged) >= ENOUGH and work.people, "work goes on before the loss", 120)

    time.sleep(dice.uniform(0, 1))
    stands_still = cycle % 2 == 1
    if stands_still:
        pair.a.freeze()
    else:
        pair.a.kill()
    lost_at = time.monotonic()
    pair.b.promote()
    wait_until(lambda: work.all_since(lost_at), "everything is served again", 120)
    record["back_seconds_max"] = max(record["back_seconds_max"], round(time.monotonic() - lost_at, 1))
    after = len(work.book.acknowledged)
    wait_until(lambda: len(work.book.acknowledged) >= after + ENOUGH, "work goes on after the loss", 120)

    # The old primary comes back as it was, and waits for nobody any more.
    auto = pair.a.data / "postgresql.auto.conf"
    auto.write_text(auto.read_text().replace("synchronous_standby_names = 'b'", "synchronous_standby_names = ''"))
    if stands_still:
        pair.a.thaw()
    else:
        pair.a.start()
    told = program.run_json("doctor", "--config", installation.config, code=1)
    causes = [finding["cause"] for finding in told["findings"] if finding["check"] == "database-servers"]
    assert any("takes writes on the old timeline 1" in cause for cause in causes), causes
    after = len(work.book.acknowledged)
    wait_until(lambda: len(work.book.acknowledged) >= after + ENOUGH, "work goes on beside the old primary", 120)
    work.end()
    keys = {server.name: int(server.sql("SELECT count(*) FROM yingdun_keys.study_key", "keys")) for server in (pair.a, pair.b)}
    assert keys["b"] > keys["a"], f"the old primary is written to: {keys}"

    assert installation.process is process and process.poll() is None, "nobody restarted anything"
    record["acknowledged"] += len(work.book.acknowledged)
    try:
        work.book.check(web, range(len(work.book.sent)))
    finally:
        record["lost"] += len(work.book.lost)
        record["wrong"] += len(work.book.wrong)
    studies = {objects.study for objects in work.book.acknowledged.values()}
    found = {row["0020000D"]["Value"][0] for row in web.search("/studies", limit=10000)}
    assert studies <= found, f"{len(studies - found)} studies are not found"
    people = {person["name"] for person in installation.office.system.get("/people")}
    assert set(work.people) <= people, set(work.people) - people
    # And after a restart, from what really lies in the database.
    pair.a.kill()
    installation.restart()
    work.book.check(web, work.book.acknowledged)
    assert installation.stop() == 0
    assert installation.verify_audit()["ok"]


# === a second server on one database ===


def test_a_second_server_on_one_database_is_refused_before_it_does_any_harm(make_installation, postgres_cluster):
    databases = postgres_cluster.databases_of_an_installation()
    first = make_installation("first", databases=databases)
    image = part10.image(patient_id="first")
    web = Web(first, first.office.client_token("first", "store", "search", "view"))
    web.must_store(part10.file_bytes(image))
    second = make_installation("second", serve=False)

    # Somebody means well, copies the configuration, and mounts disks of its own.
    shutil.rmtree(second.directory)
    shutil.copytree(first.directory, second.directory, ignore=shutil.ignore_patterns("replica-*"))
    text = second.config.read_text().replace(str(first.directory), str(second.directory))
    second.config.write_text(text)
    second.settings |= {"WEB__LISTEN": "127.0.0.1:0", "DICOM__TLS_LISTEN": "127.0.0.1:0", "DICOM__PLAIN_LISTEN": "127.0.0.1:0"}
    refused_because(second, "another server works on this database: `yingdun-")
    assert part10.parse(web.file_of(image)) == image

    # Not even when the first one is down for an hour.
    first.stop()
    refused_because(second, "the catalogue was filled from other packs than those of storage.replicas")
    first.start()
    assert part10.parse(web.file_of(image)) == image
    assert len(web.search("/studies")) == 1


def test_a_schema_of_a_newer_program_is_refused_and_says_what_to_do(make_installation, postgres_cluster):
    databases = postgres_cluster.databases_of_an_installation()
    installation = make_installation("older", databases=databases)
    installation.stop()
    for name, url in databases.items():
        database = url.split("?")[0].rsplit("/", 1)[1]
        newer = f"INSERT INTO yingdun_{name}.schema_migration SELECT max(version) + 1, 'of tomorrow', '' FROM yingdun_{name}.schema_migration"
        postgres_cluster.sql(database, newer)
        refused_because(installation, "install a newer program")
        told = program.run_json("doctor", "--config", installation.config, code=1)
        causes = [finding["cause"] for finding in told["findings"] if finding["check"] == "databases"]
        assert any("install a newer program" in cause for cause in causes), causes
        postgres_cluster.sql(database, f"DELETE FROM yingdun_{name}.schema_migration WHERE name = 'of tomorrow'")
    installation.start()


def refused_because(installation, why: str):
    """Starts a server that must end by itself, and say why."""
    before = len(installation.log_text())
    with pytest.raises(DidNotStart):
        installation.start()
    said = installation.log_text()[before:]
    assert why in said, said
