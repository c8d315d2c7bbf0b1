"""Consents on the screen of the security administrator: entered with their evidence, found again, withdrawn; and what opens by them."""

import re

import pytest

pytest.importorskip("playwright.sync_api")

SECURITY = "security-administrator"
PATIENT = "P20260044"


def test_a_consent_is_entered_with_its_evidence_found_and_withdrawn(ward, desk):
    office = ward.office
    office.security.put("/departments/lung-2026", {"name": "肺结节研究"}, 204)
    window = desk(SECURITY)
    page = window.go("consents")
    page.get_by_role("button", name="登记同意").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("项目").select_option("lung-2026")
    dialog.get_by_label("患者编号").fill(PATIENT)
    assert dialog.get_by_role("button", name="登记", exact=True).is_disabled(), "a consent that nothing shows is none"
    dialog.get_by_label("凭证所在").fill("知情同意书 2026-117，三号柜")
    assert window.axe() == []
    dialog.get_by_role("button", name="登记", exact=True).click()
    page.get_by_role("row", name="肺结节研究").wait_for()
    assert PATIENT not in page.content(), "here the patient is a pseudonym"
    [held] = office.security.get("/consents")
    assert (held["to"], held["project"], held["giver"], held["form"]) == ("research", "lung-2026", "patient", "paper")
    assert held["reference"] == "知情同意书 2026-117，三号柜" and held["withdrawn_ms"] is None

    page.get_by_role("searchbox").fill("三号柜")
    page.wait_for_url(re.compile("text="))
    page.get_by_role("row", name="肺结节研究").wait_for()
    page.get_by_role("searchbox").fill("nothing of the kind")
    page.get_by_text("没有符合条件的记录").wait_for()
    page.get_by_role("searchbox").fill("")
    page.get_by_role("row", name="肺结节研究").wait_for()

    page.get_by_role("button", name="撤回").click()
    page.get_by_role("dialog").get_by_text("患者无须说明理由").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="立即撤回").click()
    page.get_by_text("没有生效的同意").wait_for()
    assert office.security.get("/consents") == []
    page.get_by_role("button", name="含已结束").click()
    page.get_by_role("row", name="已撤回").wait_for()
    words = [leaf["reason"] for leaf in office.leaves(kind="administration", outcome="succeeded", actor=office.names[SECURITY])]
    assert {"enter-consent", "withdraw-consent"} <= set(words)


def test_nobody_else_has_the_screen(ward, desk):
    for role in ("clinician", "audit-administrator"):
        desk(role).go("consents").get_by_text("没有这个页面").wait_for()
