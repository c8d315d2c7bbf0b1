"""What is written leads somewhere: every link of the documents, every page of the book, every Chinese sister page."""

import os
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "docs" / "src"

#: Pages of the book that exist in English and in Chinese. The others exist in English only, and the summary says so.
IN_BOTH_LANGUAGES = {
    "installation.md", "devices.md", "query.md", "worklist.md", "users.md", "audit.md", "storage.md", "dicomweb.md",
    "pictures.md", "searching.md", "security.md", "moving-in.md", "export.md", "ups.md", "following.md", "national.md", "nodes.md", "sizing.md",
    "keys.md", "destruction.md", "backup.md", "second-factor.md", "identity.md", "grants.md", "dissents.md", "consents.md", "outside.md", "maintenance.md", "masking.md", "watermarks.md", "monitoring.md",
    "gateway.md", "programs.md", "policies.md", "console.md", "screens.md",
}


def documents() -> list:
    """Every Markdown file that is kept, less the data of tests."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(ROOT / name for name in listed.stdout.split("\0") if name)


def prose(path: Path) -> str:
    """The text without what is shown verbatim, with the files that mdBook puts in."""
    text = path.read_text("utf-8")
    text = re.sub(r"\{\{#include ([^}]+)\}\}", lambda found: (path.parent / found[1]).read_text("utf-8"), text)
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "``", text)


def links(path: Path) -> list:
    """Where the links of a document lead, without those to other sites."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(path))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(path: Path) -> set:
    """The names of a document's headings, as GitHub and mdBook make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    return {anchor(heading) for heading in re.findall(r"^#+ +(.+?) *$", text, flags=re.M)}


def anchor(heading: str) -> str:
    heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower().replace(" ", "-")
    return "".join(c for c in heading if c in "-_" or unicodedata.category(c)[0] in "LN")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_to_a_file_and_a_heading_that_exist(document):
    broken = []
    for target in links(document):
        name, _, heading = target.partition("#")
        path = Path(os.path.normpath(document.parent / name)) if name else document
        if not path.exists() or (heading and heading not in anchors(path)):
            broken.append(target)
    assert not broken, f"links that lead nowhere: {broken}"


def test_the_summary_names_every_page_of_the_book_and_only_those():
    named = [BOOK / target for target in links(BOOK / "SUMMARY.md")]
    assert len(named) == len(set(named))
    assert set(named) == set(BOOK.rglob("*.md")) - {BOOK / "SUMMARY.md"}


def test_pages_of_the_book_link_only_to_pages_of_the_book():
    # On the web there is only the book: a link out of it would lead nowhere.
    outside = {
        f"{page.relative_to(BOOK)}: {target}"
        for page in BOOK.rglob("*.md")
        for target in links(page)
        if BOOK not in Path(os.path.normpath(page.parent / target)).parents
    }
    assert not outside


def test_the_pages_that_are_promised_in_chinese_exist_and_show_the_same_commands():
    assert {page.name for page in (BOOK / "zh").iterdir()} == IN_BOTH_LANGUAGES
    for name in IN_BOTH_LANGUAGES:
        english, chinese = (subcommands(BOOK / language / name) for language in ("en", "zh"))
        assert chinese <= english, f"{name}: only the Chinese page shows {chinese - english}"


def subcommands(page: Path) -> set:
    return set(re.findall(r"\byingdun ((?:[a-z][a-z-]+ ?){1,2})", page.read_text("utf-8")))
