"""Triage in three moves: an alert, what was found, and its account is frozen; the person reads whom to call, and another office lifts it."""

import re

import pytest

from yingdun_testkit.administration import PASSWORD

expect = pytest.importorskip("playwright.sync_api").expect

EMERGENCY = {"code": "other", "reason": "代班接诊", "password": PASSWORD}


def test_from_the_alert_to_a_frozen_account_in_three_moves_and_back_by_another(ward, desk):
    office = ward.office
    token = office.person_token("hao-lan", "clinician")
    office.api(token).post("/break-glass", {**EMERGENCY, "patient_id": "P20260130"}, 201)
    theirs = desk(None)
    theirs.sign_in(token)
    page = theirs.go("accesses")
    page.get_by_role("button", name="hao-lan").wait_for()

    window = desk("audit-administrator")
    audit = window.go("alerts?show=new")
    audit.locator("[role=rowgroup] [role=row]").filter(has_text="hao-lan").first.click()
    side = audit.locator("aside")
    side.get_by_role("button", name="属实").click()
    audit.get_by_role("dialog").get_by_role("button", name="确认告警").click()
    audit.get_by_role("dialog").wait_for(state="detached")
    audit = window.go(re.sub(r".*/console/", "", audit.url).replace("show=new", "show="))
    side = audit.locator("aside")
    side.get_by_role("button", name="冻结账户").click()
    dialog = audit.get_by_role("dialog", name="冻结 hao-lan 的账户")
    assert "全部会话立即结束" in dialog.inner_text() and "急救由同事打开" in dialog.inner_text() and "您不能" in dialog.inner_text()
    assert dialog.get_by_role("button", name="立即冻结").is_disabled(), "not without a reason"
    dialog.get_by_label("理由").fill("夜间批量查看，本人电话不在岗")
    assert window.axe() == []
    dialog.get_by_role("button", name="立即冻结").click()
    dialog.wait_for(state="detached")
    side.get_by_text("已冻结").first.wait_for()
    assert side.get_by_role("button", name="冻结账户").count() == 0 and side.get_by_role("button", name="解除阻断").count() == 0

    page.reload()
    page.locator("input[name=password]").wait_for()
    page.fill("input[name=name]", "hao-lan")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.get_by_text("请致电安全管理员").wait_for()

    [frozen] = [row for row in office.audit.get("/alerts") if (row["name"], row["kind"]) == ("hao-lan", "account-frozen")]
    security = desk("security-administrator").go(f"alerts?alert={frozen['alert']}")
    security.get_by_role("link", name="查看起因告警").wait_for()
    assert security.get_by_role("button", name="冻结账户").count() == 0, "to freeze and to lift are two offices"
    security.get_by_role("button", name="解除阻断").click()
    security.get_by_role("dialog").get_by_text("与本人及其科室核实").wait_for()
    security.get_by_role("dialog").get_by_role("button", name="解除阻断").click()
    security.get_by_role("dialog").wait_for(state="detached")
    expect(security.get_by_role("button", name="解除阻断")).to_have_count(0)
    office.sign_in("hao-lan")
