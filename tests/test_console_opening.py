"""What a study opens with: its first pictures before the library that draws is there, the same as it draws them, each fetched once, and never
without what stands over every picture."""

import re

import pytest
from playwright.sync_api import expect

from yingdun_testkit import hangings, reading
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.browser import HeldLibrary

#: The mean of a square of 9 x 9 at places of a picture, given as shares of its sides, whichever way it lies in its canvas.
GRAYS = """([selector, places]) => {
  const canvas = document.querySelector(selector);
  const side = Math.min(canvas.width, canvas.height);
  const [left, top] = [(canvas.width - side) / 2, (canvas.height - side) / 2];
  const context = canvas.getContext('2d');
  return places.map(([x, y]) => {
    const { data } = context.getImageData(Math.round(left + x * side) - 4, Math.round(top + y * side) - 4, 9, 9);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at];
    return sum / (data.length / 4);
  });
}"""

#: Air, water, the insert in the middle, and the bar that tells the number of the slice.
PLACES = [(0.05, 0.05), (0.2, 0.3), (0.8, 0.7), (0.5, 0.5), (0.3, 0.5), (0.95, 0.5)]


@pytest.fixture(scope="module")
def studies(ward):
    reading.store(ward, reading.LONG, slices=30, date="20261120", description="胸部CT薄层")
    hangings.store(ward)


def test_the_first_picture_is_there_before_the_library_and_the_same_as_it_draws(desk, studies):
    window = desk("clinician")
    hangings.always(window, "CT", "single")
    page = window.page
    frames = []
    page.on("request", lambda request: "/frames/" in request.url and frames.append(request.url))
    held = HeldLibrary(page)
    page.goto(f"{window.web}/console/viewer/{reading.LONG}")
    page.locator("canvas[data-still]").wait_for()
    pane = page.locator(".viewer-pane")
    for text in ("钱毅", "P20260301", "图像 1 / 30", "窗宽 400 窗位 40", "不用于临床诊断", "100%"):
        expect(pane).to_contain_text(text)
    # Which side is which, and who looks.
    assert [word for word in pane.locator(".viewer-overlay > span").all_inner_texts() if word] == ["R", "L", "A", "P"]
    expect(pane.locator(".viewer-mark")).to_have_count(1)
    expect(page.get_by_role("status").filter(has_text="阅片工具加载中")).to_be_visible()
    expect(page.locator("canvas[data-still]")).to_have_js_property("width", 512)
    still = page.evaluate(GRAYS, ["canvas[data-still]", PLACES])
    assert max(still) > 250 and min(still) < 5
    assert len(frames) == 1
    held.let_go()
    page.locator("[data-testid=pane-1][data-shown]").wait_for()
    expect(page.locator("canvas[data-still]")).to_have_count(0)
    drawn = page.evaluate(GRAYS, ["[data-testid=pane-1] canvas", PLACES])
    for at, one, other in zip(PLACES, still, drawn, strict=True):
        assert abs(one - other) < 3, f"at {at}: {one} before, {other} after"
    page.locator("[data-testid=pane-1] [data-slice='1']").wait_for()
    window.rest()
    assert len(frames) == len(set(frames)), "no frame is fetched twice"
    window.check()


def test_pictures_open_where_they_hang(desk, studies):
    window = desk("clinician")
    held = HeldLibrary(window.page)
    window.page.goto(f"{window.web}/console/viewer/{hangings.BREASTS}")
    stills = window.page.locator("canvas[data-still]")
    expect(stills).to_have_count(4)
    places = ["R CC", "L CC", "R MLO", "L MLO"]
    sides = [[word for word in pane.locator(".viewer-overlay > span").all_inner_texts() if word] for pane in window.page.locator(".viewer-pane").all()]
    held.let_go()
    window.page.locator("[data-testid=pane-4][data-shown]").wait_for()
    for number, words in enumerate(places, 1):
        pane = window.page.locator(f"[data-testid=pane-{number}]")
        expect(pane).to_contain_text(words)
        pane.locator("[data-slice]").wait_for()
        assert [word for word in pane.locator(".viewer-overlay > span").all_inner_texts() if word] == sides[number - 1]


def test_who_is_given_pictures_only_is_refused_one_frame_and_asks_for_no_other(desk, ward):
    token = outsider_token(ward.office, "opening-expert", "remote-expert")
    reader = ward.office.api(ward.tokens["radiologist"])
    reader.post("/consultations", {"name": "opening-expert", "study": ward.studies[0], "reason": "a second look", "minutes": 60}, 201)
    window, frames = desk(None), []
    window.sign_in(token)
    hangings.always(window, "CT", "single", names=["opening-expert"])
    window.page.on("response", lambda answer: re.search(r"/frames/\d+$", answer.url) and frames.append(answer.status))
    window.page.goto(f"{window.web}/console/viewer/{ward.studies[0]}")
    window.page.locator("[data-testid=pane-1][data-shown]").wait_for()
    window.rest()
    assert frames == [403]


def test_nothing_is_shown_early_where_nobody_looks(desk, studies):
    """Whether a study is shielded while nobody looks at it is known only when its tools are there."""
    window = desk("clinician")
    page = window.page
    page.add_init_script("Document.prototype.hasFocus = () => false")
    held = HeldLibrary(page)
    with page.expect_response(re.compile(r"/frames/\d+$")) as frame:
        page.goto(f"{window.web}/console/viewer/{reading.LONG}")
    frame.value.finished()
    # What would be drawn was drawn by now: the panes tell how many of their frames came.
    page.locator("[data-fetched]:not([data-fetched='0'])").wait_for()
    expect(page.get_by_role("status").filter(has_text="阅片工具加载中")).to_be_visible()
    expect(page.locator("canvas[data-still]")).to_have_count(0)
    held.let_go()
