"""Write the book's fonts anew: parts of Source Sans 3, Source Code Pro and Noto Sans SC (SIL Open Font License 1.1).

The maintainer's tool, for when a page needs a letter that the fonts lack. It wants fonttools and brotli, and the
folders of the three npm packages, each unpacked from `npm pack source-sans@3.52.0`, `npm pack source-code-pro@2.42.0`
and `npm pack @fontsource/noto-sans-sc@5.3.0`:

    python tools/subset_fonts.py source-sans/package source-code-pro/package noto-sans-sc/package

The Chinese characters are only those that the pages use, in two files: most pages need the smaller one alone. A reader
who has a Chinese font loads neither.

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
NOTO = "files/noto-sans-sc-chinese-simplified-400-normal.woff2"
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
# Chinese: what the heads of the chapters and most pages use, and what only a few pages use.
HEADS = (
    "、《》与习些介从他代以估何像其具分别到力势化卷压原参及发可各和哪器图型如学对局层展工广应度循微心念成战抗择挑据改"
    "效数文无景智更未本来架标核框概模步泛注深源献环理生用的码神种积移章第答类练绍经络编缩网考背能自至节解言训评识语调"
    "资趋跨转迁进选问限集音预题骤高（），：；"
)
MORE = (
    "。一上不两个主义也书买了亏交产享亮价任优会似低体你便信候值偏元充入全共写决冻准几出函列判刻剪割务包区半协单厌又叉"
    "友受变句召台合名后听命品喜回困坍坏域基塌填增声复多天太失头好子它实客小少尔就屏嵌差已幅幕干平年并序式强归征很得忆"
    "快性悔情惑想意感慢懂我批抽拟按损探接控推收整方时明星暗替有朋服望期机权析枝查校样格档梅梯检楚欢段比池没泄活流测浪"
    "消淆混清温满漂漏激点热照熵片特率瓶电白盈目直相看知矩短破础确离秩等签精糊线结给置耐色荐蒸衡表装要讨记证词试误说谱"
    "负货贵费超距轮轻辑输过近这连送适逆递通逻道配重野量钱错键长门间阈阵随难零顾领颈频颜馏马验"
)
FEATURES = ("kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum", "calt")
# file, its source, the letters and the weights that it keeps: from and to, or one; None where it has only one
FILES = (
    ("sans.woff2", 0, "VF/SourceSans3VF-Upright.ttf", SANS, LETTERS, (400, 700)),
    ("sans-italic.woff2", 0, "VF/SourceSans3VF-Italic.ttf", SANS, LETTERS, 400),
    ("code.woff2", 1, "VF/SourceCodeVF-Upright.ttf", CODE, LETTERS, (400, 700)),
    ("chinese.woff2", 2, NOTO, HAN, tuple(map(ord, HEADS)), None),
    ("chinese-more.woff2", 2, NOTO, HAN, tuple(map(ord, MORE)), None),
)


def unicode_range(letters):
    """Return these letters as the value of `unicode-range` in a style sheet."""
    return ", ".join(f"U+{ord(letter):X}" for letter in sorted(letters))


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
