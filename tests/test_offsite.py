"""A copy in another building: everything arrives there, nobody waits for it, and everything comes back from it."""

import json
import shutil

import pytest
from yingdun_testkit import part10, program
from yingdun_testkit.installation import DidNotStart, wait_until
from yingdun_testkit.web import Web

#: Seconds for everything to arrive, or to come back, on a loaded machine.
ARRIVE_SECONDS_MAX = 120


def add_offsite(installation, url, more=""):
    """Gives a stopped installation an off-site replica."""
    section = f'\n[[storage.offsite]]\nurl = "{url}"\nlabel = "far"\nfailure_domain = "building-2"\n'
    section += f"send_open_pack_after_s = 1\n{more}\n"
    with open(installation.config, "a") as config:
        config.write(section)


def with_offsite(make_installation, name, url, more=""):
    installation = make_installation(name)
    installation.stop()
    add_offsite(installation, url, more)
    installation.start()
    installation.office.sign_in_officers()
    return installation


def full_access(installation) -> Web:
    return Web(installation, installation.office.client_token("offsite", "store", "search", "view"))


def officer(installation) -> dict:
    return {
        "YINGDUN_TOKEN": installation.office.system.token, "YINGDUN_SERVER": installation.addresses.web,
        "YINGDUN_CA_FILE": str(installation.ca_file),
    }


def far(installation) -> dict:
    rows = program.run("--json", "replica", "list", env=officer(installation)).stdout
    (row,) = [row for row in json.loads(rows) if row["mode"] == "async"]
    return row


def until_sent(installation, packs=0):
    def is_sent():
        row = far(installation)
        return row["state"] == "ready" and row["lag_packs"] == 0 and row["packs"] >= packs

    wait_until(is_sent, "everything is off-site", ARRIVE_SECONDS_MAX, step=0.3)


def burn(installation):
    """All replicas and the catalogue are gone; keys, accounts, ledger and configuration came from their own copies."""
    for replica in installation.replicas:
        shutil.rmtree(replica)
    for path in (installation.directory / "db").glob("catalogue.db*"):
        path.unlink()


def comes_back(installation, web, images):
    """Restores from off-site and finds every image as it was."""
    with pytest.raises(DidNotStart) as refused:
        installation.start()
    assert "off-site replica `far`" in str(refused.value)
    config = ["--config", installation.config]
    planned = program.run_json("replica", "restore", "far", "--dry-run", *config, env=installation.environment())
    assert planned["unsealed_packs"] == 1 and planned["present_packs"] == 0 and planned["bytes_to_fetch"] == planned["bytes"]
    assert not list(installation.replicas[1].rglob("*.pack"))
    restored = program.run_json("replica", "restore", "far", "--into", "b", *config, env=installation.environment())
    assert (restored["records"], restored["damaged_records"]) == (len(images), 0)
    assert restored["packs"] == planned["packs"]
    ready = installation.start()
    assert ready
    for image in images:
        assert part10.parse(web.file_of(image)) == image
    row = lambda: program.run_json("replica", "list", env=officer(installation))
    installation.office.sign_in_officers()
    wait_until(lambda: all(one.get("awaiting_repair", 0) == 0 for one in row()), "all are filled", ARRIVE_SECONDS_MAX, step=0.3)


def test_a_burnt_site_comes_back_from_another_building(make_installation, tmp_path):
    installation = with_offsite(make_installation, "offsite-burnt", f"file://{tmp_path / 'far'}")
    web = full_access(installation)
    images = [part10.image(patient_id="far", rows=rows, seed=rows) for rows in (32, 500, 2200)]
    for image in images:
        web.must_store(part10.file_bytes(image))
    installation.restart()  # seals the pack
    installation.office.sign_in_officers()
    last = part10.image(patient_id="far", rows=64, seed=64)
    web.must_store(part10.file_bytes(last))
    # The last one is in a pack that is still written: it arrives as a piece.
    until_sent(installation, packs=1)
    reasons = {leaf["reason"] for leaf in installation.office.leaves(kind="repair")}
    assert "offsite-ready" in reasons
    refused = installation.office.system.raw("POST", "/system/replicas/far/drain")
    assert refused.status_code == 409
    installation.kill()
    burn(installation)
    comes_back(installation, web, [*images, last])


def test_a_copy_that_cannot_be_reached_holds_nobody_up_and_is_told(make_installation, tmp_path):
    far_away = tmp_path / "far"
    installation = make_installation("offsite-away")
    web = full_access(installation)
    installation.stop()
    far_away.write_text("in the way")
    add_offsite(installation, f"file://{far_away}")
    installation.start()
    installation.office.sign_in_officers()
    image = part10.image(patient_id="away")
    web.must_store(part10.file_bytes(image))
    assert part10.parse(web.file_of(image)) == image
    wait_until(lambda: far(installation)["state"] == "unreachable", "it is told", ARRIVE_SECONDS_MAX, step=0.3)
    wait_until(lambda: far(installation)["lag_seconds"] > 0, "it lags", ARRIVE_SECONDS_MAX, step=0.3)
    listed = program.run("replica", "list", env=officer(installation))
    assert listed.returncode == 1 and "far" in listed.stdout
    lag = lambda: installation.office.metrics()["yingdun_storage_offsite_lag_seconds"]
    wait_until(lambda: lag() > 0, "the metrics tell it", ARRIVE_SECONDS_MAX, step=0.3)
    assert installation.office.metrics()["yingdun_storage_offsite_ready"] == 0
    far_away.unlink()
    program.run_json("replica", "replace", "far", env=officer(installation), code=1)  # does not wait for the next attempt
    until_sent(installation)


def test_images_that_rotted_on_every_replica_are_read_from_another_building(make_installation, tmp_path):
    installation = with_offsite(make_installation, "offsite-rot", f"file://{tmp_path / 'far'}")
    web = full_access(installation)
    image = part10.image(patient_id="rotten", rows=500, seed=5)
    web.must_store(part10.file_bytes(image))
    installation.restart()  # seals the pack
    installation.office.sign_in_officers()
    until_sent(installation, packs=1)
    good = {}
    for replica in installation.replicas:
        for path in (replica / "packs").glob("*.pack"):
            good[path] = path.read_bytes()
            damaged = bytearray(good[path])
            for place in range(4096, len(damaged), 1024):
                damaged[place] ^= 1
            with open(path, "r+b") as file:
                file.write(damaged)
    assert part10.parse(web.file_of(image)) == image
    is_mended = lambda: all(path.exists() and path.read_bytes() == bytes_ for path, bytes_ in good.items())
    installation.office.system.post("/system/scrub", None, 202)
    wait_until(is_mended, "all replicas are repaired from there", ARRIVE_SECONDS_MAX, step=0.3)
    metrics = installation.office.metrics()
    assert metrics["yingdun_storage_lost_records_total"] == 0
