"""Write the book's fonts anew: parts of Source Sans 3, Source Code Pro and Noto Sans SC (SIL Open Font License 1.1).

The maintainer's tool, for when a page needs a letter that the fonts lack. It wants fonttools and brotli, and the
folders of the three npm packages, each unpacked from `npm pack source-sans@3.52.0`, `npm pack source-code-pro@2.42.0`
and `npm pack @fontsource/noto-sans-sc@5.3.0`:

    python tools/subset_fonts.py source-sans/package source-code-pro/package noto-sans-sc/package

The Chinese characters are only those that the pages use. A reader who has a Chinese font never loads them.

The licence keeps the name "Source" for the whole fonts. What is taken out of them has a name of its own.
"""

import argparse
import pathlib
import shutil

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

ROOT = pathlib.Path(__file__).parents[1]
FONTS = ROOT / "book" / "_static" / "fonts"
FIGURES = {400: "text.ttf", 700: "text-bold.ttf"}  # what Matplotlib measures and draws text with
SANS, CODE, HAN = "Tlbook Sans", "Tlbook Code", "Tlbook Chinese"
# Latin with the accents of European names, Greek, and the signs of a text about numbers.
LETTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *(ord(letter) for letter in "șțȘȚˆˇ˘˙˚˛˜˝ᵀ"),
    *range(0x391, 0x3CA),
    *range(0x2010, 0x2027),
    *(ord(sign) for sign in "‰′″‹›⁄€™Ω"),
    *range(0x2070, 0x209D),
    *range(0x2190, 0x219A),
    *(ord(sign) for sign in "∂∆∇∈∏∑−∗∘√∞∫≈≠≡≤≥⋅⟨⟩■□▲△▶▷▸▾▼▽◆◇○●★☆✓✗"),
)
CHINESE = (
    "、。《》一上不与两个主义也习书买了亏些交产享亮介从他代以价任优会估似低体何你便信候值偏像元充入全共其具写决冻准几"
    "出函分列判别到刻剪割力务势包化区半协单卷压厌原参又叉及友发受变句召可台各合名后听命和品哪喜器回困图坍坏型域基塌填"
    "增声复多天太失头好如子学它实客对小少尔就局层屏展嵌工差已幅幕干平年并广序应度式强归征很得循微心忆快念性悔情惑想意"
    "感慢懂成我战批抗抽拟择按挑损据探接控推收改效数整文方无时明星景智暗更替有朋服望期未本机权来析枝架查标校样核格框档"
    "梅梯检楚概模欢步段比池没泄泛注活流测浪消淆深混清温源满漂漏激点热照熵片特献率环理瓶生用电白的盈目直相看知矩短码破"
    "础确神离种秩积移章第等答签类精糊线练绍经结给络编缩网置考耐背能自至色节荐蒸衡表装要解言讨训记证评识词试语误说调谱"
    "负货贵费资超趋距跨转轮轻辑输迁过近这进连送适逆选递通逻道配重野量钱错键长门问间阈阵限随难集零音顾预领颈频题颜馏马"
    "验骤高（），：；"
)
FEATURES = ("kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum", "calt")
# file, its source, the letters and the weights that it keeps: from and to, or one; None where it has only one
FILES = (
    ("sans.woff2", 0, "VF/SourceSans3VF-Upright.ttf", SANS, LETTERS, (400, 700)),
    ("sans-italic.woff2", 0, "VF/SourceSans3VF-Italic.ttf", SANS, LETTERS, 400),
    ("code.woff2", 1, "VF/SourceCodeVF-Upright.ttf", CODE, LETTERS, (400, 700)),
    ("chinese.woff2", 2, "files/noto-sans-sc-chinese-simplified-400-normal.woff2", HAN, tuple(map(ord, CHINESE)), None),
)


def reduce(path, family, letters, weights):
    """Return the font of a file with these letters and weights, and the features of the book, named `family`."""
    font = TTFont(path, recalcTimestamp=False)
    options = subset.Options(layout_features=list(FEATURES), hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    options.name_languages = [0x409]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=letters)
    subsetter.subset(font)
    if weights:
        font = instancer.instantiateVariableFont(font, {"wght": weights})
    rename(font, family)
    return font


def rename(font, family):
    """Give a font its own family name wherever it is named."""
    if "fvar" in font:
        font["fvar"].instances = []  # each weight has a name in there as well
    font["name"].names = [name for name in font["name"].names if name.nameID < 256 or "Source" not in str(name)]
    style = font["name"].getDebugName(2) or "Regular"
    names = {1: family, 3: f"{family} {style}", 4: f"{family} {style}", 6: f"{family}-{style}".replace(" ", "")}
    for identifier, text in names.items():
        font["name"].setName(text, identifier, 3, 1, 0x409)


def main():
    """Read the command line and write the fonts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs=3, type=pathlib.Path, help="the unpacked packages: text, code, Chinese")
    options = parser.parse_args()
    FONTS.mkdir(parents=True, exist_ok=True)
    for name, source, path, family, letters, weights in FILES:
        font = reduce(options.sources[source] / path, family, letters, weights)
        font.flavor = "woff2"
        font.save(FONTS / name)
        print(f"{name}: {(FONTS / name).stat().st_size / 1000:.1f} kB")
    source, path, family, letters, _ = FILES[0][1:]
    for weight, name in FIGURES.items():
        reduce(options.sources[source] / path, family, letters, weight).save(ROOT / "tlbook" / "figures" / name)
    shutil.copy(options.sources[source] / "LICENSE.md", ROOT / "tlbook" / "figures" / "text.LICENSE")
    licences = (
        ("LICENSE.md", "LICENSE-sans.txt"),
        ("LICENSE.md", "LICENSE-code.txt"),
        ("LICENSE", "LICENSE-chinese.txt"),
    )
    for source, (theirs, ours) in zip(options.sources, licences, strict=True):
        shutil.copy(source / theirs, FONTS / ours)


if __name__ == "__main__":
    main()
