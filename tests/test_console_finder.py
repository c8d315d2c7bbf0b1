"""Ctrl K: screens, studies, people and devices from wherever one is, by the keyboard alone, and only what the person may have."""

import re

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def box_of(page):
    return page.get_by_role("combobox", name="查找页面、检查、人员与设备")


def opened(page):
    page.keyboard.press("Control+k")
    expect(box_of(page)).to_be_focused()
    return box_of(page)


def active(page):
    """The offer that Enter would take."""
    return page.get_by_role("listbox").get_by_role("option", selected=True)


def test_a_screen_is_reached_by_keys_and_focus_goes_back_where_it_was(ward, desk):
    window = desk("audit-administrator")
    page = window.go("overview")
    button = page.get_by_role("button", name="更改外观")
    button.focus()
    box = opened(page)
    listed = page.get_by_role("listbox").get_by_role("option")
    menu = page.locator("nav a[href^='/console/']:not([href='/console/'])")
    assert listed.count() == menu.count(), "every screen of the menu, and no other"
    assert window.axe() == []
    assert box.get_attribute("aria-activedescendant") == active(page).get_attribute("id"), "what a screen reader is told is what Enter takes"
    first = active(page).inner_text()
    page.keyboard.press("ArrowUp")
    assert active(page).inner_text() == listed.last.inner_text(), "around the end"
    page.keyboard.press("ArrowDown")
    assert active(page).inner_text() == first
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(button).to_be_focused()
    opened(page)
    page.keyboard.type("泄露")
    expect(active(page)).to_have_text("泄露溯源")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/console/leaks$"))
    expect(box_of(page)).to_have_count(0)


def test_a_study_is_typed_and_opened_and_from_there_the_next_one(ward, desk):
    window = desk("radiologist")
    searches = []
    window.page.on("request", lambda request: searches.append(request.url) if "/studies/search" in request.url else None)
    page = window.go("accesses")
    opened(page)
    page.keyboard.type("P20260001")
    study = page.get_by_role("option").filter(has_text="张三")
    study.wait_for()
    assert len([url for url in searches if "text=" in url]) < len("P20260001"), "not each letter is a record of the audit log"
    assert page.get_by_role("group", name="人员").count() == 0, "who may not list people is offered none"
    expect(active(page)).to_contain_text("张三")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/viewer/{re.escape(ward.studies[0])}"))
    page.locator("[data-testid=pane-1][data-shown]").wait_for()
    opened(page)
    page.keyboard.type("P20260107")
    page.get_by_role("option").filter(has_text="王建国").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/viewer/{re.escape(ward.studies[2])}"))


def test_people_and_devices_are_offered_to_who_lists_them_and_a_dialog_is_not_covered(ward, desk):
    ward.office.device("FINDERCT", plain_allowed=True)
    page = desk("system-administrator").go("people")
    page.get_by_role("button", name="查找页面、检查、人员与设备").click()
    expect(box_of(page)).to_be_focused()
    page.keyboard.type("FINDERCT")
    expect(active(page)).to_have_text("FINDERCT")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/devices\\?device=FINDERCT"))
    opened(page)
    page.keyboard.type(ward.names["radiologist"])
    expect(active(page)).to_contain_text(ward.names["radiologist"])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/people\\?person="))
    page.get_by_role("button", name="邀请人员").click()
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_have_count(1)
    expect(box_of(page)).to_have_count(0)
