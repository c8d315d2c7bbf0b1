"""How studies hang in the viewer, the keyboard with keys of one's own, lines of reference and crosshairs, in a real browser."""

import json
import re

import pytest
from playwright.sync_api import expect

from yingdun_testkit import hangings, reading

#: Where the bright part of a pane's picture has its middle, from the left (0) to the right (1), of its bright columns.
MIDDLE = """(pane) => {
  const canvas = document.querySelector(`[data-testid=${pane}] canvas`);
  const { data } = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1);
  let sum = 0, count = 0;
  for (let x = 0; x < canvas.width; x += 1) if (data[4 * x] > 128) { sum += x; count += 1; }
  return count ? sum / count / canvas.width : -1;
}"""

#: What lies at a place of a pane's picture, from black (0) to white (255).
VALUE = """([pane, x, y]) => {
  const canvas = document.querySelector(`[data-testid=${pane}] canvas`);
  return canvas.getContext('2d').getImageData(Math.floor(canvas.width * x), Math.floor(canvas.height * y), 1, 1).data[0];
}"""

#: What is closed fades for longer than a test lasts, where motion is wanted.
LINGERS = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('[role=menu][data-ending-style] { transition: opacity 30s; opacity: 0.1 }');
  document.adoptedStyleSheets.push(sheet);
}"""


@pytest.fixture(scope="module")
def hung(ward):
    """Studies of many kinds."""
    hangings.store(ward)
    reading.store(ward, reading.LONG, slices=60, date="20261120", description="胸部CT薄层")
    reading.store(ward, reading.EARLIER, slices=40, date="20250611", description="胸部CT复查")


def look(window, study, panes=1):
    """Opens a study and waits until its panes have their pictures."""
    window.page.goto(f"{window.web}/console/viewer/{study}")
    for number in range(1, panes + 1):
        window.page.locator(f"[data-testid=pane-{number}][data-shown]").wait_for()
    return window.page


def hangs(page, name):
    """Waits until the study hangs by a protocol, `none` by none."""
    page.locator(f"[data-hanging='{name}']").wait_for()


def choose(page, name):
    """By the keyboard alone: H, and the digit that stands before it."""
    page.keyboard.press("h")
    item = page.locator(f"[role=menuitem][data-protocol='{name}']")
    item.wait_for()
    page.keyboard.press(item.locator("kbd").inner_text())
    page.get_by_role("menu").wait_for(state="detached")


def pane(page, number):
    return page.locator(f"[data-testid=pane-{number}]")


def wait_window(page, number, center, width):
    pane(page, number).locator(f"[data-window='{center}/{width}']").wait_for()


def wait_slice(page, number, slice_number):
    pane(page, number).locator(f"[data-slice='{slice_number}']").wait_for()


# === hanging ===


def test_a_chest_hangs_in_two_windows_that_scroll_together(desk, ward, hung):
    page = look(desk("clinician"), ward.studies[0], 2)
    hangs(page, "ctChest")
    assert "胸部CT双窗" in page.locator("[data-hanging]").inner_text()
    wait_window(page, 1, 40, 350)
    wait_window(page, 2, -600, 1500)
    page.keyboard.press("End")
    wait_slice(page, 1, 24)
    wait_slice(page, 2, 24)
    # The one whose keys count is marked, and another takes over.
    assert pane(page, 1).get_attribute("data-active") == "true" and pane(page, 2).get_attribute("data-active") is None
    page.keyboard.press("e")
    expect(pane(page, 2)).to_have_attribute("data-active", "true")
    page.keyboard.press("Home")
    wait_slice(page, 1, 1)


def test_another_protocol_takes_one_keystroke_and_is_remembered_for_person_and_modality(desk, ward, hung):
    window = desk("clinician")
    page = look(window, ward.studies[0], 2)
    choose(page, "single")
    hangs(page, "single")
    expect(pane(page, 2)).to_have_count(0)
    look(window, ward.studies[1])
    hangs(page, "single")
    # Not for another modality, and not for somebody else who reads here.
    look(window, hangings.BREASTS, 4)
    hangs(page, "mammography")
    window.sign_in(ward.tokens["radiologist"])
    look(window, ward.studies[0], 2)
    hangs(page, "ctChest")
    window.sign_in(ward.tokens["clinician"])
    look(window, ward.studies[0])
    hangs(page, "single")
    choose(page, "auto")
    hangs(page, "ctChest")
    look(window, ward.studies[0], 2)
    hangs(page, "ctChest")


def test_what_is_remembered_and_makes_no_sense_is_left(desk, ward, hung):
    window = desk("clinician")
    name = ward.names["clinician"]
    for nonsense in ("{", "[]", '{"CT": "no such"}', '{"CT": 7}', '{"CT": "mammography"}', "null"):
        window.page.goto(f"{window.web}/console/studies")
        window.page.evaluate("([key, value]) => localStorage.setItem(key, value)", [f"yingdun.viewer.hanging:{name}", nonsense])
        look(window, ward.studies[0], 2)
        hangs(window.page, "ctChest")


def test_what_people_wrote_counts_and_not_what_the_machine_was_left_at(desk, hung):
    page = look(desk("clinician"), hangings.HEAD, 2)
    hangs(page, "ctHead")
    wait_window(page, 1, 40, 80)
    wait_window(page, 2, 450, 1800)


def test_breasts_hang_face_to_face_however_they_were_taken(desk, hung):
    page = look(desk("clinician"), hangings.BREASTS, 4)
    hangs(page, "mammography")
    for number, words in enumerate(("R CC", "L CC", "R MLO", "L MLO"), 1):
        assert words in pane(page, number).inner_text()
    # The chest walls meet in the middle.
    becomes(page, lambda: page.evaluate(MIDDLE, "pane-1") > 0.5 and page.evaluate(MIDDLE, "pane-3") > 0.5)
    becomes(page, lambda: -1 < page.evaluate(MIDDLE, "pane-2") < 0.5 and -1 < page.evaluate(MIDDLE, "pane-4") < 0.5)


def test_sides_of_a_projection_are_named_as_it_says_and_else_not_at_all(desk, hung):
    page = look(desk("clinician"), hangings.BREASTS, 4)
    sides = lambda number: [word for word in pane(page, number).locator(".viewer-overlay > span").all_inner_texts() if word]  # noqa: E731
    # Of right CC the rows point back, and its columns to the left side.
    assert sides(1) == ["A", "P", "R", "L"]
    # The left oblique was turned round, and says so.
    assert sides(2) == ["P", "A", "L", "R"] and sides(4) == ["P", "A", "H", "F"]
    page = look(desk("clinician"), hangings.FILM, 2)
    assert [word for word in pane(page, 1).locator(".viewer-overlay > span").all_inner_texts() if word] == []


def test_a_film_of_the_chest_hangs_from_the_front_and_from_the_side(desk, hung):
    page = look(desk("clinician"), hangings.FILM, 2)
    hangs(page, "chestPair")
    # The lateral view was taken first.
    wait_slice(page, 1, 2)
    wait_slice(page, 2, 1)


def test_no_study_is_opened_that_nobody_asked_for(desk, hung):
    window = desk("clinician")
    asked = []
    window.page.on("request", lambda request: asked.append(request.url))
    page = look(window, hangings.FILM, 2)
    page.get_by_title("并排对比此检查").first.wait_for()
    page.keyboard.press("h")
    page.get_by_role("menu").wait_for()
    page.keyboard.press("Escape")
    window.rest()
    assert [url for url in asked if f"{hangings.EARLIER_FILM}" in url] == []
    choose(page, "chestPrior")
    for number in range(1, 5):
        page.locator(f"[data-testid=pane-{number}][data-shown]").wait_for()
    hangs(page, "chestPrior")
    # Front beside front, side beside side; the earlier one on the right.
    for number, (slice_number, date) in enumerate([(2, "2026-11-19"), (2, "2025-03-02"), (1, "2026-11-19"), (1, "2025-03-02")], 1):
        wait_slice(page, number, slice_number)
        assert date in pane(page, number).inner_text()
    assert [url for url in asked if f"{hangings.EARLIER_FILM}/series" in url] != []
    # Who wants it so has it the next time.
    look(window, hangings.FILM, 2)
    hangs(page, "chestPrior")
    page.keyboard.press("c")
    hangs(page, "chestPair")


def test_keys_count_again_from_the_moment_a_menu_is_closed(desk, hung):
    page = look(desk("clinician"), hangings.FILM, 2)
    page.get_by_title("并排对比此检查").first.wait_for()
    # On a slow machine what was closed is there for a while, and the keyboard with it.
    page.emulate_media(reduced_motion="no-preference")
    page.evaluate(LINGERS)
    page.keyboard.press("h")
    page.locator("[role=menu][data-open]:focus-within").wait_for()
    page.keyboard.press("Escape")
    page.locator("[role=menu][data-closed]:focus-within").wait_for()
    before = page.evaluate(VALUE, ["pane-1", 0.5, 0.5])
    page.keyboard.press("i")
    becomes(page, lambda: page.evaluate(VALUE, ["pane-1", 0.5, 0.5]) < before - 100)
    page.keyboard.press("h")
    item = page.locator("[role=menu][data-open] [data-protocol=chestPrior]")
    item.wait_for()
    page.keyboard.press(item.locator("kbd").inner_text())
    hangs(page, "chestPrior")


def test_slices_across_each_other_show_where_they_lie_and_do_not_follow(desk, hung):
    page = look(desk("clinician"), hangings.SPINE, 3)
    hangs(page, "mrSpine")
    line = pane(page, 3).locator("[data-testid=reference-line]")
    line.wait_for(state="attached")
    before = float(line.get_attribute("x1"))
    assert before == float(line.get_attribute("x2")), "a sagittal slice goes through an axial one from top to bottom"
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    wait_slice(page, 1, 5)
    wait_slice(page, 2, 5)
    wait_slice(page, 3, 1)
    # Four slices of 4 mm to the left of the patient: as many pixels as the pane is large.
    box = pane(page, 3).locator("canvas").bounding_box()
    becomes(page, lambda: abs(float(line.get_attribute("x1")) - before - 16 * box["height"] / 256) < 1.5)
    assert pane(page, 2).locator("[data-testid=reference-line]").count() == 0, "slices beside each other do not cut"
    page.keyboard.press("Shift+T")
    expect(line).to_have_count(0)
    page.keyboard.press("Shift+T")
    line.wait_for(state="attached")
    # The other way round: the axial slice in the sagittal ones.
    page.keyboard.press("e")
    page.keyboard.press("e")
    across = pane(page, 1).locator("[data-testid=reference-line]")
    across.wait_for(state="attached")
    assert abs(float(across.get_attribute("y1")) - float(across.get_attribute("y2"))) < 0.5


def test_a_film_of_an_ultrasound_plays_unless_motion_is_not_wanted(desk, hung):
    window = desk("clinician")
    page = look(window, hangings.CLIP)
    hangs(page, "ultrasound")
    page.wait_for_timeout(700)
    wait_slice(page, 1, 1)
    page.emulate_media(reduced_motion="no-preference")
    look(window, hangings.CLIP)
    becomes(page, lambda: int(pane(page, 1).locator("[data-slice]").get_attribute("data-slice")) > 3)
    page.keyboard.press("Space")


def test_a_series_is_dragged_into_a_pane(desk, hung):
    page = look(desk("clinician"), hangings.SPINE, 3)
    page.get_by_role("button", name="t2_tse_tra").drag_to(pane(page, 1))
    page.get_by_role("region", name="窗格 1").get_by_text("t2_tse_tra").wait_for()
    hangs(page, "none")
    expect(pane(page, 1)).to_have_attribute("data-active", "true")
    # By key: the one before it in the study.
    page.keyboard.press("PageUp")
    page.get_by_role("region", name="窗格 1").get_by_text("t1_tse_sag").wait_for()


def test_two_panes_of_one_series_fetch_each_slice_once(desk, hung):
    window = desk("clinician")
    asked = []
    window.page.on("request", lambda request: asked.append(request.url) if "/frames/" in request.url else None)
    page = look(window, reading.LONG, 2)
    hangs(page, "ctChest")
    becomes(page, lambda: len(set(asked)) == 60)
    window.rest()
    assert len(asked) == 60


def test_in_a_narrow_window_one_pane_hangs(desk, ward, hung):
    window = desk("clinician", width=390)
    page = look(window, ward.studies[0])
    hangs(page, "ctChest")
    wait_window(page, 1, 40, 350)
    expect(pane(page, 2)).to_have_count(0)
    choose(page, "single")
    wait_window(page, 1, 40, 400)
    choose(page, "ctChest")
    wait_window(page, 1, 40, 350)
    expect(pane(page, 2)).to_have_count(0)
    # The keyboard is with the picture again.
    page.keyboard.press("ArrowDown")
    wait_slice(page, 1, 2)
    page.keyboard.press("Space")
    becomes(page, lambda: int(pane(page, 1).locator("[data-slice]").get_attribute("data-slice")) > 3)
    assert window.overflow() == 0


# === keyboard ===


def test_pictures_are_turned_fitted_and_put_back_by_keys(desk, hung):
    page = look(desk("clinician"), hangings.BREASTS, 4)
    becomes(page, lambda: page.evaluate(MIDDLE, "pane-1") > 0.5)
    page.keyboard.press("x")
    becomes(page, lambda: -1 < page.evaluate(MIDDLE, "pane-1") < 0.5)
    page.keyboard.press("0")
    becomes(page, lambda: page.evaluate(MIDDLE, "pane-1") > 0.5)
    page.keyboard.press("z")
    box = pane(page, 1).bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0], middle[1] - 80, steps=4)
    page.mouse.up()
    zoom = pane(page, 1).get_by_text(re.compile("缩放"))
    becomes(page, lambda: zoom.inner_text() != "缩放 100%")
    page.keyboard.press("i")
    page.keyboard.press("f")
    expect(zoom).to_have_text("缩放 100%")
    # Fitting leaves the picture as bright as it was.
    becomes(page, lambda: page.evaluate(VALUE, ["pane-1", 0.4, 0.05]) > 200)
    page.keyboard.press("i")
    page.keyboard.press("y")
    page.keyboard.press("r")
    page.keyboard.press("0")
    becomes(page, lambda: page.evaluate(MIDDLE, "pane-1") > 0.5)


def test_keys_lead_to_other_studies_of_the_patient(desk, hung):
    page = look(desk("clinician"), reading.LONG, 2)
    page.get_by_title("并排对比此检查").wait_for()
    page.keyboard.press("Control+ArrowDown")
    hangs(page, "ctChestPrior")
    page.locator("[data-testid=pane-4][data-shown]").wait_for()
    assert "2025-06-11" in pane(page, 2).inner_text()
    # There is none before that.
    page.keyboard.press("Control+ArrowDown")
    page.get_by_text("没有可对比的既往检查").wait_for()
    page.get_by_role("button", name="知道了").click()
    # Whichever leads, the other follows from where it stands.
    page.keyboard.press("e")
    page.keyboard.press("ArrowDown")
    for number in range(1, 5):
        wait_slice(page, number, 2)
    page.keyboard.press("c")
    hangs(page, "ctChest")
    page.keyboard.press("Control+ArrowRight")
    page.get_by_text("没有较晚的检查").wait_for()
    page.keyboard.press("Control+ArrowLeft")
    page.wait_for_url(f"**/viewer/{reading.EARLIER}")
    page.locator("[data-testid=pane-1][data-shown]").filter(has_text="2025-06-11").wait_for()
    page.get_by_title("并排对比此检查").wait_for()
    page.keyboard.press("Control+ArrowRight")
    page.wait_for_url(f"**/viewer/{reading.LONG}")
    page.keyboard.press("Backspace")
    page.wait_for_url("**/console/studies")


def test_no_key_works_while_something_is_being_typed(desk, ward, hung):
    page = look(desk("clinician"), ward.studies[0], 2)
    before = page.evaluate(VALUE, ["pane-1", 0.5, 0.5])
    for make in ("document.createElement('input')", "document.createElement('textarea')", "Object.assign(document.createElement('div'), { contentEditable: 'true' })"):
        page.evaluate(f"() => {{ const made = {make}; made.id = 'typed'; document.body.append(made); made.focus(); }}")
        page.keyboard.type("i5hxm0g")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Backspace")
        page.evaluate("document.getElementById('typed').remove()")
    page.wait_for_timeout(300)
    assert page.evaluate(VALUE, ["pane-1", 0.5, 0.5]) == before
    wait_slice(page, 1, 1)
    wait_window(page, 1, 40, 350)
    hangs(page, "ctChest")
    page.keyboard.press("ArrowDown")
    wait_slice(page, 1, 2)


def test_a_person_changes_keys_by_keyboard_alone(desk, ward, hung):
    window = desk("clinician")
    page = look(window, ward.studies[0], 2)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    reach(page, lambda: page.evaluate("document.activeElement?.textContent") == "更改快捷键")
    page.keyboard.press("Enter")
    reach(page, lambda: focused_command(page) == "invert")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="按新的键").wait_for()
    page.keyboard.press("w")
    # It is taken; nothing has changed.
    alert = page.get_by_role("alert")
    assert "W 已用于“调窗”" in alert.inner_text()
    page.locator("[data-command=invert]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("F5")
    assert "F5 由浏览器" in page.get_by_role("alert").inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("u")
    expect(page.locator("[data-command=invert] kbd")).to_have_text("U")
    assert "默认 I" in page.get_by_role("dialog").inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert_inverts(page, "u", "i")
    # It stays so for this person, and for nobody else.
    look(window, ward.studies[0], 2)
    assert_inverts(page, "u", "i")
    assert page.get_by_role("button", name="反相").get_attribute("title") == "反相 (U)"
    window.sign_in(ward.tokens["radiologist"])
    look(window, ward.studies[0], 2)
    assert_inverts(page, "i", "u")


def test_keys_change_places_and_go_and_come_as_a_file(desk, ward, hung):
    window = desk("clinician")
    page = look(window, ward.studies[0], 2)
    edit_keys(page)
    page.locator("[data-command=invert]").click()
    page.keyboard.press("w")
    page.get_by_role("button", name="互换").click()
    expect(page.locator("[data-command=invert] kbd")).to_have_text("W")
    expect(page.locator("[data-command=window] kbd")).to_have_text("I")
    with page.expect_download() as kept:
        page.get_by_role("button", name="导出").click()
    content = kept.value.path().read_text()
    assert json.loads(content) == {"yingdun-viewer-keys": 1, "keys": {"window": "KeyI", "invert": "KeyW"}}
    page.get_by_role("button", name="恢复默认").click()
    expect(page.locator("[data-command=invert] kbd")).to_have_text("I")
    bring = lambda text: page.get_by_label("导入").last.set_input_files({"name": "k.json", "mimeType": "application/json", "buffer": text.encode()})  # noqa: E731
    refused = {
        "{": "这不是快捷键文件",
        '{"yingdun-viewer-keys": 1, "keys": {"explode": "KeyJ"}}': "未知的命令“explode”",
        '{"yingdun-viewer-keys": 1, "keys": {"invert": "KeyJ", "cine": "KeyJ"}}': "J 已用于“反相”",
        '{"yingdun-viewer-keys": 1, "keys": {"invert": "Control+KeyT"}}': "由浏览器",
        " " * 70_000: "文件过大",
    }
    for text, said in refused.items():
        bring(text)
        page.get_by_role("alert").get_by_text(said).wait_for()
        expect(page.locator("[data-command=invert] kbd")).to_have_text("I")
    bring(content)
    page.get_by_text("已导入").wait_for()
    expect(page.locator("[data-command=invert] kbd")).to_have_text("W")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert_inverts(page, "w", "i")


def test_buttons_say_the_keys_of_who_reads(desk, hung):
    page = look(desk("radiologist"), reading.LONG, 2)
    button = lambda name: page.get_by_role("button", name=name, exact=True)  # noqa: E731
    assert [button(name).get_attribute("aria-keyshortcuts") for name in ("调窗", "标记 / 取消标记关键图像", "删除测量", "受控打印", "快捷键")] == ["W", "K", "Delete", "Control+P", "?"]
    edit_keys(page)
    mine = {"keyImage": "BracketRight", "cine": "Control+ArrowUp", "preset1": "Shift+KeyU", "preset2": "", "invert": ""}
    page.get_by_label("导入").last.set_input_files({"name": "k.json", "mimeType": "application/json", "buffer": json.dumps({"yingdun-viewer-keys": 1, "keys": mine}).encode()})
    page.get_by_text("已导入").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    expect(button("标记 / 取消标记关键图像")).to_have_attribute("aria-keyshortcuts", "]")
    expect(button("标记 / 取消标记关键图像")).to_have_attribute("title", "标记 / 取消标记关键图像 (])")
    expect(button("播放 / 暂停")).to_have_attribute("aria-keyshortcuts", "Control+ArrowUp")
    expect(button("播放 / 暂停")).to_have_attribute("title", "播放 / 暂停 (Ctrl+↑)")
    assert button("反相").get_attribute("aria-keyshortcuts") is None and button("反相").get_attribute("title") == "反相"
    button("窗预设").click()
    entry = lambda name: page.get_by_role("menuitem", name=name).locator("kbd")  # noqa: E731
    assert entry("肺窗").inner_text() == "Shift+U" and entry("纵隔窗").count() == 0 and entry("腹部窗").inner_text() == "3"


def test_a_browser_that_keeps_nothing_has_what_is_set_until_the_page_is_left(desk, ward, hung):
    window = desk("clinician")
    window.page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } })")
    page = look(window, ward.studies[0], 2)
    edit_keys(page)
    page.locator("[data-command=invert]").click()
    page.keyboard.press("u")
    expect(page.locator("[data-command=invert] kbd")).to_have_text("U")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert_inverts(page, "u", "i")
    choose(page, "single")
    hangs(page, "single")
    # And single keys do nothing for who wants none.
    page.keyboard.press("?")
    page.get_by_label("启用单键快捷键").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("u")
    page.keyboard.press("ArrowDown")
    wait_slice(page, 1, 2)
    assert page.evaluate(VALUE, ["pane-1", 0.5, 0.05]) < 64


# === cuts ===


def test_crosshairs_show_one_point_in_all_cuts(desk, hung):
    page = look(desk("clinician"), reading.LONG, 2)
    becomes(page, lambda: page.get_by_role("button", name="多平面重建").count() == 1)
    page.keyboard.press("t")
    page.locator("[data-testid=cut-coronal][data-shown]").wait_for()
    expect(page.get_by_role("button", name="十字线")).to_have_attribute("aria-pressed", "true")
    axial = page.locator("[data-testid=cut-axial]")
    line = lambda cut, of: page.locator(f"[data-testid={cut}] line[data-of={of}]")  # noqa: E731
    line("cut-axial", "cut-sagittal").wait_for(state="attached")
    slices = {cut: page.locator(f"[data-testid={cut}] [data-slice]").get_attribute("data-slice") for cut in ("cut-axial", "cut-coronal", "cut-sagittal")}
    box = axial.locator("canvas").bounding_box()
    at = (box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    page.mouse.click(*at)
    # The lines of the two others go through the point that was shown.
    becomes(page, lambda: abs(float(line("cut-axial", "cut-sagittal").get_attribute("x1")) - (at[0] - box["x"])) < 2)
    becomes(page, lambda: abs(float(line("cut-axial", "cut-coronal").get_attribute("y1")) - (at[1] - box["y"])) < 2)
    for cut in ("cut-coronal", "cut-sagittal"):
        becomes(page, lambda cut=cut: page.locator(f"[data-testid={cut}] [data-slice]").get_attribute("data-slice") != slices[cut])
    assert page.locator("[data-testid=cut-axial] [data-slice]").get_attribute("data-slice") == slices["cut-axial"], "the cut that was pointed at stays"
    # And by keys: the cut that is scrolled takes its line along.
    page.keyboard.press("q")
    before = float(line("cut-axial", "cut-sagittal").get_attribute("x1"))
    page.keyboard.press("ArrowRight")
    becomes(page, lambda: abs(float(line("cut-axial", "cut-sagittal").get_attribute("x1")) - before) > 3)
    page.keyboard.press("m")
    page.locator("[data-testid=pane-1][data-shown]").wait_for()
    expect(page.get_by_role("button", name="调窗", exact=True)).to_have_attribute("aria-pressed", "true")


# === for everybody ===


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_protocols_and_keys_are_accessible_and_fit_their_window(desk, hung, language):
    window = desk("clinician", language=language)
    page = look(window, hangings.SPINE, 3)
    window.rest()
    found = window.axe()
    page.keyboard.press("h")
    page.get_by_role("menu").wait_for()
    found += window.axe()
    page.keyboard.press("Escape")
    page.get_by_role("menu").wait_for(state="detached")
    for width in (390, 768, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert window.overflow() == 0, width
    page.set_viewport_size({"width": 1440, "height": 900})
    edit_keys(page)
    found += window.axe()
    page.locator("[data-command=invert]").click()
    found += window.axe()
    page.keyboard.press("w")
    page.get_by_role("alert").wait_for()
    found += window.axe()
    page.set_viewport_size({"width": 390, "height": 800})
    assert window.overflow() == 0
    assert found == []


# === helpers ===


def becomes(page, holds, seconds=20):
    """Waits until something is so. Not by the page itself: its policy lets nobody evaluate texts there, again and again."""
    for _ in range(seconds * 20):
        if holds():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not become so in time")


def reach(page, holds):
    """Goes on with Tab until something has the focus."""
    for _ in range(120):
        if holds():
            return
        page.keyboard.press("Tab")
    pytest.fail("no way there by Tab")


def focused_command(page):
    return page.evaluate("document.activeElement?.dataset.command ?? null")


def edit_keys(page):
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("更改快捷键|Change keys")).click()
    page.locator("[data-command=invert]").wait_for()


def assert_inverts(page, key, other):
    """One key inverts the picture, and the other one does not any more."""
    dark = lambda: page.evaluate(VALUE, ["pane-1", 0.03, 0.5]) < 64  # noqa: E731
    becomes(page, dark)
    page.keyboard.press(key)
    becomes(page, lambda: not dark())
    page.keyboard.press(key)
    becomes(page, dark)
    page.keyboard.press(other)
    page.wait_for_timeout(300)
    assert dark()
