"""A copy in another building: everything arrives there, nobody waits for it, and everything comes back from it."""

import json
import random
import re
import shutil
import socket
import subprocess
import sys

import pytest
import requests
from yingdun_testkit import part10, program
from yingdun_testkit.installation import DidNotStart, wait_until
from yingdun_testkit.mock_s3_faults import MockFaults
from yingdun_testkit.transit_stand_in import certificate
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


# === buckets ===


@pytest.fixture(scope="module")
def bucket_server():
    """The S3 server of moto, in a process of its own; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: answers_at(port), "the S3 server answers", ARRIVE_SECONDS_MAX, step=0.2)
    yield port
    server.kill()
    server.wait()


@pytest.fixture(scope="module")
def line(bucket_server, tmp_path_factory):
    """TLS before that server; yields it with its authority."""
    ca_file, identity = certificate(tmp_path_factory.mktemp("bucket-tls"))
    faults = MockFaults(bucket_server, identity)
    faults.ca_file = ca_file
    yield faults
    faults.close()


def answers_at(port) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code < 500
    except requests.ConnectionError:
        return False


def make_bucket(port, name, **headers):
    answer = requests.put(f"http://127.0.0.1:{port}/{name}", headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text


def make_locked_bucket(port, name):
    make_bucket(port, name, **{"x-amz-bucket-object-lock-enabled": "true"})


def objects_in(port, bucket) -> set:
    listed = requests.get(f"http://127.0.0.1:{port}/{bucket}?list-type=2", timeout=20).text
    return set(re.findall("<Key>(.*?)</Key>", listed))


def versions_in(port, bucket) -> int:
    listed = requests.get(f"http://127.0.0.1:{port}/{bucket}?versions", timeout=20).text
    return listed.count("<VersionId>")


def bucket_options(installation, line) -> str:
    keys = installation.directory / "keys" / "bucket.toml"
    keys.write_text('access_key_id = "AKIDBUCKETTEST"\nsecret_access_key = "a-secret-of-the-bucket"\n')
    keys.chmod(0o600)
    return f'endpoint = "{line.url}"\nca_file = "{line.ca_file}"\ncredentials_file = "keys/bucket.toml"'


def with_bucket(make_installation, name, bucket, line, more=""):
    installation = make_installation(name)
    installation.stop()
    add_offsite(installation, f"s3://{bucket}/renmin", f"{bucket_options(installation, line)}\n{more}")
    installation.start()
    installation.office.sign_in_officers()
    return installation


def tells_no_secret(*said):
    for text in said:
        for secret in ("a-secret-of-the-bucket", "X-Amz-Signature", "AKIDBUCKETTEST"):
            assert secret not in text


def test_a_burnt_site_comes_back_from_a_bucket_over_a_bad_line(make_installation, bucket_server, line):
    make_bucket(bucket_server, "burnt")
    installation = with_bucket(make_installation, "bucket-burnt", "burnt", line)
    web = full_access(installation)
    line.spoil()
    images = [part10.image(patient_id="far", rows=rows, columns=rows, seed=rows) for rows in (32, 500, 2400)]
    # Noise cannot be packed: this one is sent in parts.
    images[2].PixelData = random.Random(4).randbytes(len(images[2].PixelData))
    for image in images:
        web.must_store(part10.file_bytes(image))
    installation.restart()  # seals the pack
    installation.office.sign_in_officers()
    last = part10.image(patient_id="far", rows=64, seed=64)
    web.must_store(part10.file_bytes(last))
    # The line is gone for a while: nobody who stores or reads notices.
    line.down = True
    assert part10.parse(web.file_of(images[1])) == images[1]
    line.down = False
    until_sent(installation, packs=1)
    installation.kill()
    assert {"lost-answer", "wrong-byte", "cut-answer"} <= set(line.made), line.made
    assert {key.split("/")[1] for key in objects_in(bucket_server, "burnt")} == {"store-id", "packs", "tail"}
    burn(installation)
    line.spoil()
    comes_back(installation, web, [*images, last])
    tells_no_secret(installation.log_text())


def test_packs_in_a_bucket_with_object_lock_cannot_be_destroyed(make_installation, bucket_server, line):
    make_locked_bucket(bucket_server, "kept")
    installation = with_bucket(make_installation, "bucket-kept", "kept", line, "retain_days = 60")
    web = full_access(installation)
    web.must_store(part10.file_bytes(part10.image(patient_id="kept")))
    installation.restart()  # seals the pack
    installation.office.sign_in_officers()
    until_sent(installation, packs=1)
    (pack,) = [key for key in objects_in(bucket_server, "kept") if "/packs/" in key]
    address = f"http://127.0.0.1:{bucket_server}/kept/{pack}"

    somebody = {"Authorization": "AWS4-HMAC-SHA256 Credential=owner/20260101/us-east-1/s3/aws4_request"}

    def told():
        return requests.head(address, headers=somebody, timeout=20).headers

    def locked_until():
        return told()["x-amz-object-lock-retain-until-date"]

    first, there = locked_until(), told()
    assert there["x-amz-object-lock-mode"] == "COMPLIANCE"
    destroyed = requests.delete(f"{address}?versionId={there['x-amz-version-id']}", headers=somebody, timeout=20)
    assert destroyed.status_code == 403, destroyed.text

    def is_renewed():
        # Each check that finds the pack whole locks it anew; locks are told to the second.
        installation.office.system.post("/system/scrub", None, 202)
        return locked_until() > first

    wait_until(is_renewed, "the lock is renewed", ARRIVE_SECONDS_MAX, step=0.5)


def test_doctor_tries_out_what_a_bucket_does_and_what_it_keeps(make_installation, bucket_server, line):
    installation = make_installation("bucket-doctor", serve=False)
    written = installation.config.read_text()

    def told(bucket, more="", options=None):
        installation.config.write_text(written)
        options = options or bucket_options(installation, line)
        add_offsite(installation, f"s3://{bucket}/renmin", f"{options}\n{more}")
        found = program.run("--json", "doctor", "--config", installation.config, env=installation.environment())
        tells_no_secret(found.stdout, found.stderr)
        findings = json.loads(found.stdout)["findings"]
        first, *others = [(one["severity"], one["cause"]) for one in findings if one["check"] == "offsite"]
        return *first, " ".join(cause for _, cause in others)

    make_bucket(bucket_server, "plain")
    severity, cause, others = told("plain")
    assert severity == "warning" and "can destroy what is in it" in cause
    assert "refuses to overwrite" in others and "0 versions of probes are left" in others
    assert objects_in(bucket_server, "plain") == set(), "the probe is removed"
    severity, cause, _ = told("plain", "retain_days = 60")
    assert severity == "error" and "could not lock an object" in cause

    make_bucket(bucket_server, "versions")
    versioning = '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'
    assert requests.put(f"http://127.0.0.1:{bucket_server}/versions?versioning", data=versioning, timeout=20).ok
    severity, cause, _ = told("versions")
    assert severity == "warning" and "its keys can destroy those too" in cause
    assert versions_in(bucket_server, "versions") == 0, "all versions of the probe are removed"

    make_locked_bucket(bucket_server, "locked")
    severity, cause, others = told("locked", "retain_days = 60")
    assert severity == "note" and "cannot be destroyed" in cause, cause
    assert "1 versions of probes are left" in others, others
    severity, cause, _ = told("locked", 'retain_days = 60\nretain_mode = "governance"')
    assert severity == "error" and "does not keep to them" in cause, "these keys may pass over it"

    # This server says that it locks everything, and does not when it comes in parts.
    make_locked_bucket(bucket_server, "says")
    rule = "<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
    lock = f'<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}</ObjectLockConfiguration>'
    assert requests.put(f"http://127.0.0.1:{bucket_server}/says?object-lock", data=lock, timeout=20).ok
    severity, cause, _ = told("says")
    assert severity == "warning" and "its keys can destroy those too" in cause

    severity, cause, _ = told("nothing-here")
    assert severity == "error" and "NoSuchBucket" in cause
    another = bucket_options(installation, line).replace(str(line.ca_file), str(installation.ca_file))
    severity, cause, _ = told("plain", options=another)
    assert severity == "error" and "certificate" in cause, cause
    keys = installation.directory / "keys" / "bucket.toml"
    options = bucket_options(installation, line)
    keys.chmod(0o644)
    severity, cause, _ = told("plain", options=options)
    assert severity == "error" and "other accounts" in cause
    keys.chmod(0o600)
    told("plain", options=options.replace("https://", "http://"))
    judged = program.run_json("check-config", "--config", installation.config, code=1)
    assert "no TLS" in str(judged["findings"])
