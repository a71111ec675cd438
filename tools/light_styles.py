"""Style sheets without the rules that no page of the book can use.

The theme sends all of Bootstrap, of Font Awesome and of its own: 400 kB, of which a page applies a tenth. A rule stays
where each class and id that it names stands in some page or in some script; a script may build a name from parts, so
what begins with a part that ends in "-" stays as well. Rules that name tags, attributes or states alone always stay.
"""

import pathlib
import re

import tinycss2

_WORD = re.compile(r"[A-Za-z_][\w-]*")
_ATTRIBUTE = re.compile(r"""\b(?:class|id)=(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_GROUPS = {"media", "supports", "layer", "container"}
_ANY_OF = {"is", "where", "has", "-webkit-any", "-moz-any"}  # not ":not", which no missing name makes untrue
_START = re.compile(r"[A-Za-z][\w-]+-(?=[\"'`]|\$\{)")  # as in "bs-tooltip-" + side


class Names:
    """The classes and ids that pages have or that scripts may add."""

    def __init__(self):
        """Begin with none."""
        self.known, self.starts = set(), set()

    def add_page(self, text):
        """Add the classes and ids of a page, and what its own scripts name."""
        for groups in _ATTRIBUTE.findall(text):
            self.known.update("".join(groups).split())
        for script in re.findall(r"<script\b[^>]*>(.*?)</script>", text, flags=re.S):
            self.add_script(script)

    def add_script(self, text):
        """Add every word of a script that could be a name, or the beginning of one."""
        self.known.update(_WORD.findall(text))
        self.starts.update(_START.findall(text))

    def has(self, name):
        """Return whether some page may have this class or id."""
        if name in self.known:
            return True
        # An icon is a drawing (see `light_pages`): what its letter in a font would be, nobody asks.
        return not name.startswith("fa-") and any(name.startswith(start) for start in self.starts)


def can_match(selector, names):
    """Return whether a selector, as tokens of tinycss2, can match something: every class and id it names is known."""
    tokens = list(selector)
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        if token.type == "hash" and not names.has(token.value):
            return False
        if token.type == "ident" and before is not None and before == "." and not names.has(token.value):
            return False
        grouped = token.type == "function" and token.lower_name in _ANY_OF
        if grouped and not any(can_match(option, names) for option in options(token.arguments)):
            return False
    return True


def options(tokens):
    """Return the selectors of a list of selectors, which commas part."""
    parts = [[]]
    for token in tokens:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def prune(text, names):
    """Return a style sheet without the rules and selectors that can match nothing."""
    return "".join(_written(rule, names) for rule in tinycss2.parse_stylesheet(text, True, True))


def _written(rule, names):
    if rule.type == "qualified-rule":
        kept = [option for option in options(rule.prelude) if can_match(option, names)]
        prelude = ",".join(tinycss2.serialize(option).strip() for option in kept)
        return f"{prelude}{{{tinycss2.serialize(rule.content)}}}" if kept else ""
    if rule.type == "at-rule" and rule.lower_at_keyword in _GROUPS and rule.content is not None:
        inner = tinycss2.parse_rule_list(rule.content, True, True)
        kept = "".join(_written(part, names) for part in inner)
        return f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{kept}}}" if kept else ""
    return rule.serialize()


def names_of(folder):
    """Return the `Names` of all pages and scripts in a folder of built pages."""
    names = Names()
    for page in folder.rglob("*.html"):
        names.add_page(page.read_text(encoding="utf-8"))
    for script in folder.rglob("*.js"):
        if script.name != "search-index.js" and "records" not in script.parts:  # data: the book's words, its tables
            names.add_script(script.read_text(encoding="utf-8"))
    return names


def lighten(folder, sheets):
    """Prune the style sheets that the patterns `sheets` find in a folder of built pages."""
    folder = pathlib.Path(folder)
    names = names_of(folder)
    for pattern in sheets:
        for path in folder.glob(pattern):
            path.write_text(prune(path.read_text(encoding="utf-8"), names), encoding="utf-8")
