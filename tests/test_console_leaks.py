"""Leak tracing on the screen of the audit administrator: a found picture is led back to its opening in plain words, and what leads nowhere is no error."""

import io
import re

import pytest
import requests
from PIL import Image

from yingdun_testkit import part10

expect = pytest.importorskip("playwright.sync_api").expect

AUDIT = "audit-administrator"
#: What a comparison may take while everything else runs.
TRACED_MS = 240_000


@pytest.fixture
def capture(ward):
    """A capture that a radiologist made: (its number, PNG)."""
    study = ward.studies[2]
    headers = {"Authorization": f"Bearer {ward.tokens['radiologist']}"}
    wanted = {"kind": "capture", "series": f"{study}.1", "instance": f"{study}.1.3", "window": "40,400", "side": 1024}
    answer = requests.post(f"{ward.installation.addresses.web}/api/v1/studies/{study}/copies", json=wanted, headers=headers, verify=str(ward.installation.ca_file), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.headers["Yingdun-Mark"], answer.content


def given(page, file: bytes, name="found.png"):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": file})
    page.get_by_alt_text("发现的图").wait_for()


def test_a_found_picture_is_led_back_to_its_opening_in_words_that_accuse_nobody(ward, desk, capture):
    number, file = capture
    window = desk(AUDIT)
    sent = []
    window.page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page = window.go("leaks")
    given(page, file, "leak 'of' ward.png")
    assert sent == [], "the picture stays here until it is asked about"
    page.get_by_label("可能是哪项检查").fill(ward.studies[2])
    page.get_by_role("button", name="溯源", exact=True).click()
    page.get_by_role("heading", name="对应一次已知的打开").wait_for(timeout=TRACED_MS)
    words = page.locator("main").inner_text()
    assert ward.names["radiologist"] in words and "标准差" in words and number in words and "制作截图或打印件" in words
    assert "可能来自" in words and f"不说明是 {ward.names['radiologist']} 拍摄或传出的" in words
    assert [re.sub(r".*/api", "/api", request.url).split("?")[0] for request in sent] == ["/api/v1/leaks/trace"], "once, and to nobody else"
    assert window.axe() == []
    page.get_by_role("button", name="复制为 CLI").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == f"yingdun leak trace 'leak '\\''of'\\'' ward.png' --study {ward.studies[2]}"
    page.get_by_role("link", name="查看审计记录").click()
    page.wait_for_url(re.compile("/audit"))
    page.get_by_text(ward.names["radiologist"]).first.wait_for()


def test_a_picture_of_nothing_and_a_file_that_is_none_are_told_so(ward, desk):
    page = desk(AUDIT).go("leaks")
    page.locator("input[type=file]").set_input_files({"name": "image.dcm", "mimeType": "application/dicom", "buffer": part10.file_bytes(part10.image())})
    page.get_by_role("alert").get_by_text("只接受 PNG 或 JPEG").wait_for()
    blank = io.BytesIO()
    Image.effect_noise((256, 256), 90).save(blank, "PNG")
    given(page, blank.getvalue())
    page.get_by_label("可能是哪项检查").fill("not a UID")
    page.get_by_role("button", name="溯源", exact=True).click()
    page.get_by_text("不是 UID").wait_for()
    page.get_by_label("可能是哪项检查").fill(ward.studies[3])
    page.get_by_role("button", name="溯源", exact=True).click()
    page.get_by_text("未对应").wait_for(timeout=TRACED_MS)
    assert page.locator("main [role=alert]").count() == 0, "an answer, and no error"
    assert page.get_by_role("link", name="查看审计记录").count() == 0


def test_a_number_is_looked_up_as_the_eye_reads_it(ward, desk, capture):
    number, _ = capture
    window = desk(AUDIT)
    page = window.go("leaks")
    page.get_by_label("水印编号").fill("WM-12")
    page.get_by_role("button", name="查找", exact=True).click()
    page.get_by_text("应为 12 位字母或数字").wait_for()
    page.get_by_label("水印编号").fill(number.lower().replace("-", " "))
    page.get_by_role("button", name="查找", exact=True).click()
    page.get_by_role("heading", name="对应一次已知的打开").wait_for()
    words = page.locator("main").inner_text()
    assert ward.names["radiologist"] in words and "可能被抄到别的图上" in words
    page.get_by_label("水印编号").fill("WM-0000-0000-0000")
    page.get_by_role("button", name="查找", exact=True).click()
    page.get_by_text("没有对应的打开").first.wait_for()
    expect(page.get_by_text(ward.names["radiologist"])).to_have_count(0)


def test_nobody_else_has_the_screen(ward, desk):
    for role in ("radiologist", "security-administrator"):
        desk(role).go("leaks").get_by_text("没有这个页面").wait_for()
