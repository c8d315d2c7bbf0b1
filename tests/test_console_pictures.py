"""What the viewer draws, value by value, against pictures that are kept (tests/pictures). YINGDUN_WRITE_PICTURES=1 makes them anew."""

import concurrent.futures

import pytest
from PIL import Image

from yingdun_testkit import browser, hangings, pictures

ONE, TWO = ["pane-1"], ["pane-1", "pane-2"]
CUTS = ["cut-axial", "cut-coronal", "cut-sagittal"]

#: The slice that is looked at: one in the middle.
SLICE = 12


@pytest.fixture
def stack(chromium, desk, ward, tmp_path):
    """A chest in one pane of a fixed size, and how it is compared."""
    window = desk("clinician", width=900, height=400)
    hangings.always(window, "CT", "single")
    page = opened(window, ward)
    return page, lambda name, panes=ONE: pictures.check(page, name, panes, chromium.version, tmp_path)


def test_a_stack_as_it_is_opened(stack):
    page, check = stack
    check("stack")


def test_a_window_by_its_key(stack):
    page, check = stack
    page.keyboard.press("1")
    page.locator("[data-testid=pane-1] [data-window='-600/1500']").wait_for()
    check("window")


def test_an_inverted_picture(stack):
    page, check = stack
    page.keyboard.press("i")
    check("inverted")


def test_a_turned_picture(stack):
    page, check = stack
    page.keyboard.press("x")
    page.keyboard.press("r")
    check("turned")


def test_a_larger_picture(stack):
    page, check = stack
    page.keyboard.press("z")
    drag(page, (0, 0), (0, 24))
    check("zoomed")


def test_a_measured_picture(stack):
    page, check = stack
    page.keyboard.press("l")
    drag(page, (-60, -40), (70, 30))
    page.mouse.move(0, 0)
    page.locator("[data-testid=pane-1] svg text").first.wait_for(state="attached")
    check("measured")


def test_two_panes(chromium, desk, ward, tmp_path):
    window = desk("clinician", width=900, height=400)
    hangings.always(window, "CT", "ctChest")
    page = opened(window, ward)
    page.locator("[data-testid=pane-2] [data-window='-600/1500']").wait_for()
    page.locator(f"[data-testid=pane-2] [data-slice='{SLICE}']").wait_for()
    pictures.check(page, "two", TWO, chromium.version, tmp_path)


def test_cuts_in_three_directions(stack):
    page, check = stack
    page.keyboard.press("m")
    page.locator("[data-testid=cut-coronal][data-shown]").wait_for()
    check("cuts", CUTS)


def test_without_a_graphics_processor(ward, tmp_path):
    def without():
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=browser.executable(), args=[*browser.ARGUMENTS, "--disable-3d-apis"])
            window = browser.Desk(running, ward.installation, ward.tokens["clinician"], width=900, height=400)
            hangings.always(window, "CT", "single")
            page = opened(window, ward)
            pictures.check(page, "processor", ONE, running.version, tmp_path)
            window.check()
            running.close()

    # Playwright runs once in a thread, and the browser of the other tests may hold this one.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(without).result()


def test_a_difference_is_told_where_it_lies():
    before = Image.new("L", (40, 30), 100)
    after = before.copy()
    after.putpixel((7, 21), 160)
    after.putpixel((9, 22), 101)
    assert pictures.difference(before, before.copy(), True) is None
    told = pictures.difference(after, before, True)
    assert told.startswith("2 of 1200 values differ, between column 7, row 21 and column 9, row 22; the most at column 7, row 21")
    assert "160 is seen and 100 was expected" in told
    # Another version of the browser may draw a little otherwise, and not much.
    assert pictures.difference(after, before, False) is None
    for x in range(10):
        after.putpixel((x, 0), 0)
    assert pictures.difference(after, before, False).startswith("11 of 1200")
    assert pictures.difference(Image.new("L", (40, 31)), before, True) == "it is 40 by 31 and not 40 by 30"


def test_the_pictures_that_are_kept_are_few_and_small():
    kept = list(pictures.FOLDER.glob("*.png"))
    assert {one.stem for one in kept} == {"stack", "window", "inverted", "turned", "zoomed", "measured", "two", "cuts", "processor"}
    assert sum(one.stat().st_size for one in kept) < 600_000


# === helpers ===


def opened(window, ward):
    page = window.page
    page.goto(f"{window.web}/console/viewer/{ward.studies[0]}")
    page.locator("[data-testid=pane-1][data-shown]").wait_for()
    pictures.sized(page)
    for _ in range(SLICE - 1):
        page.keyboard.press("ArrowDown")
    page.locator(f"[data-testid=pane-1] [data-slice='{SLICE}']").wait_for()
    return page


def drag(page, start, end):
    """With the left button, from one point to another, counted from the middle of the pane."""
    box = page.locator("[data-testid=pane-1] canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(middle[0] + start[0], middle[1] + start[1])
    page.mouse.down()
    page.mouse.move(middle[0] + (start[0] + end[0]) / 2, middle[1] + (start[1] + end[1]) / 2)
    page.mouse.move(middle[0] + end[0], middle[1] + end[1])
    page.mouse.up()
