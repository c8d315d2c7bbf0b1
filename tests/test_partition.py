"""The network between a modality and the archive is cut without a word and comes back: nothing acknowledged is lost, and
service is back without a restart. Seconds of the cut: `script/soak --rig partition`."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from yingdun_testkit import network, rig
from yingdun_testkit.administration import Office
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import Installation, wait_until
from yingdun_testkit.web import Web

#: Seconds of the cut; a modality that waits for an answer gives up after three.
CUT_SECONDS = rig.runs(6)
#: Seconds after the network is whole again within which something is acknowledged.
BACK_SECONDS_MAX = 30
#: Objects that are acknowledged before the cut, and again after it.
OBJECTS = 20


class Modality:
    """A modality on the other side, and what was acknowledged to it."""

    def __init__(self, net: network.CutNetwork, port: int, name: str, book: Book):
        command = [sys.executable, "-m", "yingdun_testkit.persistent_scu", network.HERE, port, "FAR", name]
        self._process = subprocess.Popen(
            net.on_the_other_side(*command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parent
        )
        self._objects, self._book = Objects(name), book
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        for _ in self._process.stdout:
            self._book.take_note(self._book.next(self._objects))

    def end(self):
        self._process.kill()
        self._process.wait()
        self._thread.join(30)


def test_a_modality_goes_on_when_the_network_is_whole_again(tmp_path):
    if reason := network.reason_to_skip():
        pytest.skip(reason)
    book, back = Book(), None
    with network.CutNetwork() as net:
        installation = Installation(tmp_path, dicom=f"{network.HERE}:0", settings={"DICOM__PLAIN_BEYOND_LOOPBACK": "true"})
        modality = None
        try:
            installation.start()
            installation.office = Office(installation)
            installation.office.device("FAR", addresses=[network.THERE], plain_allowed=True)
            web = Web(installation, installation.office.client_token("near", "store", "search", "view"))
            modality = Modality(net, installation.addresses.dicom_plain[1], "far", book)
            wait_until(lambda: len(book.acknowledged) >= OBJECTS, "so much is acknowledged", 120)
            net.cut()
            time.sleep(CUT_SECONDS / 2)
            at_the_cut = len(book.acknowledged)
            time.sleep(CUT_SECONDS / 2)
            if rig.is_long():
                assert len(book.acknowledged) == at_the_cut, "it is cut"
            net.heal()
            healed = time.monotonic()
            wait_until(lambda: len(book.acknowledged) > at_the_cut, "something is acknowledged again", 10 * BACK_SECONDS_MAX)
            back = time.monotonic() - healed
            wait_until(lambda: len(book.acknowledged) >= at_the_cut + OBJECTS, "it goes on", 120)
            modality.end()
            book.check(web, range(len(book.sent)))
            # What went out for the answer and never came is there once.
            found = web.search(f"/studies/{Objects('far').study}/instances")
            assert len(book.acknowledged) <= len(found) <= len(book.acknowledged) + 1
            assert installation.stop() == 0 and installation.verify_audit()["ok"]
        finally:
            if modality:
                modality.end()
            installation.kill()
            rig.leave_record(
                rig="partition", runs=1, acknowledged=len(book.acknowledged), lost=len(book.lost), wrong=len(book.wrong), injected=1,
                cut_seconds=CUT_SECONDS, back_seconds=back and round(back, 1),
            )
    if rig.is_long():
        assert back <= BACK_SECONDS_MAX
