"""The audit log goes to a real collector by syslog over mutual TLS: every leaf, in order, whatever is killed in between."""

import json
import time
from pathlib import Path

import pytest
from lxml import etree

from yingdun_testkit import collector, part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.collector import Collector
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: Seconds for something to come through on a loaded machine.
SECONDS_MAX = 120

SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).parent / "expected" / "audit-message.rng")))


class Archive:
    """An installation whose audit records go to a collector."""

    def __init__(self, make_installation, name, folder):
        collector.require()
        self.installation = make_installation(name, serve=False)
        mine, theirs = (self.installation.issue_certificate(who, "127.0.0.1") for who in ("syslog", "siem"))
        self.collector = Collector(folder, theirs, self.installation.ca_file)
        self.installation.settings |= {
            "SYSLOG__COLLECTOR": self.collector.address,
            "SYSLOG__CA_FILE": str(self.installation.ca_file),
            "SYSLOG__CERTIFICATE_FILE": mine["certificate_file"],
            "SYSLOG__PRIVATE_KEY_FILE": mine["private_key_file"],
        }

    def start(self):
        self.installation.start()
        if self.installation.office is None:
            self.installation.office = Office(self.installation)
        else:
            self.installation.office.sign_in_officers()

    def leaves(self, count: int):
        """Makes so many leaves and more: reading the log is one."""
        for _ in range(count):
            self.installation.office.audit.get("/audit/tail", {"count": 1})

    def metric(self, name: str) -> float:
        return self.installation.office.metrics()[name]

    def size(self) -> int:
        return int(self.metric("yingdun_audit_leaves"))

    def wait_for_all(self):
        """Waits until the collector has every leaf of now; gives how many."""
        size = self.size()
        have = lambda: set(self.collector.numbers()) >= set(range(size))
        wait_until(have, f"the collector has {size} leaves", SECONDS_MAX)
        return size

    def position(self):
        return json.loads((self.installation.audit_directory / "syslog-position").read_text())

    def doctor(self, code=0) -> str:
        installation = self.installation
        told = program.run_json("doctor", "--config", installation.config, code=code, env=installation.environment())
        return " ".join(finding["cause"] for finding in told["findings"] if finding["check"] == "syslog")


def test_every_leaf_arrives_in_order_across_a_kill_of_the_collector_and_of_the_server(make_installation, tmp_path):
    archive = Archive(make_installation, "syslog-kills", tmp_path)
    archive.start()
    # Nobody waits for a collector that is not there.
    token = archive.installation.office.client_token("gateway", "store", "search", "view")
    image = part10.image(patient_id="syslog-private-patient")
    Web(archive.installation, token).must_store(part10.file_bytes(image))
    wait_until(lambda: archive.metric("yingdun_syslog_lag_leaves") > 0, "the lag is shown", SECONDS_MAX)
    wait_until(lambda: archive.metric("yingdun_syslog_failures_total") >= 1, "tries are counted", SECONDS_MAX)
    assert "cannot be reached" in archive.doctor(code=1)

    with archive.collector as collecting:
        archive.wait_for_all()
        assert "none of the audit log for certain yet" in archive.doctor()
        # The collector is killed while leaves come, and loses what is in its memory.
        archive.leaves(40)
        collecting.kill()
        archive.leaves(40)
        collecting.start()
        archive.wait_for_all()
        # So is the server, which then begins where it knows that the collector has everything before.
        archive.leaves(40)
        archive.installation.kill()
        archive.start()
        size = archive.wait_for_all()

        numbers = collecting.numbers()
        assert numbers == list(range(len(numbers))) and len(numbers) >= size, "in order and without a gap"
        records = collecting.records()
        assert len(records) > len(numbers), "what was not certain came twice"
        for number, fields, xml in records:
            assert fields["priority"] in ("84", "85")
            message = etree.fromstring(xml.encode())
            SCHEMA.assertValid(message)
            assert xml.count(f'#{number}"') == 1
        text = collecting.file.read_text()
        assert "syslog-private-patient" not in text and image.StudyInstanceUID not in text
        # One message for each leaf, whichever came first: the same bytes.
        same = {}
        for number, _, xml in records:
            assert same.setdefault(number, xml) == xml

        # What is in the log is what came: the hashes beside the messages are those of the log.
        leaves = {row["index"]: row["leaf_hash"] for row in archive.installation.office.audit.get("/audit/tail", {"count": 1000})}
        hashes = {number: fields["hash"] for number, fields, _ in records}
        common = leaves.keys() & hashes.keys()
        assert len(common) > 100 and all(leaves[number] == hashes[number] for number in common)


def test_what_is_certain_is_written_down_and_not_sent_again(make_installation, tmp_path):
    archive = Archive(make_installation, "syslog-position", tmp_path)
    archive.start()
    with archive.collector as collecting:
        first = archive.wait_for_all()
        path = archive.installation.audit_directory / "syslog-position"
        wait_until(path.exists, "a position is kept", SECONDS_MAX)
        wait_until(lambda: archive.position()["next"] >= first, "it is behind what was there", SECONDS_MAX)
        certain = archive.position()
        assert certain["collector"] == collecting.address
        assert f"up to number {certain['next']} for certain" in archive.doctor()
        before = len(collecting.records())
        archive.installation.kill()
        archive.start()
        archive.wait_for_all()
        again = [number for number, _, _ in collecting.records()[before:]]
        assert min(again) >= certain["next"], "nothing before the position is sent again"
        # Another collector has nothing: it is sent everything.
        archive.installation.kill()
        position = archive.position() | {"collector": "tls://another.example:6514"}
        path.write_text(json.dumps(position))
        before = len(collecting.records())
        archive.start()
        wait_until(lambda: len(collecting.records()) > before, "it is sent something", SECONDS_MAX)
        assert collecting.records()[before][0] == 0


def test_a_collector_of_another_authority_gets_nothing_and_one_that_does_not_know_us_neither(make_installation, tmp_path):
    archive = Archive(make_installation, "syslog-trust", tmp_path)
    stranger = make_installation("syslog-stranger", serve=False)
    theirs = stranger.issue_certificate("siem", "127.0.0.1")
    good = archive.collector
    # It shows a certificate of an authority that the archive does not trust.
    archive.collector = Collector(tmp_path / "stranger", theirs, archive.installation.ca_file)
    archive.installation.settings["SYSLOG__COLLECTOR"] = archive.collector.address
    with archive.collector as collecting:
        archive.start()
        wait_until(lambda: archive.metric("yingdun_syslog_failures_total") >= 2, "it is refused", SECONDS_MAX)
        assert "cannot be reached" in archive.doctor(code=1)
        assert collecting.records() == []
    # We show a certificate of an authority that the collector does not trust.
    archive.installation.kill()
    archive.collector = good
    mine = stranger.issue_certificate("syslog", "127.0.0.1")
    archive.installation.settings |= {
        "SYSLOG__COLLECTOR": good.address,
        "SYSLOG__CERTIFICATE_FILE": mine["certificate_file"],
        "SYSLOG__PRIVATE_KEY_FILE": mine["private_key_file"],
    }
    with good as collecting:
        archive.start()
        wait_until(lambda: archive.metric("yingdun_syslog_failures_total") >= 2, "we are refused", SECONDS_MAX)
        assert "cannot be reached" in archive.doctor(code=1)
        time.sleep(2)
        assert collecting.records() == []


@pytest.mark.parametrize("collector_address", ["udp://127.0.0.1:514", "127.0.0.1:6514"])
def test_there_is_no_way_without_tls(make_installation, collector_address):
    installation = make_installation("syslog-plain-" + collector_address[:3], serve=False)
    files = installation.issue_certificate("syslog", "127.0.0.1")
    installation.settings |= {
        "SYSLOG__COLLECTOR": collector_address,
        "SYSLOG__CA_FILE": str(installation.ca_file),
        "SYSLOG__CERTIFICATE_FILE": files["certificate_file"],
        "SYSLOG__PRIVATE_KEY_FILE": files["private_key_file"],
    }
    said = program.run("check-config", "--config", installation.config, env=installation.environment())
    assert said.returncode != 0 and "syslog.collector" in said.stdout + said.stderr
