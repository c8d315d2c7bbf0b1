"""The console in a real browser: it is the one that was built, nobody gets it without signing in, it asks nobody else for anything, and it looks
the same to everybody in both languages."""

import re
import subprocess
from pathlib import Path

import pytest
import requests

from yingdun_testkit.administration import SESSION_COOKIE
from yingdun_testkit.installation import wait_until

expect = pytest.importorskip("playwright.sync_api").expect

CONSOLE = Path(__file__).resolve().parents[1] / "console"

#: `roles.clinician`, as it would stand there if the text were missing.
KEY = re.compile(r"[a-z][A-Za-z]*(\.[a-z][A-Za-z-]*)+")

ROLES = ["clinician", "radiologist", "chief", "technician", "system-administrator", "security-administrator", "audit-administrator"]


def test_nobody_gets_the_console_without_signing_in_and_its_files_tell_nothing(desk):
    stranger = desk(None)
    page = stranger.go("studies")
    assert page.locator("input[name=password]").count() == 1, "the sign-in form stands there instead"


def test_the_console_is_what_home_leads_to_and_its_page_may_do_little(ward):
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)
    cookies = {SESSION_COOKIE: ward.tokens["clinician"]}
    home = requests.get(f"{web}/", cookies=cookies, verify=ca, allow_redirects=False, timeout=30)
    assert (home.status_code, home.headers["location"]) == (303, "/console/")
    one, other = (requests.get(f"{web}/console/studies", cookies=cookies, verify=ca, timeout=30) for _ in range(2))
    policy = one.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy
    assert policy != other.headers["content-security-policy"], "each answer has a nonce of its own"
    assert one.headers["cache-control"] == "no-store"
    assert "__nonce__" not in one.text


def test_files_of_the_console_are_compressed_and_kept(ward):
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)
    page = requests.get(f"{web}/console/", cookies={SESSION_COOKIE: ward.tokens["clinician"]}, verify=ca, timeout=30)
    script = page.text.split('src="')[1].split('"')[0]
    sent = requests.get(f"{web}{script}", headers={"Accept-Encoding": "br"}, verify=ca, stream=True, timeout=30)
    assert sent.headers["content-encoding"] == "br" and "immutable" in sent.headers["cache-control"]
    plain = requests.get(f"{web}{script}", headers={"Accept-Encoding": "identity"}, verify=ca, timeout=30)
    assert "content-encoding" not in plain.headers and len(plain.content) > len(sent.raw.read())
    assert requests.get(f"{web}/console/assets/nothing.js", verify=ca, timeout=30).status_code == 404


def test_the_viewer_is_fetched_while_its_page_is_read(ward, desk):
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)
    asked = {"cookies": {SESSION_COOKIE: ward.tokens["clinician"]}, "verify": ca, "timeout": 30}
    link = re.fullmatch(r"<(/console/assets/Workspace-[\w-]+\.js)>; rel=preload; as=script; crossorigin", requests.get(f"{web}/console/viewer/1.2", **asked).headers["link"])
    assert requests.get(f"{web}{link[1]}", verify=ca, timeout=30).status_code == 200
    assert "link" not in requests.get(f"{web}/console/studies", **asked).headers, "elsewhere nobody needs it yet"
    window, fetched = desk("clinician"), []
    window.page.on("request", lambda request: fetched.append(request.url))
    window.go(f"viewer/{ward.studies[0]}")
    assert fetched.count(f"{web}{link[1]}") == 1, "the module that is used is the one that was fetched"
    window.check()


def test_the_types_of_the_console_are_those_of_the_served_description(ward, tmp_path):
    """A route that changes its shape has to change the screens that use it: `script/console types` makes the file anew."""
    if not (CONSOLE / "node_modules" / "openapi-typescript").is_dir():
        pytest.skip("the packages of the console are not installed (script/console build)")
    served = requests.get(f"{ward.installation.addresses.web}/api/openapi.json", verify=str(ward.installation.ca_file), timeout=30)
    described = tmp_path / "openapi.json"
    described.write_text(served.text)
    checked = subprocess.run(["node", "tools/types.mjs", described, "--check"], cwd=CONSOLE, capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0, checked.stderr


def test_a_session_in_a_cookie_counts_for_pages_of_this_origin_only(ward):
    web, ca = ward.installation.addresses.web, str(ward.installation.ca_file)

    def ask(method="GET", path="/api/v1/me", **headers):
        cookies = {SESSION_COOKIE: ward.tokens["clinician"]}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, f"{web}{path}", cookies=cookies, headers=headers, verify=ca, timeout=30).status_code

    assert ask(Sec_Fetch_Site="same-origin") == 200
    for site in ("same-site", "cross-site", "none", ""):
        assert ask(Sec_Fetch_Site=site) == 401, site
    assert ask() == 401
    # What changes something has to name its origin besides: here somebody's session that is not there.
    gone = "/api/v1/me/sessions/0000000000000000"
    assert ask("DELETE", gone, Sec_Fetch_Site="same-origin", Origin=web) == 404
    assert ask("DELETE", gone, Sec_Fetch_Site="same-origin") == 401
    assert ask("DELETE", gone, Sec_Fetch_Site="same-origin", Origin="https://elsewhere.example") == 401


def test_a_clinician_finds_a_patient_by_initials_and_sees_the_picture(desk):
    page = desk("clinician").go("")
    page.keyboard.type("zs")
    row = page.get_by_role("row").filter(has_text="张三")
    row.wait_for()
    expect(page.locator("[role=rowgroup] [role=row]")).to_have_count(1)
    assert "text=zs" in page.url
    row.click()
    picture = page.locator("aside img")
    picture.wait_for()
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") > 100, "a picture of the study")


def test_the_table_is_worked_by_keyboard_and_gives_exactly_its_rows(desk):
    page = desk("radiologist").go("studies")
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    selected = page.locator("[role=row][aria-selected=true]")
    expect(selected).to_have_count(1)
    assert grid.get_attribute("aria-activedescendant") == selected.get_attribute("id")
    rows = page.locator("[role=rowgroup] [role=row]").count()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == rows + 1 and any("张三" in line for line in lines)


def test_language_and_theme_change_without_loading_and_stay(desk):
    page = desk("clinician").go("studies")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", level=1, name="Studies").wait_for()
    assert page.evaluate("window.sameDocument") is True and page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    page.get_by_role("heading", level=1, name="Studies").wait_for()


def test_who_signs_out_sees_nothing_any_more(ward, desk):
    token = ward.office.person_token("leaves-early", "radiologist")
    window = desk(None)
    window.sign_in(token)
    page = window.go("studies")
    page.get_by_role("button", name="leaves-early").click()
    page.get_by_role("menuitem", name="退出登录").click()
    page.locator("input[name=password]").wait_for()
    window.go("studies")
    assert page.locator("input[name=password]").count() == 1


def test_a_session_that_ends_elsewhere_takes_the_screen_with_it(ward, desk):
    token = ward.office.person_token("ends-elsewhere", "radiologist")
    window = desk(None)
    window.sign_in(token)
    page = window.go("studies")
    page.get_by_text("张三").first.wait_for()
    ward.office.system.delete("/people/ends-elsewhere/sessions", 200)
    page.get_by_role("searchbox").fill("wang")
    page.get_by_role("heading", name="会话已结束").wait_for()
    assert page.get_by_text("张三").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_screen_is_accessible_and_fits_its_window(desk, language, theme):
    """Every screen, by the first role that has it: no violation of WCAG 2.2 AA, nothing wider than the window, no key in place of a text."""
    found, seen = [], set()
    for role in ROLES:
        window = desk(role, language=language, theme=theme)
        page = window.go("")
        places = page.eval_on_selector_all("nav a[href^='/console/']", "links => links.map((link) => link.getAttribute('href'))")
        for place in sorted({place.removeprefix("/console/") for place in places} - {""} - seen):
            seen.add(place)
            window.go(place)
            found += [f"{role} {place}: {fault}" for fault in window.axe()]
            found += [f"{role} {place}: a key in place of a text: {word}" for word in page.locator("body").inner_text().split() if KEY.fullmatch(word)]
            for width in (390, 1280, 1440, 1920):
                page.set_viewport_size({"width": width, "height": 900})
                if window.overflow() > 0:
                    found.append(f"{role} {place}: {window.overflow()} px too wide at {width}")
            page.set_viewport_size({"width": 1440, "height": 900})
    assert found == []
