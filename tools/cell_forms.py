"""How a cell with code looks on the page, by its tag: open, or folded under a line that says what is inside.

A tag is all that an author writes. `make notebooks` adds what the page (MyST-NB) and JupyterLab need for it.
"""

import re

# From a tag to what folds ("input": the code; "cell": code and output) and the line above it.
FOLDED = {
    "setup": ("input", "Set-up"),
    "figure": ("input", "How this figure was made"),
    "table": ("input", "How this table was made"),
    "check": ("input", "Check: {comment}"),
    "solution": ("cell", "Show solution"),
}


def fold(cell):
    """Add to the metadata of a code cell, in place, what its tag stands for.

    A check is a cell of asserts that begins with a comment: what was checked, in words. Raises `ValueError` where it
    does not.
    """
    tags = set(cell.metadata.get("tags", []))
    if "badge" in tags:  # the page shows the badge alone
        cell.metadata["tags"] = sorted(tags | {"remove-input"})
    for tag in sorted(tags & set(FOLDED)):
        what, prompt = FOLDED[tag]
        comment = re.match(r"# (.+)", cell.source)
        if "{comment}" in prompt and not comment:
            raise ValueError(f"a check begins with a comment that says what holds, but got: {cell.source[:60]}")
        cell.metadata["tags"] = sorted(tags | {f"hide-{what}"})
        shown = prompt.format(comment=comment[1].rstrip(".") if comment else "")
        prompts = {"code_prompt_show": shown, "code_prompt_hide": shown.replace("Show", "Hide")}
        cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), **prompts}
        cell.metadata["jupyter"] = {"source_hidden": True}
