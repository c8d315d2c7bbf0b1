"""Every list of the console in a real browser: one frame for all, filters that are kept by name, an order in the address, keys that are never
lost, refusals in words of both languages, and the question of the monitor."""

import json
import re
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from yingdun_testkit import part10
from yingdun_testkit.browser import Desk, HeldLibrary
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

expect = pytest.importorskip("playwright.sync_api").expect

SYSTEM, SECURITY, AUDIT = "system-administrator", "security-administrator", "audit-administrator"
CRATES = Path(__file__).resolve().parents[1] / "crates"
REFUSALS = Path(__file__).resolve().parents[1] / "console" / "src" / "components" / "refusals.zh.json"

#: Patients without a known reason before somebody is asked for one.
ASK_AFTER = 2
LIMITS = f"[steps]\nask_reason_after = {ASK_AFTER}\n"
#: Rows of a list that is longer than any of the ward.
MANY = 100_000


def rows_of(page):
    return page.locator("[role=rowgroup] [role=row]")


def selected(page):
    return page.locator("[role=row][aria-selected=true]")


def with_many_people(ward, page):
    """A list of people as long as no hospital has it, in place of the server's. It is made in the page: so much does not have to be carried there."""
    [one, *_] = ward.office.system.get("/people")
    page.add_init_script(
        """(() => {
          const [asked, one, count] = [window.fetch, %s, %d];
          window.fetch = (input, init) => {
            if (!(input instanceof Request) || !input.url.endsWith('/api/v1/people')) return asked(input, init);
            const rows = Array.from({ length: count }, (_, n) => ({ ...one, name: `p-${String(n).padStart(6, '0')}` }));
            return Promise.resolve(Response.json(rows));
          };
        })()"""
        % (json.dumps(one), MANY)
    )


def save_as(page, name):
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="保存当前筛选").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("名称").fill(name)
    dialog.get_by_role("button", name="保存", exact=True).click()
    dialog.wait_for(state="detached")


def choose_saved(page, name):
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name=name, exact=True).click()


# === the table ===


def test_keys_that_come_faster_than_the_page_is_drawn_all_count(ward, desk):
    window = desk(SYSTEM)
    with_many_people(ward, window.page)
    page = window.go("people")
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1))
    grid.focus()
    # All in one turn of the page, so that nothing can be drawn between two of them.
    page.evaluate(
        "for (let n = 0; n < 40; n++)"
        " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true, cancelable: true }))"
    )
    expect(selected(page)).to_have_attribute("aria-rowindex", "41")
    expect(selected(page)).to_contain_text("p-000039")
    expect(grid).to_have_attribute("aria-activedescendant", selected(page).get_attribute("id"))
    page.wait_for_url("**person=p-000039**")
    for key, index in [("End", MANY + 1), ("Home", 2), ("ArrowUp", 2), ("PageDown", None), ("PageUp", 2)]:
        page.keyboard.press(key)
        if index is None:
            wait_until(lambda: int(selected(page).get_attribute("aria-rowindex")) > 8, "a page further", 5)
        else:
            expect(selected(page)).to_have_attribute("aria-rowindex", str(index))
    # Who goes through many rows has asked for none of those in between.
    assert page.evaluate("history.length") < 10


def test_a_hundred_thousand_rows_scroll_without_a_hole(ward, desk):
    window = desk(SYSTEM)
    with_many_people(ward, window.page)
    page = window.go("people")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(MANY + 1))
    holes = page.evaluate(
        """async () => {
          const grid = document.querySelector('[role=grid]');
          const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const holes = [];
          for (const part of [0.1, 0.5, 0.77, 0.999, 1, 0.3, 0]) {
            grid.scrollTop = part * (grid.scrollHeight - grid.clientHeight);
            await frame();
            const seen = grid.getBoundingClientRect();
            const rows = [...grid.querySelectorAll('[role=rowgroup] [role=row]')].map((row) => row.getBoundingClientRect()).sort((a, b) => a.top - b.top);
            const head = grid.querySelector('[role=row]').getBoundingClientRect();
            if (rows.length === 0 || rows[0].top > head.bottom + 1 || rows.at(-1).bottom < seen.bottom - 1) holes.push([part, rows.length]);
            for (let at = 1; at < rows.length; at++) if (Math.abs(rows[at].top - rows[at - 1].bottom) > 1) holes.push([part, at]);
          }
          // As a wheel does it: many small steps, one drawn picture each.
          for (let step = 0; step < 120; step++) {
            grid.scrollTop += 130;
            await new Promise((done) => requestAnimationFrame(done));
            const seen = grid.getBoundingClientRect();
            const last = Math.max(...[...grid.querySelectorAll('[role=rowgroup] [role=row]')].map((row) => row.getBoundingClientRect().bottom));
            if (last < seen.bottom - 1) holes.push(['wheel', step]);
          }
          return holes;
        }"""
    )
    assert holes == []
    assert rows_of(page).count() < 100, "only what is near is drawn"


def test_the_order_stands_in_the_address_and_a_file_follows_it(ward, desk):
    page = desk(SYSTEM).go("people")
    head = page.get_by_role("columnheader", name="登录名")
    expect(head).to_have_attribute("aria-sort", "none")
    for sort, order in [("name", "ascending"), ("-name", "descending")]:
        head.get_by_role("button").click()
        page.wait_for_url(f"**sort={sort}**")
        expect(head).to_have_attribute("aria-sort", order)
    rows_of(page).first.wait_for()
    names = rows_of(page).locator("[role=gridcell]:first-child").all_inner_texts()
    assert names == sorted(names, reverse=True) and len(names) > 5
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == names
    page.reload()
    expect(head).to_have_attribute("aria-sort", "descending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "none")
    assert "sort=" not in page.url


def test_density_and_columns_are_as_they_were_left(desk):
    page = desk("radiologist").go("studies")
    row = rows_of(page).first
    high = row.bounding_box()["height"]
    page.get_by_role("button", name="紧凑显示").click()
    wait_until(lambda: row.bounding_box()["height"] < high, "the rows are lower", 5)
    page.get_by_role("button", name="选择列").click()
    page.get_by_role("menuitemcheckbox", name="检查描述").click()
    page.keyboard.press("Escape")
    page.reload()
    rows_of(page).first.wait_for()
    assert rows_of(page).first.bounding_box()["height"] < high
    assert page.get_by_role("columnheader", name="检查描述").count() == 0


# === filters ===


def test_filters_are_named_chosen_renamed_and_taken_back(desk):
    page = desk(SYSTEM).go("people")
    rows_of(page).first.wait_for()
    everybody = rows_of(page).count()
    page.get_by_label("角色").select_option("radiologist")
    page.wait_for_url("**role=radiologist**")
    page.get_by_role("columnheader", name="登录名").get_by_role("button").click()
    save_as(page, "影像医生们")
    page.get_by_role("button", name="移除筛选：角色").click()
    wait_until(lambda: rows_of(page).count() == everybody, "everybody is there again", 5)

    page.reload()
    choose_saved(page, "影像医生们")
    page.wait_for_url("**role=radiologist**")
    assert "sort=name" in page.url
    wait_until(lambda: 0 < rows_of(page).count() < everybody, "the readers are there", 5)
    page.go_back()
    wait_until(lambda: rows_of(page).count() == everybody, "one step back", 5)

    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="重命名与删除").click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_label("重命名“影像医生们”")
    name.fill("读片的人")
    name.press("Enter")
    dialog.get_by_role("button", name="删除“读片的人”").click()
    dialog.get_by_text("已删除“读片的人”").wait_for()
    dialog.get_by_role("button", name="撤销").click()
    dialog.get_by_role("button", name="关闭").last.click()
    choose_saved(page, "读片的人")
    page.wait_for_url("**role=radiologist**")
    # What is deleted when the dialog is closed is gone.
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="重命名与删除").click()
    dialog.get_by_role("button", name="删除“读片的人”").click()
    page.keyboard.press("Escape")
    page.reload()
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menu").get_by_text("还没有保存的筛选").wait_for()


def test_a_link_opens_the_same_rows_for_somebody_else_and_names_are_ones_own(ward, desk):
    window = desk(SYSTEM)
    page = window.go("people?standing=active&person=li-wei")
    page.get_by_label("角色").select_option("technician")
    page.wait_for_url("**role=technician**")
    save_as(page, "只有我知道")
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="复制链接").click()
    expect(page.get_by_role("button", name="常用筛选")).to_contain_text("已复制")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{ward.installation.addresses.web}/console/people?") and "person=" not in link
    expect(rows_of(page)).to_have_count(1)
    shown = rows_of(page).all_inner_texts()

    # The next person at the same browser sees the same rows, and no name that the one before kept.
    window.sign_in(ward.tokens[SECURITY])
    page.goto(link)
    expect(rows_of(page)).to_have_count(1)
    assert rows_of(page).all_inner_texts() == shown
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menu").get_by_text("还没有保存的筛选").wait_for()
    assert page.get_by_text("只有我知道").count() == 0


def test_what_may_name_a_patient_is_in_the_link_and_not_kept(desk):
    page = desk("radiologist").go("studies?text=张三&modality=CT")
    rows_of(page).first.wait_for()
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="保存当前筛选").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("不会保存").wait_for()
    dialog.get_by_label("名称").fill("CT")
    dialog.get_by_role("button", name="保存", exact=True).click()
    kept = page.evaluate("JSON.stringify(Object.entries(localStorage))")
    assert "modality=CT" in kept and "张三" not in kept and "%E5%BC%A0" not in kept, kept
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="复制链接").click()
    assert "text=" in page.evaluate("navigator.clipboard.readText()")


def test_what_somebody_else_wrote_into_the_browser_breaks_nothing(ward, desk):
    window = desk(SYSTEM)
    page = window.go("people")
    name = ward.names[SYSTEM]
    for value in ('"no list"', '[{"name":1},null]', "{", '[{"name":"good","query":"role=chief&person=x&evil=1","hidden":5}]'):
        page.evaluate("([key, value]) => localStorage.setItem(key, value)", [f"yingdun.views.{name}.people", value])
        page.evaluate("localStorage.setItem('yingdun.columns.people', '{\"a\":1}')")
        page.reload()
        rows_of(page).first.wait_for()
    choose_saved(page, "good")
    page.wait_for_url("**role=chief**")
    assert "evil" not in page.url and "person" not in page.url


def test_one_step_back_takes_away_a_word_and_not_a_letter(desk):
    page = desk(SYSTEM).go("people")
    page.get_by_label("角色").select_option("chief")
    box = page.get_by_role("searchbox")
    for part in ("zh", "ao", "-m"):
        box.press_sequentially(part)
        page.wait_for_timeout(250)
    page.wait_for_url("**text=zhao-m**")
    page.go_back()
    page.wait_for_url(re.compile(r"role=chief(?!.*text=)"))
    expect(box).to_have_value("")


# === one frame ===

#: A list of each role, the row that is chosen in it, and what stands in the address then.
PLACES = [
    (SYSTEM, "people", "person="),
    (SYSTEM, "system/interfaces", None),
    (SECURITY, "people/departments", None),
    (AUDIT, "audit", "record="),
    ("radiologist", "studies", "study="),
    ("clinician", "grants", None),
    (AUDIT, "alerts", None),
    (AUDIT, "holds", None),
    (SECURITY, "dissents", None),
    (SYSTEM, "devices", None),
]


@pytest.mark.parametrize(("language", "theme"), [("zh-CN", "light"), ("en", "dark")])
def test_every_list_has_its_filters_by_name_and_its_commands_and_is_accessible_with_them_open(desk, language, theme):
    saved, as_ = ("常用筛选", "复制为") if language == "zh-CN" else ("Saved filters", "Copy as")
    found = []
    for role, place, _ in PLACES:
        window = desk(role, language=language, theme=theme)
        page = window.go(place)
        expect(page.get_by_role("main").get_by_role("button").filter(has_text=as_).first).to_be_attached()
        page.get_by_role("button", name=saved).click()
        page.get_by_role("menu").wait_for()
        found += [f"{place}: {fault}" for fault in window.axe()]
        page.get_by_role("menuitem").first.click()
        page.get_by_role("dialog").wait_for()
        found += [f"{place} dialog: {fault}" for fault in window.axe()]
    assert found == []


@pytest.mark.parametrize("place", [place for place in PLACES if place[2]], ids=lambda place: place[1])
def test_on_a_telephone_what_is_chosen_takes_the_place_of_the_list_and_gives_it_back(desk, place):
    role, path, parameter = place
    window = desk(role, width=390, height=844)
    page = window.go(path)
    grid = page.get_by_role("grid")
    rows_of(page).nth(1).wait_for()
    # Keys lead through the list, and only Enter or a finger opens.
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    assert grid.is_visible() and parameter not in page.url
    rows_of(page).nth(1).click()
    back = page.get_by_role("button", name="返回列表")
    expect(back).to_be_focused()
    assert parameter in page.url and not grid.is_visible() and window.overflow() == 0
    assert window.axe() == []
    back.click()
    expect(grid).to_be_focused()
    assert parameter not in page.url and window.overflow() == 0
    rows_of(page).first.click()
    back.wait_for()
    page.go_back()
    expect(grid).to_be_visible()


# === refusals ===


def test_a_refusal_is_worded_in_chinese_beside_the_words_of_the_server(ward, desk):
    ward.office.person("tao-ran", "clinician")
    for language in ("zh-CN", "en"):
        page = desk(SECURITY, language=language).go("people?person=tao-ran")
        page.get_by_role("button", name="授予角色" if language == "zh-CN" else "Give a role").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("combobox").select_option(AUDIT)
        with page.expect_response(lambda response: response.status >= 400) as refused:
            dialog.get_by_role("button", name="授予" if language == "zh-CN" else "Give the role", exact=True).click()
        problem = refused.value.json()
        alert = dialog.get_by_role("alert")
        alert.wait_for()
        text = alert.inner_text()
        assert problem["title_zh" if language == "zh-CN" else "title"] in text
        for word in ("expected", "came", "do"):
            assert problem.get(word, "") in text, "nothing of what the server says is hidden"
        assert ("服务器原文" in text) == (language == "zh-CN")
        assert (re.search("[一-鿿]", text) is not None) == (language == "zh-CN"), text


def test_the_cases_that_are_worded_in_chinese_are_cases_of_the_server():
    """A case that the server words anew is worded anew here."""
    table = json.loads(REFUSALS.read_text())
    source = "\n".join(path.read_text() for path in CRATES.rglob("src/**/*.rs"))
    kinds = (CRATES / "web" / "src" / "http" / "problem.rs").read_text()
    assert [word for word in {**table["came"], **table["expected"]} if f'"{word}"' not in source] == []
    assert [word for word in table["kind"] if f'"{word}"' not in kinds] == []
    reasons = (CRATES / "access" / "src" / "reason.rs").read_text()
    named = dict(re.findall(r'^    (\w+) => "([a-z-]+)",$', reasons, re.MULTILINE))
    speaks = reasons.split("pub const fn permits")[1].split("=> true,")[1].split("=> false,")[0]
    refusing = {named[variant] for variant in re.findall(r"Self::(\w+)", speaks)}
    # These are never told to a person at a console.
    told = refusing - {"foreign-permit", "leaf-window-over", "destruction-not-available", "not-applicable"}
    assert told - set(table["came"]) == set()


#: What Python calls otherwise.
STATUS_NAMES = {"PAYLOAD_TOO_LARGE": "REQUEST_ENTITY_TOO_LARGE", "URI_TOO_LONG": "REQUEST_URI_TOO_LONG", "RANGE_NOT_SATISFIABLE": "REQUESTED_RANGE_NOT_SATISFIABLE"}
#: What only programs, nodes and vaults ask for, and what goes by DICOM: a person at a console meets none of it.
PROGRAMS = {"asked.rs", "nodes.rs", "vault.rs"}
#: Where what a person asks for is refused.
ROOMS = [*(CRATES / "web" / "src" / "api").rglob("*.rs"), *(CRATES / "web" / "src" / "dicomweb" / name for name in ("copies.rs", "problems.rs"))]


def test_whatever_a_person_may_be_refused_for_is_worded_in_chinese(ward):
    """A refusal that is new here needs its words in console/src/components/refusals.zh.json."""
    table = json.loads(REFUSALS.read_text())
    rows = (CRATES / "web" / "src" / "http" / "problem.rs").read_text()
    kinds = re.findall(r'StatusCode::([A-Z_]+),\s*"([a-z-]+)",', rows)
    assert len(kinds) > 15 and {kind for _, kind in kinds} - set(table["kind"]) == set()
    # Each status that the description names is of a kind that has words.
    web = ward.installation.addresses.web
    described = requests.get(
        f"{web}/api/openapi.json", headers={"Authorization": f"Bearer {ward.tokens[SYSTEM]}"}, verify=str(ward.installation.ca_file), timeout=60
    ).json()
    statuses = {int(status) for name, path in described["paths"].items() if name.startswith("/api/") for route in path.values() if "responses" in route for status in route["responses"]}
    of_kinds = {HTTPStatus[STATUS_NAMES.get(name, name)] for name, _ in kinds}
    refusals = {status for status in statuses if status >= 400}
    assert refusals and refusals - of_kinds == set()
    # And each sentence in which the server says what it expected.
    expected = set()
    for path in ROOMS:
        if path.name not in PROGRAMS:
            code = path.read_text().split("#[cfg(test)]")[0]
            expected |= {text.replace("\\", "") for text in re.findall(r'(?:\.expected|bad_request|together)\(\s*&?"((?:[^"\\]|\\.)*)"', code)}
    expected |= set(re.findall(r'#\[error\("([^"]+)"\)\]', (CRATES / "gateway" / "src" / "refusal.rs").read_text()))
    assert len(expected) > 80 and sorted(expected - set(table["expected"])) == []


# === how much waits ===


def test_the_menu_asks_little_and_leaves_no_trail_of_itself(ward, desk):
    lists = {"alerts", "break-glass", "policies", "destructions", "holds", "maintenance", "reasons", "overview"}
    counted = {}
    for role in (SYSTEM, SECURITY, AUDIT):
        window, asked = desk(role), []
        window.page.on("request", lambda request, asked=asked: asked.append(request.url))
        window.go("accesses")
        paths = [url.split("/api/v1/")[1].split("?")[0] for url in asked if "/api/v1/" in url]
        counted[role] = sorted(path for path in paths if path in lists)
    assert counted == {
        SYSTEM: [],
        SECURITY: ["overview", "policies"],
        # Each look at the overview is a record where the audit log is read: it is not asked there.
        AUDIT: ["alerts", "break-glass", "destructions", "policies"],
    }


def test_the_security_administrator_s_count_is_that_of_the_inbox(ward, desk):
    asked = ward.office.system.post("/policies", {"text": "// None.", "reason": "to count it"}, 201)
    try:
        page = desk(SECURITY).go("approvals")
        link = page.get_by_role("link", name="审批收件箱")
        waiting = int(re.search(r"\d+", page.get_by_role("button", name=re.compile("待我处理|待处理")).first.inner_text()).group())
        assert waiting >= 1
        expect(link).to_contain_text(f"{waiting} 项待处理")
    finally:
        ward.office.system.delete(f"/policies/{asked['version']}", 200)


# === the question of the monitor ===


@pytest.fixture(scope="module")
def asking(make_installation, tmp_path_factory):
    """An archive whose monitor asks early: (installation, study UIDs)."""
    folder = tmp_path_factory.mktemp("asking")
    (folder / "limits.toml").write_text(LIMITS)
    installation = make_installation("asking", settings={"MONITOR__LIMITS_FILE": str(folder / "limits.toml")})
    images = [part10.image(patient_id=f"asking-{number}") for number in range(ASK_AFTER + 2)]
    Web(installation, installation.office.client_token("gateway", "store")).must_store(*[part10.file_bytes(image) for image in images])
    return installation, [str(image.StudyInstanceUID) for image in images]


@pytest.fixture
def asked(desk, chromium, asking):
    """A desk of a chief who opened as many patients as go unasked; `desk` knows whether there is a console: (window, administration, studies left)."""
    installation, studies = asking
    opened = []

    def sit_down(name, **looks):
        token = installation.office.person_token(name, "chief")
        web = Web(installation, token)
        assert {web.get(f"/studies/{study}/metadata").status_code for study in studies[:ASK_AFTER]} == {200}
        opened.append(Desk(chromium, installation, token, **looks))
        return opened[-1], installation.office.api(token), studies[ASK_AFTER:]

    yield sit_down
    for window in opened:
        window.check()
        window.close()


def test_the_monitor_s_question_is_asked_and_what_was_wanted_goes_on(asking, asked):
    window, mine, [study, other] = asked("feng-lei")
    page = window.go(f"viewer/{study}")
    dialog = page.get_by_role("dialog", name="请说明打开这名患者的理由")
    dialog.wait_for()
    assert page.get_by_role("dialog").count() == 1, "one question, however many parts of the study were asked for"
    assert window.axe() == []
    submit = dialog.get_by_role("button", name="提交并打开")
    assert submit.is_disabled()

    # Who does not say why is told what that means, and the study stays closed.
    dialog.get_by_text("取消则这项检查不打开").wait_for()
    dialog.get_by_role("button", name="取消").click()
    dialog.wait_for(state="detached")
    alert = page.get_by_role("alert").first
    alert.get_by_text("说明理由后即可打开").wait_for()
    assert mine.get("/me/reasons") == []

    alert.get_by_role("button", name="重试").click()
    dialog.get_by_label("事由").select_option("quality")
    dialog.get_by_label("情况说明").fill("投诉调查")
    submit.click()
    dialog.wait_for(state="detached")
    wait_until(lambda: page.locator("canvas").count() > 0, "the picture is there", 30)
    [reason] = mine.get("/me/reasons")
    assert (reason["code"], reason["holds"]) == ("quality", True)
    # A reason is for one patient: the next is a question of its own, and has nothing of the one before in it.
    page = window.go(f"viewer/{other}")
    dialog.wait_for()
    assert dialog.get_by_label("情况说明").input_value() == ""


def test_who_said_no_is_not_asked_again_by_what_was_still_on_its_way(asked):
    window, mine, [study, _] = asked("feng-lan")
    page = window.page
    held = HeldLibrary(page)
    page.goto(f"{window.web}/console/viewer/{study}")
    dialog = page.get_by_role("dialog", name="请说明打开这名患者的理由")
    dialog.wait_for()
    # The question comes before the tools: they are asked for after a second at the latest.
    wait_until(lambda: held.routes, "the tools are asked for", 30)
    dialog.get_by_role("button", name="取消").click()
    dialog.wait_for(state="detached")
    page.wait_for_timeout(300)
    held.let_go()
    page.get_by_role("alert").get_by_text("说明理由后即可打开").first.wait_for()
    assert page.get_by_role("dialog").count() == 0
    assert mine.get("/me/reasons") == []
    # Whoever asks anew is asked anew.
    page.get_by_role("button", name="重试").first.click()
    dialog.wait_for()


def test_the_question_is_answered_by_keyboard_and_a_refusal_loses_nothing_that_was_typed(asked):
    window, mine, [study, _] = asked("feng-tao", language="en", theme="dark")
    window.page.route("**/api/v1/me/reasons", lambda route: route.fulfill(status=409, content_type="application/problem+json", body='{"type":"urn:yingdun:problem:conflict","title":"The request conflicts with what is stored"}'), times=1)
    page = window.go(f"viewer/{study}")
    dialog = page.get_by_role("dialog", name="Say why you open this patient")
    dialog.wait_for()
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("F")
    page.keyboard.press("Tab")
    page.keyboard.type("operated in spring")
    page.keyboard.press("Tab")
    for _ in range(4):
        if page.evaluate("document.activeElement.innerText") == "Submit and open":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog.get_by_role("alert").wait_for()
    assert dialog.get_by_label("In words").input_value() == "operated in spring"
    assert window.axe() == []
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    [reason] = mine.get("/me/reasons")
    assert reason["code"] == "follow-up"
