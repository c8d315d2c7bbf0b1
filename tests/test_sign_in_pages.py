"""The pages at the door, in a real browser: in the language of whoever reads them, for everybody, and back to where one was."""

import pytest
import requests

from yingdun_testkit.administration import SESSION_COOKIE, form_token
from yingdun_testkit.browser import Desk
from yingdun_testkit.program import PASSWORD

LOOKS = [(language, theme, width) for language in ("zh-CN", "en") for theme in ("light", "dark") for width in (1440, 390)]
WORDS = {
    "zh-CN": {"title": "登录", "name": "登录名", "password": "密码", "role": "角色", "enter": "登录", "enrol": "设置密码", "factor": "设置第二因素"},
    "en": {"title": "Sign in", "name": "Name", "password": "Password", "role": "Role", "enter": "Sign in", "enrol": "Set your password",
           "factor": "Set up a second factor"},
}


@pytest.fixture(scope="module")
def house(make_installation):
    installation = make_installation("door")
    installation.office.person("ye-zi", "radiologist")
    return installation


@pytest.fixture
def window(chromium, house):
    """Opens windows before anybody is signed in; each is judged at the end."""
    opened = []

    def open_one(**looks):
        opened.append(Desk(chromium, house, None, **looks))
        return opened[-1]

    yield open_one
    for one in opened:
        one.check()
        one.close()


def browser_of(house) -> requests.Session:
    session = requests.Session()
    session.verify, session.trust_env = str(house.ca_file), False
    return session


def enter(page, name="ye-zi", password=PASSWORD):
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_every_page_at_the_door_is_for_everybody(house, window, language, theme, width):
    desk, words = window(language=language, theme=theme, width=width), WORDS[language]
    page = desk.page

    def judge(title):
        page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
        assert page.locator("html").get_attribute("lang") == language
        assert desk.axe() == [], title
        assert desk.overflow() == 0, title

    page.goto(f"{desk.web}/login")
    judge(words["title"])
    assert page.evaluate("document.activeElement.name") == "name"
    assert page.get_by_label(words["name"], exact=True).get_attribute("autocomplete") == "username"
    assert page.get_by_label(words["password"], exact=True).get_attribute("autocomplete") == "current-password"
    assert page.get_by_role("combobox", name=words["role"]).locator("option").count() == 13
    enter(page, password="not the right one")
    page.get_by_role("alert").wait_for()
    judge(words["title"])
    assert page.evaluate("document.activeElement.name") == "password", "only the password is typed again"
    assert page.input_value("input[name=name]") == "ye-zi" and page.input_value("input[name=password]") == ""

    invited = house.office.system.post("/people", {"name": f"p-{language}-{theme}-{width}"}, 201)
    page.goto(invited["link"].replace(invited["link"].split("/enrol/")[0], desk.web))
    judge(words["enrol"])
    assert page.locator("input[name=password]").get_attribute("autocomplete") == "new-password"
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD + "x")
    page.press("input[name=again]", "Enter")
    page.get_by_role("alert").wait_for()
    judge(words["enrol"])

    page.goto(f"{desk.web}/login")
    enter(page)
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{desk.web}/second-factor")
    judge(words["factor"])
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.locator("code.secret").wait_for()
    judge(words["factor"])
    page.goto(f"{desk.web}/setup")
    assert desk.axe() == [] and desk.overflow() == 0


def test_what_a_wrong_name_is_told_is_what_a_wrong_password_is_told(house):
    said = {}
    for name in ("ye-zi", "nobody-of-this-name"):
        browser = browser_of(house)
        page = browser.get(f"{house.addresses.web}/login", timeout=30)
        form = {"name": name, "password": "x" * 20, "role": "", "form_token": form_token(page.text)}
        answer = browser.post(f"{house.addresses.web}/login", data=form, timeout=30)
        said[name] = (answer.status_code, answer.text.replace(name, "").replace(form_token(answer.text), ""))
    assert len(set(said.values())) == 1
    assert said["ye-zi"][0] == 401


def test_the_language_is_that_of_the_browser_until_somebody_chooses(house, window):
    desk = window(language="en")
    page = desk.page
    page.goto(f"{desk.web}/login?next=/console/studies/1.2.3")
    page.get_by_role("link", name="中文").click()
    page.get_by_role("heading", name="登录", exact=True).wait_for()
    assert page.locator("input[name=next]").get_attribute("value") == "/console/studies/1.2.3", "the way back is not lost"
    page.goto(f"{desk.web}/login")
    page.get_by_role("heading", name="登录", exact=True).wait_for()
    cookie = next(one for one in desk.context.cookies() if one["name"] == "__Host-yingdun-language")
    assert (cookie["value"], cookie["secure"], cookie["path"]) == ("zh-CN", True, "/")
    for accepted, heading in {"zh-TW,zh;q=0.9": "登录", "en-GB,en": "Sign in", "de,en;q=0.5,zh;q=0.7": "登录", "de": "登录", "": "登录"}.items():
        text = requests.get(f"{desk.web}/login", headers={"Accept-Language": accepted}, verify=str(house.ca_file), timeout=30).text
        assert f"<h1>{heading}</h1>" in text, accepted
        assert ("Password" in text) == (heading == "Sign in"), "one language at a time"


@pytest.mark.parametrize("path", ["/console/system", "/sessions"])
def test_who_signs_in_is_back_where_that_was(house, path):
    web, browser = house.addresses.web, browser_of(house)
    page = browser.get(f"{web}/login", params={"next": path}, timeout=30)
    form = {"name": "ye-zi", "password": PASSWORD, "role": "", "next": path, "form_token": form_token(page.text)}
    assert f'name="next" value="{path}"' in page.text
    assert browser.post(f"{web}/login", data=form, timeout=30, allow_redirects=False).headers["location"] == path


def test_the_address_that_somebody_came_to_is_where_the_sign_in_leads(house):
    page = browser_of(house).get(f"{house.addresses.web}/console/studies/1.2.3?q=name-of-a-patient", timeout=30)
    assert 'name="next" value="/console/studies/1.2.3"' in page.text
    assert "name-of-a-patient" not in page.text, "what was searched for stays behind"


@pytest.mark.parametrize("path", [
    "//evil.example", "https://evil.example/console/", "/\\evil.example", "/console//evil.example", "/console/../logout", "/logout",
    "/oidc/start", "/console/?q=x", "javascript:alert(1)", "/console/%0d%0aSet-Cookie:a=b", "/console/" + "a" * 600,
])
def test_no_link_leads_anywhere_else_behind_the_sign_in(house, path):
    web, browser = house.addresses.web, browser_of(house)
    page = browser.get(f"{web}/login", params={"next": path}, timeout=30)
    assert page.status_code == 200 and 'name="next"' not in page.text
    form = {"name": "ye-zi", "password": PASSWORD, "role": "", "next": path, "form_token": form_token(page.text)}
    answer = browser.post(f"{web}/login", data=form, timeout=30, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_who_was_signed_out_is_told_why(house):
    office, web = house.office, house.addresses.web
    token = office.sign_in("ye-zi")
    cookies = {SESSION_COOKIE: token}
    live = requests.get(f"{web}/login", cookies=cookies, verify=str(house.ca_file), timeout=30)
    assert 'role="status"' not in live.text, "a session that goes on is not called over"
    mine = office.api(token)
    for session in mine.get("/me/sessions"):
        mine.raw("DELETE", f"/me/sessions/{session['session']}")
    for path in ("/login", "/console/studies"):
        over = requests.get(f"{web}{path}", cookies=cookies, verify=str(house.ca_file), timeout=30)
        assert 'role="status"' in over.text and "会话已在别处结束" in over.text, path
    for unknown in ("A" * 43, "x"):
        answer = requests.get(f"{web}/login", cookies={SESSION_COOKIE: unknown}, verify=str(house.ca_file), timeout=30)
        assert 'role="status"' not in answer.text, "a token of nobody is told nothing"
    browser = browser_of(house)
    browser.cookies.set(SESSION_COOKIE, office.sign_in("ye-zi"), domain="127.0.0.1", path="/", secure=True)
    page = browser.get(f"{web}/studies", timeout=30)
    left = browser.post(f"{web}/logout", data={"form_token": form_token(page.text)}, timeout=30)
    assert left.url.endswith("/login?ended=left") and "您已退出登录" in left.text
