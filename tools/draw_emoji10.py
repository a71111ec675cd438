"""Draw the sprites of emoji-10: emoji from five npm packages, rasterised into `tlbook/data/drawings/emoji10.npz`.

For authors only; readers get the finished file with the package. To draw it again::

    npm install --prefix FOLDER @iconify-json/noto@1.2.9 @iconify-json/noto-v1@1.2.5 \
        @iconify-json/fluent-emoji-flat@1.2.6 @iconify-json/twemoji@1.2.5 @iconify-json/emojione@1.2.3
    python tools/draw_emoji10.py --packages FOLDER/node_modules

The same packages and the same resvg-py give the same bytes. `LICENSE-drawings.md` names the authors and licences.
"""

import argparse
import io
import json
import pathlib

import numpy as np
import resvg_py
from PIL import Image

from tlbook.data.emoji10 import CLASS_NAMES, SPRITE_FILE, TEST_STYLES, TRAIN_STYLES
from tlbook.files import cache

SIZE = 64  # pixels

# A set may lack a drawing; then the class has fewer. Names joined by | are one emoji that the sets call differently.
TARGET = {
    "airplane": "airplane airplane-arrival airplane-departure small-airplane",
    "automobile": "automobile taxi police-car oncoming-automobile oncoming-taxi oncoming-police-car"
    " sport-utility-vehicle racing-car",
    "bird": "bird black-bird|blackbird dove duck eagle goose swan parrot owl rooster turkey flamingo peacock",
    "cat": "cat cat-face black-cat grinning-cat|grinning-cat-face weary-cat|weary-cat-face",
    "deer": "deer moose",
    "dog": "dog dog-face guide-dog service-dog poodle",
    "frog": "frog|frog-face",
    "horse": "horse horse-face",
    "ship": "ship passenger-ship ferry motor-boat sailboat speedboat",
    "truck": "delivery-truck articulated-lorry pickup-truck fire-engine",
}

# The source task: one emoji a class, each of which all three training styles have. No bird, cat, dog, boat, car or
# truck is among them, but relatives are: tiger, wolf, cow, bus, helicopter.
SOURCE = """
ant bat bear boar blowfish bug butterfly camel chipmunk cow crab crocodile dolphin dragon elephant fox goat gorilla
hamster honeybee koala lady-beetle leopard lion lizard monkey mouse octopus panda pig rabbit ram rhinoceros scorpion
shark shrimp snail snake spider squid tiger tropical-fish turtle whale wolf
avocado bacon banana birthday-cake bread carrot cheese-wedge cherries cookie croissant doughnut egg eggplant
french-fries grapes green-salad hamburger ice-cream lemon pancakes peach pear pineapple pizza popcorn potato red-apple
strawberry taco tomato watermelon
cactus deciduous-tree evergreen-tree four-leaf-clover maple-leaf mushroom palm-tree rose sunflower tulip
alarm-clock backpack balloon basketball bell bicycle books bus camera candle crown desktop-computer drum
gem-stone guitar hammer headphone helicopter house key light-bulb locomotive microscope motorcycle rocket scissors
soccer-ball telephone television top-hat tractor trumpet
"""


def read_icons(packages, style):
    """Return a function from an emoji's name to its SVG text, or to None where the set lacks it."""
    package = json.loads((packages / "@iconify-json" / style / "icons.json").read_text(encoding="utf-8"))

    def svg(name):
        while name in package.get("aliases", {}):
            name = package["aliases"][name]["parent"]
        if name not in package["icons"]:
            return None
        icon = package["icons"][name]
        left, top, width, height = (icon.get(key, package.get(key, 0)) for key in ("left", "top", "width", "height"))
        side = max(width, height)  # a few drawings are not square: centre them
        box = f"{left + (width - side) / 2} {top + (height - side) / 2} {side} {side}"
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{icon["body"]}</svg>'

    return svg


def rasterise(svg):
    """Return the drawing as uint8 (64, 64, 4), straight alpha, black where fully transparent (it compresses better)."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True)
    sprite = np.array(Image.open(io.BytesIO(png)).convert("RGBA"))
    sprite[sprite[..., 3] == 0] = 0
    return sprite


def draw(packages):
    """Return the arrays of the sprite file: `sprites`, `tasks`, `labels`, `styles`, `names`, `source_class_names`."""
    drawn = set()
    columns = {"sprites": [], "tasks": [], "labels": [], "styles": [], "names": []}
    for style in TRAIN_STYLES + TEST_STYLES:
        svg = read_icons(packages, style)
        wanted = [("target", label, emoji) for label, name in enumerate(CLASS_NAMES) for emoji in TARGET[name].split()]
        if style in TRAIN_STYLES:
            wanted += [("source", label, emoji) for label, emoji in enumerate(SOURCE.split())]
        for task, label, emoji in wanted:
            drawing = next(filter(None, map(svg, emoji.split("|"))), None)
            if drawing is None and task == "source":
                raise ValueError(f"style {style!r} has no {emoji!r}: a source class needs all training styles")
            # Fluent draws the face of a cat and the grinning cat alike: one drawing, kept once.
            if drawing is not None and drawing not in drawn:
                drawn.add(drawing)
                row = (rasterise(drawing), task, label, style, emoji.split("|")[0])
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
    arrays = {key: np.array(column) for key, column in columns.items()}
    arrays["labels"] = arrays["labels"].astype(np.int64)
    return arrays | {"source_class_names": np.array(SOURCE.split())}


def print_counts(arrays):
    """Print the number of drawings of each class in each style."""
    styles = TRAIN_STYLES + TEST_STYLES
    print(f"{'':12}" + "".join(f"{style:>19}" for style in styles))
    for task, rows in (("target", CLASS_NAMES), ("source", [None])):
        for label, name in enumerate(rows):
            chosen = (arrays["tasks"] == task) & ((arrays["labels"] == label) | (name is None))
            counts = [int(np.sum(chosen & (arrays["styles"] == style))) for style in styles]
            print(f"{name or 'source':12}" + "".join(f"{count:19}" for count in counts))


def main():
    """Read the command line, draw, write the sprite file and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=pathlib.Path, default="node_modules", help="folder of unpacked npm packages")
    arrays = draw(parser.parse_args().packages)
    cache.write_atomically(SPRITE_FILE, lambda file: np.savez_compressed(file, **arrays))
    print_counts(arrays)
    print(f"{len(arrays['sprites'])} sprites, {SPRITE_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
