"""The wing of the audit officer, in a real browser: what the log says in words, proofs that are checked where the page runs, samples, evidence,
and who looked. A server that lies is played by changing its answers on their way."""

import hashlib
import json
import re
import subprocess
import sys

import pytest
import requests

from yingdun_testkit import program
from yingdun_testkit.administration import SESSION_COOKIE
from yingdun_testkit.installation import wait_until

OFFICER = "audit-administrator"
#: A study that the clinician treats, and one that the clinician does not.
TREATED, OTHER = 0, 4


@pytest.fixture(scope="module")
def looked(ward):
    """The clinician looked at one study and was refused another; returns how many rows there are of the own accesses."""
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)
    outcomes = []
    for number in (TREATED, OTHER):
        study = ward.studies[number]
        path = f"/dicom-web/studies/{study}/series/{study}.1/instances/{study}.1.1/rendered"
        headers = {"Authorization": f"Bearer {ward.tokens['clinician']}"}
        outcomes.append(requests.get(f"{web}{path}", headers=headers, verify=ca, timeout=60).status_code)
    assert outcomes == [200, 404]
    return ward


def record_of(ward, **conditions) -> dict:
    """The newest record that fits, as the archive tells it to a program."""
    rows = ward.office.audit.get("/audit/search", {**conditions, "limit": 1})
    assert rows, conditions
    return rows[0]


def key_of(row) -> str:
    return f"{row['index']}@{row['log']}"


def open_proof(window, row):
    page = window.go(f"audit?record={key_of(row)}&view=proof")
    page.locator("[data-verdict]").wait_for()
    return page


def verdict(page) -> str:
    return page.locator("[data-verdict]").get_attribute("data-verdict")


def bring_key(page, file):
    """Gives the browser the public key of the log, as a file from elsewhere."""
    page.get_by_role("button", name="公钥", exact=True).first.click()
    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_text("由您从文件或文本提供").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def changed(page, pattern, change):
    """From now on answers of these addresses come changed."""

    def handle(route):
        # What is asked for on behalf of the browser has to say where it comes from, as the browser does by itself.
        answer = route.fetch(headers={**route.request.headers, "sec-fetch-site": "same-origin"})
        assert answer.ok, answer.status
        route.fulfill(response=answer, **change(answer))

    page.route(pattern, handle)


# === the list ===


def test_filters_are_chips_in_the_address_and_a_file_has_exactly_the_rows(desk, looked):
    page = desk(OFFICER).go("audit")
    page.get_by_role("button", name="仅被拒绝").click()
    page.wait_for_url("**outcome=refused*")
    page.get_by_label("人员账号").fill("chen-jing")
    page.get_by_label("人员账号").press("Enter")
    page.wait_for_url("**actor=chen-jing*")
    page.get_by_text("没有规则允许").first.wait_for()
    rows = page.locator("[role=rowgroup] [role=row]")
    # Until the answer is there, the rows from before stay.
    fits = lambda: rows.count() >= 1 and all("拒绝" in text and "chen-jing" in text for text in rows.all_inner_texts())
    wait_until(fits, "the rows that the filters leave")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == rows.count() + 1 and all("chen-jing" in line for line in lines[1:])
    # The same address gives the same to who has the right to it, and a chip that is taken away widens it again.
    again = desk(OFFICER).go(page.url.split("/console/")[1])
    again.get_by_text("没有规则允许").first.wait_for()
    again.get_by_role("button", name="移除此筛选").first.click()
    again.wait_for_url(re.compile(r"^[^?]*\?(?!.*actor=chen-jing.*outcome|.*outcome.*actor=chen-jing)"))


def test_a_patient_is_searched_for_by_the_id_which_comes_into_no_address(desk, looked):
    asked = []
    page = desk(OFFICER).go("audit")
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="更多筛选").click()
    page.get_by_label("患者", exact=True).fill("P20260001")
    page.get_by_role("button", name="应用").click()
    page.wait_for_url(re.compile(r"patient=[0-9a-f]{32}"))
    page.get_by_text("患者 P20260001").wait_for()
    page.get_by_role("row").filter(has_text="chen-jing").first.wait_for()
    assert not any("P20260001" in address for address in [*asked, page.url])


def test_a_record_says_each_field_in_words_of_both_languages(desk, looked):
    row = record_of(looked, actor="chen-jing", outcome="refused", action="view")
    page = desk(OFFICER).go(f"audit?record={key_of(row)}")
    panel = page.get_by_role("complementary", name=f"记录 #{row['index']}")
    text = panel.inner_text()
    for word in ("chen-jing", "临床医生", "打开影像", "调阅", "没有规则允许", "诊疗", row["leaf"]["patient"], row["leaf_hash"], row["log"]):
        assert word in text, word
    page.get_by_role("button", name="English").click()
    panel = page.get_by_role("complementary", name=f"Record #{row['index']}")
    panel.wait_for()
    for word in ("Clinician", "Images opened", "View", "No rule permits it", "Treatment"):
        assert word in panel.inner_text(), word
    panel.get_by_role("button", name="All of this patient").click()
    page.wait_for_url(f"**patient={row['leaf']['patient']}*")


def test_an_answer_that_is_not_whole_says_which_log_is_missing(desk, looked):
    window = desk(OFFICER)
    missing = json.dumps([{"log": "renmin/audit/node-3", "why": "silent", "last_seen_ms": 1795434351053}])
    headers = {"yingdun-whole": "false", "yingdun-logs-missing": missing, "yingdun-count": "at least 7"}
    changed(window.page, "**/api/v1/audit/search*", lambda answer: {"headers": {**answer.headers, **headers}})
    page = window.go("audit")
    banner = page.get_by_role("alert").filter(has_text="结果不完整")
    assert "renmin/audit/node-3" in banner.inner_text() and "节点没有应答" in banner.inner_text()
    page.get_by_text("至少 7 条").wait_for()


def test_a_log_that_became_shorter_raises_the_alarm(desk, looked):
    window = desk(OFFICER)
    page = window.go("audit")
    old = page.evaluate("fetch('/api/v1/audit/checkpoint').then((answer) => answer.text())")
    page.get_by_role("button", name="刷新列表").click()
    window.rest()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="读取最新检查点").click()
    window.rest()
    assert page.get_by_role("alert").count() == 0
    changed(page, "**/api/v1/audit/checkpoint", lambda answer: {"body": old})
    page.get_by_role("button", name="读取最新检查点").click()
    page.get_by_role("alert").filter(has_text="日志变短了").wait_for()


# === proofs ===


def test_a_proof_is_open_until_a_key_comes_from_elsewhere_and_then_it_holds(desk, looked, tmp_path):
    row = record_of(looked, actor="chen-jing", action="view")
    page = open_proof(desk(OFFICER), row)
    assert verdict(page) == "open" and page.get_by_text("检查点签名尚未核验").count() == 1
    # The key of another log is not taken.
    page.get_by_role("button", name="公钥", exact=True).first.click()
    other = program.run_json("init", "--directory", tmp_path / "other", "--institution", "other")["audit_public_key_file"]
    page.locator("input[type=file]").set_input_files(other)
    page.get_by_text("这是日志 other").wait_for()
    # What the server gives is not believed before somebody says that it was compared.
    page.get_by_role("button", name="向服务器索取公钥").click()
    page.get_by_text("我已将指纹").wait_for()
    assert page.get_by_role("button", name="比对一致，采用").is_disabled()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert verdict(page) == "open"
    bring_key(page, looked.installation.audit_key_file)
    page.locator("[data-verdict=proved]").wait_for()
    assert page.locator("ol li[data-state=bad], ol li[data-state=open]").count() == 0
    drawing = page.get_by_role("img", name=re.compile("Merkle 树：从记录"))
    assert "树根与检查点一致" in drawing.get_attribute("aria-label")
    # The key stays in this browser.
    page.reload()
    page.locator("[data-verdict=proved]").wait_for()


@pytest.mark.parametrize(
    ("button", "said"),
    [("改记录", "记录原文与其散列不符"), ("改兄弟散列", "第 1 步合并起"), ("改检查点树根", "算出的树根不是检查点中的树根"), ("改签名", "检查点签名不成立")],
)
def test_one_bit_that_is_flipped_shows_the_step_that_notices(desk, looked, button, said):
    page = open_proof(desk(OFFICER), record_of(looked, actor="chen-jing", action="view"))
    bring_key(page, looked.installation.audit_key_file)
    page.locator("[data-verdict=proved]").wait_for()
    page.get_by_role("button", name=button).click()
    broken = page.locator("[data-verdict=broken]")
    broken.wait_for()
    assert said in broken.inner_text() and "试验" in broken.inner_text()
    page.get_by_role("button", name="恢复原样").click()
    page.locator("[data-verdict=proved]").wait_for()


def flipped_line(text: str, place: int) -> str:
    lines = text.split("\n")
    lines[place] = ("B" if lines[place][0] == "A" else "A") + lines[place][1:]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("what", "said"),
    [("sibling", "算出的树根不是检查点中的树根"), ("root", "算出的树根不是检查点中的树根"), ("short", "证明路径与记录编号"), ("record", "记录原文与其散列不符"), ("both", "算出的树根")],
)
def test_what_a_server_forges_is_not_proved(desk, looked, what, said):
    """The proof, the record, or the record together with its hash in the list, changed on the way."""
    row = record_of(looked, actor="chen-jing", action="view")
    window = desk(OFFICER)
    page = window.go("audit")
    bring_key(page, looked.installation.audit_key_file)
    if what in ("sibling", "root", "short"):

        def forge(answer):
            text = answer.text()
            if what == "short":
                return {"body": text.replace(text.split("\n")[2] + "\n", "", 1)}
            blank = text.split("\n").index("")
            return {"body": flipped_line(text, 2 if what == "sibling" else blank + 3)}

        changed(page, "**/api/v1/audit/proofs/*", forge)
    else:

        def forge(answer):
            text = answer.text().replace('"chen-jing"', '"somebody"')
            if what == "both":
                [leaf] = [one["leaf"] for one in json.loads(text) if one["index"] == row["index"]]
                spelt = json.dumps(leaf, separators=(",", ":"), ensure_ascii=False)
                text = text.replace(row["leaf_hash"], hashlib.sha256(b"\0" + spelt.encode()).hexdigest())
            return {"body": text}

        changed(page, "**/api/v1/audit/search*", forge)
    page.goto(f"{window.web}/console/audit?record={key_of(row)}&view=proof")
    broken = page.locator("[data-verdict=broken]")
    broken.wait_for()
    assert said in broken.inner_text() and "试验" not in broken.inner_text()


def test_a_proof_is_reached_read_and_tried_by_keyboard_alone(desk, looked):
    window = desk(OFFICER)
    page = window.go("audit?actor=chen-jing")
    page.get_by_text("chen-jing").first.wait_for()

    def tab_to(role, name, limit=60):
        for _ in range(limit):
            page.keyboard.press("Tab")
            at = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
            kind = page.evaluate("document.activeElement.getAttribute('role') ?? document.activeElement.tagName.toLowerCase()")
            if kind == role and name in (at or ""):
                return
        raise AssertionError(f"no {role} {name} by Tab")

    tab_to("grid", "审计记录")
    chosen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
        page.wait_for_timeout(300)
        chosen.append(page.locator("[role=row][aria-selected=true]").inner_text())
    assert chosen[0] == chosen[2] != chosen[1]
    page.keyboard.press("Enter")
    page.locator("[data-verdict]").wait_for()
    tab_to("button", "改签名")
    # Without a key a signature says nothing; a record does.
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("[data-verdict=broken]").wait_for()
    tab_to("button", "恢复原样")
    page.keyboard.press("Enter")
    page.locator("[data-verdict=open]").wait_for()
    tab_to("button", "返回列表")
    page.keyboard.press("Enter")
    page.get_by_role("grid").wait_for()


# === evidence that leaves the house ===


def kept(page, button, folder):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def assert_verified(ward, file, leaves):
    found = program.run_json("audit", "verify-bundle", file, "--public-key", ward.installation.audit_key_file)
    assert found["ok"] and found["leaves"] == leaves, found
    command = [sys.executable, program.REPOSITORY / "docs" / "verify" / "verify_bundle.py", file, ward.installation.audit_key_file.read_text().strip()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith(f"OK {leaves} leaves"), done.stdout + done.stderr


def test_one_record_leaves_as_a_bundle_that_both_verifiers_take(desk, looked, tmp_path):
    row = record_of(looked, actor="chen-jing", action="view")
    page = open_proof(desk(OFFICER), row)
    assert_verified(looked, kept(page, "下载此记录的证据包", tmp_path), 1)
    leaf = kept(page, f"{row['index']:012}.json", tmp_path)
    assert json.loads(leaf.read_text()) == row["leaf"]
    assert kept(page, f"{row['index']:012}.tlog-proof", tmp_path).read_text().startswith(f"c2sp.org/tlog-proof@v1\nindex {row['index']}\n")


def test_a_bundle_is_checked_here_kept_and_taken_by_both_verifiers(desk, looked, tmp_path):
    page = desk(OFFICER).go("audit")
    bring_key(page, looked.installation.audit_key_file)
    page.get_by_role("button", name="证据包").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="制作证据包").click()
    dialog.get_by_text("请填写").wait_for()
    dialog.get_by_label("关于").select_option("study")
    dialog.get_by_label("Study Instance UID").fill(looked.studies[TREATED])
    dialog.get_by_role("button", name="制作证据包").click()
    said = dialog.get_by_role("status").inner_text()
    found = re.match(r"(\d+) 条记录已在此浏览器中逐条核验，签名有效", said)
    assert found, said
    assert_verified(looked, kept(page, "下载证据包", tmp_path), int(found[1]))


# === a random sample ===


def test_a_sample_is_drawn_marked_checked_and_stands_in_the_address(desk, looked):
    window = desk(OFFICER)
    page = window.go("audit")
    bring_key(page, looked.installation.audit_key_file)
    page.get_by_role("button", name="随机抽查").click()
    page.get_by_role("dialog").get_by_text("等概率").wait_for()
    page.get_by_label("抽取条数").select_option("5")
    page.get_by_role("button", name="抽取", exact=True).click()
    page.get_by_text(re.compile(r"在 \S+ 的 [\d,]+ 个编号中等概率抽取")).wait_for()
    rows = page.locator("[role=rowgroup] [role=row]")
    rows.nth(4).wait_for()
    assert rows.count() == 5
    numbers = sorted(re.findall(r"#(\d+)", " ".join(rows.all_inner_texts())))
    assert len(set(numbers)) == 5 and rows.get_by_label("抽查").count() == 5
    page.get_by_role("button", name="全部核验").click()
    page.get_by_text("已核验 5 / 5：5 条已证明，0 条待公钥确认，0 条失败").wait_for()
    page.reload()
    rows.nth(4).wait_for()
    assert rows.count() == 5
    assert sorted(re.findall(r"#(\d+)", " ".join(rows.all_inner_texts()))) == numbers
    page.get_by_role("button", name="显示全部记录").click()
    rows.nth(5).wait_for()


def drawn_by(seed, of, count, unreadable=()) -> list:
    """The numbers that a seed draws, as the book describes it."""
    found, place = [], 0
    while len(found) < count:
        number = int.from_bytes(hashlib.sha256(f"{seed}:{place}".encode()).digest()[:8], "big") & (2**53 - 1)
        place += 1
        if number < 2**53 - 2**53 % of and number % of not in found:
            found.append(number % of)
    return [number for number in found if number not in unreadable]


def digest_of(review) -> str:
    lines = ["yingdun audit sample v1", f"drawn {review['drawn']}", f"of {review['of']}", f"seed {review['seed']}", f"filters {review['filters']}"]
    return hashlib.sha256("".join(f"{line}\n" for line in [*lines, *review["records"]]).encode()).hexdigest()


def draw(page, count):
    page.get_by_role("button", name="随机抽查").click()
    page.get_by_label("抽取条数").select_option(str(count))
    page.get_by_role("button", name="抽取", exact=True).click()
    page.get_by_text("等概率抽取").wait_for()


def test_a_sample_is_drawn_again_from_its_seed_and_marked_as_reviewed(desk, looked):
    window = desk(OFFICER)
    page = window.go("audit")
    draw(page, 10)
    rows = page.locator("[role=rowgroup] [role=row]")
    rows.nth(9).wait_for()
    seed = re.search(r"种子 ([0-9a-f]{32})", page.get_by_role("region", name="随机抽查审计记录").inner_text())[1]
    of = int(re.search(r"drawn=all\.(\d+)\.0\.", page.url)[1])
    numbers = sorted(int(number) for number in re.findall(r"#(\d+)", " ".join(rows.all_inner_texts())))
    assert numbers == sorted(drawn_by(seed, of, 10))
    # Without words nothing is marked.
    button = page.get_by_role("button", name="标记为已复核")
    assert button.is_disabled()
    page.get_by_label("复核结论").fill("逐条看过：未见异常 K-17")
    button.click()
    badge = page.get_by_text("已复核", exact=True)
    badge.wait_for()
    assert button.count() == 0 and page.get_by_text("逐条看过：未见异常 K-17").count() == 1
    assert window.axe() == []
    # It is in the log, by a digest that anybody computes, and the words are not.
    [review] = looked.office.audit.get("/audit/reviews", {"sample": looked.office.audit.get("/audit/reviews")[0]["sample"]})
    assert review["name"] == looked.names[OFFICER] and review["words"] == "逐条看过：未见异常 K-17"
    assert review["sample"] == digest_of(review) and review["seed"] == seed and len(review["records"]) == 10
    leaves = [row for row in looked.office.audit.get("/audit/search", {"kind": "administration", "limit": 50}) if row["leaf"]["reason"] == "audit-sample-reviewed"]
    assert [row["leaf"]["outcome"] for row in leaves[:2]] == ["succeeded", "permitted"]
    for row in leaves[:2]:
        assert row["leaf"]["content_sha256"] == review["sample"] and row["leaf"]["counts"] == {"records": 10, "review": review["review"]}
        assert "K-17" not in json.dumps(row) and row["leaf"]["detail_sha256"]
    # Who gets the link sees it, too.
    again = desk(OFFICER, language="en").go(page.url.split("/console/")[1])
    again.get_by_text("Reviewed", exact=True).wait_for()
    assert again.get_by_text("K-17").count() == 1
    # The record says in words what it is.
    page.goto(f"{window.web}/console/audit?record={key_of(leaves[0])}")
    page.get_by_role("complementary").get_by_text("抽查样本已复核").wait_for()


def test_a_mark_that_is_refused_is_none(desk, looked):
    window = desk(OFFICER)
    page = window.go("audit?kind=stored")
    draw(page, 5)
    page.get_by_label("复核结论").fill("看过")
    # Somebody changed the link: these are no records.
    page.goto(re.sub(r"sample=[^&]*", "sample=99999999%40renmin%2Faudit", page.url))
    page.get_by_label("复核结论").fill("看过")
    page.get_by_role("button", name="标记为已复核").click()
    page.get_by_role("alert").filter(has_text="样本中都是本机构的审计记录").wait_for()
    assert page.get_by_text("已复核", exact=True).count() == 0


def test_a_sample_with_filters_says_so_and_holds_only_what_fits(desk, looked):
    page = desk(OFFICER).go("audit?kind=stored")
    page.get_by_role("button", name="随机抽查").click()
    page.get_by_role("dialog").get_by_text("已设筛选").wait_for()
    page.get_by_label("抽取条数").select_option("10")
    page.get_by_role("button", name="抽取", exact=True).click()
    page.get_by_text(re.compile(r"在符合筛选的 [\d,]+ 条中等概率抽取")).wait_for()
    texts = page.locator("[role=rowgroup] [role=row]").all_inner_texts()
    assert len(texts) == 10 and all("存入" in text for text in texts)
    changed(page, "**/api/v1/audit/proofs/*", lambda answer: {"body": flipped_line(answer.text(), 2)})
    page.get_by_role("button", name="全部核验").click()
    page.get_by_text("0 条已证明，0 条待公钥确认，10 条失败").wait_for()


# === who looked ===


def test_who_looked_at_a_patient_is_told_with_names_and_leads_to_the_record(desk, looked):
    asked = []
    page = desk(OFFICER).go("accesses")
    page.get_by_role("button", name="谁看过").click()
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("患者编号或 32 位代号").fill("P20260001")
    page.get_by_role("button", name="查询").click()
    page.wait_for_url(re.compile(r"patient=[0-9a-f]{32}"))
    row = page.get_by_role("row").filter(has_text="chen-jing").first
    row.wait_for()
    assert "临床医生" in row.inner_text() and "接诊关系" in row.inner_text() and "P20260001" in row.inner_text()
    assert not any("P20260001" in address for address in [*asked, page.url])
    row.get_by_role("link").click()
    page.get_by_role("complementary", name=re.compile("记录 #")).wait_for()


def test_a_patient_whom_nobody_knows_is_said_to_be_unknown(desk, looked):
    page = desk(OFFICER).go("accesses?of=others")
    page.get_by_label("患者编号或 32 位代号").fill("P99999999")
    page.get_by_role("button", name="查询").click()
    page.get_by_role("alert").filter(has_text="归档中没有这名患者").wait_for()


def test_everybody_sees_the_own_accesses_and_nobody_else_s(desk, looked):
    page = desk("clinician").go("accesses")
    page.get_by_role("row").filter(has_text="没有规则允许").first.wait_for()
    page.get_by_role("row").filter(has_text="接诊关系").first.wait_for()
    assert page.get_by_role("button", name="谁看过").count() == 0
    assert page.get_by_role("link", name="审计与存证").count() == 0
    page = desk("clinician").go("audit")
    page.get_by_text("没有这个页面").wait_for()
    system = desk("system-administrator").go("accesses")
    system.get_by_text("还没有访问记录").wait_for()


# === for everybody ===


@pytest.mark.parametrize(("language", "theme"), [("zh-CN", "light"), ("en", "dark")])
def test_proofs_dialogs_and_samples_are_accessible_and_fit_a_phone(desk, looked, language, theme):
    row = record_of(looked, actor="chen-jing", action="view")
    words = {"zh-CN": ("更多筛选", "公钥", "证据包", "随机抽查", "改兄弟散列"), "en": ("More filters", "Public key", "Evidence bundle", "Random sample", "In a sibling")}[language]
    window = desk(OFFICER, language=language, theme=theme)
    page = window.go(f"audit?record={key_of(row)}")
    faults = window.axe()
    for name in (words[0], words[1], words[2], words[3]):
        page.get_by_role("button", name=name, exact=True).first.click()
        page.get_by_role("dialog").wait_for()
        faults += window.axe()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    open_proof(window, row)
    page.get_by_role("button", name=words[4]).click()
    page.locator("[data-verdict=broken]").wait_for()
    faults += window.axe()
    for width in (390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("Math.max(...[...document.querySelectorAll('main')].map((of) => of.scrollWidth - of.clientWidth))")
        assert (width, window.overflow(), wide) == (width, 0, 0)
    assert faults == []


def test_a_token_of_another_role_gets_none_of_it(ward):
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)
    for path in ("/api/v1/audit/search", "/api/v1/audit/checkpoint", "/api/v1/audit/proofs/0"):
        cookies = {SESSION_COOKIE: ward.tokens["clinician"]}
        headers = {"Sec-Fetch-Site": "same-origin"}
        assert requests.get(f"{web}{path}", cookies=cookies, headers=headers, verify=ca, timeout=30).status_code == 403, path
