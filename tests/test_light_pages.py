"""`light_pages`: a page keeps what it uses of the theme, and nothing else."""

import pytest

import light_pages

SCRIPT = (
    'var a={circle:[512,512,[],"f111","M1 1"]};'
    'var b={bell:[1,2,[],"f0f3","M9 9"],circle:[512,512,[128308,"dot"],"f111","M2 2z"],'
    '"file-pdf":[384,512,[],"f1c1","M3 3"]};'
)
PAGE = """<head>
<link rel="preload" as="script" href="../_static/later.js" />
<link rel="stylesheet" type="text/css" href="../_static/print.css?v=1" />
<script src="../_static/documentation_options.js"></script>
<script src="../_static/searchtools.js"></script>
<script src="../_static/language_data.js?v=1"></script>
<script src="../searchindex.js"></script>
<script src="../_static/tlbook.js"></script></head>
<i class="fa-solid fa-circle fa-lg"></i><i class="fas fa-file-pdf"></i><i class="plain"></i>"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "_static" / "scripts").mkdir(parents=True)
    (tmp_path / "_static" / "scripts" / "fontawesome.js").write_text(SCRIPT)
    for name in ("page", "search"):
        (tmp_path / f"{name}.html").write_text(PAGE)
    return tmp_path


def test_drawings_are_of_the_last_style():
    assert light_pages.icons(SCRIPT, {"circle", "file-pdf", "lg"}) == {
        "circle": (512, 512, "M2 2z"),
        "file-pdf": (384, 512, "M3 3"),
    }


def test_no_page_loads_the_search_of_the_theme(folder):
    light_pages.lighten(folder)
    for name in ("page", "search"):
        page = (folder / f"{name}.html").read_text()
        assert "searchtools" not in page and "searchindex" not in page and "language_data" not in page
        assert "tlbook.js" in page


def test_scripts_wait_until_the_page_stands(folder):
    light_pages.lighten(folder)
    page = (folder / "page.html").read_text()
    assert '<script defer src="../_static/tlbook.js">' in page and "preload" not in page
    assert '<link rel="stylesheet" media="print" href="../_static/print.css?v=1" />' in page
    assert '<script src="../_static/documentation_options.js">' in page  # lines of the head use what it sets


def test_rules_that_no_page_uses_go(folder):
    sheet = folder / "_static" / "basic.css"
    sheet.write_text(".plain{color:red}.gone{color:red}")
    light_pages.lighten(folder)
    assert sheet.read_text() == ".plain{color:red}"


def test_only_icons_that_are_used_are_sent(folder):
    light_pages.lighten(folder)
    script = (folder / "_static" / "scripts" / "fontawesome.js").read_text()
    assert "M2 2z" in script and "M3 3" in script and "M9 9" not in script
    light_pages.lighten(folder)  # a second build finds its own script
    assert (folder / "_static" / "scripts" / "fontawesome.js").read_text() == script


def test_an_icon_without_a_drawing_is_named(folder):
    (folder / "page.html").write_text('<i class="fa-solid fa-dragon"></i>')
    with pytest.raises(ValueError, match="no drawing of the icons dragon"):
        light_pages.lighten(folder)
