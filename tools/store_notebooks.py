"""Write every notebook in the one form in which it is stored: without outputs, as nbformat writes it.

Two people who change two cells then change two places of the file, and a difference shows what they changed.
"""

import pathlib
import sys

import nbformat

import cell_forms

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "notebooks"


def stored_form(text):
    """Return the text of a notebook as it is stored: nbformat 4.5, no outputs, one newline at the end."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.nbformat_minor = 5
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell_forms.fold(cell)
        for name in ("execution", "collapsed", "scrolled", "trusted"):  # how it was last run or looked at
            cell.metadata.pop(name, None)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def main():
    """Rewrite the notebooks that are stored in another form, and name them."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        if (after := stored_form(before)) != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(path.name)


if __name__ == "__main__":
    sys.exit(main())
