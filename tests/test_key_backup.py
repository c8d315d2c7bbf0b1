"""Keys in a backup of their own: made beside an archive that serves, rehearsed, and recovered from after all keys were lost."""

import shutil

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import Installation, wait_until
from yingdun_testkit.web import Web


@pytest.fixture
def installation(tmp_path):
    installation = Installation(tmp_path / "archive")
    yield installation
    installation.kill()
    shutil.rmtree(installation.directory, ignore_errors=True)


@pytest.fixture
def passphrase(tmp_path):
    passphrase = tmp_path / "backup-passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("another passphrase of many words\n")
    return passphrase


def stored(web, patient_id):
    image = part10.image(patient_id=patient_id)
    web.must_store(part10.file_bytes(image))
    return image


def destroyed(installation, tmp_path, image):
    """Two officers destroy a study; waits until no copy of its key opens any more."""

    def officer(name, *words):
        return program.run_json("destroy", *words, *program.signed_in(installation, tmp_path, name))

    target = ["--study", image.StudyInstanceUID, "--reason", "trial"]
    asked = officer("security-admin", "request", *target)
    officer("audit-admin", "approve", asked["id"])
    wait_until(lambda: officer("audit-admin", "show", asked["id"])["state"] == "done", "it is destroyed", 60)


def reminders(installation, environment):
    told = program.run_json("doctor", "--config", installation.config, env=environment)["findings"]
    return {finding["option"] for finding in told} & {"keys.backup_days", "keys.rehearsal_days"}


def lose_keys(installation):
    for path in [*(installation.directory / "keys").glob("*.key"), *(installation.directory / "db").glob("keys.db*")]:
        path.unlink()


def test_all_keys_are_lost_and_come_back_and_what_was_destroyed_does_not(installation, passphrase, tmp_path):
    installation.start()
    office = installation.office = Office(installation)
    access = office.client_token("backup-gateway", "store", "search", "view")
    web = Web(installation, access)
    kept, gone = stored(web, "kept"), stored(web, "gone")
    backup = tmp_path / "keys.backup"
    config, opener = ["--config", installation.config], ["--backup-passphrase-file", passphrase]

    # Beside an archive that serves; nothing is written over, and not without something that opens it.
    make = ["keys", "backup", backup, *config]
    program.run_json(*make, code=2)
    assert reminders(installation, {}) == set(), "who did not ask is not reminded"
    assert reminders(installation, {"YINGDUN__KEYS__BACKUP_DAYS": "1"}) == {"keys.backup_days"}
    made = program.run_json(*make, "--passphrase-file", passphrase)
    missed = {"YINGDUN__KEYS__BACKUP_DAYS": "1", "YINGDUN__KEYS__REHEARSAL_DAYS": "90"}
    assert reminders(installation, missed) == {"keys.rehearsal_days"}
    assert (made["studies"], made["root"], backup.stat().st_mode & 0o777) == (2, "file", 0o600)
    program.run_json(*make, "--passphrase-file", passphrase, code=1)
    rehearse = ["keys", "rehearse", backup, *config, *opener]
    assert program.run(*rehearse).returncode == 1, "its leaf needs the log, which the server has"
    destroyed(installation, tmp_path, gone)
    late = stored(web, "late")
    installation.stop()

    # The rehearsal opens keys from the backup alone, touches nothing, and is a leaf.
    lives = {path: path.read_bytes() for path in (installation.directory / "keys").glob("*.key")}
    rehearsed = program.run_json(*rehearse)["opened"]
    assert rehearsed["study_keys"] == 2 and rehearsed["secrets"] >= 4 and rehearsed["key_encryption_keys"] >= 1
    assert {path: path.read_bytes() for path in (installation.directory / "keys").glob("*.key")} == lives
    assert list((installation.directory / "keys").glob(".rehearsal*")) == []
    assert reminders(installation, missed) == set()

    # Nothing is overwritten; and an audit log that is older than the backup would not say what was destroyed since.
    recover = ["keys", "recover", backup, *config, *opener]
    refused = program.run(*recover)
    assert refused.returncode == 2 and "never overwritten" in refused.stderr, refused.stderr
    lose_keys(installation)
    program.run_json(*recover, "--dry-run")
    assert not (installation.directory / "db" / "keys.db").exists()
    program.run_json(*recover)
    installation.start()
    web = Web(installation, access)
    assert part10.parse(web.file_of(kept)) == kept
    assert web.get(f"/studies/{gone.StudyInstanceUID}").status_code == 404
    assert web.get(f"/studies/{late.StudyInstanceUID}").status_code != 200, "its key was in no backup"
    office.sign_in_officers()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    destructions = program.run_json(
        "destroy", "list", *program.signed_in(installation, fresh, "audit-admin")
    )
    assert "from-log" in {row["reason"] for row in destructions}
    assert any(leaf["reason"] == "key-backup-rehearsed" for leaf in office.leaves(kind="system"))


def test_a_backup_is_opened_by_shares_of_its_own_and_believed_by_its_signature(installation, tmp_path):
    shares, backup = tmp_path / "shares", tmp_path / "keys.backup"
    by_shares = ["--unseal-shares", 3, "--unseal-threshold", 2, "--share-directory", shares]
    config = ["--config", installation.config]
    made = program.run_json("keys", "backup", backup, *config, *by_shares)
    assert made["share_files"] == [str(shares / f"share-{number}.txt") for number in (1, 2, 3)]

    def given(*numbers):
        return [word for number in numbers for word in ("--backup-share-file", shares / f"share-{number}.txt")]

    verify = ["keys", "verify-backup", "--public-key", installation.audit_key_file]
    assert program.run_json(*verify, backup)["signed"] is True
    assert program.run_json(*verify, backup, *given(3, 1))["root"] == "file"
    program.run_json(*verify, backup, *given(3), code=2)
    program.run_json("keys", "rehearse", backup, *config, *given(2, 3))

    changed = tmp_path / "changed.backup"
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    stranger = Installation(tmp_path / "stranger")
    program.run_json(*verify, changed, code=1)
    program.run_json("keys", "verify-backup", "--public-key", stranger.audit_key_file, backup, code=1)
    lose_keys(stranger)
    refused = program.run("keys", "recover", backup, "--config", stranger.config, *given(1, 2))
    assert refused.returncode == 1 and "not one of this archive" in refused.stderr, refused.stderr
    assert list((stranger.directory / "keys").glob("*.key")) == []


def test_keys_on_postgresql_are_backed_up_rehearsed_and_recovered_into_a_new_database(
    postgres_cluster, passphrase, tmp_path
):
    installation = Installation(tmp_path / "archive", databases=postgres_cluster.databases_of_an_installation())
    try:
        installation.start()
        office = installation.office = Office(installation)
        access = office.client_token("backup-gateway", "store", "search", "view")
        image = stored(Web(installation, access), "kept")
        backup, config = tmp_path / "keys.backup", ["--config", installation.config]
        opener = ["--backup-passphrase-file", passphrase]
        program.run_json("keys", "backup", backup, *config, "--passphrase-file", passphrase)
        installation.stop()
        assert program.run_json("keys", "rehearse", backup, *config, *opener)["opened"]["study_keys"] == 1
        for path in (installation.directory / "keys").glob("*.key"):
            path.unlink()
        recover = ["keys", "recover", backup, *config, *opener]
        refused = program.run(*recover)
        assert refused.returncode == 2 and "key database" in refused.stderr, refused.stderr
        url = postgres_cluster.databases_of_an_installation()["keys"]
        program.run_json(*recover, env={"YINGDUN__KEYS__DATABASE": url})
        installation.settings["KEYS__DATABASE"] = url
        installation.start()
        assert part10.parse(Web(installation, access).file_of(image)) == image
    finally:
        installation.kill()
        shutil.rmtree(installation.directory, ignore_errors=True)
