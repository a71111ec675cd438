"""What a student reads after grading: one HTML file that asks no other host for anything."""

import html

from course import tables

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .25rem; }
.marks { float: right; font-weight: 600; } .no { border-left: 4px solid #b3261e; padding-left: .75rem; }
.yes { border-left: 4px solid #1b6e3c; padding-left: .75rem; } p { margin: .25rem 0; overflow-wrap: anywhere; }
code { font-size: .9rem; }
@media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #14181c; } .no { border-color: #ff8a80; }
  .yes { border-color: #7bd88f; } }
"""


def page(task, state):
    """Return the page of a student. All that comes from the submission is escaped."""
    say = html.escape
    parts = [f"<p>Your notebook {say(state['words'])}.</p>"]
    if state["errors"]:
        shown = "".join(f"<li>{say(cell)}: <code>{say(error)}</code></li>" for cell, error in state["errors"])
        parts.append(f"<h2>Cells that stopped with an error</h2><ul>{shown}</ul>")
    for check, one in zip(task.checks, state["results"], strict=True):
        good = not one["words"]
        parts.append(
            f'<section class="{"yes" if good else "no"}"><h2><span class="marks">{one["marks"]} of {one["of"]}</span>'
            f"{'✓' if good else '✗'} {say(check.says)}</h2>"
        )
        if not good:
            parts.append(f"<p>{say(one['words'])}</p><p>Read again: chapter {say(check.chapter)}.</p>")
        parts.append("</section>")
    title = f"{task.title}: {state['student']}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{say(title)}</title><style>{STYLE}</style></head><body><main><h1>{say(title)}</h1>"
        f"<p><strong>{tables.total(state)} of {task.marks} marks by checks.</strong> "
        f"Marks that your teacher gives come on top.</p>{''.join(parts)}</main></body></html>\n"
    )
