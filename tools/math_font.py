"""Cut the font of the formulas out of STIX Two Math: `python tools/math_font.py STIXTwoMath-Regular.ttf`.

STIX Two Math (github.com/stipub/stixfonts, SIL Open Font License 1.1) has 5,500 glyphs and weighs 1.5 MB. What formulas
of this book may use weighs 45 kB. The result lies in `book/_static/fonts` and is committed; this script is run when a
formula needs a sign that is not there (`tests/test_formulas.py` says so). Needs `fonttools[woff]`.
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

TARGET = pathlib.Path(__file__).resolve().parent.parent / "book" / "_static" / "fonts" / "tlbook-math.woff2"
# ASCII; Latin-1 and general signs; accents; Greek; letter-like signs; arrows; operators; brackets and braces.
SIGNS = """20-7E A0 A7 AC AF B1 B7 D7 F7 131 237 302-305 307 308 20D7 391-3A9 3B1-3C9 3D1 3D5 3F5
2013 2014 2016 2018 2019 201C 201D 2026 2032 2033 2061-2064 2102 210B 210D 210E 210F 2110 2112 2113 2115 2119 211B 211D
2124 212C 2130 2131 2190-2194 21A6 21D0-21D4 2200 2202 2203 2205-2209 220F 2211-2213 2215 2217 2218 221A 221D 221E 2220
2223 2225 2227-222B 2234 223C 2243 2245 2248 2260-2262 2264 2265 226A 226B 2282 2283 2286 2287 2295 2297 2299 22A4 22A5
22C5 22C6 2605 22EE 22EF 22F1 2308-230B 23DE 23DF 27E8 27E9 2A7D 2A7E 1D400-1D467 1D49C-1D4B5 1D538-1D550 1D6E2-1D71B"""


def codes():
    """Return the code points that the font of the formulas has."""
    found = set()
    for part in SIGNS.split():
        first, _, last = part.partition("-")
        found |= set(range(int(first, 16), int(last or first, 16) + 1))
    return found


def keep_primes(font):
    """Leave, of the forms that letters take in an exponent ("ssty"), only those of primes: all double the font."""
    primes = {font.getBestCmap()[code] for code in (0x2032, 0x2033)}
    table = font["GSUB"].table
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == "ssty":
            for index in record.Feature.LookupListIndex:
                for part in table.LookupList.Lookup[index].SubTable:
                    part = getattr(part, "ExtSubTable", part)
                    for name in ("alternates", "mapping"):
                        for glyph in [glyph for glyph in getattr(part, name, {}) if glyph not in primes]:
                            del getattr(part, name)[glyph]


def mend_joints(font):
    """Let the parts of an arrow overlap as far as the font itself demands; browsers stretch no other."""
    variants = font["MATH"].table.MathVariants
    for shape in variants.HorizGlyphConstruction:
        parts = shape.GlyphAssembly.PartRecords if shape.GlyphAssembly else []
        for before, after in zip(parts, parts[1:], strict=False):
            before.EndConnectorLength = max(before.EndConnectorLength, variants.MinConnectorOverlap)
            after.StartConnectorLength = max(after.StartConnectorLength, variants.MinConnectorOverlap)


def cut(source, target):
    """Write what formulas need of the font `source` to `target`, as woff2."""
    font = TTFont(source)
    keep_primes(font)
    mend_joints(font)
    options = subset.Options(flavor="woff2", layout_features=["ssty"], hinting=False, drop_tables=["GPOS", "DSIG"])
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=codes())
    cutter.subset(font)
    subset.save_font(font, target, options)


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    cut(sys.argv[1], TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} kB")
