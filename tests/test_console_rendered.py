"""The viewer of who is given pictures of the server only: the newest picture wins however slow the server is, what moves comes in half, and what is measured is right."""

import re
import time

import pytest
from playwright.sync_api import expect

from yingdun_testkit import hangings
from yingdun_testkit.authenticator import outsider_token

#: Millimetres from a pixel to the next one in the studies of the ward.
SPACING_MM = 0.7

PANE = "[data-testid=pane-1]"


@pytest.fixture(scope="module")
def expert(ward):
    """The session of a remote expert to whom the first study is assigned."""
    token = outsider_token(ward.office, "rendered-expert", "remote-expert")
    reader = ward.office.api(ward.tokens["radiologist"])
    reader.post("/consultations", {"name": "rendered-expert", "study": ward.studies[0], "reason": "a second look", "minutes": 600}, 201)
    return token


class Slowed:
    """A server whose pictures come when they are let go."""

    def __init__(self, page):
        self.page, self.held, self.asked = page, [], []
        page.route("**/rendered?*", self._take)

    def _take(self, route):
        self.asked.append(route.request.url)
        self.held.append(route)

    def let_go(self):
        """The oldest that is held."""
        becomes(self.page, lambda: self.held, "a picture is asked for")
        self.held.pop(0).continue_()

    def slices(self):
        """The number of the slice, and whether it is asked for in full, of each question."""
        return [(int(re.search(r"instances/[\d.]+\.(\d+)/", url)[1]), "viewport=1024" in url) for url in self.asked]


@pytest.fixture
def window(desk, expert):
    window = desk(None)
    window.sign_in(expert)
    return window


@pytest.fixture
def opened(window, ward):
    hangings.always(window, "CT", "single", names=["rendered-expert"])
    window.page.goto(f"{window.web}/console/viewer/{ward.studies[0]}")
    shows(window.page, 1)
    # The marks of this minute, and what else is asked for at first, are there.
    window.page.wait_for_load_state("networkidle")
    return window.page


def shows(page, number, size="full"):
    picture = page.locator(f"{PANE} canvas[data-picture='{number}'][data-rendered={size}]")
    picture.wait_for()
    page.locator(f"{PANE} [data-slice='{number}']").wait_for()
    return picture


def becomes(page, true, what):
    """Waits for what the page tells: questions and answers are heard only while somebody listens to it."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, f"not within 20 s: {what}"
        page.wait_for_timeout(20)


def middle(page):
    """The middle of the pane."""
    box = page.locator(PANE).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def turn(page):
    """Lets the page do what it has to do: a question to it and back."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def test_of_what_is_wanted_meanwhile_only_the_newest_is_asked_for(opened):
    slow = Slowed(opened)
    for _ in range(5):
        opened.keyboard.press("ArrowDown")
    becomes(opened, lambda: slow.held, "a picture is asked for")
    turn(opened)
    assert slow.slices() == [(2, True)], "one request is on its way, and what is behind it waits"
    expect(opened.locator(f"{PANE} [data-slice='1']")).to_be_visible()
    slow.let_go()
    # What came is shown: it is newer than what was there. Then the newest, and none between.
    shows(opened, 2)
    becomes(opened, lambda: len(slow.asked) == 2, "the newest is asked for")
    assert slow.slices()[1][0] == 6
    while not opened.locator(f"{PANE} canvas[data-picture='6'][data-rendered=full]").count():
        if slow.held:
            slow.let_go()
        turn(opened)
    shows(opened, 6)
    assert {number for number, _ in slow.slices()} == {2, 6}
    assert slow.slices()[-1] == (6, True)


def test_an_older_picture_is_never_shown_after_a_newer_one(opened):
    opened.evaluate(
        """() => {
            window.seen = [];
            window.addEventListener('viewer:picture', (event) => window.seen.push(event.target.closest('[data-testid]').querySelector('[data-slice]').dataset.slice), true);
        }"""
    )
    slow = Slowed(opened)
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp"):
        opened.keyboard.press(key)
        if slow.held:
            slow.let_go()
        turn(opened)
    while not opened.locator(f"{PANE} canvas[data-picture='12'][data-rendered=full]").count():
        if slow.held:
            slow.let_go()
        turn(opened)
    assert slow.slices()[-1] == (12, True)
    shown = opened.evaluate("() => window.seen.map(Number)")
    # Each was shown in the order in which it was asked for, so none came back.
    assert shown == [number for number, _ in slow.slices()]
    assert sorted(set(shown), key=shown.index) == [number for at, number in enumerate(shown) if at == 0 or shown[at - 1] != number]


def test_what_is_dragged_comes_in_half_and_in_full_when_the_hand_rests(opened):
    slow = Slowed(opened)
    x, y = middle(opened)
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x + 120, y + 30)
    becomes(opened, lambda: slow.held, "a picture is asked for")
    assert slow.slices() == [(1, False)]
    slow.let_go()
    shows(opened, 1, "half")
    # The hand rests, and holds the button still.
    slow.let_go()
    shows(opened, 1)
    opened.mouse.up()
    assert slow.slices() == [(1, False), (1, True)]
    assert all("window=100%2C640" in url for url in slow.asked)
    opened.locator(f"{PANE} [data-window='100/640']").wait_for()


def test_a_part_is_asked_for_as_it_is_seen(opened):
    asked = []
    opened.on("request", lambda request: asked.append(request.url) if "/rendered?" in request.url else None)
    opened.keyboard.press("z")
    x, y = middle(opened)
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x, y + 200)
    opened.mouse.up()
    part = re.compile(r"viewport=1024%2C1024%2C(\d+)%2C(\d+)%2C(\d+)%2C(\d+)")
    becomes(opened, lambda: asked and part.search(asked[-1]), "a part in full")
    left, top, columns, rows = (int(value) for value in part.search(asked[-1]).groups())
    assert columns < 300 and rows < 300 and abs(left + columns / 2 - 256) <= 2 and abs(top + rows / 2 - 256) <= 2
    opened.keyboard.press("0")
    opened.locator(PANE).get_by_text("缩放 100%").wait_for()


def test_lengths_and_regions_are_measured(window, opened):
    box = opened.locator(PANE).bounding_box()
    x, y = middle(opened)
    scale = 512 / min(box["width"] - 4, box["height"] - 4)

    def drag(right, down):
        opened.mouse.move(x, y)
        opened.mouse.down()
        opened.mouse.move(x + right, y + down, steps=4)
        opened.mouse.up()

    opened.keyboard.press("l")
    drag(90, 120)
    said = opened.locator("[data-measure=length] text").text_content()
    assert abs(float(said.removesuffix(" mm")) - 150 * scale * SPACING_MM) < 1
    opened.keyboard.press("b")
    with opened.expect_response(lambda answer: "/region?" in answer.url) as measured:
        drag(40, 30)
    found = measured.value.json()
    words = opened.locator("[data-measure=rectangle]")
    words.get_by_text(f"均值 {found['mean']} HU").wait_for()
    words.get_by_text(f"标准差 {found['deviation']}").wait_for()
    words.get_by_text(f"范围 {found['lowest']} … {found['highest']}").wait_for()
    assert window.axe() == []
    opened.keyboard.press("o")
    drag(5, 5)
    opened.locator("[data-measure=ellipse]").get_by_text("区域太小").wait_for()
    for left in (2, 1, 0):
        opened.keyboard.press("Delete")
        expect(opened.locator("[data-measure]")).to_have_count(left)


def test_a_picture_that_does_not_come_says_why_and_hides_the_one_before(opened):
    opened.route("**/rendered?*", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}))
    opened.keyboard.press("ArrowDown")
    alert = opened.locator(f"{PANE} [role=alert]")
    alert.wait_for()
    opened.locator(f"{PANE} [data-slice='2']").wait_for()
    expect(opened.locator(f"{PANE} canvas[data-rendered]")).to_be_hidden()
    opened.unroute("**/rendered?*")
    alert.get_by_role("button").click()
    shows(opened, 2)
