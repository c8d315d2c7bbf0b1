"""Pictures of every screen of the console: which there are, and how they are taken. `script/screens` runs it.

`SHOTS` is the one table. A screen of the console that is not in it is taken as it opens, for the first role that has it in its menu."""

import dataclasses
import io
import json
import os
import re
import select
import shutil
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from . import browser, lively

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "src" / "screens"
LANGUAGES = {"zh-CN": "zh", "en": "en"}
WIDTH, HEIGHT, NARROW = 1440, 900, 390

#: A picture in the repository, and all of them together.
BYTES_MAX, BYTES_ALL_MAX = 150_000, 6_000_000

SYSTEM, SECURITY, AUDIT = "system-administrator", "security-administrator", "audit-administrator"


@dataclasses.dataclass(frozen=True)
class Shot:
    """One picture, in both languages."""

    #: Of the file; that of a screen is its path in the console.
    name: str
    #: The login name, or the office, of whom it is for; nobody, before signing in.
    who: str | None
    #: Where it is, below the console; with a beginning `/`, below the server.
    path: str
    #: Under the picture: English, Chinese.
    says: tuple = ("", "")
    #: What is done before the picture is taken: `(page, hospital)`.
    act: object = None
    dark: bool = False
    narrow: bool = False


# === what is done before a picture is taken ===


def first_row(page, _):
    page.locator("[role=rowgroup] [role=row]").first.click()


def row_of(text):
    return lambda page, _: page.locator("[role=rowgroup] [role=row]").filter(has_text=text).first.click()


def first_case(kind):
    """The first case of a kind in the inbox."""

    def act(page, hospital):
        page.goto(page.url.split("?")[0] + f"?kind={kind}")
        page.wait_for_load_state("networkidle")
        page.locator("#main nav button").first.click()

    return act


def picture_is_there(page, _):
    page.locator("[data-testid=pane-1][data-shown]").wait_for()
    page.keyboard.press("3")
    for _ in range(11):
        page.keyboard.press("ArrowDown")


def compared(page, hospital):
    picture_is_there(page, hospital)
    page.keyboard.press("c")
    page.locator("[data-testid=pane-2][data-shown]").wait_for()


def cut(page, hospital):
    picture_is_there(page, hospital)
    page.keyboard.press("m")
    for plane in ("axial", "coronal", "sagittal"):
        page.locator(f"[data-testid=cut-{plane}][data-shown]").wait_for()


def proof(page, hospital):
    # The key is one that an auditor has from elsewhere.
    page.get_by_role("button", name=re.compile("^(公钥|Public key)$")).first.click()
    page.locator("input[type=file]").set_input_files(str(hospital.installation.audit_key_file))
    page.get_by_text(re.compile("由您从文件或文本提供|brought by you, as a file or text")).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.locator("[role=rowgroup] [role=row]").first.click()
    page.locator("[role=grid]").press("Enter")
    page.locator("[data-verdict=proved]").wait_for()


def glass(page, hospital):
    page.get_by_role("searchbox").fill("P20260152")
    page.locator("main button", has_text="P20260152").click()
    page.get_by_role("dialog").locator("textarea").fill("胸痛待查" if page.locator("html[lang^=zh]").count() else "Chest pain, no time to ask")


def who_looked(page, hospital):
    page.locator("main form input").first.fill("P20260001")
    page.keyboard.press("Enter")
    page.locator("[role=rowgroup] [role=row]").first.wait_for()


SHOTS = [
    Shot("sign-in", None, "/login", ("Signing in: a page without scripts.", "登录：不运行任何脚本的页面。")),
    Shot("overview", AUDIT, "overview", ("What an office has to do, the day and the week, and how the archive stands. Each office sees its own parts.", "本职待办、当日与一周的访问、系统状态。各管理员只见其职责内的部分。"), dark=True, narrow=True),
    Shot("overview-system", SYSTEM, "overview", ("The same for the system administrator: replicas, certificates, jobs.", "系统管理员的总览：副本、证书与任务。")),
    Shot("overview-security", SECURITY, "overview", ("And for the security administrator: keys, stops, approvals.", "安全管理员的总览：密钥、阻断与待批事项。")),
    Shot("studies", "chen-jing", "studies", ("The list: one box to type into, and the study beside it. Listed is what opens.", "检查列表：一个输入框，右侧是选中的检查。列出的即可打开。"), row_of("P20260001"), dark=True),
    Shot("emergency", "xu-lan", "studies", ("An emergency: why, the password, and the patient is there; another person reviews it.", "紧急越级访问：事由与口令，随即可见该患者，事后由他人复核。"), glass),
    Shot("viewer", "li-wei", "viewer/{first}", ("The viewer, dark in either theme, with the mark of who looks.", "阅片器，始终为深色，图像上有查看者的水印。"), picture_is_there),
    Shot("viewer-compare", "li-wei", "viewer/{first}", ("An earlier study beside it, scrolling along: one key.", "与既往检查并排联动：一个按键。"), compared),
    Shot("viewer-mpr", "li-wei", "viewer/{first}", ("Cut in three directions.", "三个方向的多平面重建。"), cut),
    Shot("upload", "sun-hao", "upload", ("A technician brings in a disc.", "技师上传光盘。")),
    Shot("approvals", AUDIT, "approvals", ("What waits for a second person: who asked, who approves, who must not.", "等待第二人的事项：谁申请、谁批准、谁须回避。"), first_case("destruction"), narrow=True),
    Shot("approvals-review", AUDIT, "approvals", ("An emergency is reviewed by somebody else.", "紧急越级访问由他人复核。"), first_case("break-glass")),
    Shot("alerts", AUDIT, "alerts", ("What the monitor noticed and what it did.", "行为监测发现了什么、做了什么。"), row_of("ma-chao"), narrow=True),
    Shot("audit", AUDIT, "audit?kind=access", ("The log in words; each record leads to everything about the same person or patient.", "审计日志：每条记录都能查到同一人、同一患者的全部记录。"), first_row),
    Shot("audit-proof", AUDIT, "audit?kind=access", ("A record is proved in the browser, step by step, with a key from elsewhere.", "在浏览器中用另行取得的公钥逐步验证一条记录。"), proof),
    Shot("accesses", "chen-jing", "accesses", ("Everybody sees what they opened themselves.", "每个人都能看到自己的访问。")),
    Shot("who-looked", AUDIT, "accesses?of=others", ("Who looked at a patient.", "谁看过这名患者。"), who_looked),
    Shot("leaks", AUDIT, "leaks", ("A picture was found outside: whose opening it may be of.", "发现外泄图像：可能来自哪一次打开。")),
    Shot("grants", "chen-jing", "grants", ("Rights that end by themselves.", "到期自动结束的授权。"), first_row),
    Shot("people", SECURITY, "people?person=chen-jing", ("People: one office makes accounts, another gives rights.", "人员：一员建账号，另一员授权。")),
    Shot("devices", SYSTEM, "devices", ("Devices, and whether they answer.", "设备，及其能否应答。"), first_row),
    Shot("keys", SECURITY, "keys", ("Keys: how old, how often used, when to be changed.", "密钥：已用多久、多少次、何时轮换。")),
    Shot("storage", SYSTEM, "storage", ("Three replicas, and how a disk is changed.", "三个副本，以及如何更换磁盘。")),
    Shot("system", SYSTEM, "system", ("Whether each part is well.", "各部分是否正常。")),
    Shot("dissents", SECURITY, "dissents", ("What patients object to.", "患者的异议与封存。")),
    Shot("consents", SECURITY, "consents", ("What patients agreed to.", "患者的同意。"), first_row),
    Shot("holds", AUDIT, "holds", ("Legal holds: released by two.", "法律封存：两人才能解除。"), first_row),
]

#: In this order a screen that is not in the table looks for somebody who has it.
ANYBODY = [SYSTEM, SECURITY, AUDIT, "chen-jing", "zhao-min", "li-wei", "sun-hao", "wu-yan"]


def screens() -> dict:
    """The screens of the console: path and name among the texts."""
    table = (ROOT / "console" / "src" / "app" / "screens.tsx").read_text()
    return dict(re.findall(r'path: "([^"]+)",\s+name: "([^"]+)"', table))


def names() -> dict:
    """What each picture is called in both languages: its screen as the menu says it."""
    texts = {language: json.loads((ROOT / "console" / "src" / "i18n" / f"{language}.json").read_text()) for language in LANGUAGES}
    return {language: one["screens"] for language, one in texts.items()}


def files(shot: Shot) -> list:
    """The files of a picture: (name, language, theme, width)."""
    made = []
    for language, short in LANGUAGES.items():
        made.append((f"{shot.name}.{short}.png", language, "light", WIDTH))
        if shot.dark:
            made.append((f"{shot.name}.dark.{short}.png", language, "dark", WIDTH))
        if shot.narrow:
            made.append((f"{shot.name}.narrow.{short}.png", language, "light", NARROW))
    return made


# === taking them ===


class FixedClock:
    """The clock of this process and of the server, which `libfaketime` moves: `script/screens` starts this process under it."""

    def __init__(self, file: Path):
        self.file = file
        self.environment = {"LD_PRELOAD": os.environ["LD_PRELOAD"]}
        # Sleeping until a moment is not what that library lets one do; sleeping for a while is.
        time.sleep = lambda seconds: select.select([], [], [], max(0, seconds))
        # What is started without it, the browser above all, goes by the right time. The other variables are read at each look.
        del os.environ["LD_PRELOAD"]

    def now(self) -> datetime:
        return datetime.now(lively.CHINA)

    def go(self, moment: datetime):
        right = time.time() - int(self.file.read_text())
        # The file is read at each look at the clock: it is never half written.
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{round(moment.timestamp() - right):+d}")
        fresh.replace(self.file)


def desk(chromium, hospital, who, language, theme, width):
    token = None if who is None else hospital.session(who)
    height = HEIGHT if width == WIDTH else 844
    window = browser.Desk(chromium, hospital.installation, token, language=language, theme=theme, width=width, height=height, timezone_id="Asia/Shanghai")
    window.page.clock.set_fixed_time(lively.NOW)
    return window


def take(chromium, hospital, shot: Shot, language, theme, width) -> bytes:
    window = desk(chromium, hospital, shot.who, language, theme, width)
    try:
        page, path = window.page, shot.path.format(first=hospital.studies[0][0])
        page.goto(f"{window.web}{path}" if path.startswith("/") else f"{window.web}/console/{path}")
        window.rest()
        if shot.act is not None:
            shot.act(page, hospital)
            window.rest()
        # Pictures beside a list come a moment after their address.
        page.wait_for_timeout(700)
        page.mouse.move(0, 0)
        said = page.locator("#main").inner_text() if page.locator("#main").count() else ""
        if width == WIDTH and shot.name in screens():
            assert len(said) > 30, f"{shot.name}: the screen is empty"
        window.check()
        return page.screenshot()
    finally:
        window.close()


def small(picture: bytes) -> bytes:
    """The picture with as many colours as fit into the bound."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for scale in (1, 0.8, 0.65):
        sized = image if scale == 1 else image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        for colours in (255, 128, 64):
            out = io.BytesIO()
            in_colours(sized, colours).save(out, "PNG", optimize=True)
            if out.tell() < BYTES_MAX:
                return out.getvalue()
    raise AssertionError("a picture does not fit into its bound")


def in_colours(image, colours):
    """The picture in so many colours: those that most of it has as they are, so that a background stays what it is, and near ones for the rest."""
    import numpy
    from PIL import Image

    pixels = numpy.asarray(image).reshape(-1, 3).astype(numpy.uint32)
    packed, where, counts = numpy.unique(pixels @ numpy.array([1 << 16, 1 << 8, 1], dtype=numpy.uint32), return_inverse=True, return_counts=True)
    found = numpy.stack([packed >> 16, (packed >> 8) & 255, packed & 255], axis=1).astype(numpy.uint8)
    exact = found[numpy.argsort(-counts)[: colours // 2]]
    rest = image.quantize(colours - len(exact), Image.Quantize.MAXCOVERAGE).getpalette()
    palette = numpy.vstack([exact, numpy.array(rest, dtype=numpy.uint8).reshape(-1, 3)])[:colours].astype(numpy.int32)
    nearest = numpy.concatenate([((part[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1) for part in numpy.array_split(found.astype(numpy.int32), 1 + len(found) // 4096)])
    made = Image.fromarray(nearest[where.ravel()].astype(numpy.uint8).reshape(image.height, image.width), "P")
    made.putpalette(palette.astype(numpy.uint8).tobytes())
    return made


def whole_table(chromium, hospital) -> list:
    """The table, and each screen that it does not have, for the first who finds it in the menu."""
    known = {shot.name for shot in SHOTS}
    missing = [path for path in screens() if path not in known]
    more = []
    for who in ANYBODY if missing else []:
        window = desk(chromium, hospital, who, "en", "light", WIDTH)
        try:
            page = window.go("")
            page.get_by_role("navigation").first.wait_for()
            menu = {link.get_attribute("href").rsplit("/", 1)[1] for link in page.locator("nav a[href*='/console/']").all()}
        finally:
            window.close()
        found = [path for path in missing if path in menu]
        more += [Shot(path, who, path) for path in found]
        missing = [path for path in missing if path not in found]
    assert not missing, f"nobody has these screens in the menu: {missing}"
    return SHOTS + more


# === the pages of the book ===

PAGES = {
    "en": ("# What it looks like", "For whoever wants to see the console before installing it. Everything here is made up; `script/screens` makes these pictures anew.", "dark", "on a telephone"),
    "zh": ("# 界面一览", "供安装之前先看看控制台的人。图中内容均为虚构；`script/screens` 可重新生成全部图片。", "深色", "手机上"),
}  # fmt: skip


def page_of_book(shots, short) -> str:
    """The page that shows all of them."""
    head, why, dark, narrow = PAGES[short]
    language = next(one for one, of in LANGUAGES.items() if of == short)
    titles, lines, under = names()[language], [head, "", why, ""], screens()
    for shot in shots:
        title = titles.get(under.get(shot.name, ""))
        if title is not None:
            lines += [f"## {title}", ""]
        says = shot.says[0 if short == "en" else 1]
        if says:
            lines += [says, ""]
        alt = says or title or shot.name
        lines += [f"![{alt}](../screens/{shot.name}.{short}.png)", ""]
        for wanted, suffix, word in ((shot.dark, "dark", dark), (shot.narrow, "narrow", narrow)):
            if wanted:
                lines += [f"![{alt} ({word})](../screens/{shot.name}.{suffix}.{short}.png)", ""]
    return "\n".join(lines).rstrip() + "\n"


def main(chosen):
    from playwright.sync_api import Error, sync_playwright

    clock = FixedClock(Path(os.environ["FAKETIME_TIMESTAMP_FILE"]))
    folder = Path(tempfile.mkdtemp(prefix="screens-"))
    hospital, failed = None, []
    try:
        hospital = lively.Hospital(folder, clock)
        print("the hospital is there", file=sys.stderr)
        with sync_playwright() as playwright:
            # What the browser itself writes, such as the form of a date, is in the language of the picture, too.
            chromium = {
                language: playwright.chromium.launch(
                    executable_path=browser.executable(), args=[*browser.ARGUMENTS, f"--lang={language}"], env={**os.environ, "LANGUAGE": language.replace("-", "_")}
                )
                for language in LANGUAGES
            }
            shots = whole_table(chromium["en"], hospital)
            FOLDER.mkdir(exist_ok=True)
            for shot in shots:
                if chosen and shot.name not in chosen:
                    continue
                # Each at the same moment: what is done for pictures takes time.
                clock.go(lively.NOW)
                for name, language, theme, width in files(shot):
                    try:
                        (FOLDER / name).write_bytes(small(take(chromium[language], hospital, shot, language, theme, width)))
                    except (AssertionError, Error) as error:
                        # The others are taken all the same, and all that failed is told at the end.
                        failed.append(f"{name}: {error}")
                print(shot.name, file=sys.stderr)
            for running in chromium.values():
                running.close()
        assert not failed, "\n".join(failed)
        if not chosen:
            wanted = {name for shot in shots for name, *_ in files(shot)}
            for old in FOLDER.glob("*.png"):
                if old.name not in wanted:
                    old.unlink()
            for short in PAGES:
                (ROOT / "docs" / "src" / short / "screens.md").write_text(page_of_book(shots, short), "utf-8")
        total = sum(file.stat().st_size for file in FOLDER.glob("*.png"))
        assert total < BYTES_ALL_MAX, f"all pictures together have {total} bytes"
    finally:
        if hospital is not None:
            hospital.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
