"""Exact pictures of what the viewer draws: kept in tests/pictures, compared value by value, and made anew with YINGDUN_WRITE_PICTURES=1.

Only canvases are compared, and the lines of measures as numbers: words and their fonts are in neither, so that a picture is the same on every
machine with the same browser and the same instructions of its processor, which the software graphics make use of. With others than the pictures
were made by, values may differ by a little.
"""

import base64
import io
import os
import re
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
BROWSER = FOLDER / "browser.txt"

#: How large the panes are together: small enough to keep, large enough to show what changed.
SIZE = (600, 240)

#: Instructions of a processor that round otherwise than those before them.
INSTRUCTIONS = {"sse4_1", "avx", "avx2", "fma", "avx512f"}

#: What may differ in another version of the browser or on another processor: this part of the values, and others by this much.
OTHER_VERSION_PART, OTHER_VERSION_STEP = 0.001, 2

WAIT_SECONDS = 20

#: The canvas of a pane as PNG, and its solid lines of measures.
SEEN = """(pane) => {
  const place = document.querySelector(`[data-testid=${pane}]`);
  const canvas = place.querySelector('canvas');
  const lines = [...place.querySelectorAll('svg.svg-layer line')].filter((line) => !line.getAttribute('stroke-dasharray'));
  return {
    png: canvas.toDataURL('image/png').split(',')[1],
    scale: canvas.width / canvas.clientWidth,
    lines: lines.map((line) => ['x1', 'y1', 'x2', 'y2'].map((name) => Number(line.getAttribute(name)))),
  };
}"""


def sized(page):
    """Makes the window as large as it must be for the panes to have their size, however large letters make what is around them."""
    for _ in range(6):
        box = page.locator("main").bounding_box()
        lacking = [SIZE[0] - box["width"], SIZE[1] - box["height"]]
        if lacking == [0, 0]:
            return
        window = page.viewport_size
        page.set_viewport_size({"width": round(window["width"] + lacking[0]), "height": round(window["height"] + lacking[1])})
        page.wait_for_timeout(200)
    raise AssertionError(f"the panes are {box['width']} by {box['height']} and do not become {SIZE}")


def seen(page, panes) -> Image.Image:
    """The pictures of panes beside each other, in shades of grey."""
    parts = [part(page.evaluate(SEEN, pane)) for pane in panes]
    whole = Image.new("L", (sum(one.width for one in parts) + 4 * (len(parts) - 1), max(one.height for one in parts)), 128)
    left = 0
    for one in parts:
        whole.paste(one, (left, 0))
        left += one.width + 4
    return whole


def part(found) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(found["png"]))) as picture:
        colours = numpy.asarray(picture.convert("RGB"))
    assert (colours == colours[:, :, :1]).all(), "what is drawn of grey pictures is grey"
    grey = Image.fromarray(colours[:, :, 0].copy())
    drawing = ImageDraw.Draw(grey)
    for line in found["lines"]:
        drawing.line([round(value * found["scale"]) for value in line], fill=255)
    return grey


def made_by(browser_version) -> str:
    """What a picture depends on: the version of the browser, and which instructions its processor has."""
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    has = sorted(INSTRUCTIONS & set(flags[1].split())) if flags else ["unknown"]
    return f"{browser_version}\n{' '.join(has)}\n"


def check(page, name, panes, browser_version, kept_in):
    """Fails where what is seen does not become the picture that is kept, and says where the difference lies."""
    path = FOLDER / f"{name}.png"
    if os.environ.get("YINGDUN_WRITE_PICTURES"):
        FOLDER.mkdir(exist_ok=True)
        still(page, panes).save(path, optimize=True)
        BROWSER.write_text(made_by(browser_version))
        return
    with Image.open(path) as picture:
        expected = picture.convert("L")
    same = BROWSER.read_text() == made_by(browser_version)
    for _ in range(WAIT_SECONDS * 4):
        now = seen(page, panes)
        told = difference(now, expected, same)
        if told is None:
            return
        page.wait_for_timeout(250)
    now.save(kept_in / f"{name}-seen.png")
    if now.size == expected.size:
        Image.fromarray(apart(now, expected).clip(0, 255).astype(numpy.uint8)).point(lambda value: 255 if value else 0).save(kept_in / f"{name}-difference.png")
    raise AssertionError(f"{name}: {told}. What was seen, and where it differs, is in {kept_in}. If it is to be so: YINGDUN_WRITE_PICTURES=1")


def difference(now, expected, same_browser) -> str | None:
    """Where and by how much a picture differs from that which is expected; nothing where it does not."""
    if now.size != expected.size:
        return f"it is {now.size[0]} by {now.size[1]} and not {expected.size[0]} by {expected.size[1]}"
    far = apart(now, expected)
    counted = far > (0 if same_browser else OTHER_VERSION_STEP)
    if not counted.any() or (not same_browser and counted.mean() <= OTHER_VERSION_PART):
        return None
    rows, columns = numpy.nonzero(counted)
    y, x = numpy.unravel_index(far.argmax(), far.shape)
    return (
        f"{counted.sum()} of {counted.size} values differ, between column {columns.min()}, row {rows.min()} and column {columns.max()}, row {rows.max()}; "
        f"the most at column {x}, row {y}, where {now.getpixel((int(x), int(y)))} is seen and {expected.getpixel((int(x), int(y)))} was expected"
    )


# === helpers ===


def apart(now, expected):
    return numpy.abs(numpy.asarray(now).astype(int) - numpy.asarray(expected).astype(int))


def still(page, panes) -> Image.Image:
    """What is seen once it has not changed for a second."""
    last, unchanged = None, 0
    for _ in range(WAIT_SECONDS * 4):
        now = seen(page, panes)
        unchanged = unchanged + 1 if last is not None and now.tobytes() == last.tobytes() and now.size == last.size else 0
        if unchanged == 4:
            return now
        last = now
        page.wait_for_timeout(250)
    raise AssertionError("the picture does not come to rest")
