"""The page of commands names every command that the program has, and every option of each: what `--help` says is what is written."""

import re
from pathlib import Path

import pytest

from yingdun_testkit import program

PAGE = Path(__file__).resolve().parent.parent / "docs" / "src" / "en" / "commands.md"

#: Options that many commands share: the page has them at its top.
COMMON = {"--json", "--server", "--ca-file", "--token-file", "--config", "--help", "--version"}


def help_of(*command) -> str:
    said = program.run(*command, "--help", env={"LC_ALL": "C", "LANG": "C"})
    assert said.returncode == 0, said.stderr
    return said.stdout


def commands() -> list:
    """Every command that does something, with the words that lead to it."""
    found, waiting = [], [()]
    while waiting:
        command = waiting.pop()
        _, has_more, rest = help_of(*command).partition("\nCommands:\n")
        if not has_more:
            found.append(command)
            continue
        names = re.findall(r"^  ([a-z][a-z0-9-]*)\b", rest.split("\n\n")[0], flags=re.M)
        waiting += [(*command, name) for name in names if name != "help"]
    return sorted(found)


def options_of(text: str) -> set:
    """The long options that a help text or a section defines, each at the beginning of a line."""
    return set(re.findall(r"^\s*(?:-\w, )?(--[a-z0-9-]+)", text, flags=re.M))


def sections() -> dict:
    """The text below each heading of a command."""
    parts = re.split(r"^### +(.+?) *$", PAGE.read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.fixture(scope="module")
def all_commands():
    found = commands()
    assert len(found) > 100 and ("audit", "verify") in found, "the help is read as it is"
    return found


def test_every_command_has_its_section(all_commands):
    missing = [" ".join(command) for command in all_commands if " ".join(command) not in sections()]
    assert not missing, f"commands without a section: {missing}"


def test_every_section_is_one_of_a_command(all_commands):
    known = {" ".join(command) for command in all_commands}
    assert not [name for name in sections() if name not in known]


def test_every_option_of_a_command_is_in_its_section_and_no_other(all_commands):
    wrong = {}
    for command in all_commands:
        name = " ".join(command)
        section = sections().get(name, "")
        has = options_of(help_of(*command)) - COMMON
        # One that must be given may stand in the usage alone, where it explains itself.
        mentioned = set(re.findall(r"--[a-z0-9-]+", section))
        missing, gone = has - mentioned, options_of(section) - COMMON - has
        if missing or gone:
            wrong[name] = {"missing": sorted(missing), "gone": sorted(gone)}
    assert not wrong, f"the page says otherwise than --help: {wrong}"
