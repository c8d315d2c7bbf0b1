"""The first hour in a browser: one address, three officers, and no way in for anybody else."""

import re
import threading

import pytest
import requests

from yingdun_testkit import program
from yingdun_testkit.administration import SESSION_COOKIE, Office, form_token
from yingdun_testkit.browser import Desk
from yingdun_testkit.program import PASSWORD

SETUP_COOKIE = "__Host-yingdun-setup"
NAMES = {"system-administrator": "wang.system", "security-administrator": "李安全", "audit-administrator": "zhao-audit"}
LOOKS = [("zh-CN", "light", 1440), ("zh-CN", "dark", 390), ("en", "dark", 1440), ("en", "light", 390)]


@pytest.fixture
def fresh(make_installation):
    """An installation whose officers nobody has named yet."""
    return make_installation("first-hour", serve=False, init=["--setup-link"]).start()


def address(installation) -> str:
    return installation.addresses.web + installation.made["setup"]["url"]


class Browser:
    """A browser without a window."""

    def __init__(self, installation):
        self.web = installation.addresses.web
        self.session = requests.Session()
        self.session.verify, self.session.trust_env = str(installation.ca_file), False

    def get(self, path, **more):
        return self.session.get(f"{self.web}{path}", timeout=30, allow_redirects=False, **more)

    def send(self, page, path, **fields):
        """Sends a form that a page of ours has shown."""
        form = {**fields, "form_token": form_token(self.get(page).text)}
        return self.session.post(f"{self.web}{path}", data=form, timeout=30, allow_redirects=False)

    def name(self, **other):
        fields = {"system": NAMES["system-administrator"], "security": NAMES["security-administrator"],
                  "audit": NAMES["audit-administrator"], "three_people": "yes", **other}
        return self.send("/setup?step=officers", "/setup/officers", **{key: value for key, value in fields.items() if value})

    def invite(self, role, page="/setup"):
        answer = self.send(page, "/setup/invitation", role=role)
        found = re.search(r"/enrol/([\w-]{43})<", answer.text)
        return answer, found and found.group(1)


def opened(installation) -> Browser:
    """The browser that has opened the address."""
    browser, path = Browser(installation), installation.made["setup"]["url"]
    answer = browser.send(path, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup"), answer.text
    return browser


def enrol(installation, token):
    browser = Browser(installation)
    answer = browser.send(f"/enrol/{token}", f"/enrol/{token}", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 200, answer.text


def founded(installation) -> Office:
    """The officers, named in a browser and each with a password."""
    browser = opened(installation)
    assert browser.name().status_code == 303
    for role in NAMES:
        enrol(installation, browser.invite(role)[1])
    return Office(installation, names=NAMES)


# === with people ===


def tab_to(page, words):
    """Goes on with the keyboard until something of this name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        text = page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || ''")
        if words in text:
            return
    raise AssertionError(f"nothing called {words} is reached by the keyboard")


def test_three_people_are_led_through_by_the_keyboard_alone(fresh, chromium):
    from playwright.sync_api import expect

    desk = Desk(chromium, fresh, None)
    page = desk.page
    page.goto(address(fresh))
    expect(page.get_by_role("button", name="开始设置")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="影像怎样受到保护").wait_for()
    shown = page.inner_text("main")
    assert str(fresh.directory / "replica-a") in shown and "口令" in shown and "yingdun keys backup" in shown
    expect(page.get_by_role("button", name="已看过，继续")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="确定三位管理员").wait_for()
    expect(page.locator("input[name=system]")).to_be_focused()
    for name in NAMES.values():
        page.keyboard.type(name)
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="把链接交给三位管理员").wait_for()
    for role, name in NAMES.items():
        tab_to(page, f"生成一次性链接： {name}")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="一次性链接", exact=True).wait_for()
        link = page.locator("code.secret").first.inner_text()
        officer = Desk(chromium, fresh, None, language="en")
        officer.page.goto(link)
        expect(officer.page.locator("input[name=password]")).to_be_focused()
        officer.page.keyboard.type(PASSWORD)
        officer.page.keyboard.press("Tab")
        officer.page.keyboard.type(PASSWORD)
        officer.page.keyboard.press("Enter")
        officer.page.get_by_role("heading", name="Password set").wait_for()
        officer.check()
        officer.close()
        tab_to(page, "已交给本人，返回")
        page.keyboard.press("Enter")
        page.wait_for_url("**/setup")
        assert link not in page.content(), "it was shown once"
    page.get_by_text("首次设置完成").wait_for()
    tab_to(page, "结束设置，去登录")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    assert SETUP_COOKIE not in {cookie["name"] for cookie in desk.context.cookies()}
    desk.check()
    desk.close()
    office = Office(fresh, names=NAMES)
    assert {person["name"]: person["roles"] for person in office.system.get("/people")} == {name: [role] for role, name in NAMES.items()}
    said = [leaf["reason"] for leaf in office.leaves(actor="yingdun", kind="administration")]
    for word, count in {"offer-setup": 2, "open-setup": 2, "found-installation": 2, "invite-officer": 6, "leave-setup": 2}.items():
        assert said.count(word) == count, (word, said)
    fresh.verify_audit()


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_every_step_is_for_everybody(fresh, chromium, language, theme, width):
    desk = Desk(chromium, fresh, None, language=language, theme=theme, width=width)
    page = desk.page

    def judge(heading):
        page.get_by_role("heading", level=1, name=heading[language == "en"]).wait_for()
        assert page.locator("html").get_attribute("lang") == language
        assert desk.axe() == [], heading
        assert desk.overflow() == 0, heading

    page.goto(address(fresh))
    judge(("首次设置", "The first hour"))
    page.locator("form button").click()
    judge(("影像怎样受到保护", "How images are protected here"))
    page.locator("form button").click()
    judge(("确定三位管理员", "Name the three officers"))
    for field, name in zip(("system", "security", "audit"), ("same", "same", "other")):
        page.fill(f"input[name={field}]", name)
    page.check("input[name=three_people]")
    page.locator("form button").click()
    page.get_by_role("alert").wait_for()
    judge(("确定三位管理员", "Name the three officers"))
    assert page.input_value("input[name=audit]") == "other", "what was typed stays"
    page.fill("input[name=security]", "another")
    page.locator("form button").click()
    judge(("把链接交给三位管理员", "Hand the officers their links"))
    page.locator("form button").first.click()
    judge(("一次性链接", "A link that works once"))
    page.goto(f"{desk.web}/setup?step=next")
    judge(("接下来的三步", "The next three steps"))
    page.locator("form button").click()
    page.wait_for_url("**/login")
    page.goto(f"{desk.web}/setup")
    judge(("首次设置", "The first hour"))
    desk.check()
    desk.close()


# === against everybody else ===


def test_guesses_replays_and_strangers_are_refused_and_told_nothing(fresh):
    path = fresh.made["setup"]["url"]
    stranger = Browser(fresh)
    for guess in ("/setup/" + "A" * 43, "/setup/x", path[:-1] + ("a" if path[-1] != "a" else "b")):
        answer = stranger.send(guess, guess)
        assert answer.status_code == 401 and SETUP_COOKIE not in answer.cookies, guess
    for _ in range(3):
        assert stranger.get(path).status_code == 200, "a preview spends nothing"
    assert stranger.session.post(f"{stranger.web}{path}", data={"form_token": "0" * 64}, timeout=30).status_code == 403
    browser = opened(fresh)
    again = stranger.send(path, path)
    assert again.status_code == 401 and SETUP_COOKIE not in again.cookies
    assert again.text.count("首次设置不能从这里继续") == 1
    # Without the cookie, or with another, nothing goes on; and each answer is the same.
    for cookies in ({}, {SETUP_COOKIE: "A" * 43}, {SETUP_COOKIE: path.rsplit("/", 1)[1]}):
        other = Browser(fresh)
        other.session.cookies.update(cookies)
        assert other.get("/setup").status_code == 403
        for to, fields in {
            "/setup/officers": {"system": "a1", "security": "b1", "audit": "c1", "three_people": "yes"},
            "/setup/invitation": {"role": "audit-administrator"}, "/setup/end": {},
        }.items():
            assert other.send("/login", to, **fields).status_code == 403, to
    # The cookie is no session.
    secret = browser.session.cookies[SETUP_COOKIE]
    for headers, cookies in (({"Authorization": f"Bearer {secret}"}, {}), ({"Sec-Fetch-Site": "same-origin"}, {SESSION_COOKIE: secret})):
        asked = Browser(fresh)
        asked.session.cookies.update(cookies)
        for api in ("/api/v1/me", "/api/v1/people", "/dicom-web/studies"):
            assert asked.get(api, headers=headers).status_code == 401, api
    assert browser.get("/setup/" + "A" * 43).headers["location"] == "/setup"
    flags = next(cookie for cookie in browser.session.cookies if cookie.name == SETUP_COOKIE)
    assert flags.secure and flags.has_nonstandard_attr("HttpOnly") and flags.get_nonstandard_attr("SameSite") == "Strict"
    # Neither lies in any file or log.
    needles = [secret.encode(), path.rsplit("/", 1)[1].encode()]
    for file in [*fresh.files(), fresh.log_path]:
        content = file.read_bytes()
        assert not [needle for needle in needles if needle in content], file


def test_of_many_who_open_the_address_at_once_one_goes_on(fresh):
    path = fresh.made["setup"]["url"]
    browsers = [Browser(fresh) for _ in range(6)]
    tokens = [form_token(browser.get(path).text) for browser in browsers]
    answers = []

    def press(browser, token):
        answers.append(browser.session.post(f"{browser.web}{path}", data={"form_token": token}, timeout=60, allow_redirects=False).status_code)

    threads = [threading.Thread(target=press, args=pair) for pair in zip(browsers, tokens)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303] + [401] * 5


def test_three_different_people_are_named_once_and_each_account_becomes_its_own(fresh):
    browser = opened(fresh)
    for other in ({"security": NAMES["system-administrator"]}, {"audit": NAMES["system-administrator"].upper()}, {"three_people": ""},
                  {"system": "a"}, {"system": "two words"}, {"system": "yingdun"}, {"audit": "<b>x</b>"}):
        answer = browser.name(**other)
        assert answer.status_code == 400 and 'role="alert"' in answer.text, other
        assert "<b>x" not in answer.text
    assert browser.invite("audit-administrator", page="/setup?step=officers")[1] is None, "there is nobody to invite yet"
    assert browser.name().status_code == 303
    assert browser.name(system="somebody-else").status_code == 303, "who sends it twice is led on, and changes nothing"
    assert "somebody-else" not in browser.get("/setup").text
    for role in ("clinician", "system", "x"):
        assert browser.send("/setup", "/setup/invitation", role=role).status_code == 400, role
    _, first = browser.invite("system-administrator")
    _, second = browser.invite("system-administrator")
    dead = Browser(fresh).send(f"/enrol/{first}", f"/enrol/{first}", password=PASSWORD, again=PASSWORD)
    assert dead.status_code == 401, "a new link ends the old one"
    enrol(fresh, second)
    answer, link = browser.invite("system-administrator")
    assert answer.status_code == 409 and link is None, "who has a password is invited by nobody"
    for role in ("security-administrator", "audit-administrator"):
        enrol(fresh, browser.invite(role)[1])
    assert "首次设置完成" in browser.get("/setup").text
    office = Office(fresh, names=NAMES)
    assert sorted(person["name"] for person in office.system.get("/people")) == sorted(NAMES.values())
    reasons = [leaf["reason"] for leaf in office.leaves(kind="authentication")]
    assert reasons.count("invitation-accepted") == 3


def test_who_is_interrupted_goes_on_and_a_new_address_ends_the_old_way(fresh):
    browser = opened(fresh)
    assert browser.name().status_code == 303
    refused = program.run("setup-link", "--config", fresh.config)
    assert refused.returncode == 1 and "/setup/" not in refused.stdout, "not while it runs"
    fresh.restart()
    browser.web = fresh.addresses.web
    for role in ("system-administrator", "audit-administrator"):
        enrol(fresh, browser.invite(role)[1])
    # The browser is lost: the machine gives a new address, which leads to what is left.
    fresh.stop()
    said = program.run("setup-link", "--config", fresh.config, env={"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8"})
    assert said.returncode == 0 and said.stdout.count("/setup/") == 1, said.stderr
    fresh.start()
    browser.web = fresh.addresses.web
    assert browser.get("/setup").status_code == 403, "the old browser is out"
    old, fresh.made["setup"]["url"] = fresh.made["setup"]["url"], re.search(r"/setup/[\w-]+", said.stdout).group(0)
    assert Browser(fresh).send(old, old).status_code == 401
    other = opened(fresh)
    assert other.get("/setup").text.count("密码已设置") == 2
    assert other.invite("system-administrator")[0].status_code == 409
    enrol(fresh, other.invite("security-administrator")[1])
    office = Office(fresh, names=NAMES)
    said = [leaf["reason"] for leaf in office.leaves(actor="yingdun", kind="administration")]
    assert said.count("offer-setup") == 4 and said.count("found-installation") == 2
    fresh.stop()
    over = program.run_json("setup-link", "--config", fresh.config, code=1)
    assert over is None, "the three have their accounts"
    fresh.start()


def test_an_installation_with_three_invitations_has_no_other_way_in(make_installation):
    usual = make_installation("usual")
    assert "setup" not in usual.made and len(usual.made["invitations"]) == 3
    assert Browser(usual).get("/setup").status_code == 403
    usual.stop()
    assert program.run("setup-link", "--config", usual.config).returncode == 1
    usual.start()


def test_an_officer_of_the_first_hour_has_that_office_and_no_other(fresh):
    office = founded(fresh)
    assert office.system.raw("GET", "/audit/search").status_code == 403
    assert office.audit.raw("POST", "/people", {"name": "x1"}).status_code == 403
    assert office.security.raw("POST", "/people", {"name": "x1"}).status_code == 403
    assert office.system.raw("PUT", f"/people/{NAMES['system-administrator']}/roles/security-administrator").status_code == 403
    assert office.system.raw("POST", f"/people/{NAMES['audit-administrator']}/invitation").status_code == 409
