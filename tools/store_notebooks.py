"""Write every notebook in the one form in which it is stored: without outputs, as nbformat writes it.

Two people who change two cells then change two places of the file, and a difference shows what they changed. The first
cell is the same everywhere (`colab_cell.py`).
"""

import pathlib
import sys

import nbformat

import address
import cell_forms
import colab_cell
from tlbook.files import cache

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "notebooks"


def stored_form(text, repository):
    """Return the text of a notebook as it is stored: nbformat 4.5, no outputs, one newline at the end.

    `repository` is a dict with the "url" and "branch" from which the first cell installs the package on Colab.
    """
    notebook = nbformat.reads(text, as_version=4)
    notebook.nbformat_minor = 5
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    first = nbformat.v4.new_code_cell(colab_cell.source(**repository), id="colab", metadata={"tags": ["remove-cell"]})
    others = notebook.cells[1:] if is_first(notebook.cells[0]) else notebook.cells
    notebook.cells = [first, *others]
    for cell in others:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell_forms.fold(cell)
        for name in ("execution", "collapsed", "scrolled", "trusted"):  # how it was last run or looked at
            cell.metadata.pop(name, None)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def is_first(cell):
    """Return whether a cell is the one for Colab, in whatever form."""
    return "remove-cell" in cell.metadata.get("tags", []) and "google.colab" in cell.source


def main():
    """Rewrite the notebooks that are stored in another form, and name them."""
    repository = address.repository()
    for path in sorted(FOLDER.glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        if (after := stored_form(before, repository)) != before:
            cache.write_atomically(path, lambda file, text=after: file.write(text.encode()))
            print(path.name)


if __name__ == "__main__":
    sys.exit(main())
