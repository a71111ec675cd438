"""`light_styles`, `light_pictures` and `light_fonts`: fewer bytes, the same page."""

import base64
import io
import pathlib

import numpy as np
import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

import light_fonts
import light_pictures
import light_styles


@pytest.fixture
def names():
    names = light_styles.Names()
    names.add_page('<p class="text wide" id="top"><script>box.classList.add("open"); side = `tip-${where}`</script>')
    return names


@pytest.mark.parametrize(
    "rule",
    [
        ".text{color:red}",
        "p>a:hover{color:red}",
        "#top .open{color:red}",  # a script adds it
        ".tip-left{color:red}",  # a script builds it from parts
        "p:not(.gone){color:red}",  # which is true where nothing is called so
        "p:is(.gone,.wide){color:red}",
        "[data-theme=dark]{color:red}",
        '@font-face{font-family:x;src:url("x.woff")}',
        "@keyframes gone{from{color:red}}",
        "@page{margin:1cm}",
        ":root{--a:#fff}",
    ],
)
def test_what_can_apply_stays(names, rule):
    assert light_styles.prune(rule, names) == rule


@pytest.mark.parametrize(
    "rule",
    [
        ".gone{color:red}",
        "#away p{color:red}",
        ".text.gone{color:red}",
        "p:is(.gone){color:red}",
        "a:has(.gone){top:0}",
    ],
)
def test_what_can_apply_to_nothing_goes(names, rule):
    assert light_styles.prune(rule, names) == ""
    assert light_styles.prune(f"@media print{{{rule}}}", names) == ""


def test_of_several_selectors_the_possible_ones_stay(names):
    assert light_styles.prune(".gone,.text,p .away{color:red}", names) == ".text{color:red}"


def test_icons_are_drawn_and_need_no_letter(names):
    names.add_script('const start = "fa-" + name; icon("fa-moon")')
    assert not names.has("fa-dragon") and names.has("fa-moon")


def test_a_picture_is_the_same_pixel_for_pixel():
    pixels = np.random.default_rng(0).integers(0, 40, (32, 32, 4), dtype=np.uint8).repeat(3, 0).repeat(3, 1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    page = light_pictures.lighten(f'<image href="data:image/png;base64,{png[:50]}\n{png[50:]}"/>')
    kind, data = page.split('"')[1].split(";base64,")
    assert kind == "data:image/webp" and len(data) < len(png)
    assert np.array_equal(np.array(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)


def test_a_file_is_renamed_where_that_saves_and_the_page_follows(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 40, (32, 32, 4), dtype=np.uint8).repeat(3, 0).repeat(3, 1)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    renamed = light_pictures.lighten_files(tmp_path)
    assert renamed == {"_images/a.png": "_images/a.webp"} and [path.name for path in tmp_path.iterdir()] == ["a.webp"]
    assert np.array_equal(np.array(Image.open(tmp_path / "a.webp")), pixels)
    assert light_pictures.lighten('<img src="../_images/a.png"/>', renamed) == '<img src="../_images/a.webp"/>'


def test_the_signs_of_a_style_sheet_are_found_as_letters_and_escaped():
    assert light_fonts.signs('a{content:"\uf05a"} b{content:"\\f0c9"} c{color:#f0c9aa}') == {0xF05A, 0xF0C9}


def test_the_font_of_signs_is_cut_to_those_in_use(tmp_path):
    fonts = tmp_path / "_static" / "vendor" / "fontawesome" / "webfonts"
    fonts.mkdir(parents=True)
    theme = pathlib.Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    (fonts / "fa-solid-900.ttf").write_bytes(next(theme.rglob("fa-solid-900.ttf")).read_bytes())
    sheet = tmp_path / "_static" / "styles" / "a.css"
    sheet.parent.mkdir()
    place = "../vendor/fontawesome/webfonts/fa-solid-900"
    sheet.write_text(
        f'@font-face{{src:url({place}.woff2) format("woff2"),url({place}.ttf) format("truetype")}}i{{content:"\\f05a"}}'
    )
    light_fonts.lighten(tmp_path)
    assert sheet.read_text().startswith(f'@font-face{{src:url({place}.woff) format("woff")}}')
    assert set(TTFont(fonts / "fa-solid-900.woff").getBestCmap()) == {0xF05A}
