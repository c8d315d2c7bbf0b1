"""The sizing pages say what follows from what was measured, and the arithmetic is right."""

import importlib.machinery
import importlib.util
import math
import subprocess

import pytest

from yingdun_testkit.program import REPOSITORY

SCRIPT = REPOSITORY / "script" / "sizing"


@pytest.fixture(scope="module")
def sizing():
    loader = importlib.machinery.SourceFileLoader("sizing", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("sizing", loader))
    loader.exec_module(module)
    return module


def test_the_pages_say_what_the_script_works_out():
    done = subprocess.run([SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_arithmetic_agrees_with_a_calculation_by_hand(sizing, monkeypatch):
    """One kind of study, round numbers, and every result worked out beside it."""
    figures = sizing.Measured(images_per_s=10, cpu_s_per_gb=5, read_mb_per_s=100, ct_stored=0.5, mr_stored=1, keys_per_s=1000)
    assumed = sizing.Assumed(busiest_hour=0.1, looks=2, use=0.5, copies=3, disk_tb=10, fill=0.8, years=2)
    monkeypatch.setattr(sizing, "mix", lambda figures: [sizing.Kind("CT", 1.0, 360, 2.0, figures.ct_stored)])
    need = sizing.need(1000, figures, assumed)
    assert need.images_per_day == 360_000
    assert need.sent_gb_per_day == 720
    assert need.stored_gb_per_day == 360
    assert need.images_per_s == pytest.approx(10)  # 36,000 images in 3,600 s
    assert need.in_mbit_per_s == pytest.approx(160)  # 72 GB in an hour: 20 MB/s
    assert need.out_mbit_per_s == pytest.approx(320)
    assert need.cores_for_receiving == pytest.approx(0.1)  # 0.02 GB/s, 5 s each
    assert need.machines == 2  # all that one machine can, of which half may be used
    assert need.stored_tb == pytest.approx(262.8)  # 0.36 TB on 730 days
    assert need.disks == 3 * 33  # 262.8 TB on disks filled to 8 TB: 32.85
    assert need.scrub_mb_per_s == pytest.approx(262_800_000 / 604_800)
    assert need.offsite_mbit_per_s == pytest.approx(100 / 3)  # 2,880,000 Mbit in 86,400 s
    assert need.keys == 730_000
    assert need.rewrap_minutes == pytest.approx(730 / 60)


def test_a_province_is_the_sum_of_its_installations(sizing):
    figures, assumed = sizing.measured(), sizing.Assumed()
    large, small = (sizing.need(studies, figures, assumed) for studies in (5000, 500))
    province = sizing.need_of([(20, 5000), (200, 500)], figures, assumed)
    assert province.machines == 20 * large.machines + 200 * small.machines
    assert province.disks == 20 * large.disks + 200 * small.disks
    assert math.isclose(province.stored_tb, 20 * large.stored_tb + 200 * small.stored_tb)
    assert province.rewrap_minutes == large.rewrap_minutes, "each installation wraps its own keys, side by side"


@pytest.mark.parametrize("value, text", [(1, "1"), (2_737_500, "2,737,500"), (165.3, "165"), (0.01359, "0.0136"), (24_960.0, "25,000")])
def test_numbers_are_shown_with_the_digits_that_count(sizing, value, text):
    assert sizing.shown(value) == text
