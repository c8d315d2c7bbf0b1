"""Studies at rest are told to a stream of NATS JetStream: all of them, in order, whatever is killed in between."""

import random
import sqlite3
import ssl
from itertools import zip_longest

from yingdun_testkit import nats, part10, program, rig
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: Seconds for something to come through on a loaded machine.
SECONDS_MAX = 120

#: How often a server of the stream is lost. The full run: `script/soak --rig event-stream`.
KILLS = rig.runs(2)

#: Studies rest after a second.
RESTING = {"CATALOGUE__STUDY_STABLE_AFTER_S": "1"}


class Archive:
    """An installation whose events are told to servers."""

    def __init__(self, make_installation, name, settings):
        self.installation = make_installation(name, settings={**RESTING, **settings})
        self.token = self.installation.office.client_token("sender", "store", "search", "view")

    def store(self, count: int, patient="feed-patient") -> list:
        """Stores so many studies, each acknowledged; gives their UIDs."""
        images = [part10.image(patient_id=patient) for _ in range(count)]
        Web(self.installation, self.token).must_store(*map(part10.file_bytes, images))
        return [image.StudyInstanceUID for image in images]

    def events(self, after=0) -> list:
        """What the door tells of."""
        return self.installation.office.api(self.token).get("/events", {"after": after, "limit": 1000})["events"]

    def wait_for_events(self, count: int) -> list:
        return wait_until(lambda: len(self.events()) >= count and self.events(), f"{count} studies rest", SECONDS_MAX)

    def restart(self):
        self.installation.kill()
        self.installation.start()
        self.installation.office.sign_in_officers()

    def metric(self, name: str) -> float:
        return self.installation.office.metrics()[name]

    def stream_findings(self, code=0) -> list:
        installation = self.installation
        told = program.run_json("doctor", "--config", installation.config, code=code, env=installation.environment())
        return [finding for finding in told["findings"] if finding["check"] == "event-stream"]


def test_events_wait_for_a_stream_and_reach_it_over_tls_without_anything_personal(make_installation, tmp_path):
    nats.require()
    archive = Archive(make_installation, "feed-tls", {})
    installation = archive.installation
    server, mine, reader = (installation.issue_certificate(name, "127.0.0.1") for name in ("nats", "feed", "reader"))
    context = ssl.create_default_context(cafile=installation.ca_file)
    context.load_cert_chain(reader["certificate_file"], reader["private_key_file"])
    # What the archive may do, and no more.
    users = """authorization { users: [
        { user: "O=Yingdun,CN=feed", permissions: { publish: ["yingdun.events.>", "$JS.API.STREAM.INFO.YINGDUN"], subscribe: "_INBOX.>" } },
        { user: "O=Yingdun,CN=reader" } ] }\n"""
    tls = f"""tls {{ cert_file: "{server['certificate_file']}", key_file: "{server['private_key_file']}",
        ca_file: "{installation.ca_file}", verify_and_map: true }}\n"""
    cluster = nats.Cluster(tmp_path, size=1, more=tls + users, tls=context)
    installation.settings |= {
        "NATS__SERVERS": cluster.settings()["NATS__SERVERS"],
        "NATS__CA_FILE": str(installation.ca_file),
        "NATS__CERTIFICATE_FILE": mine["certificate_file"],
        "NATS__PRIVATE_KEY_FILE": mine["private_key_file"],
    }
    archive.restart()

    # Nobody waits for a stream that is not there.
    uids = archive.store(3, patient="feed-private-patient")
    archive.wait_for_events(3)
    wait_until(lambda: archive.metric("yingdun_feed_lag_events") == 3, "the lag is shown", SECONDS_MAX)
    wait_until(lambda: archive.metric("yingdun_feed_failures_total") >= 1, "tries are counted", SECONDS_MAX)
    assert archive.metric("yingdun_feed_published_total") == 0
    assert "none of 1 server(s) answers" in str(archive.stream_findings(code=1))

    with cluster:
        # A server without the stream takes nothing, and says why.
        assert "stream `YINGDUN`: stream not found" in str(archive.stream_findings(code=1))
        cluster.make_stream()
        wait_until(lambda: archive.metric("yingdun_feed_lag_events") == 0, "the stream has every event", SECONDS_MAX)
        told = cluster.messages()
        events = archive.events()
        assert told == [
            (f"yingdun.events.renmin.{event['kind']}",
             {"sequence": event["sequence"], "institution": "renmin", "kind": event["kind"], "study": event["study"]})
            for event in events
        ]
        assert sorted(event["study_uid"] for event in events) == sorted(uids)
        stored = cluster.servers[0].stored()
        assert events[0]["study"].encode() in stored
        for secret in (*uids, "feed-private-patient"):
            assert secret.encode() not in stored, "a message holds more than it should"

        # Who is told asks the archive for the rest, by the number.
        said = told[1][1]
        assert archive.events(after=said["sequence"] - 1)[0]["study"] == said["study"]

        findings = archive.stream_findings()
        causes = " ".join(finding["cause"] for finding in findings)
        assert "1 of 3 copies" in causes and "the stream has every event" in causes
        assert "sync_interval" in causes or "every two minutes only" in causes
        leaves = installation.office.audit.get("/audit/tail", {"count": 200})
        assert "events-published" in str(leaves), "that events leave is written down"


def test_a_position_that_was_lost_is_made_up_for_by_the_duplicate_window(make_installation, tmp_path):
    nats.require()
    with nats.Cluster(tmp_path, size=1) as cluster:
        cluster.make_stream()
        archive = Archive(make_installation, "feed-again", cluster.settings())
        archive.store(5)
        archive.wait_for_events(5)
        wait_until(lambda: cluster.numbers() == [1, 2, 3, 4, 5], "every event is there", SECONDS_MAX)
        database = archive.installation.directory / "db" / "catalogue.db"
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as catalogue:
            position = "SELECT max(position) FROM event_feed"
            wait_until(lambda: catalogue.execute(position).fetchone() == (5,), "the position is kept", SECONDS_MAX)
        archive.installation.kill()
        # As after a crash between the stream's acknowledgement and the position, five times over.
        with sqlite3.connect(database) as catalogue:
            assert catalogue.execute("UPDATE event_feed SET position = 0").rowcount == 1
        archive.installation.start()
        archive.installation.office.sign_in_officers()
        wait_until(lambda: archive.metric("yingdun_feed_published_total") == 5, "all are sent again", SECONDS_MAX)
        archive.store(1)
        wait_until(lambda: cluster.numbers()[-1:] == [6], "what is new comes behind them", SECONDS_MAX)
        assert cluster.numbers() == [1, 2, 3, 4, 5, 6]


def test_leaders_and_archive_are_killed_and_every_event_is_there_in_order(make_installation, tmp_path):
    """A rig with a seed: `script/soak --rig event-stream`. In the short version the leader is lost, once with the archive."""
    nats.require()
    seed = rig.seed()
    chosen = random.Random(seed)
    with nats.Cluster(tmp_path) as cluster:
        cluster.make_stream()
        archive = Archive(make_installation, "feed-cluster", cluster.settings())
        stored = []
        for turn in range(KILLS):
            stored += archive.store(4)
            archive.wait_for_events(len(stored) - chosen.randrange(5))
            leader = cluster.leader()
            lost = chosen.choice(cluster.servers) if rig.is_long() else leader
            lost.kill()
            stored += archive.store(4)
            if chosen.random() < 0.5 if rig.is_long() else turn == 0:
                archive.restart()
            stored += archive.store(4)
            archive.wait_for_events(len(stored))
            lost.start()
            cluster.healthy()
        events = archive.wait_for_events(len(stored))
        numbers = [event["sequence"] for event in events]
        wait_until(lambda: cluster.numbers()[-1:] == numbers[-1:], "the newest event is there", SECONDS_MAX)
        told = cluster.numbers()
        missing, wrong = len(set(numbers) - set(told)), sum(a != b for a, b in zip_longest(sorted(set(told)), told))
        rig.leave_record(
            rig="event-stream", runs=KILLS, acknowledged=len(stored), lost=missing, wrong=wrong, injected=KILLS, seed=seed
        )
        assert told == numbers, "one is missing, there twice, or in the wrong place"
        assert sorted(event["study_uid"] for event in events) == sorted(stored)
        causes = [finding["cause"] for finding in archive.stream_findings()]
        assert any("3 copies" in cause for cause in causes), causes
