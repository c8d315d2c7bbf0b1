"""What takes two people, in the console, with two desks: grants, broken glass and its review, rules, destructions, alerts and stops."""

import re

import pytest

from yingdun_testkit import part10
from yingdun_testkit.administration import PASSWORD
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.browser import Desk
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: Patients that somebody opens within an hour, where a test wants to be stopped soon.
AT_MOST = 12
LIMITS = f"""
[limits]
usual = [{{ measure = "patients", within_minutes = 60, at_most = {AT_MOST} }}]
"""
#: Rules that nobody of the ward is bound by: it has no specialist.
RULES = """@id("local-no-export-by-specialists")
forbid (principal is Person, action == Action::"export", resource)
when { principal.role == Role::"specialist" };
"""
EMERGENCY = {"code": "on-call-cover", "reason": "代班接诊", "password": PASSWORD}
#: Whose patient nobody at a desk of a new clinician is.
ELSEWHERE = ("P20260152", "赵敏")


@pytest.fixture
def newcomer(ward, desk):
    """A clinician who treats nobody, at a desk of their own: (name, administration, desk)."""

    def sit_down(name, **looks):
        token = ward.office.person_token(name, "clinician")
        window = desk(None, **looks)
        window.sign_in(token)
        return name, ward.office.api(token), window

    return sit_down


def broken_glass(ward, name, patient_id="P20260107", reason="代班接诊"):
    """A case of somebody who treats nobody, opened as a script would."""
    api = ward.office.api(ward.office.person_token(name, "clinician"))
    return api.post("/break-glass", {**EMERGENCY, "patient_id": patient_id, "reason": reason}, 201)


def see_picture(page):
    """Waits until the picture beside the list is there."""
    width = "document.querySelector('aside img')?.naturalWidth ?? 0"
    wait_until(lambda: page.evaluate(width) > 100, "the picture is shown", 20)


def new_alerts(page):
    """What the menu says of alerts; nothing where it says nothing."""
    found = re.search(r"(\d+) 项待处理", page.get_by_role("link", name="告警").inner_text())
    return int(found.group(1)) if found else 0


def rows_of(page):
    return page.locator("[role=rowgroup] [role=row]")


# === grants ===


def test_a_grant_by_one_doctor_opens_for_another_and_ends_when_it_is_ended(desk, newcomer):
    name, _, theirs = newcomer("xu-lan")
    page = theirs.go("studies")
    assert rows_of(page).count() == 0

    mine = desk("clinician").go("grants")
    mine.get_by_role("button", name="授权", exact=True).click()
    dialog = mine.get_by_role("dialog")
    dialog.get_by_label("被授权人").fill(name)
    dialog.get_by_label("患者编号", exact=True).fill("P20260001")
    dialog.get_by_label("时长").fill("2")
    dialog.get_by_label("理由").fill("术前再次阅片")
    dialog.get_by_role("button", name="授予").click()
    dialog.wait_for(state="detached")
    given = rows_of(mine).filter(has_text=name)
    given.filter(has_text="P20260001").wait_for()
    assert "还剩 1小时 59分钟" in given.inner_text(), "as long as it was given for, and no longer"

    page = theirs.go("studies")
    page.get_by_role("row").filter(has_text="张三").click()
    see_picture(page)
    page = theirs.go("grants")
    received = rows_of(page).filter(has_text="术前再次阅片")
    received.click()
    page.locator("aside").get_by_text("chen-jing").wait_for()

    mine.locator("aside").get_by_role("button", name="立即结束").click()
    mine.get_by_role("dialog").get_by_role("button", name="立即结束").click()
    mine.get_by_role("dialog").wait_for(state="detached")
    mine.locator("aside").get_by_text("已结束").first.wait_for()
    page = theirs.go("studies")
    assert rows_of(page).count() == 0


def test_the_study_that_is_chosen_is_given_to_a_colleague(ward, desk):
    name = ward.office.person("xu-min", "clinician")
    page = desk("clinician").go("studies?text=P20260044")
    rows_of(page).first.click()
    page.locator("aside").get_by_role("button", name="授权", exact=True).click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("检查实例 UID").input_value() == ward.studies[1]
    dialog.get_by_label("被授权人").fill(name)
    dialog.get_by_label("理由").fill("请协助会诊")
    dialog.get_by_role("button", name="授予").click()
    page.locator("aside").get_by_text("请协助会诊").wait_for()
    [given] = [row for row in ward.office.security.get("/grants") if row["name"] == name]
    assert given["study"] and given["patient"] is None and page.url.endswith(f"right=grant-{given['grant']}")


def test_an_expert_sees_what_is_asked_until_the_report_is_done(ward, desk):
    name = "expert-of-console"
    token = outsider_token(ward.office, name, "remote-expert")
    asker = desk("radiologist").go("grants")
    asker.get_by_role("button", name="邀请会诊").click()
    dialog = asker.get_by_role("dialog")
    dialog.get_by_label("远程专家").fill(name)
    dialog.get_by_label("范围").select_option("study")
    dialog.get_by_label("检查实例 UID").fill(ward.studies[0])
    dialog.get_by_label("理由").fill("请会诊右肺结节")
    dialog.get_by_role("button", name="邀请", exact=True).click()
    dialog.wait_for(state="detached")

    expert = desk(None)
    expert.sign_in(token)
    page = expert.go("studies")
    page.get_by_role("row").filter(has_text="张三").wait_for()
    assert rows_of(page).count() == 1
    page = expert.go("grants")
    assert page.get_by_role("button", name="授权", exact=True).count() == 0
    rows_of(page).filter(has_text="请会诊右肺结节").click()
    page.get_by_role("button", name="报告已完成").click()
    page.get_by_role("dialog").get_by_role("button", name="报告已完成").click()
    page.get_by_role("dialog").wait_for(state="detached")
    [asked] = [row for row in ward.office.security.get("/consultations") if row["name"] == name]
    assert asked["end"] == "completed"
    assert rows_of(expert.go("studies")).count() == 0


def test_nobody_grants_what_they_may_not_open_and_the_refusal_says_so(ward, desk):
    name = ward.office.person("xu-fei", "clinician")
    page = desk("clinician").go("grants")
    page.get_by_role("button", name="授权", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("被授权人").fill(name)
    dialog.get_by_label("患者编号", exact=True).fill(ELSEWHERE[0])
    dialog.get_by_label("理由").fill("想看看")
    dialog.get_by_role("button", name="授予").click()
    dialog.get_by_role("alert").wait_for()
    assert dialog.get_by_label("理由").input_value() == "想看看", "nothing that was typed is lost"


# === broken glass ===


def test_glass_is_broken_and_reviewed_by_another_person(ward, desk, newcomer):
    patient_id, patient = ELSEWHERE
    name, api, window = newcomer("hu-qing")
    page = window.go("studies")
    page.get_by_role("searchbox").wait_for()
    page.keyboard.type(patient_id)
    start = page.get_by_role("button", name=f"对 {patient_id} 紧急越级访问")
    start.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("事由").select_option("unconscious-patient")
    dialog.get_by_label("情况说明").fill("街头发现，身份不明")
    dialog.get_by_label("您的登录口令").fill("not the password")
    page.keyboard.press("Enter")
    dialog.get_by_role("alert").wait_for()
    dialog.get_by_label("您的登录口令").fill(PASSWORD)
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    page.get_by_role("row").filter(has_text=patient).click()
    see_picture(page)
    banner = page.get_by_role("region", name="紧急越级访问进行中")
    assert patient_id in banner.inner_text() and "72 小时" in banner.inner_text()
    window.go("grants")
    banner.wait_for()
    [case] = api.get("/break-glass")
    assert (case["code"], case["reason"]) == ("unconscious-patient", "街头发现，身份不明")

    officer = desk("audit-administrator").go(f"approvals?case=break-glass-{case['grant']}")
    officer.get_by_text("街头发现，身份不明").wait_for()
    assert officer.get_by_text(f"访问人 {name} 不得复核本人").count() == 1
    officer.get_by_role("button", name="查看凭此访问了什么").click()
    officer.get_by_role("region", name="凭此访问了什么").get_by_role("listitem").first.wait_for()
    officer.get_by_label("正当", exact=True).check()
    officer.get_by_label("复核意见").fill("救护车送入")
    officer.get_by_role("button", name="提交复核").click()
    officer.get_by_role("button", name="提交复核").wait_for(state="detached")
    assert officer.get_by_role("navigation", name="待处理事项").get_by_text(name).count() == 0, "it waits no more"
    officer.get_by_role("button", name="全部", exact=True).click()
    officer.get_by_role("navigation", name="待处理事项").get_by_text(name).wait_for()

    page = window.go(f"grants?show=all&right=break-glass-{case['grant']}")
    page.locator("aside").get_by_text("救护车送入").wait_for()
    page.get_by_role("button", name="结束对").click()
    page.get_by_role("dialog").get_by_role("button", name="结束").click()
    banner.wait_for(state="detached")
    assert rows_of(window.go(f"studies?text={patient_id}")).count() == 0


def test_a_case_is_reviewed_by_keyboard_alone(ward, desk):
    case = broken_glass(ward, "he-jun", reason="键盘复核")
    page = desk("audit-administrator").go("approvals")
    mine = page.get_by_role("button").filter(has_text="he-jun")
    mine.wait_for()

    def focused(what):
        return page.evaluate("([word]) => document.activeElement.innerText?.includes(word) ?? false", [what])

    for _ in range(60):
        if page.evaluate("document.activeElement.closest('nav[aria-label=\"待处理事项\"]') !== null"):
            break
        page.keyboard.press("Tab")
    for _ in range(40):
        if focused("he-jun"):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text("键盘复核").wait_for()
    for _ in range(60):
        if page.evaluate("document.activeElement.type === 'radio'"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("值班记录相符")
    page.keyboard.press("Tab")
    assert focused("提交复核")
    page.keyboard.press("Enter")
    wait_until(lambda: ward.office.audit.get(f"/break-glass/{case['grant']}")["review"] == "值班记录相符", "it is reviewed", 10)


# === what two others approve ===


def test_rules_of_one_officer_take_the_approval_of_two_others(ward, desk):
    office = ward.office
    proposer = desk("system-administrator").go("approvals")
    proposer.get_by_role("button", name="提出规则").click()
    dialog = proposer.get_by_role("dialog")
    dialog.get_by_label("规则文本").fill(RULES.replace("forbid", "permit"))
    dialog.get_by_role("button", name="检查文本").click()
    dialog.get_by_role("alert").wait_for()
    dialog.get_by_label("规则文本").fill(RULES)
    dialog.get_by_role("button", name="检查文本").click()
    dialog.get_by_role("status").wait_for()
    dialog.get_by_label("用途说明").fill("专科医生不导出")
    dialog.get_by_role("button", name="提出", exact=True).click()
    dialog.wait_for(state="detached")
    proposer.get_by_text("待批准").first.wait_for()
    assert proposer.get_by_role("button", name="批准", exact=True).count() == 0, "who proposes does not approve"
    version = office.audit.get("/policies")["versions"][0]["version"]
    place = f"approvals?show=all&case=policy-{version}"

    pages = {role: desk(role).go(place) for role in ("security-administrator", "audit-administrator")}
    for page in pages.values():
        page.get_by_text("local-no-export-by-specialists").wait_for()
        forbidden = page.get_by_role("region", name="此变更的影响").locator("dl > div")
        forbidden.first.wait_for(timeout=60_000)
        figures = forbidden.all_inner_texts()
        assert figures[0].split()[-1] == "0" and int(figures[1].split()[-1].replace(",", "")) > 0, figures
        page.get_by_role("button", name="批准", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="批准").click()
        page.get_by_role("dialog").wait_for(state="detached")
        page.get_by_role("button", name="批准", exact=True).wait_for(state="detached")
    page = desk("security-administrator").go(place)
    page.get_by_role("button", name="启用", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="启用").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_text("现行").first.wait_for()
    try:
        assert office.audit.get("/policies")["in_force"]["version"] == version
        page.get_by_role("button", name="紧急暂停", exact=True).click()
        page.get_by_role("dialog").get_by_label("理由").fill("急诊无法导出")
        page.get_by_role("dialog").get_by_label("时长").fill("5")
        page.get_by_role("dialog").get_by_role("button", name="紧急暂停").click()
        page.get_by_role("dialog").wait_for(state="detached")
        page.get_by_role("button", name="提前结束暂停").wait_for()
        suspended = office.audit.get("/policies")["in_force"]
        assert suspended["suspended_until_ms"] is not None
        [waiting] = suspended["to_review"]
        page = desk("audit-administrator").go(f"approvals?case=suspension-{waiting['activation']}")
        page.get_by_text("急诊无法导出").first.wait_for()
        page.get_by_role("button", name="提交复核").click()
        page.get_by_role("dialog").get_by_role("button", name="提交复核").click()
        page.get_by_role("dialog").wait_for(state="detached")
        assert office.audit.get("/policies")["in_force"]["to_review"] == []
    finally:
        back = office.system.post("/policies", {"text": "", "reason": "as before"}, 201)
        for officer in (office.security, office.audit):
            officer.post(f"/policies/{back['version']}/approval", {"digest": back["digest"]}, 200)
        office.security.post(f"/policies/{back['version']}/activation", {"digest": back["digest"]}, 200)


def test_a_destruction_is_approved_by_another_who_says_that_it_is_for_good(ward, desk):
    office = ward.office
    image = part10.image(patient_id="P20269001", study="1.2.826.0.1.3680043.10.1492.9001")
    gateway = Web(ward.installation, office.client_token_again("pacs-gateway"))
    gateway.must_store(part10.file_bytes(image))
    asked = office.security.post("/destructions", {"study": image.StudyInstanceUID, "reason": "trial"}, 201)

    place = f"approvals?show=all&case=destruction-{asked['id']}"
    requester = desk("security-administrator").go(place)
    requester.get_by_text("1 项检查 / 1 幅图像").first.wait_for()
    assert requester.get_by_role("button", name="批准销毁").count() == 0, "who asks does not approve"
    page = desk("audit-administrator").go(place)
    page.get_by_text(image.StudyInstanceUID).wait_for()
    page.get_by_role("button", name="批准销毁").click()
    dialog = page.get_by_role("dialog")
    approve = dialog.get_by_role("button", name="批准销毁")
    assert approve.is_disabled() and "无法撤销" in dialog.inner_text()
    dialog.get_by_role("textbox").fill(asked["id"][:6])
    approve.click()
    dialog.wait_for(state="detached")
    gone = lambda: office.audit.get(f"/destructions/{asked['id']}").get("shredded_ms") is not None  # noqa: E731
    wait_until(gone, "its keys are gone", 60)


def test_a_hold_a_maintenance_session_and_a_reason_wait_in_the_same_inbox(ward, desk):
    office = ward.office
    hold = office.audit.post("/holds", {"patient_id": "P20260130", "reason": "litigation"}, 201)
    office.audit.post(f"/holds/{hold['id']}/release", {"reason": "ended"}, 200)
    office.person("vendor-of-console", "vendor")
    opened = {"name": "vendor-of-console", "scopes": ["health"], "reason": "工单 4711"}
    session = office.system.post("/maintenance", opened, 201)
    stated = office.api(ward.tokens["clinician"]).post(
        "/me/reasons", {"patient_id": "P20260001", "code": "follow-up", "reason": "春季由我手术"}, 201
    )
    page = desk("security-administrator").go(f"approvals?case=release-{hold['id']}")
    page.get_by_text("诉讼或纠纷").wait_for()
    page.get_by_role("button", name="批准", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="批准").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert office.audit.get(f"/holds/{hold['id']}")["state"] == "released"

    page.get_by_role("navigation", name="待处理事项").get_by_text("vendor-of-console").click()
    page.get_by_text("运行状况").wait_for()
    page.get_by_role("button", name="批准", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="批准").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert office.system.get(f"/maintenance/{session['maintenance']}")["approved_by"] == office.names["security-administrator"]

    page.get_by_role("navigation", name="待处理事项").get_by_text("春季由我手术").click()
    page.get_by_label("不正当").check()
    page.get_by_label("复核意见").fill("未曾手术")
    page.get_by_role("button", name="提交复核").click()
    page.get_by_role("button", name="提交复核").wait_for(state="detached")
    [reviewed] = [row for row in office.security.get("/reasons") if row["reason"] == stated["reason"]]
    assert (reviewed["verdict"], reviewed["holds"]) == ("not-justified", False)


# === alerts ===


def test_the_menu_counts_new_alerts_and_one_that_was_judged_is_new_no_more(ward, desk):
    case = broken_glass(ward, "deng-yu")
    [alert] = [row for row in ward.office.audit.get("/alerts") if row["name"] == "deng-yu"]
    page = desk("audit-administrator").go(f"alerts?show=new&alert={alert['alert']}")
    before = len(ward.office.audit.get("/alerts", {"new": "true"}))
    wait_until(lambda: new_alerts(page) == before, "the menu counts them", 10)
    page.locator("aside").get_by_role("button", name="误报").click()
    dialog = page.get_by_role("dialog")
    assert "不能更改" in dialog.inner_text(), "a verdict stays, and that is said before"
    dialog.get_by_role("button", name="确认告警").click()
    dialog.wait_for(state="detached")
    page.locator("aside").get_by_text("误报").first.wait_for()
    assert page.locator("aside").get_by_role("button", name="误报").count() == 0, "it was judged"
    wait_until(lambda: new_alerts(page) == before - 1, "the menu counts one less", 10)
    judged = ward.office.audit.get(f"/alerts/{alert['alert']}")
    assert (judged["verdict"], judged["acknowledged_by"]) == ("false-positive", ward.names["audit-administrator"])
    assert case["open"]


@pytest.fixture
def stopped(make_installation, tmp_path, chromium, desk):
    """An installation on which a chief opened more patients than the limit: (installation, name, opens a desk)."""
    (tmp_path / "limits.toml").write_text(LIMITS)
    installation = make_installation("stopped", settings={"MONITOR__LIMITS_FILE": str(tmp_path / "limits.toml")})
    office = installation.office
    gateway = Web(installation, office.client_token("gateway", "store"))
    images = [part10.image(patient_id=f"stopped-{number}") for number in range(AT_MOST + 1)]
    gateway.must_store(*[part10.file_bytes(image) for image in images])
    chief = Web(installation, office.person_token("ma-chao", "chief"))
    opened = []

    def look(image):
        answer = chief.get(f"/studies/{image.StudyInstanceUID}/metadata")
        return answer.status_code, answer.text

    def desk_of(token):
        opened.append(Desk(chromium, installation, token))
        return opened[-1]

    yield installation, images, look, desk_of
    for one in opened:
        one.check()
        one.close()


def test_what_the_monitor_stopped_is_judged_by_one_officer_and_lifted_by_another(stopped):
    installation, images, look, desk_of = stopped
    office = installation.office
    answers = [look(image) for image in images]
    stops = [row for row in office.audit.get("/alerts") if row["stops"] or row["kind"] == "monitor-step"]
    assert stops, answers
    alert = stops[0]
    judge = desk_of(office.audit.token).go(f"alerts?alert={alert['alert']}")
    judge.locator("aside").get_by_text("12").first.wait_for()
    assert judge.get_by_role("button", name="解除阻断").count() == 0, "to judge and to lift are two offices"
    lifter = desk_of(office.security.token).go(f"alerts?alert={alert['alert']}")
    assert lifter.get_by_role("button", name="属实").count() == 0
    lifter.get_by_role("button", name="解除阻断").click()
    lifter.get_by_role("dialog").get_by_role("button", name="解除阻断").click()
    lifter.get_by_role("dialog").wait_for(state="detached")
    lifter.get_by_role("button", name="解除阻断").wait_for(state="detached")
    assert office.audit.get(f"/alerts/{alert['alert']}")["lifted_by"] == office.names["security-administrator"]
    wait_until(lambda: look(images[-1])[0] == 200, "it opens again", 10)


# === how it looks ===


def test_the_inbox_is_used_on_a_telephone(ward, desk):
    broken_glass(ward, "bai-ru", reason="在手机上处理")
    window = desk("audit-administrator", width=390, height=844)
    page = window.go("approvals")
    page.get_by_role("button").filter(has_text="bai-ru").click()
    page.get_by_text("在手机上处理").wait_for()
    assert not page.get_by_role("navigation", name="待处理事项").is_visible() and window.overflow() == 0
    page.get_by_role("button", name="返回列表").click()
    page.get_by_role("navigation", name="待处理事项").wait_for()
    focused = "document.activeElement.innerText.includes('bai-ru')"
    wait_until(lambda: page.evaluate(focused), "the focus is where it was", 10)


@pytest.mark.parametrize(("language", "theme"), [("zh-CN", "light"), ("en", "dark")])
def test_cases_and_dialogs_are_accessible(ward, desk, newcomer, language, theme):
    case = broken_glass(ward, f"axe-{theme}")
    window = desk("audit-administrator", language=language, theme=theme)
    found = []
    for place in (f"approvals?case=break-glass-{case['grant']}", f"grants?right=break-glass-{case['grant']}", "approvals?show=all"):
        window.go(place)
        found += window.axe()
    [alert] = [row for row in ward.office.audit.get("/alerts") if row["name"] == f"axe-{theme}"]
    page = window.go(f"alerts?alert={alert['alert']}")
    page.locator("aside button:visible").last.click()
    page.get_by_role("dialog").wait_for()
    found += window.axe()
    _, api, doctor = newcomer(f"axe-doctor-{theme}", language=language, theme=theme)
    api.post("/break-glass", {**EMERGENCY, "patient_id": "P20260107"}, 201)
    page = doctor.go("studies?text=P20260152")
    page.get_by_role("main").get_by_role("button").filter(has_text="P20260152").click()
    page.get_by_role("dialog").wait_for()
    found += doctor.axe()
    page.keyboard.press("Escape")
    page = doctor.go("grants")
    found += doctor.axe()
    page.get_by_role("main").get_by_role("button", name="授权" if language == "zh-CN" else "Give a grant", exact=True).click()
    page.get_by_role("dialog").wait_for()
    found += doctor.axe()
    assert found == []
