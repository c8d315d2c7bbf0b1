"""A vault on another host: what it has is given back, and nobody who has the archive can take it away."""

import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import time
from datetime import datetime, timezone

import pytest

from yingdun_testkit import part10, program, rig
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import Installation, wait_until
from yingdun_testkit.vault import Vault
from yingdun_testkit.web import Web
from yingdun_testkit.witness import Witness, write_policy

#: Studies of the restore that is measured. The full run: `script/soak --rig restore`.
STUDIES = rig.runs(25)
#: The officers that every installation begins with.
OFFICERS = {
    "system-administrator": "system-admin",
    "security-administrator": "security-admin",
    "audit-administrator": "audit-admin",
}
#: What a restore may take, and how old what it restores may be.
RTO_SECONDS_MAX = 20 * 60
RPO_SECONDS_MAX = 15 * 60


@pytest.fixture
def guarded(make_installation, tmp_path):
    """An archive and its vault."""
    installation = make_installation("guarded")
    return installation, Vault(tmp_path, installation)


def store(installation, client: str, count: int) -> dict:
    """Stores studies of one image; the bytes of each by its path."""
    web = Web(installation, installation.office.client_token(client, "store", "view"))
    images = [part10.image(patient_id=f"{client}-{number}") for number in range(count)]
    for image in images:
        web.must_store(part10.file_bytes(image))
    return {image.SOPInstanceUID: (image, web.file_of(image)) for image in images}


def passphrase_of(installation):
    return installation.directory / "keys" / "passphrase"


class Restored(Installation):
    """An installation that a vault made."""

    def __init__(self, root, vault: Vault, *options):
        self.root, self.directory = root, root / "restored"
        self.log_path = root / "restored.log"
        self.settings = {"STORAGE__RESERVE_BYTES": str(64 << 20)}
        self.process = self.lines = self.addresses = self.office = None
        # The passphrase is in the safe of the hospital, not in the vault.
        safe = root / "safe"
        shutil.copy(passphrase_of(vault.installation), safe)
        self.said = vault(
            "restore",
            *["--to", self.directory, "--passphrase-file", safe, "--web-listen", "127.0.0.1:0"],
            *["--dicom-tls-listen", "127.0.0.1:0", *options],
        )
        self.config = self.directory / "yingdun.toml"
        self.ca_file = self.directory / "pki" / "ca.pem"
        self.audit_key_file = self.directory / "audit.vkey"
        self.audit_directory = self.directory / "audit"
        self.replicas = [self.directory / f"replica-{letter}" for letter in "abc"]


def check_all(installation, token: str, images: dict):
    web = Web(installation, token)
    wrong = [uid for uid, (image, stored) in images.items() if web.file_of(image) != stored]
    assert not wrong, f"{len(wrong)} of {len(images)} objects are not what was stored"


def new_token(installation, client: str) -> str:
    """Signs in at a restored archive as an officer of before, and gives a client its rights."""
    installation.office = Office(installation, names=OFFICERS)
    return installation.office.client_token(client, "view")


def test_an_archive_comes_back_from_its_vault_byte_for_byte(guarded, tmp_path):
    installation, vault = guarded
    images = store(installation, "scanner", STUDIES)
    assert vault("pull")["pulled"]["snapshot"] == 1
    # What comes later is a little more of the same pack, and nothing is fetched twice.
    images |= store(installation, "later", 3)
    second = vault("pull")["pulled"]
    assert (second["snapshot"], second["packs"], second["alarms"]) == (2, 1, [])
    assert second["pack_bytes"] < vault("list")["snapshots"][1]["bytes"] / 2
    third = vault("pull")["pulled"]
    assert (third["snapshot"], third["packs"], third["pack_bytes"]) == (3, 0, 0)
    assert third["proved"] >= 1
    assert vault("verify")["faults"] == []

    token = installation.office.client_token("gone", "view")
    last = time.time()
    installation.kill()
    dry = vault("restore", "--to", tmp_path / "restored", "--dry-run")
    assert dry["snapshot"] == 3 and not (tmp_path / "restored").exists()
    restored = Restored(tmp_path, vault, "--verify", "--all")
    said = restored.said
    rehearsed = said["rehearsed"]
    assert (said["restored"]["records"], rehearsed["records"]) == (len(images), len(images)), said
    assert (rehearsed["opened"], rehearsed["unreadable"], rehearsed["without_key"]) == (len(images), 0, 0)
    assert (rehearsed["instances_read"], rehearsed["damaged"], rehearsed["strangers"]) == (len(images), 0, 0)
    restored.start()
    began = time.time()
    # A session of before is nobody's, and the people are who they were.
    assert Web(restored, token).get("/studies").status_code == 401
    check_all(restored, new_token(restored, "reader"), images)
    rto, rpo = said["rto_seconds"], said["rpo_seconds"]
    rig.leave_record(
        rig="restore", runs=STUDIES, acknowledged=len(images), lost=0, wrong=0, rto_seconds=rto, rpo_seconds=rpo
    )
    assert rto < RTO_SECONDS_MAX and rpo < RPO_SECONDS_MAX + (began - last)
    # It is an archive like any other: it stores, its log goes on, and a new vault follows it.
    store(restored, "after", 1)
    assert restored.stop() == 0
    assert restored.verify_audit()["ok"]
    # Nothing is ever restored over something.
    assert "already" in vault.refuses("restore", "--to", restored.directory)


def test_who_has_the_archive_can_end_the_vault_but_not_what_it_has(guarded, tmp_path):
    installation, vault = guarded
    images = store(installation, "scanner", 5)
    assert vault("pull")["pulled"]["snapshot"] == 1
    early_log = tmp_path / "early-log"
    installation.stop()
    shutil.copytree(installation.audit_directory, early_log)
    installation.start()
    vault.follow()
    installation.office.sign_in_officers()
    images |= store(installation, "more", 5)
    assert vault("pull")["pulled"]["snapshot"] == 2
    kept = vault.contents()

    # Every credential of the archive, and the vault's own there: none changes anything, and none leads to the vault.
    vault_token = installation.office.client_credentials("vault", vault.secret.read_text()).json()["access_token"]
    api = installation.office.api(vault_token)
    assert api.raw("GET", "/vault/holdings").status_code == 200
    for method, path in [("DELETE", "/vault/packs/0000000000000001"), ("POST", "/system/scrub"), ("GET", "/people")]:
        assert api.raw(method, path).status_code in (403, 405), path
    assert Web(installation, vault_token).get("/studies").status_code == 403
    secrets_of_vault = [vault.passphrase.read_bytes(), (vault.directory / "signing.key").read_bytes()]
    for path in installation.files():
        content = path.read_bytes()
        assert str(vault.directory).encode() not in content and not any(one in content for one in secrets_of_vault)

    # Ransomware: the packs are written over where they lie, on every replica.
    packs = [path for replica in installation.replicas for path in (replica / "packs").iterdir()]
    for path in packs:
        with open(path, "r+b") as pack:
            pack.write(secrets.token_bytes(min(path.stat().st_size, 1 << 20)))
    pulled = vault("pull", code=1)["pulled"]
    assert {alarm["kind"] for alarm in pulled["alarms"]} == {"pack-changed"}, pulled
    # They are deleted.
    for path in packs:
        path.unlink()
    # The alarm of each pack waits already; it is told again, and raised once.
    told = vault("pull", code=1)
    assert told["alarms_waiting"] == len(pulled["alarms"]) > 0
    # And the log is set back to before.
    installation.stop()
    shutil.rmtree(installation.audit_directory)
    shutil.copytree(early_log, installation.audit_directory)
    installation.start()
    vault.follow()
    pulled = vault("pull", code=1)["pulled"]
    assert pulled["snapshot"] is None and pulled["alarms"][-1]["kind"] == "log-not-continued", pulled

    # Nothing of before was touched.
    now = vault.contents()
    assert all(now.get(path) == content for path, content in kept.items() if "/audit/" not in str(path))
    assert vault("verify", "--snapshot", "2")["faults"] == []
    assert "alarms wait" in vault.refuses("prune", "--apply")
    assert vault("alarms", code=1)["alarms"]
    installation.kill()
    restored = Restored(tmp_path, vault, "--snapshot", "2")
    restored.start()
    check_all(restored, new_token(restored, "reader"), images)
    restored.kill()


def test_what_was_destroyed_after_a_snapshot_does_not_come_back_with_it(guarded, tmp_path):
    installation, vault = guarded
    images = store(installation, "scanner", 3)
    assert vault("pull")["pulled"]["snapshot"] == 1
    uid, (image, _) = images.popitem()
    office = installation.office
    asked = office.security.post("/destructions", {"study": image.StudyInstanceUID, "reason": "trial"}, 201)
    approval = office.audit.raw("POST", f"/destructions/{asked['id']}/approval")
    assert approval.ok, approval.text
    address = f"/studies/{image.StudyInstanceUID}/metadata"
    web = Web(installation, office.client_token("looks", "view"))
    wait_until(lambda: web.get(address).status_code == 404, "the study is destroyed")
    # Destruction is no alarm.
    assert vault("pull")["pulled"]["alarms"] == []
    installation.kill()
    restored = Restored(tmp_path, vault, "--snapshot", "1")
    restored.start()
    token = new_token(restored, "reader")
    check_all(restored, token, images)
    assert Web(restored, token).get(address).status_code == 404, f"{uid} came back"
    restored.kill()


def test_snapshots_end_by_running_time_and_never_all_of_them(guarded):
    installation, vault = guarded
    for number in range(5):
        store(installation, f"scanner-{number}", 1)
        vault("pull")
    assert vault("prune")["snapshots"] == []
    # Settings that keep nothing: the last three stay with the newest keys, and a dry run touches nothing.
    vault.set(keep_days=0, keep_keys_days=0)
    would = vault("prune")
    assert (would["snapshots"], would["keys_of"], would["dry_run"]) == ([1, 2], [3, 4], True)
    assert len(vault("list")["snapshots"]) == 5
    assert vault("prune", "--apply")["snapshots"] == [1, 2]
    assert [row["snapshot"] for row in vault("list")["snapshots"]] == [3, 4, 5]
    assert vault("verify")["faults"] == [] and vault("verify")["keys"] is True
    assert "keys of snapshot 3 are gone" in vault.refuses("restore", "--snapshot", "3", "--to", "/nonexistent", "--dry-run")
    assert vault("restore", "--snapshot", "3", "--keys-of", "5", "--to", "/nonexistent", "--dry-run")["keys_of"] == 5
    # The chain goes on behind what was removed.
    assert vault("pull")["pulled"]["snapshot"] == 6


def test_a_torn_copy_is_fetched_again_and_a_changed_one_is_told(guarded):
    installation, vault = guarded
    store(installation, "scanner", 3)
    vault("pull")
    (pack,) = (vault.directory / "packs").iterdir()
    with open(pack, "ab") as copy:
        copy.write(secrets.token_bytes(500))
    store(installation, "more", 2)
    assert vault("pull")["pulled"]["alarms"] == []
    assert vault("verify")["faults"] == []
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)
    assert vault("verify", code=1)["faults"]
    assert vault("pull", code=1)["pulled"]["alarms"][0]["kind"] == "copy-damaged"
    assert vault("alarms", "--acknowledge")["acknowledged"] is True
    assert vault("alarms")["alarms"] == []


def test_a_vault_believes_no_other_log_store_or_passphrase(guarded, make_installation, tmp_path):
    installation, vault = guarded
    store(installation, "scanner", 1)
    vault("pull")
    other = make_installation("other-guarded")
    (tmp_path / "x").mkdir()
    stranger = Vault(tmp_path / "x", other)
    # The address leads to another archive, whose log another key signs.
    stranger.set(audit_key=installation.audit_key_file.read_text().strip())
    assert stranger("pull", code=1)["pulled"]["alarms"][0]["kind"] == "log-not-continued"
    vault.passphrase.write_text("another passphrase")
    assert "passphrase is not the one" in vault.refuses("verify")
    assert "already" in program.run(
        *["vault", "init", "--directory", vault.directory, "--server", other.addresses.web, "--client-id", "vault"],
        *["--client-secret-file", vault.secret, "--audit-key-file", other.audit_key_file],
        *["--keys-folder", tmp_path / "k", "--keys-passphrase-file", vault.passphrase],
    ).stderr


def test_a_vault_that_serves_pulls_by_itself_and_stops_in_order(guarded):
    installation, vault = guarded
    store(installation, "scanner", 1)
    with subprocess.Popen(
        [program.binary(), "--json", "vault", "serve", "--directory", vault.directory, "--every", "1"],
        stdout=subprocess.PIPE,
        env=dict(os.environ),
    ) as process:
        first = json.loads(process.stdout.readline())
        assert first["pulled"]["snapshot"] == 1
        assert "another process works on the vault" in vault.refuses("list")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_an_archive_on_database_servers_comes_back_on_other_ones_and_in_files(make_installation, postgres_cluster, tmp_path):
    databases = postgres_cluster.databases_of_an_installation()
    installation = make_installation("guarded-server", databases=databases)
    vault = Vault(tmp_path, installation)
    images = store(installation, "scanner", 5)
    installation.office.person("doctor", "radiologist")
    assert vault("pull")["pulled"]["alarms"] == []
    # The catalogue of this snapshot is the one of the first; what came between is read from the packs.
    images |= store(installation, "later", 3)
    second = vault("pull")["pulled"]
    assert (second["snapshot"], second["alarms"]) == (2, [])
    assert vault("verify")["faults"] == []
    # Nothing is restored into a database that has something, and nothing is made before that is known.
    fresh = postgres_cluster.databases_of_an_installation()
    safe = passphrase_of(installation)
    for name in ("catalogue", "keys", "identity"):
        mixed = addresses({**fresh, name: databases[name]})
        said = vault.refuses("restore", "--to", tmp_path / "mixed", "--passphrase-file", safe, *mixed)
        assert "already" in said and str(postgres_cluster.directory) not in said, said
        assert not list((tmp_path / "mixed").glob("replica-*/*"))
        shutil.rmtree(tmp_path / "mixed")
    installation.kill()
    for name, options in [("on-servers", addresses(fresh)), ("in-files", [])]:
        root = tmp_path / name
        root.mkdir()
        restored = Restored(root, vault, "--verify", *options)
        rehearsed = restored.said["rehearsed"]
        assert (rehearsed["opened"], rehearsed["unreadable"]) == (len(images), 0), restored.said
        restored.start()
        check_all(restored, new_token(restored, "reader"), images)
        assert restored.office.sign_in("doctor")
        # It is an archive like any other: what is new gets keys, rows and leaves.
        store(restored, "after", 1)
        assert restored.stop() == 0
        assert restored.verify_audit()["ok"]


def addresses(databases: dict) -> list:
    """Databases as options of a restore."""
    return [word for name, url in databases.items() for word in (f"--{name}-url", url)]


def test_a_restore_is_rehearsed_leaves_nothing_but_a_signed_note_and_finds_what_is_wrong(guarded, tmp_path):
    installation, vault = guarded
    images = store(installation, "scanner", 4)
    scratch, safe = tmp_path / "scratch", passphrase_of(installation)
    scratch.mkdir()
    rehearse = ["rehearse", "--scratch", scratch, "--passphrase-file", safe]
    assert "no snapshot yet" in vault.refuses(*rehearse)
    assert vault("rehearsals")["rehearsals"] == []
    vault("pull")
    # One study is destroyed after the snapshot: it is neither restored nor missed.
    uid, (image, _) = images.popitem()
    office = installation.office
    asked = office.security.post("/destructions", {"study": image.StudyInstanceUID, "reason": "trial"}, 201)
    assert office.audit.raw("POST", f"/destructions/{asked['id']}/approval").ok
    web = Web(installation, office.client_token("looks", "view"))
    address = f"/studies/{image.StudyInstanceUID}/metadata"
    wait_until(lambda: web.get(address).status_code == 404, "the study is destroyed")
    vault("pull")
    good = vault(*rehearse, "--all", "--snapshot", "1")
    found = good["rehearsed"]
    assert good["good"] is True and good["rto_seconds"] > 0 and good["rpo_seconds"] >= 0
    assert (found["studies_read"], found["instances_read"], found["damaged"]) == (len(images), len(images), 0)
    assert (found["opened"], found["without_key"], found["strangers"]) == (len(images), 1, 0), found
    assert found["bytes_read"] > 0 and list(scratch.iterdir()) == []

    # Keys that are none: what does not open is told, and nothing is left here either.
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase")
    vault.refuses(*rehearse[:-1], wrong)
    assert list(scratch.iterdir()) == []
    (note,) = (vault.directory / "rehearsals").iterdir()
    (told,) = vault("rehearsals")["rehearsals"]
    assert (told["rehearsal"], told["snapshot"], told["good"]) == (1, 1, True)
    assert told["found"]["rehearsed"] == found
    # Nobody writes a note for the vault.
    text = note.read_text()
    note.write_text(text.replace('"good":true', '"good":false'))
    assert "is not what the vault put there" in vault.refuses("rehearsals")
    note.write_text(text)
    assert len(vault("rehearsals")["rehearsals"]) == 1


def test_rows_that_somebody_wrote_into_the_databases_are_told_and_do_not_stay(guarded, tmp_path):
    installation, vault = guarded
    vault.set(catalogue_every_minutes=0)
    images = store(installation, "scanner", 30)
    assert vault("pull")["pulled"]["alarms"] == []
    # Root on the archive's host: an image that is nowhere, and one that leads to another patient.
    installation.stop()
    poison(
        installation,
        "catalogue",
        "INSERT INTO instance SELECT instance_number, received_ms, object_bytes, format_id, version, latest, frames, "
        "randomblob(16), series_ref, '1.2.3.4', location, sealed FROM instance LIMIT 1",
        "UPDATE study SET patient_ref = randomblob(16) WHERE study_ref = (SELECT study_ref FROM study LIMIT 1)",
    )
    installation.start()
    vault.follow()
    assert vault("pull")["pulled"]["snapshot"] == 2
    options = ["--to", tmp_path / "believed", "--passphrase-file", passphrase_of(installation), "--verify"]
    believed = vault("restore", *options, code=1)["rehearsed"]
    assert (believed["strangers"], believed["opened"], believed["unreadable"]) == (2, len(images), 0)
    made = vault("restore", *options[:1], tmp_path / "made", *options[2:], "--catalogue-from-packs")["rehearsed"]
    assert (made["strangers"], made["opened"]) == (0, len(images))

    # Most keys are gone: somebody is told, and the keys of before are here.
    installation.stop()
    poison(installation, "keys", "DELETE FROM patient_key", "DELETE FROM study_key WHERE rowid % 2 = 0")
    installation.start()
    vault.follow()
    pulled = vault("pull", code=1)["pulled"]
    (alarm,) = pulled["alarms"]
    assert (alarm["kind"], alarm["part"]) == ("rows-vanished", "keys") and alarm["came"] < alarm["kept"]
    assert "alarms wait" in vault.refuses("prune", "--apply")
    # Keys that nothing wraps are no database, and nothing comes of them.
    assert "name others that are not there" in vault.refuses("restore", "--to", tmp_path / "x", *options[2:])
    installation.kill()
    restored = Restored(tmp_path, vault, "--keys-of", "1", "--catalogue-from-packs", "--verify")
    assert restored.said["rehearsed"]["instances_read"] == len(images)
    restored.start()
    check_all(restored, new_token(restored, "reader"), images)
    restored.kill()


def poison(installation, name: str, *statements: str):
    """Writes into a database of a stopped archive, past everything that guards it."""
    with sqlite3.connect(installation.directory / "db" / f"{name}.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def test_both_trees_of_the_log_are_followed_and_the_restored_log_goes_on_with_them(make_installation, tmp_path):
    installation = make_installation("guarded-national", settings={"AUDIT__SM3_TREE": "true"})
    key = installation.directory / "audit-sm3.vkey"
    vault = Vault(tmp_path, installation, "--audit-sm3-key-file", key)
    images = store(installation, "scanner", 2)
    assert vault("pull")["pulled"]["alarms"] == []
    images |= store(installation, "more", 2)
    assert vault("pull")["pulled"]["alarms"] == []
    assert vault("verify")["faults"] == []
    head = (vault.directory / "audit" / "sm3" / "checkpoint").read_bytes()

    # Whoever has the archive ends its second tree: what is here stays, and somebody is told.
    installation.stop()
    shutil.rmtree(installation.audit_directory / "sm3")
    installation.settings["AUDIT__SM3_TREE"] = "false"
    installation.start()
    vault.follow()
    pulled = vault("pull", code=1)["pulled"]
    assert (pulled["snapshot"], pulled["alarms"][0]["kind"]) == (None, "log-not-continued")
    assert "SM3" in pulled["alarms"][0]["why"]
    assert (vault.directory / "audit" / "sm3" / "checkpoint").read_bytes() == head
    assert vault("verify")["faults"] == []
    installation.kill()
    for name, options in [("newest", []), ("of-snapshot", ["--snapshot", "1", "--audit-of-snapshot"])]:
        root = tmp_path / name
        root.mkdir()
        restored = Restored(root, vault, *options)
        # The tree is not made anew: it begins with the head that the old archive had signed.
        assert (restored.audit_directory / "sm3" / "checkpoint").is_file()
        if name == "newest":
            assert (restored.audit_directory / "sm3" / "checkpoint").read_bytes() == head
        restored.start()
        new_token(restored, "reader")
        assert restored.stop() == 0
        assert "building the SM3 tree" not in restored.log_text()
        keys = [word for path in (restored.audit_key_file, key) for word in ("--public-key", path)]
        both = program.run_json("audit", "verify", restored.audit_directory, *keys)
        assert both["ok"], both
        assert (restored.directory / "audit-sm3.vkey").read_text() == key.read_text()


def test_a_moment_is_restored_from_the_snapshot_before_it(guarded):
    installation, vault = guarded
    before = now()
    store(installation, "scanner", 2)
    vault("pull")
    between = now()
    store(installation, "later", 3)
    after = now()
    vault("pull")
    rows = vault("list")["snapshots"]
    assert [row["keys"] for row in rows] == [True, True]
    moments = [datetime.fromisoformat(text) for text in (rows[0]["taken"], between, after, rows[1]["taken"])]
    assert moments == sorted(moments)

    def at(moment):
        return vault("restore", "--at", moment, "--to", "/nonexistent", "--dry-run")

    chosen = at(after)
    assert chosen["snapshot"] == 1
    assert (chosen["between"]["stored"], chosen["between"]["next"]) == (3, 2)
    chosen = at(between)
    assert (chosen["snapshot"], chosen["between"]["stored"]) == (1, 0)
    chosen = at(now())
    assert (chosen["snapshot"], chosen["between"]["stored"], chosen["between"]["next"]) == (2, 0, None)
    assert "every snapshot is newer" in vault.refuses("restore", "--at", before, "--to", "/nonexistent", "--dry-run")
    assert "expected a moment" in vault.refuses("restore", "--at", "noon", "--to", "/nonexistent", "--dry-run")


def now() -> str:
    """This moment, as a person writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def test_how_far_the_log_was_witnessed_comes_back_with_it(make_installation, tmp_path):
    installation = make_installation("guarded-witnessed", serve=False)
    witness = Witness(tmp_path, "far", installation, installation.audit_key_file).start()
    try:
        policy = write_policy(tmp_path / "witness.policy", witness)
        installation.settings["AUDIT__WITNESS_POLICY_FILE"] = str(policy)
        installation.settings["AUDIT__WITNESS_CA_FILE"] = witness.ca_file
        installation.start()
        installation.office = Office(installation)
        vault = Vault(tmp_path, installation)
        store(installation, "scanner", 2)
        least = installation.office.metrics()["yingdun_audit_leaves"]
        seen = lambda: installation.office.metrics().get("yingdun_audit_witnessed_size", 0) >= least  # noqa: E731
        wait_until(seen, "all of it is witnessed", 120)
        assert vault("pull")["pulled"]["alarms"] == []
    finally:
        witness.kill()
    # Whoever has the archive takes that away, shows one of another past, and writes the log anew: what is here stays.
    kept = installation.audit_directory / "witnessed"
    shown = kept.read_text()
    kept.unlink()
    assert vault("pull")["pulled"]["alarms"] == []
    kept.write_text(shown.replace("\n\n", "\nx\n\n", 1))
    pulled = vault("pull", code=1)["pulled"]
    assert pulled["snapshot"] == 3 and [alarm["kind"] for alarm in pulled["alarms"]] == ["log-not-continued"]
    assert "what is witnessed" in pulled["alarms"][0]["why"]
    assert vault("verify")["faults"] == []
    installation.kill()
    # Without the witness, and without the archive: the restored log shows it, with the newest log and with that of a snapshot.
    for name, options in [("newest", []), ("of-snapshot", ["--snapshot", "1", "--audit-of-snapshot"])]:
        root = tmp_path / name
        root.mkdir()
        restored = Restored(root, vault, *options)
        report = program.run_json(
            *["audit", "verify", restored.audit_directory, "--public-key", restored.audit_key_file],
            *["--witness-policy", policy],
        )
        assert report["witnessed"]["ok"] and report["witnessed"]["size"] >= least, report
