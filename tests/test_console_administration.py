"""The console of the officers in a real browser: accounts and rights in two hands, devices, keys, storage, the state of the system, the own jobs
and uploads. Whatever is done on the screen is looked for at the server, and the other way round."""

import re
import time

import pytest
import requests

from yingdun_testkit import part10
from yingdun_testkit.browser import Desk
from yingdun_testkit.dcmtk import Listening
from yingdun_testkit.orthanc import free_port
from yingdun_testkit.program import PASSWORD

expect = pytest.importorskip("playwright.sync_api").expect

SYSTEM, SECURITY = "system-administrator", "security-administrator"


@pytest.fixture
def alone(desk, make_installation, chromium):
    """An installation of the test's own, for what would change the ward for others, and an officer's window on it. `desk` knows whether there is a
    console to look at."""
    windows = []

    def open_one(role):
        installation = make_installation("alone")
        office = installation.office
        windows.append(Desk(chromium, installation, office.sign_in(office.names[role])))
        return office, windows[-1]

    yield open_one
    for window in windows:
        window.check()
        window.close()


def test_a_person_is_invited_gets_a_role_from_the_other_officer_and_signs_in(ward, desk):
    system = desk(SYSTEM).go("people")
    system.get_by_role("button", name="邀请人员").click()
    system.get_by_label("登录名").last.fill("lin-yue")
    system.get_by_role("button", name="建立账户并生成链接").click()
    dialog = system.get_by_role("dialog", name="lin-yue 的邀请")
    link = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="复制").click()
    assert system.evaluate("navigator.clipboard.readText()") == link
    dialog.get_by_role("button", name="已妥善保存").click()
    system.get_by_role("row", name="lin-yue").get_by_text("待设置密码").wait_for()
    assert link not in system.content(), "it was shown once"
    assert system.get_by_role("button", name="授予角色").count() == 0, "who makes accounts gives no rights"

    person = desk(None).page
    person.goto(link)
    person.fill("input[name=password]", PASSWORD)
    person.fill("input[name=again]", PASSWORD)
    person.press("input[name=again]", "Enter")
    person.wait_for_load_state()

    security = desk(SECURITY).go("people?person=lin-yue")
    assert security.get_by_role("button", name="邀请人员").count() == 0, "who gives rights makes no accounts"
    assert security.get_by_role("button", name="停用").count() == 0
    security.get_by_role("button", name="授予角色").click()
    dialog = security.get_by_role("dialog")
    dialog.get_by_label("角色").select_option("radiologist")
    dialog.get_by_role("button", name="授予", exact=True).click()
    security.get_by_role("row", name="lin-yue").get_by_text("影像医生").wait_for()

    person.goto(f"{ward.installation.addresses.web}/login")
    person.fill("input[name=name]", "lin-yue")
    person.fill("input[name=password]", PASSWORD)
    person.press("input[name=password]", "Enter")
    person.get_by_role("button", name="lin-yue").wait_for()
    assert "/console/studies" in person.url


def test_an_office_and_another_role_are_refused_in_words(ward, desk):
    ward.office.person("xu-ning", "clinician")
    page = desk(SECURITY).go("people?person=xu-ning")
    page.get_by_role("button", name="授予角色").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("角色").select_option("audit-administrator")
    dialog.get_by_role("button", name="授予", exact=True).click()
    dialog.get_by_role("alert").wait_for()
    roles = {person["name"]: person["roles"] for person in ward.office.security.get("/people")}
    assert roles["xu-ning"] == ["clinician"]


def test_sessions_of_a_person_are_looked_at_and_ended(ward, desk):
    token = ward.office.person_token("gao-jie", "radiologist")
    page = desk(SYSTEM).go("people?person=gao-jie")
    page.get_by_role("button", name="查看会话").click()
    page.get_by_text("127.0.0.1").first.wait_for()
    page.get_by_role("button", name="全部结束").click()
    page.get_by_role("dialog").get_by_role("button", name="全部结束").click()
    page.get_by_text("没有打开的会话").wait_for()
    me = f"{ward.installation.addresses.web}/api/v1/me"
    answer = requests.get(me, headers={"Authorization": f"Bearer {token}"}, verify=str(ward.installation.ca_file), timeout=30)
    assert answer.status_code == 401


def test_a_person_is_invited_by_keyboard_alone(ward, desk):
    page = desk(SYSTEM).go("people")
    page.keyboard.press("/")
    page.keyboard.type("he-q")
    for _ in range(12):
        if page.evaluate("document.activeElement.innerText") == "邀请人员":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.type("he-qing")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="he-qing 的邀请")
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    grid = page.get_by_role("grid")
    grid.focus()
    expect(page.locator("[role=rowgroup] [role=row]")).to_have_count(1)
    page.keyboard.press("Home")
    expect(page.locator("[role=row][aria-selected=true]")).to_contain_text("he-qing")
    expect(page).to_have_url(re.compile("person=he-qing"))
    assert any(person["name"] == "he-qing" for person in ward.office.system.get("/people"))


def test_a_department_is_entered_and_somebody_belongs_to_it(alone):
    # Where there are departments, technicians see less: not in the ward of all.
    office, window = alone(SECURITY)
    office.person("deng-ke", "specialist")
    page = window.go("people/departments")
    page.get_by_role("button", name="登记科室").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("短名").fill("Cardiology")
    assert dialog.get_by_role("button", name="登记科室").is_disabled(), "no capitals"
    dialog.get_by_label("短名").fill("cardiology")
    dialog.get_by_label("名称", exact=True).fill("心内科")
    dialog.get_by_role("button", name="登记科室").click()
    page.get_by_role("button", name="加入人员").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("登录名").select_option("deng-ke")
    dialog.get_by_role("button", name="加入", exact=True).click()
    page.get_by_role("link", name="deng-ke").click()
    page.get_by_role("link", name="心内科").wait_for()
    members = office.security.get("/departments")["members"]
    assert [member["department"] for member in members if member["name"] == "deng-ke"] == ["cardiology"]


def test_a_program_gets_a_secret_that_is_shown_once_and_scopes_from_the_other_officer(ward, desk):
    system = desk(SYSTEM).go("people/programs")
    system.get_by_role("button", name="登记程序").click()
    system.get_by_label("程序标识").last.fill("regional-platform")
    system.get_by_role("button", name="登记", exact=True).click()
    dialog = system.get_by_role("dialog", name="regional-platform 已登记")
    secret = dialog.locator("code").last.inner_text()
    dialog.get_by_role("button", name="已妥善保存").click()
    assert secret not in system.content()
    security = desk(SECURITY).go("people/programs?program=regional-platform")
    security.get_by_role("button", name="更改权限").click()
    dialog = security.get_by_role("dialog")
    dialog.get_by_role("checkbox", name="检索", exact=True).check()
    dialog.get_by_role("checkbox", name="查看", exact=True).check()
    dialog.get_by_role("button", name="保存").click()
    security.get_by_role("row", name="regional-platform").get_by_text("检索").wait_for()
    assert ward.office.client_credentials("regional-platform", secret).status_code == 200


def test_a_device_is_registered_and_answers_and_then_does_not(ward, desk, tmp_path):
    web = desk(SYSTEM)
    page = web.go("devices")
    with Listening("storescp", "-aet", "WS21", "-od", tmp_path) as listening:
        page.get_by_role("button", name="登记设备").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("AE 名称", exact=True).fill("WS21")
        dialog.get_by_label("来源地址").fill("127.0.0.1")
        submit = dialog.get_by_role("button", name="登记", exact=True)
        assert submit.is_disabled(), "neither a certificate nor plain"
        dialog.get_by_role("checkbox").check()
        dialog.get_by_label("目的地").fill(f"plain://127.0.0.1:{listening.port}")
        submit.click()
        page.get_by_role("row", name="WS21").get_by_text("允许明文").wait_for()
        page.get_by_role("button", name="开始测试").click()
        page.get_by_text("应答成功").wait_for()
        assert page.get_by_role("list", name="测试步骤").get_by_text("毫秒").count() == 4
    page.get_by_role("button", name="开始测试").click()
    page.get_by_text("该端口没有程序在监听").wait_for()
    assert web.axe() == []
    assert page.get_by_role("button", name="更改权限").count() == 0

    security = desk(SECURITY).go("devices?device=WS21→YINGDUN")
    assert security.get_by_role("button", name="开始测试").count() == 0
    security.get_by_role("button", name="更改权限").click()
    security.get_by_role("dialog").get_by_role("checkbox", name="检索", exact=True).check()
    security.get_by_role("dialog").get_by_role("button", name="保存").click()
    security.get_by_role("row", name="WS21").get_by_text("检索").wait_for()
    [device] = [one for one in ward.office.security.get("/devices") if one["ae_title"] == "WS21"]
    assert set(device["scopes"]) == {"store", "search"}


def test_a_key_is_rotated_after_it_was_said_what_that_does(ward, desk):
    def versions():
        return {(kek["grade"], kek["version"]) for kek in ward.office.security.get("/keys")["keks"]}

    before = versions()
    page = desk(SECURITY).go("keys")
    page.get_by_role("button", name="立即轮换").click()
    dialog = page.get_by_role("dialog")
    newest = max(version for grade, version in before if grade == "L4")
    dialog.get_by_text(f"L4：第 {newest} 版 → 第 {newest + 1} 版").wait_for()
    assert versions() == before, "so far it was only said"
    dialog.get_by_role("button", name="轮换", exact=True).click()
    dialog.wait_for(state="hidden")
    assert ("L4", newest + 1) in versions()
    page.get_by_role("grid").get_by_text("使用中").wait_for()


def test_the_seal_waits_for_its_word_and_says_why_it_is_refused(ward, desk):
    page = desk(SECURITY).go("keys")
    page.get_by_role("button", name="密封归档").click()
    dialog = page.get_by_role("dialog")
    submit = dialog.get_by_role("button", name="立即密封")
    assert submit.is_disabled()
    dialog.get_by_role("textbox").fill("密封")
    submit.click()
    # This archive opens itself by its passphrase.
    dialog.get_by_role("alert").wait_for()
    assert ward.office.security.get("/keys")["epoch"] >= 1


def test_a_scrub_is_begun_and_says_what_it_found(ward, desk):
    before = int(time.time() * 1000)
    page = desk(SYSTEM).go("storage")
    page.get_by_role("button", name="立即巡检").click()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        passes = [row["scrub"]["last"] for row in ward.office.system.get("/system/scrub")]
        if all(last and last["begun_ms"] >= before for last in passes):
            break
        time.sleep(0.5)
    assert all(last["records"] > 0 and last["found"] == last["lost"] == 0 for last in passes)
    page.mouse.move(200, 200)
    page.get_by_role("button", name="立即巡检").wait_for()
    assert page.get_by_text("发现 0 处损坏").count() == 3


def test_a_replica_is_taken_out_of_service_and_put_back(alone):
    _office, window = alone(SYSTEM)
    page = window.go("storage")
    page.get_by_role("button", name="停用").last.click()
    dialog = page.get_by_role("dialog", name="停用副本 c")
    dialog.get_by_text("此前请勿取下磁盘").wait_for()
    dialog.get_by_role("button", name="停用副本").click()
    page.get_by_text("可以取下磁盘了").wait_for()
    # Two are left, and two have to have everything.
    page.get_by_role("button", name="停用").last.click()
    dialog = page.get_by_role("dialog", name="停用副本 b")
    dialog.get_by_role("button", name="停用副本").click()
    dialog.get_by_role("alert").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="启用").click()
    page.get_by_role("dialog").get_by_role("button", name="启用副本").click()
    page.get_by_text("3 / 3 正常").wait_for()


def test_the_state_of_the_system_and_its_interfaces(ward, desk):
    page = desk(SYSTEM).go("system")
    page.get_by_text("正常记录").wait_for()
    assert page.get_by_text("见证方").count() == 0, "what is not set up is not called well"
    page.get_by_role("link", name="接口").click()
    page.get_by_text(re.compile(r"\d+ / \d+ 个接口")).wait_for()
    page.get_by_role("searchbox").fill("/api/v1/system/scrub")
    page.wait_for_function("() => document.querySelectorAll('[role=rowgroup] [role=row]').length === 2")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 3


def test_the_own_jobs_are_in_the_top_bar_and_survive_a_reload(ward, desk):
    office = ward.office
    office.device("GONE9", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    window = desk("radiologist")
    page = window.go("studies")
    page.get_by_role("row").nth(1).wait_for()
    radiologist = office.api(ward.tokens["radiologist"])
    job = radiologist.post("/devices/GONE9/store", {"studies": [ward.studies[2]]}, 202)["job"]
    page.reload()
    page.get_by_role("button", name="我的任务").click()
    entry = page.get_by_role("listitem").filter(has_text="发送到 GONE9").first
    entry.wait_for()
    assert entry.get_attribute("title") == job
    entry.get_by_text(re.compile("失败|部分完成")).first.wait_for()
    assert window.axe() == []
    clinician = desk("clinician").go("studies")
    assert clinician.get_by_role("button", name="我的任务").count() == 0, "those of others are nobody's business"


def test_a_technician_uploads_files_and_hears_of_each(ward, desk):
    image = part10.image(patient_name="Sun^Yi=孙^一", patient_id="P20269001", Modality="OT")
    whole = part10.file_bytes(image)
    files = [
        {"name": "IM0001", "mimeType": "application/dicom", "buffer": whole},
        {"name": "IM0001-again", "mimeType": "application/dicom", "buffer": whole},
        {"name": "broken.dcm", "mimeType": "application/dicom", "buffer": whole[:140]},
        {"name": "letter", "mimeType": "text/plain", "buffer": b"Dear colleague"},
        {"name": "DICOMDIR", "mimeType": "application/dicom", "buffer": whole},
    ]
    window = desk("technician")
    page = window.go("upload")
    page.get_by_label("选择文件", exact=True).last.set_input_files(files)
    page.get_by_text("已保存 2 / 4 个文件").wait_for()
    fates = {row.split("\n")[0]: row.split("\n")[2] for row in page.locator("[role=rowgroup] [role=row]").all_inner_texts()}
    assert set(fates) == {"IM0001", "IM0001-again", "broken.dcm", "letter"}, "what media carry beside images is passed over"
    assert sorted([fates["IM0001"], fates["IM0001-again"]]) == ["以前已保存", "已保存"]
    assert (fates["broken.dcm"], fates["letter"]) == ("未保存", "不是 DICOM")
    assert window.axe() == []
    page.get_by_role("button", name="只看失败的").click()
    page.wait_for_function("() => document.querySelectorAll('[role=rowgroup] [role=row]').length === 2")
    page.get_by_role("link", name="查看检查").click()
    page.get_by_text("孙一").wait_for()


def test_an_upload_that_broke_off_goes_on(ward, desk):
    files = [
        {"name": f"IM{number}", "mimeType": "application/dicom", "buffer": part10.file_bytes(part10.image(patient_id="P20269002", seed=number))}
        for number in range(3)
    ]
    page = desk("technician").go("upload")
    asked = []

    def unreachable(route):
        asked.append(route.request.url)
        route.abort() if len(asked) <= 3 else route.continue_()

    page.route("**/dicom-web/studies", unreachable)
    page.get_by_label("选择文件", exact=True).last.set_input_files(files)
    page.get_by_role("alert").get_by_text("无法连接服务器").wait_for()
    assert len(asked) == 3, "a way that is broken is tried again, and not for ever"
    page.get_by_role("button", name="重试").click()
    page.get_by_text("已保存 3 / 3 个文件").wait_for()


def test_only_who_may_store_finds_the_upload(ward, desk):
    for role in ("radiologist", SYSTEM):
        page = desk(role).go("upload")
        page.get_by_text("没有这个页面").wait_for()


def test_a_patient_dissents_and_the_person_sees_nothing_until_that_is_over(ward, desk):
    office = ward.office
    reader = office.api(office.person_token("tang-li", "radiologist"))

    def sees():
        return len(reader.raw("GET", "/studies", params={"PatientID": "P20260152"}, prefix="/dicom-web").json() or [])

    assert sees() == 1
    window = desk(SECURITY)
    page = window.go("dissents")
    page.get_by_role("button", name="登记异议或封存").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("患者编号").fill("P20260152")
    dialog.get_by_label("登录名").fill("tang-li")
    assert window.axe() == []
    dialog.get_by_role("button", name="登记", exact=True).click()
    page.get_by_role("row", name="tang-li").wait_for()
    assert "P20260152" not in page.content(), "here the patient is a pseudonym"
    assert sees() == 0
    page.get_by_role("button", name="结束").click()
    page.get_by_role("dialog").get_by_role("button", name="立即结束").click()
    page.get_by_text("没有生效的异议或封存").wait_for()
    assert sees() == 1


def test_a_hold_is_placed_by_one_and_released_by_two(ward, desk):
    audit = desk("audit-administrator").go("holds")
    audit.get_by_role("button", name="实施封存").click()
    dialog = audit.get_by_role("dialog")
    dialog.get_by_label("Study Instance UID").fill(ward.studies[3])
    dialog.get_by_role("button", name="实施封存").click()
    audit.get_by_role("row", name=ward.studies[3]).get_by_text("封存中").wait_for()
    audit.get_by_role("button", name="申请解除").click()
    audit.get_by_role("dialog").get_by_role("button", name="申请解除").click()
    audit.get_by_role("button", name="撤回或拒绝").wait_for()
    assert audit.get_by_role("button", name="批准解除").count() == 0, "not the own request"
    hold = ward.office.audit.get("/holds")[0]["id"]
    security = desk(SECURITY).go(f"holds?hold={hold}")
    assert security.get_by_role("button", name="实施封存").count() == 0
    security.get_by_role("button", name="批准解除").click()
    security.get_by_role("dialog").get_by_role("button", name="批准解除").click()
    security.get_by_text("已由两个人解除").wait_for()
    assert ward.office.audit.get(f"/holds/{hold}")["state"] == "released"
