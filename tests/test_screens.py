"""The pictures of the console: every screen has one in both languages, the book shows all of them, and they are small enough to be kept."""

import re

import pytest

from yingdun_testkit import screens

PNG = b"\x89PNG\r\n\x1a\n"


def kept() -> dict:
    """The pictures that are there: name and size in bytes."""
    return {file.name: file.stat().st_size for file in screens.FOLDER.glob("*")}


def test_every_screen_of_the_console_has_a_picture_in_both_languages():
    paths = screens.screens()
    assert len(paths) >= 15 and "overview" in paths, "the table of screens is read as it is written"
    wanted = {f"{path}.{short}.png" for path in paths for short in screens.LANGUAGES.values()}
    assert not wanted - set(kept()), f"script/screens takes them: {sorted(wanted - set(kept()))}"


def test_every_picture_of_the_table_is_there_and_small_enough_to_be_kept():
    wanted = [name for shot in screens.SHOTS for name, *_ in screens.files(shot)]
    assert len(wanted) == len(set(wanted)), "two pictures under one name"
    sizes = kept()
    assert not set(wanted) - set(sizes), sorted(set(wanted) - set(sizes))
    assert not {name: size for name, size in sizes.items() if size > screens.BYTES_MAX}
    assert sum(sizes.values()) < screens.BYTES_ALL_MAX
    assert all((screens.FOLDER / name).read_bytes().startswith(PNG) for name in sizes)


@pytest.mark.parametrize("short", sorted(screens.LANGUAGES.values()))
def test_the_book_shows_each_of_its_language_once_and_says_what_it_is(short):
    page = (screens.ROOT / "docs" / "src" / short / "screens.md").read_text("utf-8")
    shown = re.findall(r"!\[([^]]+)\]\(\.\./screens/([^)]+)\)", page)
    assert sorted(name for _, name in shown) == sorted(name for name in kept() if name.endswith(f".{short}.png"))
    assert all(len(alt) > 3 for alt, _ in shown)


@pytest.mark.parametrize(("name", "short"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_the_readme_shows_pictures_of_its_language(name, short):
    shown = re.findall(r"docs/src/screens/([\w.-]+\.png)", (screens.ROOT / name).read_text("utf-8"))
    assert len(shown) >= 3 and all(one in kept() and one.endswith(f".{short}.png") for one in shown), shown
