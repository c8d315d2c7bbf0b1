"""Captures, prints, signals and the shield of the viewer, in a real browser: what is carried away is marked and on the ledger, what the browser would print is
nothing, and what it told is told."""

import hashlib
import io
import re
from pathlib import Path

import numpy
import pytest
from PIL import Image, ImageOps

from test_console_viewer import becomes, drag
from yingdun_testkit import hangings, part10, reading
from yingdun_testkit.installation import wait_until
from yingdun_testkit.ward import CR

SHOWN = "[data-testid=pane-1][data-shown]"

#: Whoever reads here, besides the people of the ward: CT hangs in one pane for them.
READERS = ("capture-cut", "capture-li", "capture-wang", "granted-sun", "print-li", "signals-li")

#: Pictures of blocks, each in a grey of its own; of one a great value is dark.
BLOCKS, BLOCKS_INVERSE = "1.2.826.0.1.3680043.10.1499.1", "1.2.826.0.1.3680043.10.1499.2"


@pytest.fixture
def signed(ward, desk):
    """A window of a person of one test alone, so that every leaf is of that test: (name, window)."""

    def sign_in(name, role, **looks):
        window = desk(None, **looks)
        window.sign_in(ward.office.person_token(name, role))
        return window

    return sign_in


def look(window, study):
    hangings.always(window, "CT", "single", READERS)
    window.page.goto(f"{window.web}/console/viewer/{study}")
    window.page.locator(SHOWN).wait_for()
    return window.page


def copies(ward, actor):
    return ward.office.leaves(kind="copied", actor=actor)


def signals(ward, actor):
    return ward.office.leaves(kind="signal", actor=actor)


def told(ward, actor, *kinds):
    """Waits until exactly these signals are leaves, the oldest first; a leaf comes soon, and not at once."""
    wanted = [f"signal-{kind}" for kind in kinds]
    wait_until(lambda: [leaf["reason"] for leaf in reversed(signals(ward, actor))] == wanted, f"the signals {wanted}", 20)


def kept(page, button):
    """The file that a button brings."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_s_makes_a_marked_capture_that_the_ledger_knows(ward, signed):
    window = signed("capture-li", "radiologist")
    page = look(window, ward.studies[0])
    page.get_by_role("button", name="受控截图").wait_for()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    words = dialog.inner_text()
    assert "capture-li" in words and "P20260001" in words and "审计日志" in words
    becomes(page, lambda: dialog.get_by_alt_text("预览").evaluate("image => image.naturalWidth") > 100)
    assert copies(ward, "capture-li") == [], "nothing is made before somebody says so"
    name, file = kept(page, "截图并保存")
    made, permitted = copies(ward, "capture-li")
    assert made["content_sha256"] == hashlib.sha256(file).hexdigest() and made["counts"]["leaf"] == permitted["sequence"]
    words = dialog.inner_text()
    number = re.search(r"WM(-[0-9A-Z]{4}){3}", words)[0]
    assert name == f"{number}.png" and made["content_sha256"] in words
    assert ward.office.audit.get(f"/leaks/marks/{number}")["opening"]["actor"] == "capture-li"
    # Slices of the ward are as wide as high, and all of one is seen: enlarged to the side that copies have.
    assert Image.open(io.BytesIO(file)).size == (1024, 1024)
    assert page.get_by_test_id("copy-made").evaluate("image => image.naturalWidth") == 1024
    page.get_by_role("button", name="完成").click()
    dialog.wait_for(state="detached")


def test_what_was_measured_is_in_the_capture(ward, signed):
    reading.store(ward, reading.LONG, slices=3, date="20261120", description="胸部CT薄层")
    window = signed("capture-wang", "radiologist")
    page = look(window, reading.LONG)
    page.keyboard.press("l")
    drag(page, (-120, 0), (120, 0))
    becomes(page, lambda: page.evaluate("document.querySelector('[data-testid=pane-1] svg text')?.textContent.includes('mm')"))
    page.keyboard.press("s")
    page.get_by_text("包括 1 处测量").wait_for()
    _, with_it = kept(page, "截图并保存")
    page.get_by_role("button", name="完成").click()
    page.keyboard.press("s")
    page.get_by_label("包括 1 处测量").uncheck()
    _, without = kept(page, "截图并保存")
    assert len(copies(ward, "capture-wang")) == 4
    one, other = (numpy.asarray(Image.open(io.BytesIO(file)).convert("L")).astype(int) for file in (with_it, without))
    rows = one.shape[0]
    # Marks of two copies differ by a sixth of the way to black or white; a line with its edge does by more.
    differs = numpy.abs(one - other) > 100
    assert differs[rows // 2 - 12 : rows // 2 + 12].any(axis=0).sum() > 60, "the line lies across the middle"
    assert not differs[: rows // 4].any(), "and nothing else was drawn"


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_a_capture_lies_as_the_pane_does_and_shows_the_same_part(ward, signed, photometric):
    study = {"MONOCHROME2": BLOCKS, "MONOCHROME1": BLOCKS_INVERSE}[photometric]
    reading.gateway(ward).must_store(part10.file_bytes(blocks(study, photometric)))
    name = f"capture-{photometric.lower()}"
    page = look(signed(name, "radiologist"), study)
    page.get_by_role("button", name="受控截图").wait_for()
    before = canvas_of(page)
    for keys in ("", "xr", "yi", "z", "zrxi"):
        page.keyboard.press("0")
        becomes(page, lambda: numpy.array_equal(canvas_of(page), before))
        for key in keys:
            last = canvas_of(page)
            if key == "z":
                # Larger, and then aside: another part than the middle.
                page.keyboard.press("z")
                drag(page, (0, 0), (0, 120))
                page.keyboard.press("p")
                drag(page, (0, 0), (70, 40))
            else:
                page.keyboard.press(key)
            becomes(page, lambda: not numpy.array_equal(canvas_of(page), last))
        shown = visible(canvas_of(page))
        page.keyboard.press("s")
        _, file = kept(page, "截图并保存")
        page.get_by_role("button", name="完成").click()
        page.get_by_role("dialog").wait_for(state="detached")
        copy = Image.open(io.BytesIO(file)).convert("L")
        assert likeness(copy, shown) > 0.95, keys
        assert [one for one in others(shown) if likeness(copy, one) > 0.8] == [], f"{keys}: and as nothing else"
        assert abs(copy.width / copy.height - shown.width / shown.height) < 0.05, keys
    assert len(copies(ward, name)) == 10


def test_control_p_is_a_page_of_the_server_and_the_browser_prints_nothing(ward, signed):
    window = signed("print-li", "radiologist")
    page = look(window, ward.studies[1])
    page.get_by_role("button", name="受控打印").wait_for()
    page.keyboard.press("Control+p")
    page.get_by_role("dialog").wait_for()
    name, file = kept(page, "生成打印页")
    assert name.endswith(".pdf") and file.startswith(b"%PDF-1.4")
    made = copies(ward, "print-li")[0]
    assert (made["reason"], made["content_sha256"]) == ("picture-printed", hashlib.sha256(file).hexdigest())
    told(ward, "print-li", "print")
    page.get_by_role("button", name="完成").click()
    page.emulate_media(media="print")
    assert page.locator("[data-testid=pane-1]").is_hidden()
    assert "受控打印" in page.evaluate("getComputedStyle(document.body, '::before').content")
    page.emulate_media(media="screen")


def test_what_a_page_can_see_is_told(ward, signed):
    window = signed("signals-li", "radiologist")
    page = look(window, ward.studies[0])
    page.get_by_role("button", name="受控截图").wait_for()
    page.evaluate("window.dispatchEvent(new KeyboardEvent('keyup', { key: 'PrintScreen' }))")
    told(ward, "signals-li", "print-key")
    page.keyboard.press("Control+s")
    told(ward, "signals-li", "print-key", "save")
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    told(ward, "signals-li", "print-key", "save", "unfocused")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.locator("[data-testid=pane-1] .viewer-mark").evaluate("(mark) => mark.remove()")
    told(ward, "signals-li", "print-key", "save", "unfocused", "mark-removed")
    # Again within the minute: one leaf of a kind.
    page.evaluate("window.dispatchEvent(new KeyboardEvent('keyup', { key: 'PrintScreen' }))")
    page.keyboard.press("Control+s")
    window.rest()
    leaves = signals(ward, "signals-li")
    assert len(leaves) == 4 and all("missing" not in leaf["counts"] for leaf in leaves)
    assert {leaf["reason"]: leaf["counts"]["observed"] for leaf in leaves} == {
        "signal-print-key": 1, "signal-save": 1, "signal-unfocused": 0, "signal-mark-removed": 1,
    }
    assert len({leaf["study"] for leaf in leaves}) == 1


def test_who_carries_nothing_away_is_offered_nothing_and_is_told_why(ward, signed):
    """A person who may look by a grant that does not say export."""
    chief = ward.office.api(ward.tokens["chief"])
    window = signed("granted-sun", "clinician")
    chief.post("/grants", {"name": "granted-sun", "study": ward.studies[2], "reason": "a second look", "minutes": 60}, 201)
    page = look(window, ward.studies[2])
    window.rest()
    assert page.get_by_role("button", name="受控截图").count() == 0
    page.keyboard.press("s")
    page.get_by_text("只有查看权限").wait_for()
    assert page.get_by_role("dialog").count() == 0 and copies(ward, "granted-sun") == []


def test_a_volume_that_is_cut_is_not_captured(ward, signed):
    window = signed("capture-cut", "radiologist")
    page = look(window, ward.studies[0])
    page.get_by_role("button", name="受控截图").wait_for()
    page.get_by_role("button", name="多平面重建").click()
    page.locator("[data-testid=cut-coronal][data-shown]").wait_for()
    assert page.get_by_role("button", name="受控截图").count() == 0
    page.keyboard.press("s")
    page.get_by_text("多平面重建不在受控截图范围内").wait_for()


def test_pictures_under_special_protection_are_covered_while_nobody_is_there(make_installation, chromium, ward):
    """From a grade on that the operator sets; every pixel of the page, names and small pictures, too."""
    from yingdun_testkit.browser import Desk
    from yingdun_testkit.ward import Ward

    covered = Ward(make_installation("shielded", settings={"IDENTITY__WATERMARK__RADIOLOGIST__SHIELDED_FROM": "L4"}))
    window = Desk(chromium, covered.installation, covered.tokens["radiologist"])
    page = look(window, covered.studies[0])
    window.rest()
    shield = page.get_by_test_id("shield")
    shield.wait_for(state="detached")
    before = page.screenshot()
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    shield.wait_for()
    page.get_by_text("影像已遮蔽").wait_for()
    box, size = shield.bounding_box(), page.viewport_size
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, size["width"], size["height"])
    # Beside the words there is nothing but one colour.
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    assert picture.crop((0, 0, size["width"], 200)).getcolors(1), "the names and the tools are covered"
    assert picture.crop((0, 0, 180, size["height"])).getcolors(1), "the small pictures are covered"
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    shield.wait_for(state="detached")
    assert not Image.open(io.BytesIO(before)).convert("L").crop((200, 100, 1400, 800)).getcolors(20), "before, there was a picture"
    wait_until(lambda: covered.office.leaves(kind="signal", actor=covered.names["radiologist"]), "the signal", 20)
    other = Desk(chromium, covered.installation, covered.tokens["clinician"])
    page = look(other, covered.studies[0])
    other.rest()
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    page.wait_for_timeout(300)
    assert page.get_by_test_id("shield").count() == 0, "of this role nobody asked for it"
    for one in (window, other):
        one.check()
        one.close()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_dialogs_are_accessible_and_fit_their_window(ward, signed, language):
    window = signed(f"capture-{language.lower()}", "radiologist", language=language)
    page = look(window, ward.studies[0])
    page.get_by_role("button", name="受控截图" if language == "zh-CN" else "Controlled capture").wait_for()
    for press in ("s", "Control+p"):
        page.keyboard.press(press)
        page.get_by_role("dialog").wait_for()
        window.rest()
        assert window.axe() == []
        for width in (390, 768, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert window.overflow() == 0, (press, width)
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")


# === helpers ===


def blocks(study, photometric):
    """Wider than high, and the same however nobody turns it. Nothing in it is black or white."""
    greys = numpy.random.default_rng(1499).permutation(numpy.linspace(50, 205, 48)).reshape(6, 8)
    picture = numpy.kron(greys, numpy.ones((40, 40)))
    made = hangings.made_of(study, 1, 1, picture, ward_class=CR, modality="CR", date="20261121", study_words="方格", words="方格", window=(128, 256))
    made.PhotometricInterpretation = photometric
    return made


def canvas_of(page):
    """What the first pane draws, in greys: a point of every six across and down."""
    rows, columns, greys = page.evaluate("""() => {
      const canvas = document.querySelector('[data-testid=pane-1] canvas');
      const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const greys = [];
      for (let y = 0; y < height; y += 6) for (let x = 0; x < width; x += 6) greys.push(data[4 * (y * width + x)]);
      return [Math.ceil(height / 6), Math.ceil(width / 6), greys];
    }""")
    return numpy.array(greys, dtype=numpy.uint8).reshape(rows, columns)


def visible(canvas):
    """The part of a pane in which there is a picture."""
    down, across = (numpy.flatnonzero((canvas > 20).any(axis=axis)) for axis in (1, 0))
    return Image.fromarray(canvas[down[0] : down[-1] + 1, across[0] : across[-1] + 1])


def others(shown):
    """The same turned, mirrored and inverted in every other way."""
    for plain in (shown, ImageOps.invert(shown)):
        for straight in (plain, ImageOps.mirror(plain)):
            for turned in (0, 90, 180, 270):
                if (plain, straight, turned) != (shown, shown, 0):
                    yield straight.rotate(turned, expand=True)


def likeness(one, other):
    """How much two pictures are alike, whatever their size: 1 is the same, and -1 the inverse."""
    small = [numpy.asarray(picture.resize((32, 32), Image.Resampling.BOX), dtype=float).ravel() for picture in (one, other)]
    return numpy.corrcoef(*small)[0, 1]
