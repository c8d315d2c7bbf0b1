"""The root key on a token (SoftHSM2): an installation is made, serves, survives the loss of the token, and never risks its PIN."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import Installation
from yingdun_testkit.web import Web

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "2468-user"


class Token:
    """A token of software, labelled `house`, and the file with its PIN."""

    def __init__(self, folder: Path):
        self.folder = folder / "tokens"
        self.folder.mkdir()
        self.configuration = folder / "softhsm2.conf"
        self.configuration.write_text(f"directories.tokendir = {self.folder}\n")
        self.pin_file = folder / "pin"
        self.write_pin(PIN)
        self.tool("softhsm2-util", "--init-token", "--free", "--label", "house", "--so-pin", "1357-officer", "--pin", PIN)

    def tool(self, *words):
        environment = {**os.environ, "SOFTHSM2_CONF": str(self.configuration)}
        return subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout

    def write_pin(self, pin):
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(f"{pin}\n")

    def init_words(self):
        where = ["--pkcs11-module", MODULE, "--pkcs11-token", "house", "--pin-file", self.pin_file]
        return ["--root", "pkcs11", *where]


@pytest.fixture
def token(tmp_path, monkeypatch):
    if not MODULE.is_file():
        if os.environ.get("YINGDUN_REQUIRE_SOFTHSM"):
            pytest.fail("SoftHSM2 is not installed (Debian package softhsm2)")
        pytest.skip("SoftHSM2 is not installed (Debian package softhsm2)")
    token = Token(tmp_path)
    monkeypatch.setenv("SOFTHSM2_CONF", str(token.configuration))
    return token


@pytest.fixture
def archive_of_token(token, tmp_path):
    installation = Installation(tmp_path / "archive", init=token.init_words())
    yield installation
    installation.kill()
    shutil.rmtree(installation.directory, ignore_errors=True)


def findings(installation, command, code):
    said = program.run_json(command, "--config", installation.config, code=code)
    return {finding["option"]: finding for finding in said["findings"]}


def test_an_archive_keeps_its_root_key_on_a_token_and_opens_with_it_alone(archive_of_token, token):
    installation = archive_of_token
    assert installation.made["token_key"] == {"token_label": "house", "key_label": "yingdun-root", "made": True}
    keys = installation.directory / "keys"
    assert [path.name for path in keys.iterdir()] == ["epoch.key"], "neither a root key nor a passphrase is in a file"
    assert PIN not in installation.config.read_text()

    installation.start()
    office = installation.office = Office(installation)
    access = office.client_token("token-gateway", "store", "search", "view")
    image = part10.image(patient_id="on-a-token")
    Web(installation, access).must_store(part10.file_bytes(image))
    installation.restart()
    assert part10.parse(Web(installation, access).file_of(image)) == image
    assert PIN not in installation.log_text()
    assert program.run_json("doctor", "--config", installation.config)["findings"] is not None

    # A second installation takes the key that is there; the first one's keys are none of its own.
    second = Installation(installation.root / "second", init=token.init_words())
    assert second.made["token_key"]["made"] is False
    installation.stop()

    # Without the token it does not start, and says why; with the token back it does.
    away = token.folder.with_name("away")
    token.folder.rename(away)
    token.folder.mkdir()
    finding = findings(installation, "doctor", code=1)["keys.pkcs11"]
    assert (finding["severity"], "no token labelled `house`" in finding["cause"]) == ("error", True), finding
    served = program.run("serve", "--config", installation.config)
    assert served.returncode != 0 and "no token labelled `house`" in served.stderr, served.stderr
    token.folder.rmdir()
    away.rename(token.folder)
    installation.start()
    assert part10.parse(Web(installation, access).file_of(image)) == image


def test_a_wrong_pin_is_given_to_the_token_once_however_often_the_archive_is_started(archive_of_token, token):
    installation = archive_of_token
    token.write_pin("2468-wrong")
    first = program.run("serve", "--config", installation.config)
    assert first.returncode != 0 and "PinIncorrect" in first.stderr, first.stderr
    assert "2468" not in first.stderr
    for pin in ("2468-wrong", PIN):
        token.write_pin(pin)
        again = program.run("serve", "--config", installation.config)
        assert again.returncode != 0 and "so none is tried" in again.stderr, again.stderr
    finding = findings(installation, "doctor", code=1)["keys.pkcs11"]
    assert "log in once" in finding["cause"], finding


def test_a_configuration_is_judged_and_a_dry_run_touches_no_token(archive_of_token, token, tmp_path):
    installation = archive_of_token
    would = program.run_json("init", "--directory", tmp_path / "dry", "--dry-run", *token.init_words(), "--pkcs11-key", "other")
    assert not [path for path in would["would_make"] if "root.key" in path or "passphrase" in path]
    assert program.run_json("check-config", "--config", installation.config)["findings"] is not None
    token.pin_file.chmod(0o644)
    assert findings(installation, "check-config", code=1)["keys.pkcs11.pin_file"]["severity"] == "error"
    token.pin_file.chmod(0o600)
    text = installation.config.read_text()
    installation.config.write_text(text.replace(str(MODULE), "/nonexistent.so"))
    assert findings(installation, "check-config", code=1)["keys.pkcs11.module"]["severity"] == "error"
    half = program.run("init", "--directory", tmp_path / "half", "--root", "pkcs11")
    assert half.returncode == 2 and "--pkcs11-module" in half.stderr


def by_shares(folder, count, needed):
    return ["--unseal-shares", count, "--unseal-threshold", needed, "--share-directory", folder]


def given(folder, *numbers):
    return [word for number in numbers for word in ("--share-file", folder / f"share-{number}.txt")]


def kept_by(installation):
    return program.run_json("doctor", "--config", installation.config)["root_key"]["kept_by"]


def test_the_root_key_moves_from_a_file_of_shares_to_a_token_and_back_and_every_image_opens(token, tmp_path):
    shares, others = tmp_path / "shares", tmp_path / "others"
    installation = Installation(tmp_path / "archive", init=by_shares(shares, 3, 2))
    try:
        unsealed(installation, shares, 1, 2)
        office = installation.office = Office(installation)
        access = office.client_token("moving-gateway", "store", "search", "view")
        image = part10.image(patient_id="moved")
        Web(installation, access).must_store(part10.file_bytes(image))
        keys = installation.directory / "keys"
        at_first, epoch_at_first = installation.config.read_text(), (keys / "epoch.key").read_bytes()
        move = ["keys", "move-root", "--config", installation.config]
        to_token = [*move, *token.init_words(), *given(shares, 3, 1)]

        # Not while it runs, not half, not by too few; and a dry run changes nothing.
        assert program.run(*to_token).returncode == 1
        installation.stop()
        for refused in (
            [*move, *token.init_words(), *given(shares, 3)],
            [*to_token, "--root-file", keys / "other.key"],
            [*to_token, *by_shares(others, 3, 2)],
            [*move, "--root", "file", "--root-file", keys / "root.key", *by_shares(others, 3, 2)],
            [*move, "--root", "file", "--root-file", keys / "other.key", *given(shares, 3, 1)],
        ):
            program.run_json(*refused, code=2)
        would = program.run_json(*to_token, "--dry-run")
        assert (would["from"], would["to"], would["dry_run"]) == ("file", "pkcs11", True)
        assert would["secrets"] >= 4 and would["key_encryption_keys"] >= 1
        assert (installation.config.read_text(), (keys / "epoch.key").read_bytes()) == (at_first, epoch_at_first)

        moved = program.run_json(*to_token)
        assert moved["token_key"] == {"token_label": "house", "key_label": "yingdun-root", "made": True}
        assert (moved["ended"], moved["old_root_file"]) == (False, str(keys / "root.key"))
        assert moved["epoch"] == would["epoch"] + 1 and moved["secrets"] == would["secrets"]
        on_token = installation.config.read_text()
        assert kept_by(installation) == "pkcs11"
        installation.start()
        assert part10.parse(Web(installation, access).file_of(image)) == image
        installation.stop()

        # As a crash before the last step leaves it: the old root key opens nothing, and the same command ends the move.
        installation.config.write_text(at_first)
        refused = program.run(*to_token, "--dry-run")
        assert refused.returncode == 1 and "does not belong to this database" in refused.stderr, refused.stderr
        ended = program.run_json(*to_token)
        assert (ended["ended"], installation.config.read_text()) == (True, on_token)

        # Back into the file that is still there, by its shares; then into a new one by other shares.
        back = [*move, "--root", "file", "--root-file", keys / "root.key", *given(shares, 2, 3)]
        assert program.run_json(*back)["to"] == "file"
        assert installation.config.read_text().split() == at_first.split()
        unsealed(installation, shares, 3, 1)
        assert part10.parse(Web(installation, access).file_of(image)) == image
        installation.stop()
        anew = [*move, "--root", "file", "--root-file", keys / "root-2.key", *given(shares, 1, 2)]
        made = program.run_json(*anew, *by_shares(others, 4, 3))
        assert made["share_files"] == [str(others / f"share-{number}.txt") for number in (1, 2, 3, 4)]

        # The file that kept it is destroyed on request, and not the one that keeps it.
        destroy = ["keys", "destroy-root-file", "--config", installation.config, *given(others, 4, 1, 2)]
        program.run_json(*destroy, keys / "root-2.key", code=2)
        program.run_json(*destroy, keys / "epoch.key", code=1)
        program.run_json(*destroy, keys / "root.key", "--dry-run")
        assert (keys / "root.key").exists()
        program.run_json(*destroy, keys / "root.key")
        assert sorted(path.name for path in keys.iterdir()) == ["epoch.key", "root-2.key"]
        unsealed(installation, others, 2, 3, 4)
        office.sign_in_officers()
        assert part10.parse(Web(installation, access).file_of(image)) == image
        told = [leaf["reason"] for leaf in reversed(office.leaves(kind="system")) if "root-key" in leaf["reason"]]
        assert told == [
            *("root-key-moving", "root-key-moved-to-token", "root-key-moved-to-token"),
            *("root-key-moving", "root-key-moved-to-file") * 2,
            *("root-key-file-destroying", "root-key-file-destroyed"),
        ]
    finally:
        installation.kill()
        shutil.rmtree(installation.directory, ignore_errors=True)


def unsealed(installation, shares, *numbers):
    installation.launch()
    assert installation.next_line()["sealed"] is True
    for number in numbers:
        give(installation, shares / f"share-{number}.txt")
    assert installation.next_line()["ready"] is True


def give(installation, share, code=0):
    server = ["--server", installation.addresses.web, "--ca-file", installation.ca_file]
    return program.run_json("unseal", "--share-file", share, *server, code=code)
