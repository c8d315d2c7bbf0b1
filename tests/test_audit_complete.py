"""The audit log says whether it is complete: heartbeats in it tell what was counted, and a walk along it compares."""

import os
import signal
import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.modality import Modality
from yingdun_testkit.web import Web

#: Seconds for something to come through on a loaded machine.
SECONDS_MAX = 120

#: Heartbeats every second, and a comparison every few seconds.
SETTINGS = {"AUDIT__HEARTBEAT_EVERY_S": "1", "AUDIT__RECONCILE_EVERY_S": "4"}

#: Seconds of silence beyond which a heartbeat of every second is missed, with some to spare.
SILENCE_SECONDS = 36


@pytest.fixture
def counted(make_installation, request):
    return make_installation(request.node.name.replace("_", "-")[:40], settings=SETTINGS)


def reconcile(installation, *more, code=0) -> dict:
    command = ["audit", "reconcile", installation.audit_directory, "--public-key", installation.audit_key_file]
    return program.run_json(*command, *more, code=code)


def faults(said: dict) -> list:
    return [finding["fault"] for finding in said["findings"]]


def of_system(installation, reason: str) -> list:
    rows = installation.office.audit.get("/audit/search", {"kind": "system", "limit": 1000})
    return [row["leaf"] for row in rows if row["leaf"]["reason"] == reason]


def newest_beat(installation) -> dict:
    """What the newest heartbeat tells, by the names of its leaves."""
    parts = ("heartbeat-access", "heartbeat-associations", "heartbeat-sign-ins")
    return {part.removeprefix("heartbeat-"): of_system(installation, part)[0]["counts"] for part in parts}


def leaves(installation, **conditions) -> list:
    return [row["leaf"] for row in installation.office.audit.get("/audit/search", {"limit": 1000, **conditions})]


def work(installation, name: str):
    """Images are stored and looked at, somebody is refused, associations are released, aborted and rejected."""
    office = installation.office
    image = part10.image(patient_id=name)
    Web(installation, office.client_token(f"{name}-gateway", "store", "search", "view")).must_store(part10.file_bytes(image))
    web = Web(installation, office.person_token(f"{name}-chief", "chief"))
    for _ in range(3):
        assert web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 200
    office.try_sign_in(f"{name}-chief", "wrong password of somebody", "chief")
    modality = Modality(installation, f"{name[:8].upper()}A")
    office.grant_device(modality.title, "store")
    modality.associate().release()
    modality.associate().abort()
    modality.title = "NOBODY"
    with pytest.raises(AssertionError):
        modality.associate()


def test_what_was_done_is_what_the_log_says(counted):
    work(counted, "told")
    enough = lambda: newest_beat(counted)["associations"]["aborted"] >= 1
    wait_until(enough, "a heartbeat tells of the abort", SECONDS_MAX, step=0.5)
    told = newest_beat(counted)
    permits = leaves(counted, kind="access", outcome="permitted")
    assert told["access"]["permits"] == told["access"]["unwraps"] == len(permits) > 0
    ended = [leaf["reason"] for leaf in leaves(counted, kind="association")]
    assert told["associations"]["released"] == ended.count("association-released") == 1
    assert told["associations"]["aborted"] == ended.count("association-aborted") == 1
    assert told["associations"]["rejected"] == ended.count("unknown-calling-ae") == 1
    assert told["associations"]["accepted"] == ended.count("device-plain") == 2
    assert told["sign-ins"]["refused"] >= 1 and told["sign-ins"]["accepted"] >= 2
    released = next(leaf for leaf in leaves(counted, kind="association") if leaf["reason"] == "association-released")
    assert released["outcome"] == "succeeded" and released["actor"] == "TOLDA"

    said = reconcile(counted, "--heartbeat-within", 30)
    assert said["ok"] and faults(said) == [], said
    assert said["summary"]["heartbeats"] >= 2 and said["summary"]["every_s"] == 1 and said["summary"]["last_is_open"]

    # The archive compares itself, and says so in the log.
    wait_until(lambda: len(of_system(counted, "audit-reconciled")) >= 2, "two comparisons", SECONDS_MAX, step=0.5)
    newer, older = of_system(counted, "audit-reconciled")[:2]
    assert newer["counts"]["from"] == older["counts"]["until"] and newer["counts"]["index-keys"] > 3
    assert {leaf["counts"]["discrepancies"] for leaf in of_system(counted, "audit-reconciled")} == {0}
    metrics = counted.office.metrics()
    assert metrics["yingdun_audit_discrepancies_total"] == 0 and metrics["yingdun_audit_heartbeats_total"] >= 2
    assert metrics["yingdun_audit_heartbeat_age_seconds"] < 60
    status = counted.office.system.get("/system/status")["audit"]["completeness"]
    assert status["reconciled"]["complete"] and status["heartbeat"]["counted"]["permits"] == len(permits)

    # A stop is an end, with the last numbers before it.
    counted.stop()
    said = reconcile(counted, "--heartbeat-within", 600)
    assert said["ok"] and not said["summary"]["last_is_open"] and said["summary"]["crashes"] == 0
    time.sleep(2)
    said = reconcile(counted, "--heartbeat-within", 1, code=1)
    assert said["late"] and said["summary"]["discrepancies"] == 0
    text = program.run("audit", "reconcile", counted.audit_directory, "--public-key", counted.audit_key_file)
    assert text.returncode == 0 and "complete" in text.stdout


def test_a_crash_is_told_and_no_discrepancy(counted):
    work(counted, "crash")
    wait_until(lambda: reconcile(counted)["summary"]["heartbeats"] >= 2, "heartbeats", SECONDS_MAX, step=0.5)
    counted.kill()
    counted.start()
    said = reconcile(counted)
    assert said["ok"] and faults(said) == ["crash"] and said["summary"]["crashes"] == 1, said
    counted.office.sign_in_officers()
    wait_until(lambda: of_system(counted, "audit-reconciled"), "a comparison after the crash", SECONDS_MAX, step=0.5)
    assert not of_system(counted, "audit-discrepancy")


def test_silence_is_a_discrepancy_that_the_archive_itself_tells(counted):
    wait_until(lambda: reconcile(counted)["summary"]["heartbeats"] >= 2, "heartbeats", SECONDS_MAX, step=0.5)
    assert faults(reconcile(counted)) == []
    os.kill(counted.process.pid, signal.SIGSTOP)
    try:
        time.sleep(SILENCE_SECONDS)
        assert reconcile(counted, "--heartbeat-within", 20, code=1)["late"]
    finally:
        os.kill(counted.process.pid, signal.SIGCONT)
    wait_until(lambda: of_system(counted, "audit-discrepancy"), "the archive says so", SECONDS_MAX, step=0.5)
    leaf = of_system(counted, "audit-discrepancy")[-1]
    assert leaf["outcome"] == "failed" and leaf["counts"]["discrepancies"] >= 1
    said = reconcile(counted, code=1)
    assert "silence" in faults(said) and not said["ok"]
    assert any(alert["kind"] == "audit-discrepancy" for alert in counted.office.audit.get("/alerts"))
    assert counted.office.metrics()["yingdun_audit_discrepancies_total"] >= 1
    ready = counted.office.browser().get(f"{counted.addresses.web}/health/ready", timeout=30).json()
    assert "audit-log" in ready["attention"]


def test_a_pace_that_is_none_is_refused(make_installation):
    installation = make_installation("pace", serve=False)
    for name, value in (("AUDIT__HEARTBEAT_EVERY_S", "0"), ("AUDIT__HEARTBEAT_EVERY_S", "3601"), ("AUDIT__RECONCILE_EVERY_S", "0")):
        environment = {**installation.environment(), f"YINGDUN__{name}": value}
        said = program.run("check-config", "--config", installation.config, env=environment)
        assert said.returncode != 0 and name.split("__")[1].lower() in said.stdout + said.stderr, name
