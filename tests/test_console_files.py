"""Files of lists in a real browser: a list that comes page by page gives a file of all that its filters leave, or says what is missing; and what
is asked for too fast waits as the server says."""

import csv
import hashlib
import io
import json
import re
from urllib.parse import parse_qs, urlencode, urlparse

import pytest

from yingdun_testkit.installation import wait_until

expect = pytest.importorskip("playwright.sync_api").expect

AUDIT, READER = "audit-administrator", "radiologist"
SEARCH = "**/api/v1/studies/search*"
#: As the console has it (console/src/lib/gather.ts).
FILE_ROWS_MAX = 20_000


def in_small_pages(page, pattern, rows):
    """The first page of a list is this small, as if there were very much of it; what is asked for after it comes as it is asked for."""

    def handle(route):
        asked = urlparse(route.request.url)
        query = parse_qs(asked.query)
        if "cursor" in query or query["limit"] not in (["50"], ["100"]):
            return route.continue_()
        query["limit"] = [str(rows)]
        route.continue_(url=asked._replace(query=urlencode(query, doseq=True)).geturl())

    page.route(pattern, handle)


def rows_in(download) -> list:
    return list(csv.DictReader(io.StringIO(download.path().read_text(encoding="utf-8-sig"))))


def taken(page, kind="CSV"):
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    return download.value


def test_a_file_of_the_audit_log_holds_every_record_that_the_filters_leave(ward, desk):
    window = desk(AUDIT)
    in_small_pages(window.page, "**/api/v1/audit/search*", 3)
    page = window.go("audit?kind=stored")
    counted = page.get_by_text(re.compile(r"共 \d+ 条，已显示 \d+ 条"))
    counted.wait_for()
    # What is on the screen grows by itself until it is full.
    window.rest()
    count = int(re.search(r"共 (\d+) 条", counted.inner_text())[1])
    assert count > 12
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    download = taken(page)
    rows = rows_in(download)
    numbers = [int(row["编号"]) for row in rows]
    assert len(numbers) == count == len(set(numbers)) and all("存入" in row["内容"] for row in rows)
    assert sorted(numbers) == sorted(leaf["index"] for leaf in ward.office.audit.get("/audit/search", {"kind": "stored", "limit": 1000}))
    assert all(parse_qs(urlparse(url).query)["limit"] == ["1000"] for url in asked if "/audit/search" in url)
    # That the file was made is on the log, with its digest.
    made = ward.office.audit.get("/audit/search", {"kind": "copied", "actor": ward.names[AUDIT], "limit": 1})[0]["leaf"]
    assert (made["reason"], made["counts"]) == ("file-of-audit", {"rows": count})
    assert made["content_sha256"] == hashlib.sha256(download.path().read_bytes()).hexdigest()
    records = json.loads(taken(page, "JSON").path().read_text())
    assert [int(record["number"]) for record in records] == numbers
    # Each page that was fetched is on the record of who fetched it.
    reads = ward.office.audit.get("/audit/search", {"actor": ward.names[AUDIT], "action": "read-audit", "limit": 50})
    assert len(reads) >= 3


def test_a_file_of_studies_holds_those_that_were_not_shown_yet(ward, desk):
    window = desk(READER)
    in_small_pages(window.page, SEARCH, 2)
    held = []
    # The rest of them is held back, so that the table shows two alone.
    window.page.route(re.compile(r".*/studies/search\?.*limit=50&.*cursor="), lambda route: held.append(route))
    page = window.page
    page.goto(f"{window.web}/console/studies")
    rows = page.locator("[role=rowgroup] [role=row]")
    rows.nth(1).wait_for()
    wait_until(lambda: held, "the table asks for more", 20)
    everything = requests_all(page)
    found = rows_in(taken(page))
    assert len(found) == everything > rows.count() == 2
    for route in held:
        route.abort()


def requests_all(page) -> int:
    """How many studies there are for who looks."""
    return page.evaluate("fetch('/api/v1/studies/search?limit=200').then((answer) => answer.json()).then((found) => found.studies.length)")


def test_fetching_is_seen_and_given_up_without_a_file(desk):
    window = desk(AUDIT)
    page, held, downloads = window.page, [], []
    in_small_pages(page, "**/api/v1/audit/search*", 3)
    page.route(re.compile(r".*/audit/search\?.*cursor="), lambda route: held.append(route))
    page.on("download", lambda download: downloads.append(download))
    page.goto(f"{window.web}/console/audit")
    page.get_by_text("已显示 3 条").wait_for()
    page.get_by_role("button", name="CSV", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"已取得 3 行，共 [\d,]+ 行"))
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    assert window.axe() == []
    dialog.get_by_role("button", name="取消").click()
    dialog.wait_for(state="detached")
    wait_until(lambda: any("limit=1000" in route.request.url for route in held), "the page behind was asked for", 20)
    for route in held:
        route.abort()
    expect(page.get_by_role("button", name="CSV", exact=True)).to_be_enabled()
    assert downloads == []


def test_a_refusal_on_the_way_is_shown_and_asked_again(desk):
    window = desk(AUDIT)
    page, held, refused = window.page, [], []
    in_small_pages(page, "**/api/v1/audit/search*", 3)
    page.route(re.compile(r".*/audit/search\?.*limit=100&cursor="), lambda route: held.append(route))

    def once(route):
        if refused:
            return route.continue_()
        refused.append(route.request.url)
        problem = {"type": "urn:yingdun:problem:unavailable", "title": "Not available", "title_zh": "暂时不可用", "status": 503}
        route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(problem))

    page.route(re.compile(r".*/audit/search\?.*limit=1000&cursor="), once)
    page.goto(f"{window.web}/console/audit?kind=stored")
    page.get_by_text("已显示 3 条").wait_for()
    page.get_by_role("button", name="CSV", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("暂时不可用").wait_for()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="重试").click()
    assert len(rows_in(download.value)) > 12
    for route in held:
        route.abort()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_is_too_much_for_a_file_is_said_and_saved_only_when_wanted(desk, language):
    window = desk(READER, language=language)
    page, study, asked = window.page, {}, []

    def without_end(route):
        asked.append(route.request.url)
        if not study:
            answer = route.fetch(headers={**route.request.headers, "sec-fetch-site": "same-origin"})
            study.update(answer.json()["studies"][0])
        number = len(asked)
        rows = [{**study, "study_uid": f"1497.9.{number}.{at}"} for at in range(200)]
        route.fulfill(json={"studies": rows, "next": f"c{number}", "whole": True, "read_as": []})

    page.route(SEARCH, without_end)
    page.goto(f"{window.web}/console/studies")
    page.locator("[role=rowgroup] [role=row]").first.wait_for()
    downloads = []
    page.on("download", lambda download: downloads.append(download))
    page.get_by_role("button", name="CSV", exact=True).click()
    dialog = page.get_by_role("dialog")
    alert = dialog.get_by_role("alert")
    alert.wait_for(timeout=60_000)
    assert "20,000" in alert.inner_text() and downloads == []
    assert len(asked) <= FILE_ROWS_MAX / 200 + 2
    assert window.axe() == [] and window.overflow() == 0
    with page.expect_download() as download:
        dialog.get_by_role("button", name=re.compile("20,000")).click()
    assert len(rows_in(download.value)) == FILE_ROWS_MAX and download.value.suggested_filename.endswith("-part.csv")
    dialog.wait_for(state="detached")


def test_a_file_without_a_log_that_does_not_answer_says_so_first(desk):
    window = desk(AUDIT)
    missing = json.dumps([{"log": "renmin/audit/node-3", "why": "silent", "last_seen_ms": 1795434351053}])

    def silent(route):
        answer = route.fetch(headers={**route.request.headers, "sec-fetch-site": "same-origin"})
        route.fulfill(response=answer, headers={**answer.headers, "yingdun-whole": "false", "yingdun-logs-missing": missing})

    window.page.route("**/api/v1/audit/search*", silent)
    page = window.go("audit?kind=stored")
    page.get_by_role("button", name="CSV", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("不止这些")
    dialog.get_by_role("button", name="不保存").click()
    dialog.wait_for(state="detached")


# === too fast ===


def too_fast(route, seconds):
    problem = {"type": "urn:yingdun:problem:too-many", "title": "Too many attempts", "title_zh": "尝试次数过多", "status": 429, "came": "slowed-down"}
    route.fulfill(status=429, content_type="application/problem+json", headers={"Retry-After": str(seconds)}, body=json.dumps(problem))


def test_a_read_that_came_too_fast_is_asked_again_as_told(desk):
    window = desk(READER)
    asked = []

    def once(route):
        asked.append(route.request.url)
        return too_fast(route, 1) if len(asked) == 1 else route.continue_()

    window.page.route(SEARCH, once)
    window.page.goto(f"{window.web}/console/studies")
    window.page.locator("[role=rowgroup] [role=row]").first.wait_for()
    assert len(asked) == 2 and window.page.get_by_role("alert").count() == 0


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_long_wait_is_told_and_ends_when_somebody_wants(desk, language):
    window = desk(READER, language=language, width=390)
    page = window.page
    page.route(SEARCH, lambda route: too_fast(route, 30))
    page.goto(f"{window.web}/console/studies")
    told = page.get_by_role("status").filter(has_text={"zh-CN": "请求过于频繁", "en": "Asked too fast"}[language])
    told.wait_for()
    assert window.axe() == [] and window.overflow() == 0
    told.get_by_role("button").click()
    told.wait_for(state="detached")
    page.get_by_role("alert").filter(has_text={"zh-CN": "尝试次数过多", "en": "Too many attempts"}[language]).wait_for()


def test_a_change_is_not_sent_twice(desk):
    window = desk(AUDIT)
    page, asked = window.page, []

    def handle(route):
        asked.append(route.request.url)
        too_fast(route, 1)

    page.route("**/api/v1/audit/bundle", handle)
    window.go("audit")
    page.get_by_role("button", name="证据包").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("账号").fill("chen-jing")
    dialog.get_by_role("button", name="制作证据包").click()
    dialog.get_by_role("alert").wait_for()
    assert len(asked) == 1


# === who looked ===


def test_filters_of_who_looked_are_kept_without_the_patient(desk):
    page = desk(AUDIT).go("accesses")
    page.wait_for_url("**of=others**")
    page.get_by_label("患者编号或 32 位代号").fill("P20260001")
    page.get_by_role("button", name="查询", exact=True).click()
    page.wait_for_url(re.compile(r"patient=[0-9a-f]{32}"))
    page.get_by_role("button", name="近 7 天").click()
    page.wait_for_url("**when=week**")
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="保存当前筛选").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("不会保存").wait_for()
    dialog.get_by_label("名称").fill("本周")
    dialog.get_by_role("button", name="保存", exact=True).click()
    dialog.wait_for(state="detached")
    reference = re.search(r"patient=([0-9a-f]{32})", page.url)[1]
    kept = page.evaluate("JSON.stringify(Object.entries(localStorage))")
    assert "when=week" in kept and reference not in kept and "P20260001" not in kept
    page.get_by_role("button", name="近 7 天").click()
    page.wait_for_url(re.compile(r"^(?!.*when=)"))
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="本周").click()
    page.wait_for_url("**when=week**")
    assert reference in page.url, "whose images is what it was"
    # A link carries the whole question, with which of the lists it is about.
    page.get_by_role("button", name="常用筛选").click()
    page.get_by_role("menuitem", name="复制链接").click()
    expect(page.get_by_role("button", name="常用筛选")).to_contain_text("已复制")
    link = page.evaluate("navigator.clipboard.readText()")
    assert reference in link and "when=week" in link and "of=others" in link


def test_a_link_without_a_list_says_which_one_was_shown(desk):
    for role, shown in ((AUDIT, "others"), (READER, None)):
        page = desk(role).go("accesses")
        page.get_by_role("grid").or_(page.get_by_text("查询谁看过")).first.wait_for()
        if shown is None:
            assert "of=" not in page.url
        else:
            page.wait_for_url(f"**of={shown}**")
