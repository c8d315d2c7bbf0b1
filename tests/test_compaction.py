"""The room of destroyed studies is given back, everywhere; and what lives is what it was, whatever happens meanwhile."""

import hashlib
import json
import os

from test_destruction import all_done, approved
from test_offsite import add_offsite
from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.vault import Vault
from yingdun_testkit.web import Web

#: Seconds for everything that goes on by itself, on a loaded machine.
SECONDS_MAX = 120
#: Packs that a compaction removes while it is killed.
DEAD_PACKS = 3


def compact(installation, tmp_path, *words) -> dict:
    return program.run_json("compact", *words, *program.signed_in(installation, tmp_path, "system-admin"))


def nothing_stays(installation, tmp_path) -> bool:
    """Runs a compaction, which ends with 1 as long as off-site is not there yet after a start."""
    done = program.run("--json", "compact", "run", *program.signed_in(installation, tmp_path, "system-admin"))
    return done.returncode == 0 and json.loads(done.stdout)["kept"] == []


def store(web, name, count) -> list:
    """Studies of one image each, with the digests of what was stored."""
    images = [part10.image(patient_id=f"{name}-{number}") for number in range(count)]
    for image in images:
        web.must_store(part10.file_bytes(image))
    return [(image, digest(web, image)) for image in images]


def digest(web, image) -> str:
    return hashlib.sha256(web.file_of(image)).hexdigest()


def destroyed(installation, tmp_path, web, name, count) -> list:
    """Studies that were stored, and destroyed; nothing else is stored into their pack."""
    images = [image for image, _ in store(web, name, count)]
    for image in images:
        approved(installation, tmp_path, image)
    all_done(installation, tmp_path)
    return images


def packs(folder) -> dict:
    """Sealed packs with their bytes on the disk."""
    return {path.name: path.stat().st_blocks * 512 for path in (folder / "packs").glob("*.pack")}


def all_packs(installation, place) -> list:
    return [packs(folder) for folder in [*installation.replicas, place]]


def as_they_were(web, kept: list, gone: list):
    for image, stored in kept:
        assert digest(web, image) == stored
    for image in gone:
        assert web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 404


def make(make_installation, tmp_path, name):
    place = tmp_path / "far"
    place.mkdir()
    installation = make_installation(name)
    installation.stop()
    add_offsite(installation, place.as_uri())
    installation.start()
    installation.office.sign_in_officers()
    return installation, place, Web(installation, installation.office.client_token("pacs", "store", "search", "view"))


def test_the_room_of_destroyed_studies_is_given_back_on_every_disk_and_a_vault_understands_it(make_installation, tmp_path):
    installation, place, web = make(make_installation, tmp_path, "compaction")
    assert compact(installation, tmp_path, "plan")["packs_seen"] == 0
    gone = destroyed(installation, tmp_path, web, "gone", 2)
    [(half, _)], kept = store(web, "mixed", 1), store(web, "kept", 2)
    approved(installation, tmp_path, half)
    all_done(installation, tmp_path)
    kept += store(web, "newest", 1)
    wait_until(lambda: len(packs(place)) == 2, "both sealed packs are off-site", SECONDS_MAX)
    vault = Vault(tmp_path, installation)
    assert vault("pull")["pulled"]["alarms"] == []
    before = all_packs(installation, place)

    planned = compact(installation, tmp_path, "plan")
    assert (planned["packs_seen"], planned["dead_packs"], planned["removed_packs"]) == (2, 1, 0)
    assert planned["dead_bytes"] > planned["dead_packs_bytes"] > 0
    assert all_packs(installation, place) == before, "a plan removes nothing"
    done = compact(installation, tmp_path, "run")
    assert (done["removed_packs"], done["kept"], done["failure"]) == (1, [], None)
    assert compact(installation, tmp_path, "status") == done
    after = all_packs(installation, place)
    for was, now in zip(before, after, strict=True):
        (removed,) = set(was) - set(now)
        assert removed == min(was) and now == {name: was[name] for name in now}
        assert sum(was.values()) - sum(now.values()) >= planned["dead_packs_bytes"]
    as_they_were(web, kept, [*gone, half])
    assert program.run_json("replica", "list", *program.signed_in(installation, tmp_path, "system-admin"))[-1]["unknown_packs"] == 0

    # It is in the log, and the vault finds there, and in its own copy, why the pack is gone.
    reasons = [row["leaf"]["reason"] for row in installation.office.audit.get("/audit/search", {"limit": 1000})]
    assert (reasons.count("pack-removal"), reasons.count("pack-removed")) == (1, 1)
    pulled = vault("pull")["pulled"]
    assert (pulled["packs_removed"], pulled["alarms"]) == (1, [])
    assert vault("verify")["faults"] == [] and vault("pull")["pulled"]["packs_removed"] == 0

    # Neither a restart nor a catalogue that is read anew knows a difference.
    installation.stop()
    for path in (installation.directory / "db").glob("catalogue.db*"):
        path.unlink()
    installation.start()
    as_they_were(web, kept, [*gone, half])
    installation.office.sign_in_officers()
    wait_until(lambda: set(packs(place)) == set(packs(installation.replicas[0])), "off-site has the same", SECONDS_MAX)

    # The same without a reason is an alarm: somebody removed a pack and said that it was dead.
    for folder in [*installation.replicas, place]:
        os.unlink(folder / "packs" / min(packs(folder)))
    installation.kill()
    installation.start()
    vault.follow()
    assert {alarm["kind"] for alarm in vault("pull", code=1)["pulled"]["alarms"]} >= {"pack-missing"}


def test_a_kill_in_the_middle_of_a_compaction_loses_nothing_and_the_next_one_ends_it(make_installation, tmp_path):
    installation, place, web = make(make_installation, tmp_path, "compaction-killed")
    gone = []
    for number in range(DEAD_PACKS):
        gone += destroyed(installation, tmp_path, web, f"gone-{number}", 1)
    kept = store(web, "kept", 2)
    dead = set(packs(installation.replicas[0]))
    assert len(dead) == DEAD_PACKS
    for enough in (0, 1):
        installation.office.system.post("/system/compaction", {}, 202)
        status = lambda: installation.office.system.get("/system/compaction")  # noqa: E731
        # Wherever it is by then: between leaf and place, between two replicas, between two packs, or through.
        wait_until(lambda: status()["removed_packs"] > enough or status()["state"] == "resting", "it goes on", SECONDS_MAX, step=0.01)
        installation.kill()
        installation.start()
        installation.office.sign_in_officers()
        as_they_were(web, kept, gone)
        here = [set(packs(folder)) & dead for folder in installation.replicas]
        wait_until(lambda: len({frozenset(packs(folder)) for folder in installation.replicas}) == 1, f"all have the same: {here}", SECONDS_MAX)
    wait_until(lambda: compact(installation, tmp_path, "run")["kept"] == [], "nothing hinders", SECONDS_MAX)
    for folder in [*installation.replicas, place]:
        assert not dead & set(packs(folder)), folder
    as_they_were(web, kept, gone)
    assert installation.stop() == 0
    assert installation.verify_audit()["ok"]


def test_what_lives_in_mostly_dead_packs_goes_on_in_new_ones_through_kills_and_a_vault_understands_it(make_installation, tmp_path):
    installation, place, web = make(make_installation, tmp_path, "rewriting")
    gone, kept = [], []
    for number in range(2):
        dead = [image for image, _ in store(web, f"gone-{number}", 3)]
        kept += store(web, f"kept-{number}", 1)
        for image in dead:
            approved(installation, tmp_path, image)
        all_done(installation, tmp_path)
        gone += dead
    kept += store(web, "newest", 1)
    wait_until(lambda: len(packs(place)) == 2, "both sealed packs are off-site", SECONDS_MAX)
    vault = Vault(tmp_path, installation)
    assert vault("pull")["pulled"]["alarms"] == []
    before = all_packs(installation, place)
    old = set(before[0])

    planned = compact(installation, tmp_path, "plan", "--dead-percent", "60")
    assert (planned["dead_packs"], planned["sparse_packs"], planned["removed_packs"]) == (0, 2, 0)
    assert planned["sparse_packs_bytes"] == planned["dead_bytes"] > 0
    assert compact(installation, tmp_path, "run", "--dead-percent", "90")["rewritten_packs"] == 0
    assert all_packs(installation, place) == before, "three in four are not nine in ten"
    none = program.run("compact", "run", "--dead-percent", "0", *program.signed_in(installation, tmp_path, "system-admin"))
    assert none.returncode == 2 and "1..=100" in none.stderr
    answer = installation.office.system.post("/system/compaction", {"dead_percent": 0}, 400)
    assert "percent" in str(answer)

    for word in ("rewritten_packs", "removed_packs"):
        installation.office.system.post("/system/compaction", {}, 202)
        status = lambda: installation.office.system.get("/system/compaction")  # noqa: E731
        # Wherever it is by then: between copy and catalogue, between catalogue and removal, or through.
        wait_until(lambda: status()[word] > 0 or status()["state"] == "resting", "it goes on", SECONDS_MAX, step=0.01)
        installation.kill()
        installation.start()
        installation.office.sign_in_officers()
        as_they_were(web, kept, gone)
        wait_until(lambda: len({frozenset(packs(folder)) for folder in installation.replicas}) == 1, "all have the same", SECONDS_MAX)
    wait_until(lambda: nothing_stays(installation, tmp_path), "nothing hinders", SECONDS_MAX)
    for was, now in zip(before, all_packs(installation, place), strict=True):
        assert not old & set(now)
        assert sum(now.values()) < sum(was.values())
    as_they_were(web, kept, gone)

    vault.follow()
    pulled = vault("pull")["pulled"]
    assert (pulled["packs_removed"], pulled["alarms"]) == (2, [])
    assert vault("verify")["faults"] == []
    installation.stop()
    for path in (installation.directory / "db").glob("catalogue.db*"):
        path.unlink()
    installation.start()
    as_they_were(web, kept, gone)
    assert installation.stop() == 0
    assert installation.verify_audit()["ok"]
