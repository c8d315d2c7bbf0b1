"""Studies are destroyed, and a thief who has everything that was left behind, and the root key, opens none of them."""

import shutil
import sqlite3
import subprocess

import pytest

from yingdun_testkit import filesystem, part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import wait_until
from yingdun_testkit.key_thief import Thief, root_key
from yingdun_testkit.web import Web

#: Seconds until copies are dead, on a loaded machine.
DONE_SECONDS_MAX = 60
#: Studies that are destroyed, and those beside them.
DESTROYED, KEPT = 3, 3
#: Bytes of the disk on which the keys lie: small, because every byte of it is tried.
DISK_BYTES = 24 << 20


def command_of(installation, tmp_path, name, *words, code=0):
    """A command of an officer."""
    return program.run_json("destroy", *words, *program.signed_in(installation, tmp_path, name), code=code)


def approved(installation, tmp_path, image) -> str:
    """The name of a destruction that was asked for and approved."""
    target = ["--study", image.StudyInstanceUID]
    asked = command_of(installation, tmp_path, "security-admin", "request", *target, "--reason", "trial")
    command_of(installation, tmp_path, "audit-admin", "approve", asked["id"])
    return asked["id"]


def all_done(installation, tmp_path):
    """Waits until no copy of a key opens any more."""
    states = lambda: {row["state"] for row in command_of(installation, tmp_path, "audit-admin", "list")}  # noqa: E731
    wait_until(lambda: states() <= {"done", "withdrawn"}, "copies are dead", DONE_SECONDS_MAX)


def store(web, count, patient):
    images = [part10.image(patient_id=f"{patient}-{number}") for number in range(count)]
    for image in images:
        web.must_store(part10.file_bytes(image))
    return images


@pytest.fixture(params=["sqlite", "postgres"])
def archive_on(request, make_installation):
    if request.param == "sqlite":
        return make_installation("destruction")
    cluster = request.getfixturevalue("postgres_cluster")
    return make_installation("destruction-postgres", databases=cluster.databases_of_an_installation())


def test_a_study_is_destroyed_by_two_people_and_is_gone_for_everybody(archive_on, tmp_path):
    installation, office = archive_on, archive_on.office
    web = Web(installation, office.client_token("gateway", "store", "search", "view"))
    (gone,), (kept,) = store(web, 1, "gone"), store(web, 1, "kept")
    address = f"/studies/{gone.StudyInstanceUID}"
    target = ["--study", gone.StudyInstanceUID]
    plan = command_of(installation, tmp_path, "security-admin", "plan", *target)
    assert (plan["instances"], plan["studies"][0]["uid"]) == (1, gone.StudyInstanceUID)
    assert web.get(f"{address}/metadata").status_code == 200, "a plan destroys nothing"

    # One person alone never can.
    asked = command_of(installation, tmp_path, "security-admin", "request", *target, "--reason", "mistake")
    command_of(installation, tmp_path, "security-admin", "approve", asked["id"], code=1)
    command_of(installation, tmp_path, "audit-admin", "request", *target, "--reason", "mistake", code=1)
    command_of(installation, tmp_path, "audit-admin", "withdraw", asked["id"])
    assert web.get(f"{address}/metadata").status_code == 200

    name = approved(installation, tmp_path, gone)
    all_done(installation, tmp_path)
    record = command_of(installation, tmp_path, "security-admin", "show", name)
    assert web.get(f"{address}/metadata").status_code == 404
    assert web.search("/studies", PatientID="gone-0") == []
    assert web.get(f"/studies/{kept.StudyInstanceUID}/metadata").status_code == 200
    assert (record["requested_by"], record["decided_by"]) == ("security-admin", "audit-admin")
    assert len(record["sha256"]) == 64 and "uid" not in record["studies"][0]
    rows = office.audit.get("/audit/search", {"study": record["studies"][0]["study"], "limit": 1000})
    leaves = {row["leaf"]["reason"]: row["index"] for row in rows}
    assert leaves["destroy-study"] == record["studies"][0]["intent_leaf"]
    assert leaves["study-destroyed"] == record["studies"][0]["outcome_leaf"]
    states = [row["state"] for row in command_of(installation, tmp_path, "audit-admin", "list")]
    assert states == ["done", "withdrawn"]

    # Killed and started again it stays so; and what is sent again is a new study.
    installation.kill()
    installation.start()
    assert web.get(f"{address}/metadata").status_code == 404
    web.must_store(part10.file_bytes(gone))
    assert web.get(f"{address}/metadata").status_code == 200


def test_a_kill_in_the_middle_of_a_destruction_is_resumed(make_installation, tmp_path):
    installation = make_installation("destruction-killed")
    web = Web(installation, installation.office.client_token("gateway", "store", "search", "view"))
    gone, kept = store(web, 2, "gone"), store(web, 2, "kept")
    for number, image in enumerate(gone):
        approved(installation, tmp_path, image)
        # Wherever it is by now: before the leaf, between keys and rows, while keys are wrapped again.
        wait_until(lambda: number == 0 or web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 404, "it is gone")
        installation.kill()
        installation.start()
    all_done(installation, tmp_path)
    assert {web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code for image in gone} == {404}
    assert {web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code for image in kept} == {200}


@pytest.fixture
def key_disk(tmp_path):
    """A small ext4 file system of its own for keys, and the file with every byte of it; a plain folder where none can be mounted."""
    folder, image = tmp_path / "key-disk", tmp_path / "key-disk.img"
    folder.mkdir()
    if filesystem.reason_to_skip("ext4"):
        yield folder, None
        return
    image.write_bytes(b"")
    with image.open("r+b") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-J", "size=4", image], check=True, capture_output=True)
    mounted = subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True, check=False)
    yield folder, image if mounted.returncode == 0 else None
    subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def test_a_thief_with_everything_left_behind_and_the_root_key_opens_no_destroyed_study(make_installation, key_disk, tmp_path):
    folder, image = key_disk
    database = {"keys": f"sqlite:{folder}/keys.db"}
    settings = {"KEYS__EPOCH_FILE": str(folder / "epoch.key"), "KEYS__DATABASE": database["keys"]}
    installation = make_installation("destruction-thief", serve=False, databases=database, settings=settings)
    keys = installation.directory / "keys"
    # The first epoch was made by `init`, beside the root key.
    shutil.move(keys / "epoch.key", folder / "epoch.key")
    installation.start()
    office = installation.office = Office(installation)
    web = Web(installation, office.client_token("gateway", "store", "search", "view"))
    gone, kept = store(web, DESTROYED, "gone"), store(web, KEPT, "kept")
    before = tmp_path / "before"
    before.mkdir()
    for path in folder.iterdir():
        if path.is_file():
            shutil.copy(path, before / path.name)
    with sqlite3.connect(before / "keys.db") as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        references = [study.hex() for (study,) in rows.execute("SELECT study_ref FROM study_key ORDER BY created_ms")]
    for study in gone:
        approved(installation, tmp_path, study)
    all_done(installation, tmp_path)

    core = subprocess.run(
        ["gcore", "-o", tmp_path / "core", str(installation.process.pid)], capture_output=True, check=False
    ) if shutil.which("gcore") else None
    installation.kill()
    left = [path for path in folder.iterdir() if path.is_file()]
    left += [before / "keys.db", installation.log_path]
    left += [path for path in (installation.directory / "db").iterdir() if path.is_file()]
    if image:
        subprocess.run(["sync", "-f", folder], check=True)
        left.append(image)
    root = root_key(keys / "root.key", (keys / "passphrase").read_text(encoding="utf-8").strip())
    thief = Thief(root, before / "keys.db", left)
    print(f"{len(thief.windows)} windows of {len(left)} files, image: {bool(image)}")
    opened = thief.opened()
    lost, safe = references[:DESTROYED], references[DESTROYED:]
    assert {study: opened[study] for study in lost} == {study: [] for study in lost}
    assert all(opened[study] for study in safe), "the neighbours open"

    # The same thief, where the old epoch was left, opens everything: what protects is that it ends.
    opened = Thief(root, before / "keys.db", [*left, before / "epoch.key"]).opened()
    assert all(opened.values())

    # No key that opens anything lies in the clear on any disk or in the log of the program.
    bare = {bytes.fromhex(key) for keys_of in opened.values() for key in keys_of} | {root}
    for path in left:
        content = path.read_bytes()
        assert not any(key in content or key.hex().encode() in content for key in bare), path
    # The process holds what serves now, and nothing of what was destroyed.
    if core and core.returncode == 0:
        (dump,) = tmp_path.glob("core.*")
        content = dump.read_bytes()
        dump.unlink()
        of_destroyed = {bytes.fromhex(key) for study in lost for key in opened[study]}
        assert not any(key in content for key in of_destroyed)
    installation.start()
    assert {web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code for image in kept} == {200}


def held(installation, tmp_path, name, *words, code=0):
    """A command of an officer about legal holds."""
    return program.run_json("hold", *words, *program.signed_in(installation, tmp_path, name), code=code)


def test_what_is_under_a_legal_hold_is_destroyed_only_after_two_people_let_go_of_it(make_installation, tmp_path):
    installation = make_installation("destruction-held")
    web = Web(installation, installation.office.client_token("gateway", "store", "search", "view"))
    (image,), (neighbour,) = store(web, 1, "held"), store(web, 1, "free")
    address, target = f"/studies/{image.StudyInstanceUID}/metadata", ["--study", image.StudyInstanceUID]
    asks, places = "security-admin", "audit-admin"
    asked = command_of(installation, tmp_path, asks, "request", *target, "--reason", "mistake")
    held(installation, tmp_path, asks, "place", *target, "--reason", "ordered", code=1)
    hold = held(installation, tmp_path, places, "place", *target, "--reason", "litigation")
    assert (hold["state"], hold["uid"], hold["placed_by"]) == ("held", image.StudyInstanceUID, places)
    assert held(installation, tmp_path, asks, "list") == [hold]

    # Every way is shut, and says how it is opened; also after a kill. The neighbour is free.
    for _ in range(2):
        for name, words in {
            asks: ["request", *target, "--reason", "mistake"],
            places: ["approve", asked["id"]],
        }.items():
            refused = program.run("destroy", *words, *program.signed_in(installation, tmp_path, name))
            assert refused.returncode == 1 and f"yingdun hold release {hold['id']}" in refused.stderr, refused.stderr
        installation.kill()
        installation.start()
    approved(installation, tmp_path, neighbour)
    held(installation, tmp_path, asks, "approve", hold["id"], code=1)
    held(installation, tmp_path, places, "release", hold["id"], "--reason", "ended")
    held(installation, tmp_path, places, "approve", hold["id"], code=1)
    assert web.get(address).status_code == 200
    released = held(installation, tmp_path, asks, "approve", hold["id"])
    assert (released["state"], released["released_by"]) == ("released", asks)

    # Now it goes, and a hold on what is approved comes too late.
    command_of(installation, tmp_path, places, "approve", asked["id"])
    late = program.run("hold", "place", *target, "--reason", "ordered", *program.signed_in(installation, tmp_path, places))
    assert late.returncode == 1, late.stdout
    all_done(installation, tmp_path)
    assert web.get(address).status_code == 404
