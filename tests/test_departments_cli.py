"""Departments and dissents from the command line, as the security administrator enters them."""

import pytest

from yingdun_testkit import program


@pytest.fixture(scope="module")
def officer(make_installation, tmp_path_factory):
    """An installation, and the options with which the security administrator asks it."""
    installation = make_installation("departments-cli")
    name = installation.office.names["security-administrator"]
    return installation, program.signed_in(installation, tmp_path_factory.mktemp("words"), name)


def test_departments_are_entered_joined_and_left(officer):
    installation, words = officer
    installation.office.person("dr-li", "specialist")
    program.run_json("department", "enter", "surgery", "--called", "外科 Surgery", *words)
    program.run_json("department", "join", "dr-li", "--department", "surgery", "--days", "2", *words)
    program.run_json("department", "join", "dr-li", "--device", "CT01", *words)
    program.run_json("department", "of-device", "CT01", "surgery", *words)
    program.run_json("department", "of-study", "1.2.3", "--requesting", "surgery", *words)
    listed = program.run_json("department", "list", *words)
    assert listed["departments"] == [{"department": "surgery", "name": "外科 Surgery"}]
    held = {row.get("department") or row.get("device"): row for row in listed["members"]}
    assert set(held) == {"surgery", "CT01"}
    assert held["surgery"]["valid_until_ms"] - held["surgery"]["valid_from_ms"] == 2 * 24 * 3_600_000
    program.run_json("department", "leave", "dr-li", "--department", "surgery", *words)
    assert [row.get("device") for row in program.run_json("department", "list", *words)["members"]] == ["CT01"]
    # What is not there is told, and what is asked wrongly is not asked.
    program.run_json("department", "join", "dr-li", "--department", "missing", *words, code=1)
    assert program.run("department", "join", "dr-li", *words).returncode == 2
    both = ["--department", "surgery", "--device", "CT01"]
    assert program.run("department", "join", "dr-li", *both, *words).returncode == 2


def test_dissents_are_entered_listed_and_ended(officer, tmp_path):
    installation, words = officer
    patient = tmp_path / "patient"
    patient.write_text("dissent-cli-1\n")
    of = ["--patient-id-file", patient]
    program.run_json("dissent", "enter", *of, "--against", "sharing", *words, code=1)
    made = program.run_json("dissent", "enter", *of, "--against", "person", "--name", "dr-li", "--unknown", "--days", "1", *words)
    assert (made["against"], made["name"], made["studies"]) == ("person", "dr-li", 0)
    sealed = program.run_json("dissent", "enter", *of, "--against", "sealed", "--but", "dr-li", "--break-glass", "--unknown", *words)
    assert (sealed["names"], sealed["break_glass"]) == (["dr-li"], True)
    everybody = program.run_json("dissent", "enter", *of, "--against", "sealed", "--unknown", *words)
    assert everybody["names"] == []
    numbers = {row["dissent"] for row in program.run_json("dissent", "list", *words)}
    assert numbers == {made["dissent"], sealed["dissent"], everybody["dissent"]}
    for number in numbers:
        program.run_json("dissent", "end", number, *words)
    assert program.run_json("dissent", "list", *words) == []
    program.run_json("dissent", "end", "1", *words, code=1)
    # Who does not know the office does not do its work.
    name = installation.office.names["system-administrator"]
    other = program.signed_in(installation, tmp_path, name)
    program.run_json("dissent", "enter", *of, "--against", "sharing", "--unknown", *other, code=1)
