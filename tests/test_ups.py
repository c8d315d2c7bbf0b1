"""The unified worklist over DICOMweb (PS3.18 §11): claimed, performed, watched through a WebSocket."""

import concurrent.futures
import contextlib
import json
import socket
import sqlite3
import time

import pytest
import websocket
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

ALL, MATCHING = "1.2.840.10008.5.1.4.34.5", "1.2.840.10008.5.1.4.34.5.1"
JSON = {"Content-Type": "application/dicom+json"}

#: A session that ends takes its event channel with it within this time.
CHANNEL_SECONDS_MAX = 5.0
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0

#: An ended workitem can be read for thirty days.
KEPT_MS = 30 * 24 * 3600 * 1000


def code(value: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "99TEST", value
    return made


def workitem(patient="UPS-1", station="CT01", start="20260301083000", **attributes) -> dict:
    made = Dataset()
    made.PatientName, made.PatientID, made.ProcedureStepState = "Wang^Fang=王^芳", patient, "SCHEDULED"
    made.ScheduledProcedureStepPriority, made.ProcedureStepLabel = "HIGH", "read the study"
    made.ScheduledProcedureStepStartDateTime, made.InputReadinessState = start, "READY"
    made.ScheduledStationNameCodeSequence = [code(station)]
    for name, value in attributes.items():
        setattr(made, name, value)
    return made.to_json_dict()


def performed() -> dict:
    done = Dataset()
    done.PerformedStationNameCodeSequence, done.OutputInformationSequence = [], []
    done.PerformedWorkitemCodeSequence = [code("read")]
    done.PerformedProcedureStepStartDateTime, done.PerformedProcedureStepEndDateTime = "20260301090000", "20260301093000"
    made = Dataset()
    made.UnifiedProcedureStepPerformedProcedureSequence = [done]
    return made.to_json_dict()


def discontinued() -> dict:
    progress = Dataset()
    progress.ProcedureStepDiscontinuationReasonCodeSequence = [code("broken")]
    made = Dataset()
    made.ProcedureStepProgressInformationSequence = [progress]
    return made.to_json_dict()


class Worklist:
    """UPS-RS with one token."""

    def __init__(self, installation, token, prefix="/dicom-web"):
        self.installation, self.token, self.prefix = installation, token, prefix
        self.session = Web(installation, token).session

    def ask(self, method, path, body=None, **options):
        headers = JSON if body is not None else {}
        data = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        url = f"{self.installation.addresses.web}{self.prefix}{path}"
        return self.session.request(method, url, data=data, headers=headers, timeout=60, **options)

    def must(self, status, method, path, body=None, warning=None, **options):
        answer = self.ask(method, path, body, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        words = answer.headers.get("Warning", "")
        assert warning is None or words == f"299 {self.installation.addresses.web}/dicom-web: {warning}", words
        return answer

    def create(self, uid=None, **attributes) -> str:
        uid = uid or generate_uid()
        self.must(201, "POST", f"/workitems?workitem={uid}", workitem(**attributes))
        return uid

    def update(self, uid, lock, changes, status=200, warning=None):
        query = f"?transaction={lock}" if lock else ""
        return self.must(status, "POST", f"/workitems/{uid}{query}", changes, warning)

    def state(self, uid, lock, state, status=200, warning=None):
        asked = Dataset()
        asked.ProcedureStepState = state
        if lock:
            asked.TransactionUID = lock
        return self.must(status, "PUT", f"/workitems/{uid}/state", asked.to_json_dict(), warning)

    def read(self, uid) -> dict:
        [item] = self.must(200, "GET", f"/workitems/{uid}").json()
        return item

    def search(self, **keys) -> list:
        rows = self.must(200, "GET", "/workitems", params=keys).json()
        return [row["00080018"]["Value"][0] for row in rows]

    def subscribe(self, uid, title, status=201, **parameters):
        return self.must(status, "POST", f"/workitems/{uid}/subscribers/{title}", params=parameters)

    def channel(self, title, **options) -> "Channel":
        address = f"{self.installation.addresses.web}{self.prefix}/subscribers/{title}".replace("http", "ws", 1)
        header = [f"Authorization: Bearer {self.token}"]
        certificates = {"ca_certs": str(self.installation.ca_file)}
        options = {"suppress_origin": True, **options}
        return Channel(websocket.create_connection(address, timeout=10, header=header, sslopt=certificates, **options))


class Channel:
    """An open event channel."""

    def __init__(self, socket):
        self.socket = socket

    def next(self) -> tuple:
        """The next report: workitem, event type, state where it tells one."""
        report = json.loads(self.socket.recv())
        assert report["00000002"]["Value"] == ["1.2.840.10008.5.1.4.34.6.1"]
        state = report.get("00741000", {}).get("Value", [None])[0]
        return report["00001000"]["Value"][0], report["00001002"]["Value"][0], state

    def end(self) -> tuple:
        """The close frame that the server sends next: its code and reason."""
        opcode, data = self.socket.recv_data()
        assert opcode == websocket.ABNF.OPCODE_CLOSE, data
        return int.from_bytes(data[:2], "big"), data[2:].decode()


@pytest.fixture(scope="module")
def worklist(archive, tokens) -> Worklist:
    return Worklist(archive, tokens.client(archive, "worklist"))


@pytest.fixture(scope="module")
def other(make_installation) -> Worklist:
    """An installation for pages of another origin, and for what changes all of a worklist."""
    installation = make_installation("ups-other", settings={"WEB__CORS_ORIGINS": '["https://viewer.example"]'})
    return Worklist(installation, installation.office.client_token("worklist", "worklist"))


def test_a_workitem_is_created_claimed_performed_and_completed(archive, worklist):
    uid, lock = generate_uid(), generate_uid()
    created = worklist.must(
        201, "POST", f"/workitems?{uid}", workitem(), "The Workitem was created with modifications."
    )
    assert created.headers["Location"] == f"{archive.addresses.web}/dicom-web/workitems/{uid}"
    worklist.must(409, "POST", f"/workitems?workitem={uid}", workitem())
    item = worklist.read(uid)
    assert item["00741000"]["Value"] == ["SCHEDULED"] and item["00080016"]["Value"] == ["1.2.840.10008.5.1.4.34.6.1"]
    assert item["00741202"]["Value"] == ["WORKLIST"]

    state = "The submitted request is inconsistent with the state of the UPS Instance."
    missing, incorrect = "The Transaction UID is missing.", "The Transaction UID is incorrect."
    worklist.state(uid, lock, "COMPLETED", 409, state)
    worklist.state(uid, None, "IN PROGRESS", 400, missing)
    worklist.state(uid, lock, "PERHAPS", 400)
    worklist.state(uid, lock, "IN PROGRESS")
    worklist.state(uid, generate_uid(), "IN PROGRESS", 409, state)
    worklist.update(uid, None, performed(), 400, missing)
    worklist.update(uid, generate_uid(), performed(), 400, incorrect)
    worklist.state(uid, lock, "COMPLETED", 409, state)
    worklist.must(200, "POST", f"/workitems/{uid}?{lock}", performed())
    worklist.update(uid, lock, {"00100020": {"vr": "LO", "Value": ["another"]}}, 400)
    worklist.state(uid, generate_uid(), "COMPLETED", 400, incorrect)
    worklist.state(uid, lock, "COMPLETED")
    worklist.state(uid, lock, "COMPLETED", 200, "The UPS is already in the requested state of COMPLETED.")
    worklist.state(uid, lock, "CANCELED", 409, state)
    worklist.update(uid, lock, performed(), 409, state)
    worklist.must(409, "POST", f"/workitems/{uid}/cancelrequest", warning="The UPS is already COMPLETED.")

    for answer in (worklist.ask("GET", f"/workitems/{uid}"), worklist.ask("GET", "/workitems?includefield=all")):
        assert lock not in answer.text and "00081195" not in answer.text, "the lock is shown"
    files = [path.read_bytes() for path in archive.files() if path.is_file()]
    assert not any(lock.encode() in content for content in files), "the lock lies open on the disk"


def test_a_performer_gives_a_reason_before_it_cancels(worklist):
    uid, lock = worklist.create(), generate_uid()
    worklist.state(uid, lock, "IN PROGRESS")
    worklist.state(uid, lock, "CANCELED", 409)
    worklist.update(uid, lock, discontinued())
    worklist.state(uid, lock, "CANCELED")
    worklist.state(uid, lock, "CANCELED", 200, "The UPS is already in the requested state of CANCELED.")
    [progress] = worklist.read(uid)["00741002"]["Value"]
    assert progress["00404052"]["Value"], "the archive says when"


def test_a_request_of_cancellation_is_honoured_told_or_refused(worklist):
    waiting = worklist.create()
    worklist.must(202, "POST", f"/workitems/{waiting}/cancelrequest")
    already = "The UPS is already in the requested state of CANCELED."
    worklist.must(202, "POST", f"/workitems/{waiting}/cancelrequest", warning=already)
    assert worklist.read(waiting)["00741000"]["Value"] == ["CANCELED"]

    claimed, lock = worklist.create(), generate_uid()
    worklist.state(claimed, lock, "IN PROGRESS")
    alone = "The performer cannot be contacted."
    worklist.must(409, "POST", f"/workitems/{claimed}/cancelrequest", warning=alone)
    worklist.subscribe(claimed, "PERFORMER")
    reason = {"00741238": {"vr": "LT", "Value": ["the patient has left"]}}
    channel = worklist.channel("PERFORMER")
    worklist.must(202, "POST", f"/workitems/{claimed}/cancelrequest", reason)
    assert channel.next() == (claimed, 2, None)
    assert worklist.read(claimed)["00741000"]["Value"] == ["IN PROGRESS"], "the performer decides"


def test_of_claimers_that_race_for_one_workitem_one_wins(worklist):
    uid, locks = worklist.create(), [generate_uid() for _ in range(8)]

    def claim(lock):
        mine = Worklist(worklist.installation, worklist.token)
        body = {"00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}, "00081195": {"vr": "UI", "Value": [lock]}}
        return mine.ask("PUT", f"/workitems/{uid}/state", body).status_code

    with concurrent.futures.ThreadPoolExecutor(len(locks)) as pool:
        answers = list(pool.map(claim, locks))
    assert sorted(answers) == [200] + [409] * 7
    worklist.update(uid, locks[answers.index(200)], performed())


def test_workitems_are_found_as_qido_finds_studies(worklist):
    patient = f"UPS-{time.monotonic_ns()}"
    first = worklist.create(patient=patient, station="MR01", start="20260301083000")
    second = worklist.create(patient=patient, station="CT09", start="20260302")
    worklist.state(second, generate_uid(), "IN PROGRESS")
    assert worklist.search(PatientID=patient) == [first, second]
    for keys, expected in [
        ({"ProcedureStepState": "SCHEDULED"}, [first]),
        ({"00741000": "IN PROGRESS"}, [second]),
        ({"ScheduledProcedureStepStartDateTime": "20260302-"}, [second]),
        ({"ScheduledStationNameCodeSequence.CodeValue": "MR01"}, [first]),
        ({"PatientName": "wang*"}, [first, second]),
        ({"PatientName": "王*"}, [first, second]),
        ({"PatientName": "Li*"}, []),
        ({"limit": 1}, [first]),
        ({"offset": 1}, [second]),
    ]:
        assert worklist.search(PatientID=patient, **keys) == expected, keys
    assert worklist.search(SOPInstanceUID=f"{first},{second}") == [first, second]
    assert "number of results" in worklist.ask("GET", f"/workitems?PatientID={patient}&limit=1").headers["Warning"]
    fuzzy = worklist.ask("GET", f"/workitems?PatientID={patient}&fuzzymatching=true")
    assert "fuzzymatching parameter is not supported" in fuzzy.headers["Warning"] and len(fuzzy.json()) == 2
    assert "00404021" not in fuzzy.json()[0]
    for name in ("emptyvaluematching", "multiplevaluematching"):
        answer = worklist.must(200, "GET", f"/workitems?PatientID={patient}&{name}=true")
        assert f"The {name} parameter is not supported." in answer.headers["Warning"] and len(answer.json()) == 2
    [row] = worklist.must(200, "GET", f"/workitems?SOPInstanceUID={first}&includefield=InputInformationSequence").json()
    assert "00404021" in row
    for wrong in ("PatientNmae=x", "limit=0", "a.b.c.d.e=1", "TransactionUID=1.2"):
        worklist.must(400, "GET", f"/workitems?{wrong}")


def test_the_aliases_of_other_archives_lead_to_the_same_worklist(archive, tokens, worklist):
    alias = Worklist(archive, worklist.token, "/dcm4chee-arc/aets/DCM4CHEE/rs")
    uid = alias.create()
    assert worklist.read(uid) == alias.read(uid)
    alias.subscribe(uid, "ALIAS")
    channel = alias.channel("ALIAS")
    worklist.state(uid, generate_uid(), "IN PROGRESS")
    assert channel.next() == (uid, 1, "IN PROGRESS")


def test_subscribers_are_told_in_order_until_they_suspend_or_leave(worklist):
    answer = worklist.subscribe(MATCHING, "WATCHER", **{"ScheduledStationNameCodeSequence.CodeValue": "WATCHED"})
    address = worklist.installation.addresses.web.replace("http", "ws", 1)
    assert answer.headers["Content-Location"] == f"{address}/dicom-web/subscribers/WATCHER"
    channel = worklist.channel("WATCHER")
    worklist.create(station="ELSEWHERE")
    uid, lock = worklist.create(station="WATCHED"), generate_uid()
    worklist.state(uid, lock, "IN PROGRESS")
    progress = {"00741002": {"vr": "SQ", "Value": [{"00741004": {"vr": "DS", "Value": ["50"]}}]}}
    worklist.update(uid, lock, progress)
    worklist.update(uid, lock, {"00404041": {"vr": "CS", "Value": ["INCOMPLETE"]}})
    worklist.update(uid, lock, performed())
    worklist.state(uid, lock, "COMPLETED")
    events = [channel.next() for _ in range(6)]
    assert events == [
        (uid, 1, "SCHEDULED"), (uid, 5, None), (uid, 1, "IN PROGRESS"),
        (uid, 3, None), (uid, 1, "IN PROGRESS"), (uid, 1, "COMPLETED"),
    ]
    worklist.must(200, "POST", f"/workitems/{MATCHING}/subscribers/WATCHER/suspend")
    worklist.create(station="WATCHED")
    second = worklist.create()
    worklist.subscribe(second, "WATCHER")
    assert channel.next() == (second, 1, "SCHEDULED"), "nothing was told of what came after the suspension"
    worklist.must(200, "DELETE", f"/workitems/{second}/subscribers/WATCHER")
    worklist.must(404, "DELETE", f"/workitems/{second}/subscribers/WATCHER")
    worklist.must(200, "DELETE", f"/workitems/{MATCHING}/subscribers/WATCHER")
    assert channel.end() == (1000, "nothing is subscribed any more")
    for path in (f"/workitems/{generate_uid()}/subscribers/WATCHER", f"/workitems/{ALL}/subscribers/{'X' * 17}"):
        assert worklist.ask("POST", path).status_code in (400, 404)
    worklist.subscribe(ALL, "WATCHER", 400, PatientID="1")
    worklist.subscribe(MATCHING, "WATCHER", 400)


def test_subscriptions_survive_a_restart_and_channels_are_told_of_it(make_installation):
    installation = make_installation("ups")
    mine = Worklist(installation, installation.office.client_token("mine", "worklist"))
    mine.subscribe(ALL, "WATCHER", deletionlock="true")
    uid, lock = mine.create(), generate_uid()
    mine.state(uid, lock, "IN PROGRESS")
    channel = mine.channel("WATCHER")
    # The second one takes the place of the first.
    second = mine.channel("WATCHER")
    assert channel.end() == (1000, "another channel was opened")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(installation.stop)
        assert second.end() == (1001, "the server stops")
        assert stopped.result() == 0
    installation.start()
    mine = Worklist(installation, mine.token)
    channel = mine.channel("WATCHER")
    mine.update(uid, lock, performed())
    mine.state(uid, lock, "COMPLETED")
    later = mine.create()
    assert [channel.next() for _ in range(2)] == [(uid, 1, "COMPLETED"), (later, 1, "SCHEDULED")]


def test_a_channel_goes_on_over_lost_connections_to_the_database(make_installation, postgres_cluster):
    databases = postgres_cluster.databases_of_an_installation()
    installation = make_installation("ups-postgres", databases=databases)
    mine = Worklist(installation, installation.office.client_token("mine", "worklist"))
    mine.subscribe(ALL, "WATCHER")
    channel = mine.channel("WATCHER")
    for _ in range(3):
        created = [mine.create() for _ in range(4)]
        # Those that read, those that write, and the one that listens.
        lost = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        for url in databases.values():
            postgres_cluster.sql(url.split("?")[0].rsplit("/", 1)[1], lost)
        last = mine.create()
        for uid in [*created, last]:
            assert [channel.next(), channel.next()] == [(uid, 1, "SCHEDULED"), (uid, 5, None)]
    kept = postgres_cluster.dump(databases["catalogue"])
    plain = [form for form in (last.encode(), last.encode().hex().encode()) if form in kept]
    assert b"ups_report" in kept and not plain, "a report names no workitem to whoever has the database"


def test_nobody_but_its_owner_opens_a_channel_and_only_who_may_reads_the_worklist(archive, tokens, worklist, gateway):
    worklist.subscribe(ALL, "OWNED")
    other = Worklist(archive, archive.office.client_token("another-worklist", "worklist"))
    other.subscribe(ALL, "OWNED", 403)
    other.must(403, "DELETE", f"/workitems/{ALL}/subscribers/OWNED")
    strangers = [(other, 403), (Worklist(archive, gateway.token), 403), (Worklist(archive, "x" * 43), 401)]
    uid = worklist.create()
    for who, status in strangers:
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            who.channel("OWNED")
        assert refused.value.status_code == status
    for role in ("clinician", "radiologist", "researcher", "system-administrator"):
        person = Worklist(archive, tokens.person(archive, role))
        person.must(403, "GET", "/workitems")
        person.must(403, "GET", f"/workitems/{uid}")
        person.must(403, "POST", "/workitems", workitem())
        person.subscribe(uid, "PERSON", 403)
    worklist.must(400, "GET", "/subscribers/OWNED")
    worklist.must(404, "GET", "/subscribers/NOBODY")
    worklist.must(200, "DELETE", f"/workitems/{ALL}/subscribers/OWNED")


def test_a_page_of_another_origin_opens_no_channel_unless_it_is_named_in_the_configuration(worklist, other):
    worklist.subscribe(worklist.create(), "ORIGIN")
    other.subscribe(other.create(), "ORIGIN")
    viewer, own = "https://viewer.example", [mine.installation.addresses.web for mine in (worklist, other)]
    for mine, origin, is_open in [
        (worklist, own[0], True),
        (worklist, "https://evil.example", False),
        (worklist, viewer, False),
        (worklist, own[1], False),
        (other, own[1], True),
        (other, viewer, True),
        (other, "https://evil.example", False),
        (other, "https://viewer.example.evil.example", False),
        (other, "null", False),
    ]:
        if is_open:
            mine.channel("ORIGIN", suppress_origin=False, origin=origin).socket.close()
            continue
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            mine.channel("ORIGIN", suppress_origin=False, origin=origin)
        assert refused.value.status_code == 403, origin


def test_who_does_not_keep_up_loses_the_channel_and_is_told(other):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Worklist(other.installation, other.token).create(), range(100)))
    other.subscribe(ALL, "SLOW")
    # Reads nothing: what is on its way soon fills the buffers between.
    channel = other.channel("SLOW", sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)])
    ended = "yingdun_ups_channels_slow_total"
    before = other.installation.office.metrics().get(ended, 0)
    # Who locks all workitems is told the state of each, every time.
    for _ in range(1_000):
        other.subscribe(ALL, "SLOW", deletionlock="true")
        if other.installation.office.metrics().get(ended, 0) > before:
            break
    numbers = []
    while True:
        opcode, data = channel.socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        if opcode == websocket.ABNF.OPCODE_TEXT:
            numbers += json.loads(data)["00000110"]["Value"]
    assert (int.from_bytes(data[:2], "big"), data[2:].decode()) == (1013, "too many reports were waiting")
    assert numbers == list(range(1, len(numbers) + 1)), "what was on its way is still told, and nothing is left out"
    other.must(200, "DELETE", f"/workitems/{ALL}/subscribers/SLOW")


def test_an_ended_workitem_leaves_after_its_time_and_is_gone(other):
    removed, kept, waiting, lock = other.create(), other.create(), other.create(), generate_uid()
    other.subscribe(kept, "KEEPER", deletionlock="true")
    for uid in (removed, kept):
        other.must(202, "POST", f"/workitems/{uid}/cancelrequest")
    other.state(waiting, lock, "IN PROGRESS")
    installation = other.installation
    installation.stop()
    with contextlib.closing(sqlite3.connect(installation.directory / "db" / "catalogue.db")) as database, database:
        database.execute("UPDATE ups_workitem SET changed_ms = changed_ms - ?", [KEPT_MS + 60_000])
    installation.start()
    installation.office.sign_in_officers()
    wait_until(lambda: other.ask("GET", f"/workitems/{removed}").status_code == 410, "the workitem leaves", 30)
    # PS3.18 tables 11.5.3-1 to 11.10.3-1: 410, the workitem was there once.
    other.update(removed, lock, performed(), 410)
    other.state(removed, lock, "IN PROGRESS", 410)
    other.must(410, "POST", f"/workitems/{removed}/cancelrequest")
    other.subscribe(removed, "LATE", 410)
    assert other.search(SOPInstanceUID=",".join([removed, kept, waiting])) == other.search(SOPInstanceUID=f"{kept},{waiting}")
    assert other.read(kept)["00741000"]["Value"] == ["CANCELED"], "a subscriber keeps it"
    other.update(waiting, lock, performed())


def test_a_channel_ends_within_seconds_of_its_session(archive):
    token = archive.office.client_token("short-lived", "worklist")
    mine = Worklist(archive, token)
    mine.subscribe(mine.create(), "SHORT")
    channel = mine.channel("SHORT")
    archive.office.revoke(token)
    revoked = time.monotonic()
    assert channel.end() == (1008, "the session may not read the worklist any more")
    assert time.monotonic() - revoked <= CHANNEL_SECONDS_MAX + BUSY_SECONDS


def test_hostile_json_is_refused_and_nothing_is_created(worklist):
    before = len(worklist.search(PatientID="UPS-HOSTILE"))
    whole = workitem(patient="UPS-HOSTILE")
    deep = whole
    for _ in range(12):
        deep = {"00404021": {"vr": "SQ", "Value": [deep]}}
    for body, status in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        (json.dumps([whole, whole]), 400),
        ("[" * 200_000, 400),
        (json.dumps({**whole, **deep}), 400),
        (json.dumps({**whole, "00404021": {"vr": "SQ", "Value": [{"00741204": {"vr": "LO", "Value": ["x"] * 40_000}}]}}), 400),
        (b" " * 300_000, 413),
        (json.dumps({**whole, "00100020": {"vr": "SQ", "Value": [{}]}}), 400),
        (json.dumps({**whole, "00100020": {"vr": "LO", "Value": [{"a": 1}]}}), 400),
        (json.dumps({**whole, "00404005": {"vr": "DT", "Value": ["tomorrow"]}}), 400),
        (json.dumps({**whole, "00741000": {"vr": "CS", "Value": ["COMPLETED"]}}), 400),
        (json.dumps({**whole, "00081195": {"vr": "UI", "Value": ["1.2.3"]}}), 400),
        (json.dumps({**whole, "00001000": {"vr": "UI", "Value": ["1.2.3"]}}), 400),
        (json.dumps({**whole, "00741204": {"vr": "LO", "BulkDataURI": "file:///etc/passwd"}}), 400),
        (json.dumps({name: value for name, value in whole.items() if name != "00741200"}), 400),
    ]:
        answer = worklist.ask("POST", "/workitems", body)
        assert answer.status_code == status, f"{body[:80]!r}: {answer.status_code} {answer.text}"
    assert worklist.session.post(
        f"{worklist.installation.addresses.web}/dicom-web/workitems", data=b"x", headers={"Content-Type": "text/plain"}
    ).status_code == 415
    for path in (f"/workitems?workitem={ALL}", "/workitems?workitem=../../etc", "/workitems?workitem=1.2&1.3"):
        worklist.must(400, "POST", path, whole)
    assert len(worklist.search(PatientID="UPS-HOSTILE")) == before
    worklist.must(404, "GET", f"/workitems/{generate_uid()}")
    worklist.must(404, "PUT", f"/workitems/{generate_uid()}/state", {
        "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}, "00081195": {"vr": "UI", "Value": ["2.25.1"]},
    })


def test_everything_is_on_the_ledger_and_nothing_names_the_patient(archive, worklist):
    uid = worklist.create(patient="UPS-LEDGER")
    worklist.read(uid)
    leaves = archive.office.leaves(kind="administration")
    assert any(leaf["reason"] == "workitem-created" for leaf in leaves)
    assert not any("UPS-LEDGER" in json.dumps(leaf) for leaf in leaves)
