"""What looks wrong: bulk is stopped, emergencies go on, somebody else lifts, decoys tell, and a log is judged again."""

import json
import subprocess
import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import PASSWORD, Api
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web
from yingdun_testkit.workstation import Person, Receiver, get, user

#: Patients that a person of this installation opens within an hour.
AT_MOST = 5
#: How long after the limit something may still open.
STOPPED_SECONDS_MAX = 2.0
#: Until when the opening of a decoy is an alert.
TOLD_SECONDS_MAX = 5.0
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0

LIMITS = f"""
[limits]
usual = [{{ measure = "patients", within_minutes = 60, at_most = {AT_MOST} }}]
"""
EMERGENCY = {"code": "unconscious-patient", "reason": "found in the street", "password": PASSWORD}


@pytest.fixture(scope="module")
def watched(make_installation, tmp_path_factory):
    """An archive with a low limit and a decoy."""
    folder = tmp_path_factory.mktemp("monitor")
    (folder / "limits.toml").write_text(LIMITS)
    (folder / "decoys.txt").write_text("# nobody\ndecoy-1\n")
    settings = {"MONITOR__LIMITS_FILE": str(folder / "limits.toml"), "MONITOR__DECOYS_FILE": str(folder / "decoys.txt")}
    installation = make_installation("watched", settings=settings)
    installation.gateway = Web(installation, installation.office.client_token("gateway", "store", "search", "view"))
    return installation


def store(watched, patient_id: str, **attributes):
    image = part10.image(patient_id=patient_id, **attributes)
    watched.gateway.must_store(part10.file_bytes(image))
    return image


@pytest.fixture
def bulk(watched, request):
    """More studies than anybody may open, each of another patient: (patient ID, image)."""
    name = request.node.name[:24]
    return [(f"{name}-{n}", store(watched, f"{name}-{n}")) for n in range(AT_MOST + 4)]


@pytest.fixture
def chief(watched, request):
    """A chief of this test alone, who may open everything: (name, administration, DICOMweb)."""
    name = "chief-" + request.node.name[-30:].replace("_", "-")
    token = watched.office.person_token(name, "chief")
    return name, Api(watched.addresses.web, str(watched.ca_file), token), Web(watched, token)


def opened(web: Web, image) -> int:
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code


def listed(web: Web, image) -> bool:
    return bool(web.search("/studies", StudyInstanceUID=image.StudyInstanceUID))


def alerts_of(watched, name: str, kind="monitor-limit") -> list:
    return [row for row in watched.office.audit.get("/alerts") if (row["name"], row["kind"]) == (name, kind)]


def test_bulk_is_stopped_at_the_limit_an_emergency_goes_on_and_another_officer_lifts(watched, bulk, chief):
    name, mine, web = chief
    office, images = watched.office, [image for _, image in bulk]
    assert [opened(web, image) for image in images[:AT_MOST]] == [200] * AT_MOST
    began = time.monotonic()
    refused = web.get(f"/studies/{images[AT_MOST].StudyInstanceUID}/metadata")
    assert refused.status_code == 403 and "monitor-limit" in refused.text, refused.text
    wait_until(lambda: {opened(web, image) for image in images} == {403}, "what was open is closed", BUSY_SECONDS)
    print(f"everything is closed {time.monotonic() - began:.2f} s after the limit")
    assert not any(listed(web, image) for image in images), "what does not open is not listed"
    assert web.get(f"/studies/{images[0].StudyInstanceUID}/media").status_code == 403

    [alert] = alerts_of(watched, name)
    assert (alert["measure"], alert["counted"], alert["at_most"]) == ("patients", AT_MOST + 1, AT_MOST)
    assert alert["stops"] == "suspend-session"
    assert alert["stops_until_ms"] - alert["at_ms"] == 30 * 60 * 1000, "half an hour unless somebody confirms it"
    leaves = office.leaves(kind="administration", actor=name)
    assert [leaf["counts"]["alert"] for leaf in leaves if leaf["reason"] == "monitor-limit"] == [alert["alert"]]
    refusals = office.leaves(kind="access", outcome="refused", actor=name)
    assert refusals and {leaf["reason"] for leaf in refusals} == {"monitor-limit"}

    patient_id, image = bulk[-1]
    mine.post("/break-glass", {"patient_id": patient_id, **EMERGENCY}, 201)
    assert opened(web, image) == 200 and listed(web, image), "an emergency goes on"
    assert opened(web, images[0]) == 403 and not listed(web, images[0])

    number = alert["alert"]
    for other in (mine, office.audit, office.system):
        assert other.raw("POST", f"/alerts/{number}/lift").status_code == 403, "nobody but who gives rights"
    assert mine.raw("GET", "/alerts").status_code == 403, "who is watched does not read the alerts"
    lifted = office.security.post(f"/alerts/{number}/lift", None, 200)
    assert lifted["lifted_by"] == office.names["security-administrator"]
    assert opened(web, images[AT_MOST]) == 200, "and what was counted is forgiven"
    assert listed(web, images[0])
    assert office.security.raw("POST", f"/alerts/{number}/lift").status_code == 409, "once"
    changes = office.leaves(kind="administration", actor=office.names["security-administrator"])
    assert "lift-stop" in {leaf["reason"] for leaf in changes}
    text = watched.log_text()
    assert name not in text and patient_id not in text, "neither person nor patient stands in the log of the program"


def test_a_slow_stream_is_cut_when_its_reader_is_stopped(watched, bulk, chief):
    name, _, web = chief
    large = store(watched, "monitor-large", frames=48, rows=1024, columns=1024)
    path = f"/studies/{large.StudyInstanceUID}/series/{large.SeriesInstanceUID}/instances/{large.SOPInstanceUID}"
    answer = web.get(path, "application/dicom; transfer-syntax=*", stream=True)
    assert answer.status_code == 200
    pieces = answer.iter_content(256 * 1024)
    next(pieces)
    codes = [opened(web, image) for _, image in bulk]
    stopped = time.monotonic()
    assert codes.count(200) == AT_MOST - 1 and codes[-1] == 403, codes
    came, broken = 0, None
    try:
        for piece in pieces:
            came += len(piece)
            time.sleep(0.02)
    except Exception as error:  # noqa: BLE001 whatever way a connection is broken off
        broken = error
    cut = time.monotonic() - stopped
    assert broken is not None and came < 48 * 1024 * 1024, f"{came} bytes came"
    print(f"the stream ended {cut:.2f} s after the limit, {came} bytes came")
    # What lies in the buffers of the network is taken at our own pace; nothing more is given.
    assert cut < STOPPED_SECONDS_MAX + BUSY_SECONDS


def test_a_person_behind_a_workstation_is_stopped_as_on_the_web(watched, bulk, request):
    office = watched.office
    office.device("MONSEAT", plain_allowed=True)
    office.grant_device("MONSEAT")
    name = office.person("chief-at-a-seat", "chief")
    person = Person(watched, "MONSEAT", user(name, PASSWORD))
    outcomes = []
    for _, image in bulk:
        receiver = Receiver()
        *_, (last, _) = get(
            person, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=image.StudyInstanceUID
        )
        outcomes.append((last.Status, len(receiver.got)))
    assert outcomes[:AT_MOST] == [(0, 1)] * AT_MOST
    assert {status for status, _ in outcomes[AT_MOST:]} != {0} and not any(got for _, got in outcomes[AT_MOST:])
    assert len(alerts_of(watched, name)) == 1


def test_a_stop_that_was_right_lasts_and_an_alert_is_judged_once(watched, bulk, chief):
    name, _, web = chief
    office = watched.office
    assert [opened(web, image) for _, image in bulk][-1] == 403
    [alert] = alerts_of(watched, name)
    path = f"/alerts/{alert['alert']}/acknowledgement"
    assert office.metrics()["yingdun_monitor_alerts_total"] >= 1
    wait_until(lambda: office.metrics()["yingdun_monitor_alerts_waiting"] >= 1, "the metric tells", BUSY_SECONDS)
    assert office.security.raw("POST", path, {}).status_code == 403, "who lifts does not judge"
    assert office.audit.raw("POST", path, {"verdict": "perhaps"}).status_code == 400
    seen = office.audit.post(path, {}, 200)
    assert seen["acknowledged_by"] == office.names["audit-administrator"] and seen["verdict"] is None
    judged = office.audit.post(path, {"verdict": "true-positive"}, 200)
    assert judged["verdict"] == "true-positive"
    assert judged["stops_until_ms"] > alert["stops_until_ms"] + 365 * 86_400_000, "until somebody lifts it"
    assert office.audit.raw("POST", path, {"verdict": "false-positive"}).status_code == 409
    assert alert["alert"] not in {row["alert"] for row in office.audit.get("/alerts", {"new": "true"})}
    watched.restart()
    office.sign_in_officers()
    watched.gateway.use(office.client_token_again("gateway"))
    again = Web(watched, office.sign_in(name, role="chief"))
    assert opened(again, bulk[0][1]) == 403, "neither a new session nor a restart ends it"
    office.security.post(f"/alerts/{alert['alert']}/lift", None, 200)
    assert opened(again, bulk[0][1]) == 200


def test_a_decoy_that_is_opened_is_an_alert_within_seconds(watched, chief):
    name, _, web = chief
    decoy = store(watched, "decoy-1")
    assert opened(web, decoy) == 200, "whoever opens it is not told"
    began = time.monotonic()
    [alert] = wait_until(lambda: alerts_of(watched, name, "monitor-decoy"), "the alert", TOLD_SECONDS_MAX)
    print(f"an alert {time.monotonic() - began:.2f} s after the decoy was opened")
    assert (alert["step"], alert["stops"]) == ("ask-reason", None)
    assert alert["study"] and alert["patient"]
    assert opened(web, decoy) == 200
    assert len(alerts_of(watched, name, "monitor-decoy")) == 1, "told once"


def test_alerts_are_read_judged_and_lifted_from_the_command_line(watched, bulk, chief, tmp_path):
    name, _, web = chief
    assert [opened(web, image) for _, image in bulk][-1] == 403
    as_audit = program.signed_in(watched, tmp_path, watched.office.names["audit-administrator"])
    as_security = program.signed_in(watched, tmp_path, watched.office.names["security-administrator"])
    rows = program.run_json("monitor", "alerts", "--new", *as_audit)
    [number] = [row["alert"] for row in rows if row["name"] == name]
    program.run_json("monitor", "lift", number, *as_audit, code=1)
    judged = program.run_json("monitor", "acknowledge", number, "--verdict", "false-positive", *as_audit)
    assert judged["verdict"] == "false-positive"
    assert program.run_json("monitor", "lift", number, *as_security)["lifted_ms"]
    assert opened(web, bulk[-1][1]) == 200


def test_limits_that_cannot_be_used_stop_the_start(make_installation, tmp_path):
    (tmp_path / "limits.toml").write_text("[limits]\nabsolute = []\n")
    settings = {"MONITOR__LIMITS_FILE": str(tmp_path / "limits.toml")}
    installation = make_installation("unwatched", serve=False, settings=settings)
    done = program.run("serve", "--config", installation.config, env=installation.environment())
    assert done.returncode == 1 and "limits.toml" in done.stderr + done.stdout, done.stderr


# === a log, judged again ===


def records() -> list:
    """Two days: one of work with reasons, one on which somebody collects and somebody looks up a colleague."""
    day, lines, sequence = 86_400_000, [], 0
    for name in ("nurse", "doctor", "snoop"):
        lines.append({"kind": "person", "at_ms": 0, "person": name, "role": "clinician", "department": "surgery"})
    lines.append({"kind": "patient", "at_ms": 0, "patient": "colleague", "department": "medicine", "staff": "doctor"})
    for n in range(40):
        lines.append(
            {"kind": "fact", "at_ms": 0, "fact": "encounter", "department": "surgery", "patient": f"q{n}",
             "valid_from_ms": 0, "valid_until_ms": 9 * day}
        )  # fmt: skip
    for at_ms, person, patient in [
        *((3_600_000 + n * 1000, "nurse", f"q{n}") for n in range(40)),
        *((day + 3_600_000 + n * 1000, "doctor", f"x{n}") for n in range(70)),
        (day + 7_200_000, "snoop", "colleague"),
    ]:
        sequence += 1
        lines.append(
            {"kind": "access", "at_ms": at_ms, "sequence": sequence, "person": person, "session": person,
             "action": "view", "patient": patient, "allowed": True}
        )  # fmt: skip
    return lines


def test_a_log_is_judged_again_with_reasons_that_give_the_score(tmp_path):
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in records()))
    report = program.run_json("monitor", "replay", file, code=1)
    first, second = report["days"]
    assert first["counts"]["explained"] == first["counts"]["of_patients"] == 40 and not first["alerts"]
    assert first["counts"]["explanations"] == {"department-encounter": 40}
    # Sixty without a reason within an hour.
    assert second["counts"]["blocks"] == 1 and second["counts"]["stopped"] == 10
    alerts = {alert["person"]: alert for alert in second["alerts"]}
    assert set(alerts) == {"doctor", "snoop"}
    for alert in alerts.values():
        points = [min(reason["count"] * reason["each"], reason["most"]) for reason in alert["reasons"]]
        assert alert["score"] == sum(points), "the reasons are the score"
    assert [reason["signal"] for reason in alerts["snoop"]["reasons"]] == ["colleague", "unexplained"]
    assert alerts["snoop"]["evidence"] == [111]

    one = program.run_json("monitor", "replay", file, "--budget", "1", code=1)
    assert [alert["person"] for alert in one["days"][1]["alerts"]] == ["doctor"]
    (tmp_path / "wide.toml").write_text(
        '[limits]\nusual = [{ measure = "patients", within_minutes = 60, at_most = 1000 }]\n'
    )
    wide = program.run_json("monitor", "replay", file, "--limits", tmp_path / "wide.toml", code=1)
    assert wide["summary"]["counts"]["stopped"] == 0
    text = subprocess.run(
        [program.binary(), "monitor", "replay", "-"], input=file.read_bytes(), capture_output=True, timeout=60
    )
    assert text.returncode == 1 and b"colleague" in text.stdout and b"doctor" in text.stdout


@pytest.mark.parametrize(("written_ms", "explained"), [(7_200_000, 1), (86_400_000, 0)], ids=["same-day", "next-day"])
def test_a_reason_that_is_written_down_late_counts_on_its_day_only(tmp_path, written_ms, explained):
    people = [line for line in records() if line["kind"] in ("person", "patient")]
    opened_at = {"kind": "access", "at_ms": 3_600_000, "sequence": 1, "person": "snoop", "session": "s", "action": "view"}
    order = {"kind": "fact", "fact": "order", "person": "snoop", "patient": "colleague"}
    lines = [
        *people,
        {**opened_at, "patient": "colleague", "allowed": True},
        {**order, "at_ms": written_ms, "valid_from_ms": 0, "valid_until_ms": 2 * 86_400_000},
    ]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    [day] = program.run_json("monitor", "replay", file, code=1 - explained)["days"]
    assert (day["counts"]["explained"], len(day["alerts"])) == (explained, 1 - explained)


@pytest.mark.parametrize(
    ("line", "said"),
    [('{"kind":"access"}', "line 2"), ("x" * 70_000, "line 2"), ("nonsense", "line 2")],
    ids=["incomplete", "endless", "nonsense"],
)
def test_a_line_that_is_no_record_is_named(tmp_path, line, said):
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(records()[0]) + "\n" + line + "\n")
    done = program.run("monitor", "replay", file)
    assert done.returncode == 2 and said in done.stderr, done.stderr
