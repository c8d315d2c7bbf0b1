"""Adding a device in the console: it called in vain, it is on the list, and three moves let it in. The devices are DCMTK's."""

import functools

import pytest

from yingdun_testkit.dcmtk import Peer
from yingdun_testkit.installation import wait_until

expect = pytest.importorskip("playwright.sync_api").expect

SYSTEM, SECURITY = "system-administrator", "security-administrator"
#: A list that looks every five seconds, on a machine that is busy.
SOON_MS = 20_000


@functools.cache
def device(ward, title, name=None) -> Peer:
    """A device with a certificate of the archive that nobody has registered, or with the certificate of another."""
    identity = ward.installation.issue_certificate(name or title)
    return Peer(title, identity=identity, ca_file=str(ward.installation.ca_file))


def calls(ward, peer) -> bool:
    """Whether it was let in and answered."""
    said = peer.echo(ward.installation.addresses.dicom_tls).stdout
    assert "Association Accepted" in said or "Association Rejected" in said, said
    return "Received Echo Response" in said


def plain(ward, title) -> bool:
    return "Received Echo Response" in Peer(title).echo(ward.installation.addresses.dicom_plain).stdout


def row_of(page, title):
    return page.get_by_role("list", name="等待登记的设备").get_by_role("listitem").filter(has_text=title)


def test_a_device_is_added_in_three_moves_and_answers(ward, desk):
    ct = device(ward, "CTNEW1")
    assert not calls(ward, ct)
    count = wait_until(lambda: len(ward.office.system.get("/waiting-devices")["waiting"]), "somebody waits")
    page = desk(SYSTEM).go("system")
    entry = page.get_by_role("link", name="设备")
    expect(entry).to_contain_text(str(count), timeout=SOON_MS)

    entry.click()
    page.get_by_role("button", name="批准 CTNEW1").click()
    dialog = page.get_by_role("dialog", name="批准 CTNEW1")
    shown = "".join(dialog.locator("code").inner_text().split())
    assert shown.lower() == ct.identity["sha256"], "all of it is there to be compared"
    expect(dialog.get_by_label("来源地址")).to_have_value("127.0.0.1")
    dialog.get_by_role("button", name="指纹相符，登记").click()

    page.get_by_role("status").filter(has_text="CTNEW1 已登记").wait_for()
    page.get_by_role("row", name="CTNEW1").wait_for()
    assert calls(ward, ct)
    expect(row_of(page, "CTNEW1")).to_have_count(0)
    devices = {one["ae_title"]: one for one in ward.office.system.get("/devices")}
    assert devices["CTNEW1"]["certificate_sha256"] == ct.identity["sha256"]
    assert devices["CTNEW1"]["addresses"] == ["127.0.0.1/32"] and not devices["CTNEW1"]["plain_allowed"]


def test_a_device_is_added_by_keyboard_alone(ward, desk):
    ct = device(ward, "CTNEW2")
    assert not calls(ward, ct)
    page = desk(SYSTEM).go("devices")
    page.get_by_role("button", name="批准 CTNEW2").wait_for(timeout=SOON_MS)
    for _ in range(60):
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "批准 CTNEW2":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="批准 CTNEW2")
    dialog.wait_for()
    for _ in range(20):
        if page.evaluate("document.activeElement.innerText") == "指纹相符，登记":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    wait_until(lambda: calls(ward, ct), "it is let in")


def test_a_plain_device_needs_a_tick_and_a_dismissed_one_comes_back(ward, desk):
    assert not plain(ward, "XRNEW3")
    page = desk(SYSTEM).go("devices")
    row = row_of(page, "XRNEW3")
    row.get_by_role("button", name="忽略 XRNEW3").click(timeout=SOON_MS)
    page.get_by_role("status").filter(has_text="XRNEW3 在 30 天内不再显示").wait_for()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="撤销").click()
    row.get_by_role("button", name="忽略 XRNEW3").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="显示已忽略的").click()
    row.get_by_role("button", name="恢复显示 XRNEW3").click()

    row.get_by_role("button", name="批准 XRNEW3").click()
    dialog = page.get_by_role("dialog", name="批准 XRNEW3")
    expect(dialog.get_by_role("button", name="以明文登记")).to_be_disabled()
    dialog.get_by_label("允许不经 TLS 连接").check()
    dialog.get_by_role("button", name="以明文登记").click()
    dialog.wait_for(state="hidden")
    assert plain(ward, "XRNEW3")


def test_a_renewed_certificate_is_compared_with_the_record_and_changed_there(ward, desk):
    before, after = device(ward, "CTNEW4"), device(ward, "CTNEW4", "CTNEW4-renewed")
    ward.office.device("CTNEW4", certificate_sha256=before.identity["sha256"], addresses=["127.0.0.1"])
    assert calls(ward, before) and not calls(ward, after)
    page = desk(SYSTEM).go("devices")
    row = row_of(page, "CTNEW4")
    expect(row).to_contain_text("证书与登记的不同", timeout=SOON_MS)
    assert row.get_by_role("button", name="批准").count() == 0, "who uses a known name is not let in by one press"
    row.get_by_role("button", name="核对并修改记录：CTNEW4").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("证书")).to_have_value(after.identity["sha256"])
    dialog.get_by_role("button", name="保存").click()
    dialog.wait_for(state="hidden")
    assert calls(ward, after) and not calls(ward, before)
    expect(row).to_contain_text("证书与登记的不同", timeout=SOON_MS)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_list_and_its_dialog_are_for_everybody_and_fit_a_phone(ward, desk, language, theme):
    assert not calls(ward, device(ward, "CTNEW5"))
    name = {"zh-CN": "批准 CTNEW5", "en": "Approve CTNEW5"}[language]
    for width in (1440, 390):
        window = desk(SYSTEM, language=language, theme=theme, width=width)
        page = window.go("devices")
        page.get_by_role("button", name=name).wait_for(timeout=SOON_MS)
        assert window.overflow() == 0 and window.axe() == []
        page.get_by_role("button", name=name).click()
        page.get_by_role("dialog", name=name).wait_for()
        assert window.overflow() == 0 and window.axe() == []


def test_who_does_not_register_devices_sees_none_of_it(ward, desk):
    assert not calls(ward, device(ward, "CTNEW6"))
    # Who registers them sees it: then there is something to be seen.
    window = desk(SYSTEM)
    row_of(window.go("devices"), "CTNEW6").wait_for(timeout=SOON_MS)
    other, asked = desk(SECURITY), []
    other.page.on("request", lambda request: asked.append(request.url) if "/waiting-devices" in request.url else None)
    page = other.go("devices")
    page.get_by_role("grid").wait_for()
    other.rest()
    assert page.get_by_text("等待登记").count() == 0 and asked == [], "it is not even asked for"
    page = window.page
    page.get_by_text("怎样让新设备出现在这里").click()
    port = ward.installation.addresses.dicom_tls[1]
    page.get_by_text(f"127.0.0.1:{port}", exact=True).wait_for()
