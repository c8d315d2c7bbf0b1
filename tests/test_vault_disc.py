"""Discs that are written once: what is on them is known, was read back, and comes back, and what was destroyed stays closed."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from yingdun_testkit import program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.vault import Vault
from yingdun_testkit.web import Web

from test_vault import Restored, check_all, guarded, new_token, store  # noqa: F401

#: A disc on which a few small packs find room.
SMALL_DISC = 1_000_000


def disc(vault: Vault, *words, code=0):
    """Runs a command about discs on a vault and returns its document."""
    return program.run_json("vault", "disc", words[0], "--directory", vault.directory, *words[1:], code=code)


def refuses(vault: Vault, *words) -> str:
    done = program.run("vault", "disc", words[0], "--directory", vault.directory, *words[1:])
    assert done.returncode != 0, done.stdout
    return done.stderr


def several_packs(installation, vault, count: int, each: int = 2, of: str = "scanner") -> dict:
    """Stores images into so many packs: a restart ends the one that is open."""
    images = {}
    for number in range(count):
        images |= store(installation, f"{of}-{number}", each)
        installation.stop()
        installation.start()
        installation.office.sign_in_officers()
        vault.follow()
    images |= store(installation, f"{of}-newest", 1)
    assert vault("pull")["pulled"]["alarms"] == []
    return images


def burn(folder, root):
    """The folder as a disc that is mounted: a real image where the tools are, else a copy that nobody can write to."""
    mounted = root / f"mounted-{folder.name}"
    image = root / f"{folder.name}.iso"
    if shutil.which("xorriso") and os.geteuid() == 0:
        subprocess.run(
            ["xorriso", "-as", "mkisofs", "-r", "-iso-level", "3", "-V", "DISC", "-o", image, folder],
            check=True,
            capture_output=True,
        )
        mounted.mkdir()
        if subprocess.run(["mount", "-o", "loop,ro", image, mounted], capture_output=True, check=False).returncode == 0:
            return mounted
        mounted.rmdir()
    shutil.copytree(folder, mounted)
    for path in mounted.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return mounted


@pytest.fixture
def mounts(tmp_path):
    yield lambda folder: burn(folder, tmp_path)
    for mounted in tmp_path.glob("mounted-*"):
        if os.path.ismount(mounted):
            subprocess.run(["umount", mounted], check=False)


def flip(path, at: int):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def packs_of(folder) -> list:
    return sorted((folder / "packs").iterdir())


def test_a_disc_counts_when_it_was_read_back_and_not_before(guarded, mounts, tmp_path):  # noqa: F811
    installation, vault = guarded
    assert "there is no snapshot yet" in refuses(vault, "plan")
    several_packs(installation, vault, 3)
    plan = disc(vault, "plan", "--disc-bytes", SMALL_DISC)
    assert plan["sealed"]["packs"] == plan["short"]["packs"] == plan["nowhere"]["packs"] == 3, plan
    assert plan["growing"]["packs"] == 1 and plan["usable_bytes"] == SMALL_DISC * 98 // 100
    assert plan == disc(vault, "plan", "--disc-bytes", SMALL_DISC)
    # A disc on which more would fit is not written by itself.
    folder = tmp_path / "first"
    assert "--underfull" in refuses(vault, "write", folder, "--disc-bytes", "25GB")
    written = disc(vault, "write", folder, "--disc-bytes", "25GB", "--underfull")
    assert (written["volume"], written["label"], written["packs"]) == (1, "YINGDUN_000001", 3)
    assert written["left"] == 1, "the one that grows"
    assert "not empty" in refuses(vault, "write", folder, "--underfull")
    # As they lie in the vault, and no key beside them.
    for pack in packs_of(folder):
        assert pack.read_bytes() == (vault.directory / "packs" / pack.name).read_bytes()
    secrets = [vault.passphrase.read_bytes(), (vault.directory / "signing.key").read_bytes()]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert not any(secret in path.read_bytes() for secret in secrets), path
    readme = (folder / "README.txt").read_text("utf-8")
    assert "volume 1" in readme and "第 1 卷" in readme
    plan = disc(vault, "plan")
    assert (plan["short"]["packs"], plan["unverified"]["packs"], plan["waits"]["packs"]) == (3, 3, 0)
    # Read back, with the vault and with nothing but its public key.
    mounted = mounts(folder)
    alone = program.run_json("vault", "disc", "verify", mounted, "--public-key-file", vault.directory / "vault.vkey")
    assert alone["verified"]["good"] and disc(vault, "plan")["short"]["packs"] == 3
    verified = disc(vault, "verify", mounted)["verified"]
    assert (verified["packs"], verified["records"], verified["faults"]) == (3, 6, [])
    assert disc(vault, "plan")["short"]["packs"] == 0
    (row,) = disc(vault, "list")["discs"]
    assert (row["state"], row["packs"], row["records"]) == ("verified", 3, 6)
    shown = disc(vault, "show", "YINGDUN_000001")
    assert [pack["pack"] for pack in shown["packs"]] == [pack.stem for pack in packs_of(folder)]
    assert len(disc(vault, "list", "--pack", packs_of(folder)[0].stem)["discs"]) == 1
    assert disc(vault, "list", "--pack", "f" * 16)["discs"] == []
    # A second copy is another volume behind the first; a lost disc is none until somebody finds it.
    plan = disc(vault, "plan", "--copies", "2")
    assert (plan["short"]["packs"], plan["nowhere"]["packs"], plan["waits"]["packs"]) == (3, 0, 3)
    second = disc(vault, "write", tmp_path / "second", "--copies", "2", "--underfull", "--label", "SECOND")
    assert (second["volume"], second["packs"]) == (2, 3)
    assert "already" in refuses(vault, "write", tmp_path / "third", "--underfull", "--label", "SECOND")
    assert "capital letters" in refuses(vault, "write", tmp_path / "third", "--underfull", "--label", "third")
    assert "no sealed pack waits" in refuses(vault, "write", tmp_path / "third", "--copies", "2", "--underfull")
    assert disc(vault, "mark-lost", "YINGDUN_000001")["state"] == "lost"
    assert disc(vault, "plan")["nowhere"]["packs"] == 3
    assert disc(vault, "verify", mounted)["verified"]["good"]
    assert disc(vault, "plan")["nowhere"]["packs"] == 0
    assert "no disc has the label" in refuses(vault, "mark-lost", "THIRD")
    # Discs of others are none.
    (tmp_path / "empty").mkdir()
    assert "no disc that can be used" in refuses(vault, "verify", tmp_path / "empty")


def test_what_is_damaged_on_a_disc_is_named_to_the_record(guarded, tmp_path):  # noqa: F811
    installation, vault = guarded
    several_packs(installation, vault, 2, each=3)
    folder = tmp_path / "disc"
    disc(vault, "write", folder, "--underfull")
    first, second = packs_of(folder)
    whole = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def judged(code=1):
        said = disc(vault, "verify", folder, code=code)["verified"]
        state = disc(vault, "list")["discs"][0]["state"]
        assert state == ("verified" if code == 0 else "damaged")
        for path, content in whole.items():
            path.write_bytes(content)
        return said

    assert judged(code=0)["records"] == 6
    # One record of the first pack; bytes of its header; one that is cut off; one that is not there.
    flip(first, first.stat().st_size // 2)
    said = judged()
    (fault,) = said["faults"]
    assert fault["file"] == f"packs/{first.name}" and (fault["records_damaged"], fault["records"]) == (1, 3), said
    assert 0 < fault["damaged_at"] < first.stat().st_size and said["records"] == 5
    flip(first, 80)
    assert judged()["faults"][0]["records_damaged"] == 1
    flip(first, 3)
    (fault,) = judged()["faults"]
    assert (fault["records_damaged"], fault["damaged_at"]) == (0, 0)
    os.truncate(second, second.stat().st_size - 9)
    assert judged()["faults"][0]["records_damaged"] == 1
    second.unlink()
    said = judged()
    assert (said["faults"][0]["records_damaged"], said["records"]) == (3, 3) and "not there" in said["faults"][0]["why"]
    # Any other file; a list of which the other copy is whole; and lists of which none is.
    for name in ["README.txt", "packs.txt", "again/contents.b3", "volume.note"]:
        flip(folder / name, 60)
        said = judged()
        assert [fault["file"] for fault in said["faults"]] == [name.removeprefix("again/")], said
        assert said["records"] == 6
    for name in ["volume.note", "again/volume.note"]:
        flip(folder / name, 60)
    assert "no disc that can be used" in refuses(vault, "verify", folder)
    for path, content in whole.items():
        path.write_bytes(content)
    assert judged(code=0)["good"]
    # Noted by another key: whoever wrote this was not this vault.
    shutil.copy(vault.directory / "audit" / "checkpoint", folder / "volume.note")
    shutil.copy(vault.directory / "audit" / "checkpoint", folder / "again" / "volume.note")
    assert "no disc that can be used" in refuses(vault, "verify", folder)


def test_a_write_that_was_cut_off_goes_on_and_a_folder_has_its_name_when_it_is_whole(guarded, tmp_path):  # noqa: F811
    installation, vault = guarded
    several_packs(installation, vault, 3)
    folder, partial = tmp_path / "disc", tmp_path / "disc.partial"
    # What a power cut leaves: one pack whole, one torn, one of another plan, and half of a list.
    kept = sorted((vault.directory / "packs").iterdir())
    (partial / "packs").mkdir(parents=True)
    shutil.copy(kept[0], partial / "packs")
    (partial / "packs" / kept[1].name).write_bytes(kept[1].read_bytes()[:1000])
    (partial / "packs" / "00000000000000ff.pack").write_bytes(b"of another plan")
    (partial / "packs.txt").write_text("half of a li")
    written = disc(vault, "write", folder, "--underfull")
    assert (written["packs"], written["kept"]) == (3, 1)
    assert not partial.exists() and [pack.name for pack in packs_of(folder)] == [pack.name for pack in kept[:3]]
    assert disc(vault, "verify", folder)["verified"]["good"]
    # Killed at any moment, the command can be given again; no volume is counted twice.
    command = [program.binary(), "--json", "vault", "disc", "write", "--directory", vault.directory, "--copies", "2"]
    second = tmp_path / "second"
    for attempt in range(6):
        process = subprocess.Popen(
            [*map(str, command), str(second), "--underfull"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(0.02 * (attempt + 1))
        process.send_signal(signal.SIGKILL)
        process.wait()
    if not second.exists():
        disc(vault, "write", second, "--copies", "2", "--underfull")
    assert [row["volume"] for row in disc(vault, "list")["discs"]] == [1, 2]
    assert disc(vault, "verify", second)["verified"]["good"]
    # Written down and not renamed yet: it gets its name, and no other number.
    second.rename(tmp_path / "second.partial")
    assert disc(vault, "write", second, "--copies", "2", "--underfull")["volume"] == 2
    assert len(disc(vault, "list")["discs"]) == 2
    # The tail of the register that a power cut left is nobody's.
    with open(vault.directory / "discs" / "events.jsonl", "ab") as events:
        events.write(b'{"volume":1,"sta')
    assert disc(vault, "list")["discs"][0]["state"] == "verified"
    disc(vault, "mark-lost", "YINGDUN_000002")
    assert [row["state"] for row in disc(vault, "list")["discs"]] == ["verified", "lost"]


def test_packs_that_a_vault_lost_come_back_from_discs_and_the_next_disc_is_asked_for(guarded, mounts, tmp_path):  # noqa: F811
    installation, vault = guarded
    images = several_packs(installation, vault, 2)
    first = tmp_path / "first"
    disc(vault, "write", first, "--underfull")
    images |= several_packs(installation, vault, 2, of="other")
    second = tmp_path / "second"
    disc(vault, "write", second, "--underfull", "--with-snapshot")
    discs = [mounts(first), mounts(second)]
    kept = {path: path.read_bytes() for path in (vault.directory / "packs").iterdir()}
    assert len(kept) == 5, "two, then the one that grew and was ended, one more, and the one that grows"
    damaged, *gone = sorted(kept)
    flip(damaged, 500)
    for path in gone:
        path.unlink()
    dry = disc(vault, "restore", "--disc", discs[0], "--dry-run")
    assert (dry["lacking"], dry["discs"], dry["missing_on"]["nowhere"]) == (5, [], [])
    assert [label for label, _ in dry["missing_on"]["discs"]] == ["YINGDUN_000002", "YINGDUN_000001"]
    said = disc(vault, "restore", "--disc", discs[0], code=1)
    assert (said["lacked"], said["discs"][0]["packs"], said["lacking"]) == (5, 2, 3), said
    # Someone mounts the next disc where the last one was.
    place = tmp_path / "drive"
    place.symlink_to(discs[0])
    process = subprocess.Popen(
        [program.binary(), "--json", "vault", "disc", "restore", "--directory", vault.directory, "--disc", place, "--ask"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    place.unlink()
    place.symlink_to(discs[1])
    out, err = process.communicate("\n\n", timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["lacking"] == 0
    assert {path: path.read_bytes() for path in (vault.directory / "packs").iterdir()} == kept
    assert vault("verify")["faults"] == []
    # A damaged disc gives what is whole on it, and nothing else.
    for path in kept:
        path.unlink()
    flip(first / "packs" / damaged.name, 500)
    said = disc(vault, "restore", "--disc", first, "--disc", discs[1], code=1)
    assert [brought["damaged"] for brought in said["discs"]] == [[damaged.stem], []]
    assert said["lacking"] == 1 and not damaged.exists()
    assert disc(vault, "restore", "--disc", discs[0])["lacking"] == 0
    installation.kill()
    restored = Restored(tmp_path, vault, "--verify")
    assert restored.said["rehearsed"]["damaged"] == 0
    restored.start()
    check_all(restored, new_token(restored, "reader"), images)
    restored.kill()


def test_discs_and_the_folder_with_keys_are_enough_for_everything(guarded, mounts, tmp_path):  # noqa: F811
    installation, vault = guarded
    images = several_packs(installation, vault, 2)
    first, second = tmp_path / "first", tmp_path / "second"
    disc(vault, "write", first, "--underfull")
    disc(vault, "verify", first)
    images |= store(installation, "later", 3)
    vault("pull")
    assert disc(vault, "write", second, "--underfull", "--with-snapshot")["left"] == 0
    discs = [mounts(first), mounts(second)]
    # Rows are sealed: what lies in pieces in the vault is nowhere in the files of rows.
    pieces = [path.read_bytes()[:64] for path in (vault.directory / "chunks").rglob("*") if path.is_file()]
    rows = sorted(discs[1].rglob("*.rows"))
    assert [path.stem for path in rows] == ["catalogue", "identity", "packs"] and len(pieces) > 3
    for path in rows:
        content = path.read_bytes()
        assert not any(len(piece) == 64 and piece in content for piece in pieces), path
    # Archive and vault are gone; the public key was noted elsewhere, and the folder with keys lies apart.
    public_key = tmp_path / "noted.vkey"
    shutil.copy(vault.directory / "vault.vkey", public_key)
    installation.kill()
    shutil.rmtree(vault.directory)
    new = tmp_path / "new-vault"
    words = [
        *["--public-key-file", public_key, "--keys-folder", vault.keys, "--client-secret-file", vault.secret],
        *["--keys-passphrase-file", vault.passphrase],
    ]
    vault.directory = new
    assert "none of these discs holds a snapshot" in refuses(vault, "recover", "--disc", discs[0], *words)
    said = disc(vault, "recover", "--disc", discs[1], *words, code=1)
    assert said["recovered"]["snapshot"] == 2 and said["recovered"]["keys"]
    assert [label for label, _ in said["brought"]["missing_on"]["discs"]] == ["YINGDUN_000001"]
    assert [row["state"] for row in disc(vault, "list")["discs"]] == ["verified", "written"]
    assert disc(vault, "restore", "--disc", discs[0])["lacking"] == 0
    assert vault("verify")["faults"] == []
    # Discs of the old vault are discs of the new one, and numbers go on.
    assert disc(vault, "verify", discs[1])["verified"]["good"]
    assert disc(vault, "write", tmp_path / "third", "--copies", "2", "--underfull")["volume"] == 3
    restored = Restored(tmp_path, vault, "--verify")
    rehearsed = restored.said["rehearsed"]
    assert (rehearsed["opened"], rehearsed["damaged"], rehearsed["strangers"]) == (len(images), 0, 0)
    restored.start()
    check_all(restored, new_token(restored, "reader"), images)
    restored.kill()
    # Where the key of the disc has ended, its rows open with nothing.
    stranger = tmp_path / "other-keys"
    shutil.copytree(vault.keys, stranger)
    shutil.rmtree(stranger / "chunks")
    vault.directory = tmp_path / "no-keys"
    words[3] = stranger
    assert "is not in the folder with keys" in refuses(vault, "recover", "--disc", discs[1], *words)
    assert not vault.directory.exists()


def test_what_is_on_a_disc_of_a_destroyed_study_opens_with_nothing(guarded, mounts, tmp_path):  # noqa: F811
    installation, vault = guarded
    images = several_packs(installation, vault, 2)
    folder = tmp_path / "disc"
    disc(vault, "write", folder, "--underfull", "--with-snapshot")
    mounted = mounts(folder)
    uid, (image, _) = images.popitem()
    office = installation.office
    asked = office.security.post("/destructions", {"study": image.StudyInstanceUID, "reason": "trial"}, 201)
    approval = office.audit.raw("POST", f"/destructions/{asked['id']}/approval")
    assert approval.ok, approval.text
    address = f"/studies/{image.StudyInstanceUID}/metadata"
    web = Web(installation, office.client_token("looks", "view"))
    wait_until(lambda: web.get(address).status_code == 404, "the study is destroyed")
    assert vault("pull")["pulled"]["alarms"] == []
    installation.kill()
    # The disc cannot be changed: the record is on it, whole, and the newest keys do not open it.
    assert disc(vault, "verify", mounted)["verified"]["good"]
    for path in (vault.directory / "packs").iterdir():
        path.unlink()
    assert disc(vault, "restore", "--disc", mounted)["lacking"] == 0
    restored = Restored(tmp_path, vault, "--verify", "--all")
    rehearsed = restored.said["rehearsed"]
    assert (rehearsed["records"], rehearsed["without_key"]) == (len(images) + 1, 1), rehearsed
    assert (rehearsed["opened"], rehearsed["damaged"]) == (len(images), 0)
    restored.start()
    token = new_token(restored, "reader")
    check_all(restored, token, images)
    assert Web(restored, token).get(address).status_code == 404, f"{uid} came back"
    restored.kill()
