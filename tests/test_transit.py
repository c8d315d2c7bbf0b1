"""The root key in a transit engine, against a stand-in that speaks the protocol of Vault and OpenBao (neither was at hand)."""

import json
import shutil

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import Installation
from yingdun_testkit.transit_stand_in import TransitStandIn
from yingdun_testkit.web import Web


class Engine:
    """The stand-in, and the file with its token."""

    def __init__(self, folder):
        self.server = TransitStandIn(folder)
        self.token_file = folder / "transit-token"
        self.token_file.touch(mode=0o600)
        self.give_token(self.server.token)

    def give_token(self, token):
        self.token_file.write_text(token + "\n")

    def init_words(self, **changes):
        words = {
            "transit-address": self.server.address,
            "transit-token-file": self.token_file,
            "transit-ca-file": self.server.ca_file,
            **changes,
        }
        return ["--root", "transit", *(part for name, value in words.items() for part in (f"--{name}", value))]


@pytest.fixture
def engine(tmp_path):
    engine = Engine(tmp_path)
    yield engine
    engine.server.stop()


@pytest.fixture
def archive_of_engine(engine, tmp_path):
    # No outage is bridged, and so each refusal shows at once: one that is bridged is a matter of the tests of the key room.
    settings = {"KEYS__OUTAGE_S": "0"}
    installation = Installation(tmp_path / "archive", init=engine.init_words(), settings=settings)
    yield installation
    installation.kill()
    shutil.rmtree(installation.directory, ignore_errors=True)


def root_finding(installation):
    said = program.run_json("doctor", "--config", installation.config, code=1)
    return next(finding for finding in said["findings"] if finding["option"] == "keys.transit")


def test_an_archive_keeps_its_root_key_in_an_engine_and_opens_with_it_alone(archive_of_engine, engine):
    installation, server = archive_of_engine, engine.server
    assert [path.name for path in (installation.directory / "keys").iterdir()] == ["epoch.key"]
    assert b"vault:v1:" in (installation.directory / "keys" / "epoch.key").read_bytes()
    assert {path for path, _ in server.asked} == {
        "/v1/transit/encrypt/yingdun-root",
        "/v1/transit/decrypt/yingdun-root",
    }
    assert {status for _, status in server.asked} == {200}

    installation.start()
    office = installation.office = Office(installation)
    token = office.client_token("transit-gateway", "store", "search", "view")
    image = part10.image(patient_id="in-an-engine")
    Web(installation, token).must_store(part10.file_bytes(image))

    # Images need no call each.
    asked = len(server.asked)
    for _ in range(20):
        assert part10.parse(Web(installation, token).file_of(image)) == image
    assert len(server.asked) - asked <= 4, "at most once a minute"

    # A server that is down does not stop what is in memory; a start needs it.
    server.stop()
    assert part10.parse(Web(installation, token).file_of(image)) == image
    finding = root_finding(installation)
    assert "cannot be reached" in finding["cause"], finding
    server.start()

    # A new token in the file, and a new version of the key in the engine, need nothing of us.
    server.token = "hvs.stand-in-two"
    engine.give_token(server.token)
    server.rotate()
    installation.restart()
    assert part10.parse(Web(installation, token).file_of(image)) == image
    log = installation.log_text()
    assert "hvs.stand-in" not in log and "vault:v1" not in log


def test_what_the_engine_says_is_told_apart_and_tried_again_where_that_helps(archive_of_engine, engine):
    installation, server = archive_of_engine, engine.server
    busy = (429, {"Retry-After": "1"}, {"errors": ["request path: rate limit quota exceeded"]})
    broken = (500, {}, {"errors": ["internal error"]})
    server.next_answers = [busy, broken]
    assert program.run_json("doctor", "--config", installation.config)["findings"] is not None
    assert [status for _, status in server.asked[-6:]].count(429) == 1

    # No more than three tries: an engine in trouble is left alone.
    server.next_answers, server.asked = [broken] * 50, []
    assert "cannot be reached" in root_finding(installation)["cause"]
    assert len(server.asked) == 3
    server.next_answers = []

    server.sealed = True
    assert "is sealed" in root_finding(installation)["cause"]
    server.sealed = False
    engine.give_token("hvs.revoked")
    server.asked = []
    finding = root_finding(installation)
    assert "refuses" in finding["cause"] and "permission denied" in finding["cause"], finding
    assert "hvs." not in json.dumps(finding)
    assert len(server.asked) == 1, "a refusal is not tried again"
    engine.give_token(server.token)

    # A redirect would carry the token elsewhere; an endless answer, or one that is none, is not believed.
    for odd in [(307, {"Location": "https://127.0.0.1:1/"}, b""), (200, {}, b"x" * 100_000), (200, {}, b"<html>")]:
        server.next_answers = [odd] * 3
        assert "cannot be reached" in root_finding(installation)["cause"]
        server.next_answers = []

    # Another key under the same name is another root key.
    kept = server.keys["yingdun-root"]
    server.keys["yingdun-root"] = [bytes(32)]
    assert "does not belong" in root_finding(installation)["cause"]
    server.keys["yingdun-root"] = kept
    program.run_json("doctor", "--config", installation.config)


def test_a_server_of_another_authority_gets_no_token_and_a_missing_key_is_told(engine, tmp_path):
    (tmp_path / "other").mkdir()
    stranger = TransitStandIn(tmp_path / "other")
    try:
        words = engine.init_words(**{"transit-address": stranger.address})
        made = program.run("init", "--directory", tmp_path / "stranger", *words)
        assert made.returncode != 0 and "certificate" in made.stderr.lower(), made.stderr
        assert stranger.asked == []
    finally:
        stranger.stop()
    words = engine.init_words(**{"transit-key": "none"})
    made = program.run("init", "--directory", tmp_path / "missing", *words)
    assert made.returncode != 0 and "encryption key not found" in made.stderr, made.stderr
    plain = engine.init_words(**{"transit-address": engine.server.address.replace("https", "http")})
    made = program.run("init", "--directory", tmp_path / "plain", *plain)
    assert made.returncode != 0 and "not an https address" in made.stderr, made.stderr


def test_the_root_key_moves_from_a_file_to_an_engine_and_into_a_new_file_and_every_image_opens(engine, tmp_path):
    installation, server = Installation(tmp_path / "archive"), engine.server
    try:
        installation.start()
        office = installation.office = Office(installation)
        token = office.client_token("moving-gateway", "store", "search", "view")
        image = part10.image(patient_id="moved")
        Web(installation, token).must_store(part10.file_bytes(image))
        installation.stop()
        at_first = installation.config.read_text()
        keys = installation.directory / "keys"
        move = ["keys", "move-root", "--config", installation.config]
        to_engine = [*move, *engine.init_words()]

        # An engine that refuses, at the first call or in the middle, leaves everything as it was.
        for answers in ([], [None] * 5):
            forbidden = (403, {}, {"errors": ["permission denied"]})
            server.asked, server.next_answers = [], [*answers, forbidden]
            refused = program.run(*to_engine)
            assert refused.returncode == 1 and "permission denied" in refused.stderr, refused.stderr
            assert installation.config.read_text() == at_first
            installation.start()
            assert part10.parse(Web(installation, token).file_of(image)) == image
            installation.stop()

        moved = program.run_json(*to_engine)
        assert (moved["from"], moved["to"]) == ("file", "transit")
        assert b"vault:v1:" in (keys / "epoch.key").read_bytes()
        assert program.run_json("doctor", "--config", installation.config)["root_key"]["kept_by"] == "transit"
        program.run_json("keys", "destroy-root-file", "--config", installation.config, keys / "root.key")
        assert not (keys / "root.key").exists()
        installation.start()
        assert part10.parse(Web(installation, token).file_of(image)) == image
        installation.stop()

        passphrase = keys / "passphrase"
        back = [*move, "--root", "file", "--root-file", keys / "new.key", "--passphrase-file", passphrase]
        assert program.run_json(*back)["to"] == "file"
        server.stop()
        installation.start()
        assert part10.parse(Web(installation, token).file_of(image)) == image
    finally:
        installation.kill()
        shutil.rmtree(installation.directory, ignore_errors=True)
