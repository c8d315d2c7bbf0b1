"""What people come for, each in three moves and once by keyboard alone: the journeys of the design, in one place.

What a move is says `yingdun_testkit.moves`. What is shown on the way, refused or undone is in the tests of each screen."""

import re

import pytest
from playwright.sync_api import expect

from yingdun_testkit import part10, program, reading
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.browser import Desk
from yingdun_testkit.installation import wait_until
from yingdun_testkit.moves import Moves
from yingdun_testkit.program import PASSWORD
from yingdun_testkit.ward import Ward
from yingdun_testkit.web import Web

SYSTEM, AUDIT = "system-administrator", "audit-administrator"
HANDS = pytest.mark.parametrize("keyboard", [False, True], ids=["mouse", "keyboard"])

#: Patients that somebody opens within an hour before it is too many: so few that nothing comes before the stop.
AT_MOST = 9
LIMITS = f"""
[limits]
usual = [{{ measure = "patients", within_minutes = 60, at_most = {AT_MOST} }}]
"""
#: A patient of the ward whom only radiologists see.
STRANGER = ("P20260152", "赵敏")


@pytest.fixture(scope="module")
def ward(make_installation, tmp_path_factory):
    """A ward of these tests alone: somebody is stopped in it, and a patient has two studies."""
    limits = tmp_path_factory.mktemp("limits") / "limits.toml"
    limits.write_text(LIMITS)
    ward = Ward(make_installation("journeys", settings={"MONITOR__LIMITS_FILE": str(limits), "IDENTITY__PATIENT_RELEASE_HOURS": "0"}))
    reading.store(ward, reading.LONG, slices=12, date="20261120", description="胸部CT薄层")
    reading.store(ward, reading.EARLIER, slices=8, date="20250611", description="胸部CT复查")
    return ward


@pytest.fixture
def sit(ward, desk):
    """Seats somebody at a screen: the page, and the hand that counts."""

    def sit_down(who, path, keyboard):
        if who in ward.tokens:
            window = desk(who)
        else:
            window = desk(None)
            window.sign_in(who)
        page = window.go(path)
        return page, Moves(page, keyboard=keyboard)

    return sit_down


def rows_of(page):
    return page.locator("[role=rowgroup] [role=row]")


def only_row(page, text):
    """The row that a search has found, when it has found it."""
    row = rows_of(page).filter(has_text=text)
    wait_until(lambda: rows_of(page).count() == 1 and row.count() == 1, "one row is found", 20)
    return row


def see_image(page, pane="pane-1"):
    page.locator(f"[data-testid={pane}][data-shown]").wait_for()


# === who reads ===


@HANDS
def test_read_a_name_and_then_the_image(sit, keyboard):
    page, hand = sit("radiologist", "studies", keyboard)
    hand.type("zs")
    row = only_row(page, "张三")
    if keyboard:
        hand.press("Enter")
    else:
        hand.choose(row)
        hand.choose(page.get_by_role("link", name="阅片"))
    see_image(page)
    assert "P20260001" in page.locator("[data-testid=pane-1]").inner_text()
    hand.check()


@HANDS
def test_compare_a_study_that_is_chosen_with_the_one_before(sit, keyboard):
    page, hand = sit("radiologist", "studies", keyboard)
    hand.type("qianyi")
    wait_until(lambda: rows_of(page).filter(has_text="钱毅").count() == rows_of(page).count() == 2, "two studies are found", 20)
    if keyboard:
        # Several were found: Enter leads to the first of them.
        hand.press("Enter")
        page.locator("[role=row][aria-selected=true]").wait_for()
        hand.press("c")
    else:
        hand.choose(rows_of(page).filter(has_text="2026-11-20"))
        hand.choose(page.get_by_role("link", name="阅片"))
        hand.choose(page.get_by_title("并排对比此检查"))
    see_image(page)
    see_image(page, "pane-2")
    assert "2026-11-20" in page.locator("[data-testid=pane-1]").inner_text()
    earlier = page.locator("[data-testid=pane-2]")
    wait_until(lambda: "2025-06-11" in earlier.inner_text(), "the study before hangs beside it", 20)
    hand.check()
    assert "compared" not in page.url, "whoever ends it and comes back finds it ended"


@HANDS
def test_in_an_emergency_from_the_id_to_the_image(ward, sit, keyboard):
    patient_id, name = STRANGER
    doctor = f"emergency-{'keyboard' if keyboard else 'mouse'}"
    page, hand = sit(ward.office.person_token(doctor, "clinician"), "studies", keyboard)
    hand.type(patient_id)
    hand.choose(page.get_by_role("button", name=f"对 {patient_id} 紧急越级访问"))
    dialog = page.get_by_role("dialog")
    hand.fill(dialog.get_by_label("情况说明"), "胸痛，急诊介入前阅片")
    hand.fill(dialog.get_by_label("您的登录口令"), PASSWORD)
    hand.press("Enter")
    dialog.wait_for(state="detached")
    # The patient is chosen, and the picture beside the list is there, without another move.
    wait_until(lambda: page.evaluate("document.querySelector('aside img')?.naturalWidth ?? 0") > 100, "the picture is shown", 30)
    assert page.locator("[role=row][aria-selected=true]").filter(has_text=name).count() == 1
    if keyboard:
        hand.press("Enter")
    else:
        hand.choose(page.get_by_role("link", name="阅片"))
    see_image(page)
    hand.check()
    [case] = [one for one in ward.office.audit.get("/break-glass") if one["name"] == doctor]
    assert case["review"] is None, "and another person is asked to review it"


@HANDS
def test_consult_an_expert_for_a_day(ward, sit, keyboard):
    expert = f"expert-{'keyboard' if keyboard else 'mouse'}"
    outsider_token(ward.office, expert, "remote-expert")
    page, hand = sit("radiologist", "studies", keyboard)
    hand.type("P20260044")
    row = only_row(page, "张丽")
    if keyboard:
        hand.arrow("ArrowDown")
    else:
        hand.choose(row)
    hand.choose(page.locator("aside").get_by_role("button", name="邀请会诊"))
    dialog = page.get_by_role("dialog")
    hand.fill(dialog.get_by_label("远程专家"), expert)
    hand.fill(dialog.get_by_label("理由"), "肝右叶病灶性质，请会诊")
    hand.choose(dialog.get_by_role("button", name="邀请", exact=True))
    dialog.wait_for(state="detached")
    hand.check()
    [asked] = [one for one in ward.office.security.get("/consultations") if one["name"] == expert]
    hours = (asked["valid_until_ms"] - asked["assigned_ms"]) / 3_600_000
    assert asked["study"] is not None and hours == pytest.approx(24, abs=0.1)


# === who watches ===


@HANDS
def test_triage_an_alert_so_that_who_was_stopped_stays_stopped(ward, sit, keyboard):
    name = f"ma-{'keyboard' if keyboard else 'mouse'}"
    images = [part10.image(patient_id=f"{name}-{number}") for number in range(AT_MOST + 1)]
    reading.gateway(ward).must_store(*[part10.file_bytes(image) for image in images])
    chief = Web(ward.installation, ward.office.person_token(name, "chief"))
    for image in images:
        chief.get(f"/studies/{image.StudyInstanceUID}/metadata")

    def stopping():
        return [one for one in ward.office.audit.get("/alerts") if one["name"] == name and one["stops"]]

    wait_until(stopping, "the monitor stopped somebody", 20)
    # The first screen of the office has it under what waits.
    page, hand = sit(AUDIT, "", keyboard)
    hand.choose(page.locator("main").get_by_role("link").filter(has_text=name).first)
    hand.choose(page.locator("aside").get_by_role("button", name="属实"))
    dialog = page.get_by_role("dialog")
    assert "一直持续" in dialog.inner_text(), "what it will do is said before it is done"
    hand.choose(dialog.get_by_role("button", name="确认告警"))
    dialog.wait_for(state="detached")
    hand.check()
    judged = [one for one in ward.office.audit.get("/alerts") if one["name"] == name and one["verdict"] is not None]
    assert [(one["verdict"], one["acknowledged_by"]) for one in judged] == [("true-positive", ward.names[AUDIT])]
    assert judged[0]["stops_until_ms"] > judged[0]["at_ms"] + 365 * 86_400_000, "until somebody lifts it, and not for half an hour"
    answer = chief.get(f"/studies/{images[0].StudyInstanceUID}/metadata")
    assert answer.status_code == 403, "the sessions of that person open nothing"


@HANDS
def test_who_saw_a_patient_leaves_as_evidence(ward, sit, keyboard, tmp_path):
    web = Web(ward.installation, ward.tokens["clinician"])
    assert web.get(f"/studies/{ward.studies[0]}/metadata").status_code == 200
    page, hand = sit(AUDIT, "", keyboard)
    hand.choose(page.get_by_role("navigation").get_by_role("link", name="访问记录"))
    hand.fill(page.get_by_label("患者编号或 32 位代号"), "P20260001")
    hand.press("Enter")
    page.get_by_role("row").filter(has_text="chen-jing").first.wait_for()
    with page.expect_download(timeout=60_000) as download:
        hand.choose(page.get_by_role("button", name="导出证据包"))
    hand.check()
    verified(ward, kept(download, tmp_path))
    assert "P20260001" not in page.url


@HANDS
def test_prove_a_record_and_take_the_proof_along(ward, sit, keyboard, tmp_path):
    page, hand = sit(AUDIT, "audit?kind=stored", keyboard)
    bring_key(page, ward.installation.audit_key_file)
    if keyboard:
        hand.reach(page.get_by_role("grid"))
        hand.arrow("ArrowDown")
        page.locator("[role=row][aria-selected=true]").wait_for()
        hand.press("Enter")
    else:
        hand.choose(rows_of(page).first)
        hand.choose(page.get_by_role("button", name="核验存证证明"))
    page.locator("[data-verdict=proved]").wait_for()
    with page.expect_download(timeout=60_000) as download:
        hand.choose(page.get_by_role("button", name="下载此记录的证据包"))
    hand.check()
    assert verified(ward, kept(download, tmp_path)) == 1


# === who audits ===


@HANDS
def test_sample_fifty_of_a_kept_filter_and_check_them(ward, sit, keyboard):
    # A filter is kept as its address.
    page, hand = sit(AUDIT, "audit?when=today", keyboard)
    bring_key(page, ward.installation.audit_key_file)
    hand.choose(page.get_by_role("button", name="随机抽查"))
    assert page.get_by_label("抽取条数").input_value() == "50"
    hand.choose(page.get_by_role("button", name="抽取", exact=True))
    hand.choose(page.get_by_role("button", name="全部核验"))
    page.get_by_text("已核验 50 / 50：50 条已证明，0 条待公钥确认，0 条失败").wait_for(timeout=60_000)
    hand.check()


@HANDS
def test_sample_fifty_of_a_kept_filter_and_mark_them_as_reviewed(ward, sit, keyboard):
    page, hand = sit(AUDIT, "audit?when=today", keyboard)
    hand.choose(page.get_by_role("button", name="随机抽查"))
    hand.choose(page.get_by_role("button", name="抽取", exact=True))
    page.locator("[role=rowgroup] [role=row]").first.wait_for()
    hand.fill(page.get_by_label("复核结论"), f"逐条看过 {keyboard}")
    hand.choose(page.get_by_role("button", name="标记为已复核"))
    page.get_by_text("已复核", exact=True).wait_for()
    hand.check()
    [newest, *_] = ward.office.audit.get("/audit/reviews")
    assert newest["words"] == f"逐条看过 {keyboard}" and len(newest["records"]) == 50


@HANDS
def test_evidence_of_a_period_is_a_bundle_with_its_report(ward, sit, keyboard, tmp_path):
    page, hand = sit(AUDIT, "audit", keyboard)
    hand.choose(page.get_by_role("button", name="近 7 天"))
    page.wait_for_url("**when=week**")
    hand.choose(page.get_by_role("button", name="证据包"))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("起始时间"), "the period is the one of the list").not_to_have_value("")
    hand.fill(dialog.get_by_label("账号"), ward.names[SYSTEM])
    with page.expect_download(timeout=60_000) as download:
        hand.press("Enter")
    hand.check()
    assert verified(ward, kept(download, tmp_path)) > 0


# === who keeps it running ===


@HANDS
def test_a_disk_is_to_be_replaced(make_installation, chromium, desk, keyboard):
    installation = make_installation("disk")
    office = installation.office
    window = Desk(chromium, installation, office.system.token)
    try:
        page, hand = window.go(""), None
        hand = Moves(page, keyboard=keyboard)
        hand.choose(page.get_by_role("navigation").get_by_role("link", name="存储"))
        hand.choose(page.get_by_role("button", name="停用").last)
        hand.choose(page.get_by_role("dialog").get_by_role("button", name="停用副本"))
        page.get_by_text("可以取下磁盘了").wait_for()
        hand.check()
        states = {one["label"]: one["state"] for one in office.system.get("/system/replicas")}
        assert sorted(states.values()) == ["drained", "ready", "ready"], states
        window.check()
    finally:
        window.close()


# === patients ===


@HANDS
def test_a_patient_finds_who_looked_at_the_own_images(ward, sit, keyboard):
    doctor = Web(ward.installation, ward.tokens["clinician"])
    assert doctor.get(f"/studies/{ward.studies[1]}/metadata").status_code == 200
    account = f"zhang-li-{'keyboard' if keyboard else 'mouse'}"
    token = outsider_token(ward.office, account, "patient")
    bound = ward.office.security.post("/patient-accounts", {"name": account, "patient_id": "P20260044", "checked": "窗口核验身份证"}, 201)
    try:
        page, hand = sit(token, "", keyboard)
        hand.choose(page.get_by_role("navigation").get_by_role("link", name="访问记录"))
        row = page.get_by_role("row").filter(has_text="临床医生").first
        row.wait_for()
        hand.check()
        assert hand.count == 1
        assert "chen-jing" not in page.content(), "a pseudonym, and no name"
        assert "诊疗" in row.inner_text()
    finally:
        ward.office.security.delete(f"/patient-accounts/{bound['account']}", 200)


# === helpers ===


def bring_key(page, file):
    """The public key of the log, which an auditor has from elsewhere before anything is proved."""
    page.get_by_role("button", name="公钥", exact=True).first.click()
    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_text("由您从文件或文本提供").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def kept(download, folder):
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    assert re.fullmatch(r"[\w.-]+\.zip", file.name)
    return file


def verified(ward, file) -> int:
    """How many records of a bundle the program verifies, with nothing but the key."""
    found = program.run_json("audit", "verify-bundle", file, "--public-key", ward.installation.audit_key_file)
    assert found["ok"], found
    return found["leaves"]
