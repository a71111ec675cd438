"""Write the book's fonts anew: parts of Source Sans 3 and Source Code Pro (Adobe, SIL Open Font License 1.1).

The maintainer's tool, for when a page needs a letter that the fonts lack. It wants fonttools and brotli, and the
folders of the two npm packages, each unpacked from `npm pack source-sans@3.52.0` and `npm pack source-code-pro@2.42.0`:

    python tools/subset_fonts.py source-sans/package source-code-pro/package

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
SANS, CODE = "Tlbook Sans", "Tlbook Code"
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
FEATURES = ("kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum", "calt")
# file, its source, the weights that it keeps: from and to, or one
FILES = (
    ("sans.woff2", 0, "VF/SourceSans3VF-Upright.ttf", SANS, (400, 700)),
    ("sans-italic.woff2", 0, "VF/SourceSans3VF-Italic.ttf", SANS, 400),
    ("code.woff2", 1, "VF/SourceCodeVF-Upright.ttf", CODE, (400, 700)),
)


def reduce(path, family, weights):
    """Return the font of a file with the letters, features and weights of the book, under the name `family`."""
    font = TTFont(path, recalcTimestamp=False)
    options = subset.Options(layout_features=list(FEATURES), hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    options.name_languages = [0x409]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=LETTERS)
    subsetter.subset(font)
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
    parser.add_argument("sources", nargs=2, type=pathlib.Path, help="the two unpacked packages, text and code")
    options = parser.parse_args()
    FONTS.mkdir(parents=True, exist_ok=True)
    for name, source, path, family, weights in FILES:
        font = reduce(options.sources[source] / path, family, weights)
        font.flavor = "woff2"
        font.save(FONTS / name)
        print(f"{name}: {(FONTS / name).stat().st_size / 1000:.1f} kB")
    source, path, family, _ = FILES[0][1:]
    for weight, name in FIGURES.items():
        reduce(options.sources[source] / path, family, weight).save(ROOT / "tlbook" / "figures" / name)
    shutil.copy(options.sources[source] / "LICENSE.md", ROOT / "tlbook" / "figures" / "text.LICENSE")
    for source, name in zip(options.sources, ("LICENSE-sans.txt", "LICENSE-code.txt"), strict=True):
        shutil.copy(source / "LICENSE.md", FONTS / name)


if __name__ == "__main__":
    main()
