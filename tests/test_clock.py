"""The wall clock jumps while the archive works: nothing is lost or comes into another order, and what expires stays closed.

`libfaketime` gives the one process another wall clock, which can be set at any moment; its monotonic clock goes on.
"""

import random
from yingdun_testkit import rig
from yingdun_testkit.administration import Office
from yingdun_testkit.clock import Clock
from yingdun_testkit.ingest import Book, Objects
from yingdun_testkit.installation import Installation
from yingdun_testkit.web import Web

HOUR, YEAR = 3600, 365 * 24 * 3600
#: Where the clock stands in turn, in seconds from the right time: there and back, with every kind of jump in between.
JUMPS = [0, HOUR, -HOUR, 10 * YEAR, -10 * YEAR, 0]
#: Objects between two jumps.
OBJECTS = 3


def test_nothing_is_lost_and_nothing_opens_when_the_wall_clock_jumps(tmp_path):
    seed = rig.seed()
    dice = random.Random(seed)
    clock = Clock(tmp_path)
    installation = Installation(tmp_path)
    book, jumps, refused = Book(), JUMPS + dice.choices(JUMPS, k=rig.runs(0)), 0
    try:
        installation.start(clock.environment)
        installation.office = Office(installation)
        web = Web(installation, installation.office.client_token("clock", "store", "search", "view"))
        objects = Objects("clock")
        for before, seconds in zip([0, *jumps], jumps, strict=False):
            clock.set(seconds)
            is_later = seconds - before > HOUR // 2
            if is_later:
                # The token has lived its life, whatever the monotonic clock says.
                assert web.get("/studies").status_code == 401
                refused += 1
            web.use(installation.office.client_token_again("clock"))
            for _ in range(OBJECTS):
                number = book.next(objects)
                answer = web.store(objects.file(number))
                assert answer.status_code == 200, f"{seconds:+d} s: {answer.text}"
                book.take_note(number)
            book.check(web, range(len(book.sent)))
            if dice.random() < 0.3:
                # Also a start finds the clock where it is.
                installation.kill()
                installation.start(clock.environment)
        installation.kill()
        installation.start()
        installation.office.sign_in_officers()
        web.use(installation.office.client_token_again("clock"))
        book.check(web, range(len(book.sent)))
        leaves = installation.office.leaves()
        numbers, times = [leaf["sequence"] for leaf in leaves], [leaf["time_ms"] for leaf in leaves]
        assert numbers == sorted(numbers, reverse=True) and times != sorted(times, reverse=True), "order is no matter of time"
        assert installation.stop() == 0 and installation.verify_audit()["ok"]
    finally:
        installation.kill()
        lost, wrong = len(book.lost), len(book.wrong)
        rig.leave_record(
            rig="clock", seed=seed, runs=len(jumps), acknowledged=len(book.acknowledged), lost=lost, wrong=wrong,
            injected=len(jumps), detected=refused,
        )
