"""The steps below a hard limit: told, asked why, slowed, asked for a second factor, nothing taken out. One patient in an emergency always opens."""

import time

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.administration import PASSWORD, Api
from yingdun_testkit.authenticator import enrol
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web
from yingdun_testkit.workstation import Person, Receiver, get, user

#: Patients that a person of this installation opens within an hour: from which patient on is which step.
AT_MOST = 20
NOTED, SLOWED, PROVED, KEPT_IN = 13, 17, 19, 20
#: Patients without a known reason before somebody is asked for one.
ASK_AFTER = 4
#: The pause between two patients of who is slowed.
PAUSE_SECONDS = 3
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 10.0
#: Within how long what another person lifts is over: what the product promises.
LIFTED_SECONDS_MAX = 120.0

LIMITS = f"""
[limits]
usual = [{{ measure = "patients", within_minutes = 60, at_most = {AT_MOST} }}]

[steps]
ask_reason_after = {ASK_AFTER}
seconds_per_patient = {PAUSE_SECONDS}
"""
EMERGENCY = {"code": "unconscious-patient", "reason": "found in the street", "password": PASSWORD}
WHY = {"code": "follow-up", "reason": "operated on her in spring"}


@pytest.fixture(scope="module")
def watched(make_installation, tmp_path_factory):
    """An archive whose limit leaves room for steps."""
    folder = tmp_path_factory.mktemp("ladder")
    (folder / "limits.toml").write_text(LIMITS)
    installation = make_installation("ladder", settings={"MONITOR__LIMITS_FILE": str(folder / "limits.toml")})
    installation.gateway = Web(installation, installation.office.client_token("gateway", "store", "search", "view"))
    return installation


@pytest.fixture(scope="module")
def studies(watched):
    """One study each of more patients than anybody may open: (patient ID, image)."""
    images = [(f"ladder-{n}", part10.image(patient_id=f"ladder-{n}")) for n in range(AT_MOST + 4)]
    for _, image in images:
        watched.gateway.must_store(part10.file_bytes(image))
    return images


def person(watched, request, role="chief"):
    """A person of this test alone: (name, administration, DICOMweb)."""
    name = role + "-" + request.node.name[-30:].replace("_", "-").strip("-")
    token = watched.office.person_token(name, role)
    return name, Api(watched.addresses.web, str(watched.ca_file), token), Web(watched, token)


@pytest.fixture
def chief(watched, request):
    """A chief who may open everything, and for whom no reason is known."""
    return person(watched, request)


@pytest.fixture
def carer(watched, studies, request):
    """A chief who treats every patient of this installation."""
    name, mine, web = person(watched, request)
    for patient_id, _ in studies:
        watched.office.care(name, patient_id)
    return name, mine, web


def opening(web: Web, image):
    return web.get(f"/studies/{image.StudyInstanceUID}/metadata")


def opened(web: Web, image) -> int:
    return opening(web, image).status_code


def opened_in_turn(web: Web, image) -> int:
    """Opens it, and waits once as long as the answer says."""
    answer = opening(web, image)
    if answer.status_code == 429:
        time.sleep(int(answer.headers["retry-after"]))
        answer = opening(web, image)
    return answer.status_code


def notice_of(mine: Api):
    [notice] = [row["notice"] for row in mine.get("/me/sessions") if row["present"]]
    return notice


def alerts_of(watched, name: str, kind="monitor-step") -> list:
    return [row for row in watched.office.audit.get("/alerts") if (row["name"], row["kind"]) == (name, kind)]


def test_one_step_after_the_other_up_to_the_limit(watched, studies, carer):
    name, mine, web = carer
    office, images = watched.office, [image for _, image in studies]

    # Told, and nobody is slowed.
    assert {opened(web, image) for image in images[: NOTED - 1]} == {200} and notice_of(mine) is None
    assert {opened(web, image) for image in images[NOTED - 1 : SLOWED - 1]} == {200}
    notice = notice_of(mine)
    assert (notice["step"], notice["measure"], notice["counted"], notice["at_most"], notice["stops"]) == (
        "note", "patients", NOTED, AT_MOST, None,
    )  # fmt: skip
    [alert] = alerts_of(watched, name)
    assert (alert["step"], alert["stops"], alert["counted"]) == ("note", None, NOTED)
    told = [leaf for leaf in office.leaves(kind="administration", actor=name) if leaf["reason"] == "monitor-step"]
    assert [leaf["counts"]["alert"] for leaf in told] == [alert["alert"]]
    assert alert["alert"] not in {row["alert"] for row in office.audit.get("/alerts", {"new": "true"})}, "it waits for nobody"

    # Slowed: the next patient opens behind a pause, one of the hour at once.
    slowed = opening(web, images[SLOWED - 1])
    assert slowed.status_code == 429 and slowed.json()["came"] == "slowed-down", slowed.text
    assert 1 <= int(slowed.headers["retry-after"]) <= PAUSE_SECONDS
    began = time.monotonic()
    assert {opened(web, images[0]) for _ in range(5)} == {200}
    print(f"a patient of the hour opened five times within {time.monotonic() - began:.2f} s")
    assert opened_in_turn(web, images[SLOWED - 1]) == 200
    assert opened_in_turn(web, images[SLOWED]) == 200
    assert notice_of(mine)["step"] == "throttle"

    # A second factor, for more patients only.
    asked = opening(web, images[PROVED - 1])
    assert asked.status_code == 401 and "insufficient_user_authentication" in asked.headers["www-authenticate"]
    assert opened(web, images[1]) == 200 and notice_of(mine)["step"] == "step-up"
    enrol(mine)
    assert opened_in_turn(web, images[PROVED - 1]) == 200

    # Nothing is taken out any more, and looking goes on.
    assert web.get(f"/studies/{images[0].StudyInstanceUID}/media").status_code == 200
    assert opened_in_turn(web, images[KEPT_IN - 1]) == 200
    assert notice_of(mine)["stops"] == "suspend-export"
    wait_until(
        lambda: web.get(f"/studies/{images[0].StudyInstanceUID}/media").status_code == 403, "exports end", BUSY_SECONDS
    )
    assert {opened(web, image) for image in images[:5]} == {200}

    # The limit, as ever; and the emergency, as ever.
    refused = opening(web, images[AT_MOST])
    assert refused.status_code == 403 and refused.json()["came"] == "monitor-limit", refused.text
    assert notice_of(mine)["step"] == "suspend-session"
    patient_id, image = studies[-1]
    mine.post("/break-glass", {"patient_id": patient_id, **EMERGENCY}, 201)
    assert opened(web, image) == 200, "an emergency goes on"

    [stop] = alerts_of(watched, name, "monitor-limit")
    assert mine.raw("POST", f"/alerts/{stop['alert']}/lift").status_code == 403, "another person"
    office.security.post(f"/alerts/{stop['alert']}/lift", None, 200)
    assert notice_of(mine) is None
    assert {opened(web, image) for image in images[:5]} == {200}, "forgiven altogether"
    steps = [alert["step"] for alert in sorted(alerts_of(watched, name), key=lambda row: row["at_ms"])]
    assert steps == ["note", "throttle", "step-up", "suspend-export"]


def test_who_opens_much_without_a_reason_is_asked_for_one(watched, studies, chief):
    name, mine, web = chief
    office, images = watched.office, [image for _, image in studies]
    assert {opened(web, image) for image in images[:ASK_AFTER]} == {200}
    asked = opening(web, images[ASK_AFTER])
    problem = asked.json()
    assert asked.status_code == 403 and problem["type"] == "urn:yingdun:problem:reason-required", asked.text
    assert "POST /api/v1/me/reasons" in problem["do"]
    assert opened(web, images[0]) == 200, "a patient of the hour goes on"
    assert notice_of(mine)["step"] == "ask-reason"
    refused = [leaf for leaf in office.leaves(kind="access", outcome="refused", actor=name)]
    assert {leaf["reason"] for leaf in refused} == {"reason-required"}

    # Neither care nor an emergency is asked.
    office.care(name, studies[ASK_AFTER + 1][0])
    assert opened(web, images[ASK_AFTER + 1]) == 200
    mine.post("/break-glass", {"patient_id": studies[ASK_AFTER + 2][0], **EMERGENCY}, 201)
    assert opened(web, images[ASK_AFTER + 2]) == 200

    # A reason is for one patient and one person.
    study = str(images[ASK_AFTER].StudyInstanceUID)
    assert mine.raw("POST", "/me/reasons", {"study": study, "code": "because", "reason": "so"}).status_code == 400
    assert mine.raw("POST", "/me/reasons", {"study": study, **WHY, "reason": " "}).status_code == 400
    assert mine.raw("POST", "/me/reasons", {"study": "2.25.404", **WHY}).status_code == 404
    stated = mine.post("/me/reasons", {"study": study, **WHY}, 201)
    assert stated["holds"] and stated["valid_until_ms"] - stated["given_ms"] == 8 * 3600 * 1000, "a shift"
    assert opened(web, images[ASK_AFTER]) == 200
    assert opened(web, images[ASK_AFTER + 3]) == 403, "the next patient is a question of its own"
    by_patient = mine.post("/me/reasons", {"patient_id": studies[ASK_AFTER + 3][0], **WHY}, 201)
    assert opened(web, images[ASK_AFTER + 3]) == 200
    opens = [leaf for leaf in office.leaves(kind="access", outcome="permitted", actor=name) if "stated" in leaf.get("counts", {})]
    assert {leaf["counts"]["stated"] for leaf in opens} == {stated["reason"], by_patient["reason"]}
    given = [leaf for leaf in office.leaves(kind="administration", actor=name) if leaf["reason"] == "stated-follow-up"]
    assert {leaf["counts"]["stated"] for leaf in given} == {stated["reason"], by_patient["reason"]}

    # The words are read by the security administrator, who judges them, once; they stand nowhere in the clear.
    rows = {row["reason"]: row for row in office.security.get("/reasons", {"new": "true"})}
    assert (rows[stated["reason"]]["name"], rows[stated["reason"]]["words"]) == (name, WHY["reason"])
    assert {row["reason"] for row in mine.get("/me/reasons")} == {stated["reason"], by_patient["reason"]}
    for other in (mine, office.audit, office.system):
        assert other.raw("GET", "/reasons").status_code == 403
        verdict = {"verdict": "justified", "reason": "mine"}
        assert other.raw("POST", f"/reasons/{stated['reason']}/review", verdict).status_code == 403
    verdict = {"verdict": "not-justified", "reason": "never operated"}
    judged = office.security.post(f"/reasons/{by_patient['reason']}/review", verdict, 200)
    assert judged["verdict"] == "not-justified" and not judged["holds"]
    assert office.security.raw("POST", f"/reasons/{by_patient['reason']}/review", verdict).status_code == 409
    assert by_patient["reason"] not in {row["reason"] for row in office.security.get("/reasons", {"new": "true"})}
    for file in watched.files():
        content = file.read_bytes()
        assert WHY["reason"].encode() not in content and b"never operated" not in content, file
    assert name not in watched.log_text()


def test_a_reason_gives_no_right(watched, studies, request):
    name, mine, web = person(watched, request, role="clinician")
    patient_id, image = studies[0]
    assert opened(web, image) == 404
    assert mine.raw("POST", "/me/reasons", {"study": str(image.StudyInstanceUID), **WHY}).status_code == 404
    mine.post("/me/reasons", {"patient_id": patient_id, **WHY}, 201)
    assert opened(web, image) == 404


def test_a_person_behind_a_workstation_is_asked_as_on_the_web(watched, studies, request):
    office = watched.office
    office.device("LADDERSEAT", plain_allowed=True)
    office.grant_device("LADDERSEAT")
    name = office.person("chief-at-a-ladder", "chief")
    seat = Person(watched, "LADDERSEAT", user(name, PASSWORD))

    def asked(image):
        receiver = Receiver()
        *_, (last, _) = get(seat, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=image.StudyInstanceUID)
        return last, len(receiver.got)

    outcomes = [asked(image) for _, image in studies[: ASK_AFTER + 1]]
    assert [(last.Status, got) for last, got in outcomes[:ASK_AFTER]] == [(0, 1)] * ASK_AFTER
    last, got = outcomes[ASK_AFTER]
    assert last.Status != 0 and got == 0 and "reason-required" in last.ErrorComment, last
    mine = office.api(office.sign_in(name, role="chief"))
    mine.post("/me/reasons", {"patient_id": studies[ASK_AFTER][0], **WHY}, 201)
    last, got = asked(studies[ASK_AFTER][1])
    assert (last.Status, got) == (0, 1)


def test_a_step_outlasts_a_restart_and_another_person_lifts_it_at_once(watched, studies, chief):
    name, mine, web = chief
    office, images = watched.office, [image for _, image in studies]
    assert [opened(web, image) for image in images[: ASK_AFTER + 1]] == [200] * ASK_AFTER + [403]
    watched.restart()
    office.sign_in_officers()
    watched.gateway.use(office.client_token_again("gateway"))
    token = office.sign_in(name, role="chief")
    mine, web = office.api(token), Web(watched, token)
    # Counts of this process begin anew; the step that was written down does not.
    wait_until(lambda: opened(web, images[ASK_AFTER]) == 403, "the step is known again", BUSY_SECONDS)
    assert notice_of(mine)["step"] == "ask-reason"
    [number] = [row["alert"] for row in alerts_of(watched, name) if row["step"] == "ask-reason"]
    began = time.monotonic()
    office.security.post(f"/alerts/{number}/lift", None, 200)
    wait_until(lambda: opened(web, images[ASK_AFTER]) == 200, "nothing is asked any more", BUSY_SECONDS)
    print(f"open {time.monotonic() - began:.2f} s after somebody lifted it")
    assert time.monotonic() - began < LIFTED_SECONDS_MAX and notice_of(mine) is None


def test_reasons_are_given_and_judged_from_the_command_line(watched, studies, chief, tmp_path):
    name, mine, web = chief
    images = [image for _, image in studies]
    assert [opened(web, image) for image in images[: ASK_AFTER + 1]] == [200] * ASK_AFTER + [403]
    as_chief = program.signed_in(watched, tmp_path, name)
    as_security = program.signed_in(watched, tmp_path, watched.office.names["security-administrator"])
    study = str(images[ASK_AFTER].StudyInstanceUID)
    given = program.run_json("monitor", "reason", "--study", study, "--code", "quality", "--reason", "a complaint", *as_chief)
    assert opened(web, images[ASK_AFTER]) == 200
    program.run_json("monitor", "reasons", *as_chief, code=1)
    new = program.run_json("monitor", "reasons", "--new", *as_security)
    assert given["reason"] in {row["reason"] for row in new}
    review = ("review-reason", given["reason"], "--verdict", "justified", "--reason", "it is on file")
    assert program.run_json("monitor", *review, *as_security)["verdict"] == "justified"


@pytest.mark.parametrize(
    "steps", ["note_percent = 0", "throttle_percent = 95", "ask_reason_after = 100000", "unknown_percent = 5"]
)
def test_steps_that_cannot_be_climbed_stop_the_start(make_installation, tmp_path, steps):
    (tmp_path / "limits.toml").write_text(f"[steps]\n{steps}\n")
    settings = {"MONITOR__LIMITS_FILE": str(tmp_path / "limits.toml")}
    installation = make_installation("no-ladder-" + steps[:4], serve=False, settings=settings)
    done = program.run("serve", "--config", installation.config, env=installation.environment())
    assert done.returncode == 1 and "limits.toml" in done.stderr + done.stdout, done.stderr
