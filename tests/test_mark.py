"""The mark: what each state looks like, and that the stored pictures are what the module draws."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import chapter_pages
import identity
import mark

STYLE = (mark.STATIC / "tlbook.css").read_text(encoding="utf-8")


def drawn(states, **options):
    return list(ET.fromstring(mark.svg(states, **options)))


def test_each_state_looks_different():
    frozen, learns, left_out = drawn(mark.STATES)
    assert (frozen.get("fill"), learns.get("fill")) == (mark.LIGHT[mark.FROZEN], mark.LIGHT[mark.LEARNS])
    assert left_out.get("fill") == "none" and left_out.get("stroke") == mark.LIGHT[mark.LEFT_OUT]


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_bars_shrink_stand_apart_and_stay_inside(count):
    boxes = mark.bars([mark.FROZEN] * count)
    heights = [bottom - top for _, top, _, bottom in boxes]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == count and heights[-1] >= mark.SHORTEST
    assert all(after[0] > before[2] for before, after in zip(boxes, boxes[1:], strict=False))
    assert min(map(min, boxes)) >= 0 and boxes[-1][2] <= mark.width(boxes) and max(b[3] for b in boxes) <= mark.HEIGHT


@pytest.mark.parametrize("states", [[], ["melted"]])
def test_an_unknown_state_is_named(states):
    with pytest.raises(ValueError, match="expected one or more of frozen, learns, left out"):
        mark.bars(states)


@pytest.mark.parametrize("name", mark.files())
def test_the_stored_files_are_what_the_module_draws(name):
    stored, now = (mark.STATIC / name).read_bytes(), mark.files()[name]
    if name.endswith(".svg"):
        assert stored == now, "run python tools/mark.py"
        return
    pixels = [np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"), int) for content in (stored, now)]
    assert pixels[0].shape == pixels[1].shape
    assert np.abs(pixels[0] - pixels[1]).mean() < 1, "run python tools/mark.py"  # another Pillow may round otherwise


def test_the_preview_has_the_size_that_others_show():
    assert Image.open(mark.STATIC / "preview.png").size == (1200, 630)
    assert {size[0] for size in Image.open(mark.STATIC / "favicon.ico").info["sizes"]} == {16, 32, 48}


def test_the_colours_are_those_of_the_figures_light_and_dark():
    assert [mark.LIGHT[mark.FROZEN], mark.LIGHT[mark.LEARNS]] == list(chapter_pages.COLOURS[:2])
    for number, state in enumerate((mark.FROZEN, mark.LEARNS), 1):
        assert f"--plot-{number}: {mark.DARK[state]};" in STYLE


def test_on_the_cover_one_block_more_learns_at_each_step_the_last_first():
    assert [states.count(mark.LEARNS) for states in mark.WAY] == list(range(6))
    assert all(states == sorted(states) for states in mark.WAY)  # "frozen" before "learns"
    picture = ET.fromstring(identity.cover())
    assert picture.find("div").get("role") == "img" and len(picture.findall(".//*[@class='cover-mark']")) == 6
