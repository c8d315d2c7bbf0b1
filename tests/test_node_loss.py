"""What people notice when one of three nodes is lost whose packs they read: it is killed, and it stands still."""

import shutil
import signal
import time

import pytest

from yingdun_testkit import rig
from yingdun_testkit.administration import Api, Office, metrics_of
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import wait_until
from yingdun_testkit.reads import Reads
from yingdun_testkit.several import FurtherNode, has_sent_all, knows_copies, reached, sends_copies
from yingdun_testkit.web import Web

#: Objects of the node that is lost, half a megabyte each, as a slice of a CT.
OBJECTS, ROWS = 60, 512
#: Readers, in turn at the two nodes that stay.
READERS = 4
#: Reads before each loss, and while it lasts. How long they take is judged in the long version, on a machine that does nothing else.
READS = rig.runs(60)
#: How long a loss lasts at least, in seconds: who is away is asked again every two seconds.
LOST_SECONDS_MIN = 5
#: What the loss of a node may add to the slowest hundredth of the reads, in milliseconds.
ADDED_P99_MS_MAX = 1000
#: What no read may take, in milliseconds, however busy the machine is: less than a node is waited for that has no copies.
READ_MS_MAX = 8000
#: Seconds for something to come, on a machine with other work.
PATIENCE_SECONDS = 180


class Nodes:
    """Three nodes. The second one sends copies of its packs to where the others read them while it is away."""

    def __init__(self, make_installation, databases, root):
        self.first = make_installation("node-loss", databases=databases, serve=False)
        reached(self.first)
        plain, copies = self.first.config.read_text(), root / "copies"
        self.copies = copies
        knows_copies(self.first, copies)
        self.first.start()
        self.office = self.first.office = Office(self.first)
        self.lost, self.third = (FurtherNode(root / name, self.first, name) for name in ("second", "third"))
        for node in (self.lost, self.third):
            node.config.write_text(plain)
        sends_copies(self.lost, copies)
        knows_copies(self.third, copies)
        for node in (self.lost, self.third):
            node.join()
            node.start()
        self.others = [self.first, self.third]
        self.token = self.office.client_token("reader", "store", "search", "view")

    def metric(self, node, name: str) -> float:
        # Who has signed in at one node is known at all of them.
        return metrics_of(Api(node.addresses.web, str(node.ca_file), self.office.system.token))[name]

    def read_from_copies(self) -> float:
        """Bytes that the nodes which stay have read from the copies."""
        return sum(self.metric(node, "yingdun_node_copies_read_bytes_total") for node in self.others)

    def lists_as_serving(self) -> bool:
        [row] = [row for row in self.lost.run("nodes", "list")["nodes"] if row["of_this_node"]]
        return row["serves"]

    def remove(self):
        if self.lost.process:
            # Who stands still does not end.
            self.lost.process.send_signal(signal.SIGCONT)
        for node in (self.lost, self.third):
            node.kill()
            shutil.rmtree(node.root, ignore_errors=True)


class Killed:
    """SIGKILL, and a new start."""

    def lose(self, node):
        node.kill()

    def bring_back(self, node):
        node.start()


class StandsStill:
    """The process gets no time any more: its connections stay open, and nobody answers on them."""

    def lose(self, node):
        node.process.send_signal(signal.SIGSTOP)

    def bring_back(self, node):
        node.process.send_signal(signal.SIGCONT)


@pytest.fixture
def nodes(make_installation, postgres_cluster, tmp_path):
    made = Nodes(make_installation, postgres_cluster.databases_of_an_installation(), tmp_path)
    yield made
    made.remove()


def test_reads_go_on_when_a_node_is_lost(nodes):
    seed = rig.seed()
    book, objects = Book(), Objects("node-loss", rows=ROWS)
    there = Web(nodes.lost, nodes.token)
    for _ in range(OBJECTS):
        number = book.next(objects)
        assert there.store(objects.file(number)).status_code == 200
        book.take_note(number)
    webs = [Web(node, nodes.token) for node in nodes.others]
    for web in webs:
        wait_until(lambda: web.search("/studies", PatientID="node-loss"), "the others find them", PATIENCE_SECONDS)
    wait_until(lambda: has_sent_all(nodes.lost, nodes.copies), "it has sent what it has", PATIENCE_SECONDS, step=1)

    losses = {}
    for number, loss in enumerate((Killed(), StandsStill())):
        losses[type(loss).__name__] = one_loss(nodes, objects, loss, seed + READERS * number)
    try:
        for web in (*webs, Web(nodes.lost, nodes.token)):
            book.check(web, range(OBJECTS))
    finally:
        rig.leave_record(
            rig="node-loss", seed=seed, runs=len(losses), acknowledged=len(book.acknowledged), lost=len(book.lost),
            wrong=len(book.wrong) + sum(one["wrong"] for one in losses.values()), injected=len(losses), **losses,
        )
    for name, one in losses.items():
        assert not one["failed"] and not one["wrong"], (name, one)
        assert one["slowest_ms"] <= READ_MS_MAX, (name, one)
        if rig.is_long():
            assert one["added_p99_ms"] <= ADDED_P99_MS_MAX, (name, one)


def one_loss(nodes, objects, loss, seed) -> dict:
    """Reads before a loss, while it lasts and after it; what came of that."""
    reads = Reads(lambda number: Web(nodes.others[number % 2], nodes.token), objects, range(OBJECTS), seed, readers=READERS)
    try:
        # The first ones open connections and packs.
        wait_until(lambda: reads.count() >= READERS, "reading has begun", PATIENCE_SECONDS)
        begun, copies = time.monotonic(), nodes.read_from_copies()
        wait_until(lambda: reads.count(begun) >= READS, "there is something to compare with", PATIENCE_SECONDS + READS)
        lost_at = time.monotonic()
        loss.lose(nodes.lost)
        long_enough = lambda: time.monotonic() >= lost_at + LOST_SECONDS_MIN
        wait_until(lambda: long_enough() and reads.count(lost_at) >= READS, "reads go on", PATIENCE_SECONDS + READS)
        back_at = time.monotonic()
        from_copies = nodes.read_from_copies() - copies
        loss.bring_back(nodes.lost)
        wait_until(nodes.lists_as_serving, "it serves again", PATIENCE_SECONDS)
        again = [nodes.metric(node, "yingdun_node_read_bytes_total") for node in nodes.others]
        for node, before in zip(nodes.others, again):
            asked = lambda: nodes.metric(node, "yingdun_node_read_bytes_total") > before
            wait_until(asked, "it is asked again", PATIENCE_SECONDS, step=0.5)
    finally:
        reads.end()
    before, while_lost = reads.milliseconds(begun, lost_at), reads.milliseconds(lost_at, back_at)
    assert from_copies > 0, "nothing was read from the copies: the loss was none"
    return {
        "reads": reads.count(), "reads_while_lost": reads.count(lost_at, back_at), "failed": len(reads.failures), "wrong": len(reads.wrong),
        "failures": reads.failures[:5], "before": before, "while_lost": while_lost, "slowest_ms": reads.slowest_ms(lost_at),
        "added_p99_ms": round(while_lost["p99_ms"] - before["p99_ms"], 1), "megabytes_from_copies": round(from_copies / 1e6, 1),
    }
