"""A study is destroyed at one node, and the other one is stolen: its disks, its rows, copies of both from before. Nothing of the study opens.

The new epoch travels between the doors of two real nodes here.
"""

import shutil
import sqlite3

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import DidNotStart, wait_until
from yingdun_testkit.key_thief import Thief, root_key
from yingdun_testkit.several import FurtherNode, reached
from yingdun_testkit.web import Web

#: Seconds until copies are dead, on a loaded machine.
DONE_SECONDS_MAX = 120


class Pair:
    """Two nodes that serve, and officers whom both know."""

    def __init__(self, make_installation, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.databases = cluster.databases_of_an_installation()
        self.first = make_installation("first-of-two", databases=self.databases, serve=False)
        reached(self.first)
        self.first.start()
        self.office = self.first.office = Office(self.first)
        self.second = FurtherNode(folder / "second", self.first, "second")
        self.second.join()
        self.second.start()
        token = self.office.client_token("gateway", "store", "search", "view")
        self.webs = [Web(node, token) for node in (self.first, self.second)]

    def command(self, name, *words):
        return program.run_json("destroy", *words, *program.signed_in(self.first, self.folder, name))

    def destroy(self, image) -> str:
        asked = self.command("security-admin", "request", "--study", image.StudyInstanceUID, "--reason", "trial")
        self.command("audit-admin", "approve", asked["id"])
        return asked["id"]

    def record(self, name) -> dict:
        return self.command("audit-admin", "show", name)

    def rows(self, name):
        """Every wrapped key of the database, in a file."""
        tables = [row for [row] in self.cluster.rows(self.databases["keys"], "SELECT table_name FROM information_schema.columns WHERE table_schema = 'yingdun_keys' AND column_name = 'wrapped'")]
        assert tables
        path = self.folder / name
        with path.open("wb") as file:
            for table in tables:
                for [wrapped] in self.cluster.rows(self.databases["keys"], f"SELECT encode(wrapped, 'hex') FROM yingdun_keys.{table}"):
                    file.write(bytes.fromhex(wrapped) + bytes(8))
        return path

    def studies(self, name):
        """What an older copy of the key database names, as the thief reads it; and the studies, the oldest first."""
        columns = "institution, grade, suite, encode(patient_ref, 'hex'), encode(study_ref, 'hex'), created_ms"
        rows = self.cluster.rows(self.databases["keys"], f"SELECT {columns} FROM yingdun_keys.study_key ORDER BY created_ms")
        path = self.folder / name
        with sqlite3.connect(path) as copy:
            copy.execute("CREATE TABLE study_key (institution, grade, suite, patient_ref, study_ref, created_ms)")
            for institution, grade, suite, patient, study, made in rows:
                values = (institution, grade, suite, bytes.fromhex(patient), bytes.fromhex(study), int(made))
                copy.execute("INSERT INTO study_key VALUES (?, ?, ?, ?, ?, ?)", values)
        copy.close()
        return path, [row[4] for row in rows]

    def remove(self):
        self.second.kill()
        shutil.rmtree(self.second.root, ignore_errors=True)


@pytest.fixture
def pair(make_installation, postgres_cluster, tmp_path):
    pair = Pair(make_installation, postgres_cluster, tmp_path)
    yield pair
    pair.remove()


def disk_of(node) -> list:
    """Every file of a node, but for the copies that two of its replicas are, and what reads as text."""
    skipped = {node.replicas[1], node.replicas[2]}
    return [
        path
        for path in [*node.directory.rglob("*"), node.log_path]
        if path.is_file() and not skipped & set(path.parents) and path.suffix not in (".pem", ".toml")
    ]


def test_who_steals_the_other_node_opens_nothing_of_what_was_destroyed_at_the_first(pair):
    images = [part10.image(patient_id=f"thief-{number}", seed=number) for number in range(4)]
    # Each node took one that is destroyed and one that is kept.
    for number, image in enumerate(images):
        pair.webs[number % 2].must_store(part10.file_bytes(image))
    for web in pair.webs:
        for image in images:
            wait_until(lambda: web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 200, "both give it")
    copy, references = pair.studies("rows-of-before.db")
    rows_before, epoch_before = pair.rows("rows-before.bin"), pair.folder / "epoch-before.key"
    shutil.copy(pair.second.directory / "keys" / "epoch.key", epoch_before)
    root = root_key(
        pair.second.directory / "keys" / "root.key",
        (pair.second.directory / "keys" / "passphrase").read_text(encoding="utf-8").strip(),
    )
    lost, safe = references[:2], references[2:]

    # The second node is away: its disk is the one on which the old epoch lies still, and everybody is told so.
    pair.second.kill()
    name = pair.destroy(images[0])
    waits = lambda: pair.record(name).get("waits_for")  # noqa: E731
    wait_until(lambda: waits(), "the destruction waits for the second node", DONE_SECONDS_MAX)
    assert [node.rsplit("/", 1)[1] for node in waits()] == ["second"] and pair.record(name)["state"] == "rolling"
    opened = Thief(root, copy, [rows_before, pair.rows("rows-now.bin"), *disk_of(pair.second)]).opened()
    assert all(opened.values()), "as long as it has not followed its disk opens copies"

    # It comes back, and is given the new epoch by the door of the first one before it serves.
    pair.second.start()
    wait_until(lambda: pair.record(name)["state"] == "done", "no copy opens any more", DONE_SECONDS_MAX)
    given = pair.office.audit.get("/audit/search", {"limit": 1000})
    assert [row for row in given if row["leaf"]["reason"] == "epoch-given"], "the first node has said so before"
    # With both there it needs no hand, and the one that ends the epoch waits until the other one has the new one.
    again = pair.destroy(images[1])
    wait_until(lambda: pair.record(again)["state"] == "done", "no copy opens any more", DONE_SECONDS_MAX)
    assert {node.rsplit("/", 1)[1] for node in pair.record(again)["nodes"]} >= {"second"}
    assert metric(pair, "yingdun_epochs_fetched_total") >= 1 and metric(pair, "yingdun_epochs_unshared_total") == 0

    pair.second.kill()
    stolen = [rows_before, pair.rows("rows-after.bin"), *disk_of(pair.second)]
    thief = Thief(root, copy, stolen)
    print(f"{len(thief.windows)} windows of {len(stolen)} files")
    opened = thief.opened()
    assert {study: opened[study] for study in lost} == {study: [] for study in lost}
    assert all(opened[study] for study in safe), "the neighbours open"
    # With its epoch file from before he opens everything: what protects is that it ended there too.
    assert all(Thief(root, copy, [*stolen, epoch_before]).opened().values())

    pair.second.start()
    for web in pair.webs:
        for image, status in zip(images, (404, 404, 200, 200)):
            assert web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == status


def test_a_node_whose_certificate_was_renewed_while_an_epoch_ended_makes_it_known_and_is_given_the_epoch(pair):
    gone, kept = (part10.image(patient_id=f"renewed-{number}", seed=number) for number in range(2))
    for image in (gone, kept):
        pair.webs[1].must_store(part10.file_bytes(image))
    wait_until(lambda: pair.webs[0].get(f"/studies/{gone.StudyInstanceUID}/metadata").status_code == 200, "the first node gives it")
    pair.second.kill()
    name = pair.destroy(gone)
    wait_until(lambda: pair.record(name).get("waits_for"), "the destruction waits for the second node", DONE_SECONDS_MAX)

    renewed = pair.first.issue_certificate("second-renewed", "127.0.0.1")
    for kind, file in (("certificate_file", "server.pem"), ("private_key_file", "server.key")):
        shutil.copy(renewed[kind], pair.second.directory / "pki" / file)
    with pytest.raises(DidNotStart):
        pair.second.start()
    said = pair.second.log_text()
    assert "`yingdun nodes join` on this machine makes it known" in said, said
    # As it says. Nothing was lost, and nothing is copied by hand.
    pair.second.join()
    pair.second.start()
    wait_until(lambda: pair.record(name)["state"] == "done", "no copy opens any more", DONE_SECONDS_MAX)
    for web in pair.webs:
        assert web.get(f"/studies/{gone.StudyInstanceUID}/metadata").status_code == 404
        # What the catalogue says of a node is remembered for five seconds.
        wait_until(lambda: web.get(f"/studies/{kept.StudyInstanceUID}/metadata").status_code == 200, "the neighbour is there")


def test_a_node_that_serves_is_not_forgotten_and_one_of_which_that_was_said_stops_by_itself(pair):
    officer = program.signed_in(pair.first, pair.folder, "security-admin")
    name = pair.second.settings["AUDIT__ORIGIN"]
    gone = lambda: {row["name"]: row["gone_ms"] for row in program.run_json("nodes", "epochs", *officer)["nodes"]}[name]
    for options in ([], ["--disk-destroyed"]):
        refused = program.run("nodes", "forget", name, *options, *officer)
        assert refused.returncode == 1 and "serves at this moment" in refused.stderr and "stop it there" in refused.stderr, refused
    assert gone() is None
    # One that was cut off meanwhile hears it when it is back, and does not take it back.
    sql = f"UPDATE yingdun_keys.key_epoch_node SET gone_ms = 1 WHERE node = '{name}'"
    pair.cluster.sql(pair.databases["keys"].split("?")[0].rsplit("/", 1)[1], sql)
    process = pair.second.process
    wait_until(lambda: process.poll() is not None, "the second node stops", DONE_SECONDS_MAX)
    assert process.returncode == 0, "a supervisor that starts again what failed leaves it"
    assert "an officer said that its node is gone for good" in pair.second.log_text() and gone() == 1
    pair.second.stop()
    pair.second.start()
    assert gone() is None, "whoever starts it takes it back"
    pair.second.kill()
    # PostgreSQL notices the connection of a process that is gone at once.
    forget = lambda: program.run("nodes", "forget", name, "--disk-destroyed", *officer).returncode == 0
    wait_until(forget, "it is forgotten once it does not serve", 30, step=0.5)
    assert gone()


def metric(pair, name: str) -> float:
    """Of the second node."""
    return Office(pair.second, names=pair.office.names).metrics()[name]
