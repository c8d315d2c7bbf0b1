"""An archive whose root key several people open: sealed at its start, sealed again, and recovered from copies and shares."""

import shutil
import time

import pytest
import requests

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.dcmtk import Peer
from yingdun_testkit.installation import Installation
from yingdun_testkit.web import Web

#: Seconds after which a sealed archive opens nothing any more.
SEAL_SECONDS_MAX = 3.0


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """An installation of which three of five shares open the root key, and the folder of the shares."""
    root = tmp_path_factory.mktemp("sealed")
    shares = root / "shares"
    init = ["--unseal-shares", "5", "--unseal-threshold", "3", "--share-directory", shares]
    installation = Installation(root / "archive", init=init)
    yield installation, shares
    installation.kill()
    shutil.rmtree(installation.directory, ignore_errors=True)


def give(installation, share, code=0):
    """Gives the share in a file; gives what the archive answers."""
    server = ["--server", installation.addresses.web, "--ca-file", installation.ca_file]
    return program.run_json("unseal", "--share-file", share, *server, code=code)


def ask(installation, method, path, **options):
    url = installation.addresses.web + path
    return requests.request(method, url, verify=str(installation.ca_file), timeout=30, **options)


def unseal(installation, shares, *numbers):
    for number in numbers:
        give(installation, shares / f"share-{number}.txt")
    assert installation.next_line()["ready"] is True


def test_three_of_five_open_it_a_seal_closes_it_and_three_others_open_a_copy(sealed, tmp_path):
    installation, shares = sealed
    assert [str(path) for path in sorted(shares.iterdir())] == installation.made["share_files"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in shares.iterdir())
    assert not (installation.directory / "keys" / "passphrase").exists()
    installation.launch()
    said = installation.next_line()
    assert (said["ready"], said["sealed"], said["shares_needed"]) == (False, True, 3)

    # What can be told without the root key is told, and what cannot is named.
    examined = program.run_json("doctor", "--config", installation.config)
    assert examined["root_key"] == {"kept_by": "file", "opened": False, "shares_needed": 3, "shares": 5, "epoch": 1}
    assert examined["suites"] != []
    (note,) = [finding for finding in examined["findings"] if finding["check"] == "root-key"]
    assert note["severity"] == "note" and "Not looked at without them" in note["cause"], note
    assert not [finding for finding in examined["findings"] if finding["check"] == "audit-log"], "verified by its public key"

    # Nothing is served.
    assert ask(installation, "GET", "/health/live").status_code == 200
    health = ask(installation, "GET", "/health/ready")
    assert (health.status_code, health.json()) == (
        503,
        {"status": "sealed", "shares_given": 0, "shares_needed": 3},
    )
    for method, path in [("GET", "/dicom-web/studies"), ("GET", "/"), ("POST", "/oauth2/token"), ("GET", "/metrics")]:
        assert ask(installation, method, path).status_code == 503, path
    done = Peer("ANY").echo(installation.addresses.dicom_plain)
    assert done.returncode != 0 and "Transient" in done.stdout, done.stdout

    # One share after the other; a wrong one is told, and changes nothing.
    assert give(installation, shares / "share-4.txt") == {"status": "sealed", "shares_given": 1, "shares_needed": 3}
    wrong = tmp_path / "wrong.txt"
    text = (shares / "share-2.txt").read_text()
    for other in (text[:-1] + ("0" if text[-1] != "0" else "1"), "not a share", text[:40]):
        wrong.write_text(other)
        give(installation, wrong, code=1)
    give(installation, shares / "share-4.txt", code=1)
    assert give(installation, shares / "share-1.txt")["shares_given"] == 2
    unseal(installation, shares, 5)
    assert ask(installation, "GET", "/health/ready").status_code == 200
    installation.office = office = Office(installation)
    token = office.client_token("sealed-gateway", "store", "search", "view")
    image = part10.image(patient_id="sealed-1")
    web = Web(installation, token)
    web.must_store(part10.file_bytes(image))
    unsealed = office.leaves(kind="system")
    assert "archive-unsealed" in [leaf["reason"] for leaf in unsealed]

    # The security administrator closes it, and nobody else.
    address = installation.addresses
    for other in (office.system, office.audit):
        assert other.raw("POST", "/seal").status_code == 403
    program.run_json("seal", *program.signed_in(installation, tmp_path, "security-admin"))
    sealing = time.monotonic()
    said = installation.next_line()
    assert said["sealed"] is True and time.monotonic() - sealing < SEAL_SECONDS_MAX + 10
    assert installation.addresses == address, "it waits where it listened"
    assert web.get("/studies").status_code == 503
    unseal(installation, shares, 1, 2, 3)
    office.sign_in_officers()
    assert part10.parse(Web(installation, token).file_of(image)) == image
    seals = [leaf["outcome"] for leaf in office.leaves(kind="administration") if leaf["reason"] == "seal"]
    assert sorted(seals) == ["permitted", "succeeded"]
    assert installation.verify_audit()["first_bad"] is None

    # No share stands in a log or in a file of the installation.
    installation.stop()
    values = [path.read_text().replace("-", "") for path in shares.iterdir()]
    texts = [path.read_text() for path in shares.iterdir()]
    for path in [installation.log_path, *installation.files()]:
        content = path.read_bytes()
        for value in (*values, *texts):
            assert value[24:80].encode() not in content, path
            assert bytes.fromhex(values[0])[12:40] not in content, path


def test_the_root_key_is_recovered_from_a_copy_and_three_shares(sealed, tmp_path):
    """The rehearsal of docs/src/en/keys.md: the disk with the keys is gone."""
    installation, shares = sealed
    keys, database = installation.directory / "keys" / "root.key", installation.directory / "db" / "keys.db"
    copies = tmp_path / "copies"
    copies.mkdir()
    for path in (keys, keys.with_name("epoch.key"), database):
        shutil.copy(path, copies)
        path.unlink()
    broken = program.run("serve", "--config", installation.config)
    assert broken.returncode == 1 and "root" in broken.stderr
    started = time.monotonic()
    shutil.copy(copies / "root.key", keys)
    shutil.copy(copies / "epoch.key", keys.parent)
    shutil.copy(copies / "keys.db", database)
    installation.launch()
    assert installation.next_line()["sealed"] is True
    unseal(installation, shares, 2, 4, 5)
    assert time.monotonic() - started < 15 * 60
    installation.office.sign_in_officers()
    found = installation.office.leaves(kind="stored")
    assert found, "the ledger is the one from before"
    token = installation.office.client_token("recovered", "search", "view")
    web = Web(installation, token)
    (study,) = web.search("/studies", PatientID="sealed-1")
    assert web.get(f"/studies/{study['0020000D']['Value'][0]}/metadata").status_code == 200


def test_who_opens_it_with_a_passphrase_cannot_seal_it(archive):
    answer = archive.office.security.raw("POST", "/seal")
    assert answer.status_code == 409
    assert ask(archive, "GET", "/health/ready").status_code == 200


def test_shares_are_not_written_beside_what_they_open(tmp_path):
    inside = tmp_path / "archive" / "shares"
    words = ["--unseal-shares", "3", "--unseal-threshold", "2", "--share-directory", inside]
    done = program.run("init", "--directory", tmp_path / "archive", *words)
    assert done.returncode == 1 and not inside.exists()
    for wrong in (["--unseal-shares", "5"], ["--unseal-shares", "1", "--unseal-threshold", "1", "--share-directory", tmp_path]):
        assert program.run("init", "--directory", tmp_path / "other", *wrong).returncode == 2


def test_options_that_contradict_each_other_are_refused_before_anything_is_made(tmp_path):
    shares = ["--unseal-shares", "3", "--unseal-threshold", "2", "--share-directory", tmp_path / "shares"]
    token = ["--pkcs11-module", "/nonexistent.so", "--pkcs11-token", "house"]
    engine = ["--transit-address", "https://127.0.0.1:1", "--transit-token-file", "/t", "--transit-ca-file", "/c"]
    for words, option in [
        (["--root", "pkcs11", *token, *shares], "--unseal-shares"),
        (["--root", "transit", *engine, *shares], "--unseal-shares"),
        (["--root", "pkcs11", *token, "--passphrase-file", "/p"], "--passphrase-file"),
        (["--root", "transit", *engine, "--pin-file", "/p"], "--pin-file"),
        (["--root", "pkcs11", *token, "--transit-key", "other"], "--transit-key"),
        (token, "--pkcs11-module"),
        (engine, "--transit-address"),
        ([*shares[:3], "4", *shares[4:]], "--unseal-threshold"),
    ]:
        for dry in ([], ["--dry-run"]):
            done = program.run("init", "--directory", tmp_path / "archive", *words, *dry)
            assert done.returncode == 2 and option in done.stderr, (words, done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_what_opens_the_root_key_is_changed_and_the_root_key_stays(tmp_path):
    installation = Installation(tmp_path / "archive")
    try:
        installation.start()
        office = installation.office = Office(installation)
        token = office.client_token("reseal-gateway", "store", "search", "view")
        image = part10.image(patient_id="resealed")
        Web(installation, token).must_store(part10.file_bytes(image))
        reseal = ["keys", "reseal", "--config", installation.config]
        root_file = installation.directory / "keys" / "root.key"
        before = root_file.read_bytes()

        def by_shares(folder, count, needed):
            return ["--unseal-shares", count, "--unseal-threshold", needed, "--share-directory", folder]

        first, second = tmp_path / "first", tmp_path / "second"
        running = program.run(*reseal, *by_shares(first, 3, 2))
        assert running.returncode != 0 and not first.exists(), "not while it runs"
        installation.stop()
        program.run_json(*reseal, *by_shares(first, 3, 2), "--dry-run")
        program.run_json(*reseal, *by_shares(installation.directory / "shares", 3, 2), code=1)
        for contradiction in ([], ["--share-file", "/s", *by_shares(first, 3, 2)], by_shares(first, 2, 3)):
            program.run_json(*reseal, *contradiction, code=2)
            program.run_json(*reseal, *contradiction, "--dry-run", code=2)
        assert root_file.read_bytes() == before and not first.exists()

        # A passphrase becomes two of three shares, and those become three of four others.
        made = program.run_json(*reseal, *by_shares(first, 3, 2))
        assert made["share_files"] == [str(first / f"share-{number}.txt") for number in (1, 2, 3)]
        shares = ["--share-file", first / "share-3.txt"]
        program.run_json(*reseal, *shares, *by_shares(second, 4, 3), code=2)
        program.run_json(*reseal, *shares, "--share-file", first / "share-1.txt", *by_shares(second, 4, 3))
        installation.launch()
        assert installation.next_line()["sealed"] is True
        give(installation, first / "share-2.txt", code=1)
        unseal(installation, second, 4, 2, 3)
        office.sign_in_officers()
        assert part10.parse(Web(installation, token).file_of(image)) == image
        told = [leaf["reason"] for leaf in office.leaves(kind="system")]
        assert told.count("root-key-resealing") == told.count("root-key-resealed") == 2
        installation.stop()

        # And a passphrase again.
        passphrase = tmp_path / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text("a passphrase of many words\n")
        given = [word for number in (1, 2, 4) for word in ("--share-file", second / f"share-{number}.txt")]
        program.run_json(*reseal, *given, "--passphrase-file", passphrase)
        installation.settings["KEYS__PASSPHRASE_FILE"] = str(passphrase)
        installation.start()
        assert part10.parse(Web(installation, token).file_of(image)) == image
    finally:
        installation.kill()
        shutil.rmtree(installation.directory, ignore_errors=True)
