"""A day of a person adds up: when it is over, the heaviest days are alerts with their reasons, told once."""

from yingdun_testkit import part10
from yingdun_testkit.administration import Office
from yingdun_testkit.clock import Clock
from yingdun_testkit.installation import Installation, wait_until
from yingdun_testkit.web import Web

DAY = 24 * 3600
#: Patients that a person of this installation opens within an hour.
AT_MOST = 3
LIMITS = f"""
[limits]
usual = [{{ measure = "patients", within_minutes = 60, at_most = {AT_MOST} }}]
"""
#: How long after the first access of the next day its alerts are awaited: a look every 20 s, on a busy machine.
TOLD_SECONDS_MAX = 60.0


def test_a_day_that_adds_up_is_an_alert_when_it_is_over_and_only_once(tmp_path):
    clock = Clock(tmp_path)
    (tmp_path / "limits.toml").write_text(LIMITS)
    installation = Installation(tmp_path, settings={"MONITOR__LIMITS_FILE": str(tmp_path / "limits.toml")})
    try:
        clock.set(-2 * DAY)
        installation.start(clock.environment)
        office = installation.office = Office(installation)
        gateway = Web(installation, office.client_token("gateway", "store", "search", "view"))
        images = [part10.image(patient_id=f"day-{n}") for n in range(AT_MOST + 1)]
        for image in images:
            gateway.must_store(part10.file_bytes(image))
        everything = Web(installation, office.person_token("collector", "chief"))
        careful = Web(installation, office.person_token("careful", "chief"))

        def opened(web, image):
            return web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code

        assert [opened(everything, image) for image in images] == [200] * AT_MOST + [403]
        assert opened(careful, images[0]) == 200, careful.get(f"/studies/{images[0].StudyInstanceUID}/metadata").text + installation.log_text()[-1500:]

        def days():
            return [row for row in office.audit.get("/alerts") if row["kind"] == "monitor-score"]

        assert not days(), "the day is not over"
        clock.set(-DAY)
        office.sign_in_officers()
        careful.use(office.sign_in("careful", role="chief"))
        assert opened(careful, images[0]) == 200, careful.get(f"/studies/{images[0].StudyInstanceUID}/metadata").text + installation.log_text()[-1500:]
        [day] = wait_until(days, "the day of the collector is an alert", TOLD_SECONDS_MAX)
        assert (day["name"], day["role"], day["measure"], day["stops"]) == ("collector", "chief", "points", None)
        reasons = day["explained"]["reasons"]
        assert "stopped" in {reason["signal"] for reason in reasons}, reasons
        assert day["counted"] == sum(reason["points"] for reason in reasons) >= day["at_most"], "the reasons are the score"
        leaves = {leaf["sequence"]: leaf for leaf in office.leaves(kind="access", actor="collector")}
        assert set(day["explained"]["leaves"]) <= set(leaves), "evidence is what the person did"
        told = [leaf for leaf in office.leaves(kind="administration", actor="collector") if leaf["reason"] == "monitor-score"]
        assert [leaf["counts"]["alert"] for leaf in told] == [day["alert"]]
        assert "collector" not in installation.log_text()

        judged = office.audit.post(f"/alerts/{day['alert']}/acknowledgement", {"verdict": "true-positive"}, 200)
        assert judged["stops"] is None, "a score stops nobody"
        everything.use(office.sign_in("collector", role="chief"))
        assert opened(everything, images[0]) == 200

        installation.stop()
        clock.set(0)
        installation.start(clock.environment)
        office.sign_in_officers()
        careful.use(office.sign_in("careful", role="chief"))
        assert opened(careful, images[0]) == 200, careful.get(f"/studies/{images[0].StudyInstanceUID}/metadata").text + installation.log_text()[-1500:]
        before = {row["alert"] for row in days()}
        assert before == {day["alert"]}, "the log is read anew, and nothing is told again"
    finally:
        installation.kill()
