"""The rule of the house, read from the imports: rooms rest on those below them, and nothing goes in a circle."""

import ast
import pathlib
import subprocess
import sys

import pytest

import imports

ROOT = pathlib.Path(__file__).parents[1]
LAYERS = (
    {"files", "inputs"},
    {"data", "backbones"},
    {"features", "heads", "training", "evaluation", "figures", "tables", "results"},
    {"methods"},
    {"commands", "__main__"},
    {"experiments"},
)
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
APART = ({"files", "inputs"}, {"data", "backbones"})  # rooms of one rank that may not import each other
MOST_NAMES = 14
MOST_LINES = 220
# Loaded when somebody asks for them, and not with the room: each costs a reader seconds, or a package that he lacks.
LATE = {"tokenizers", "safetensors", "espeakng_loader", "onnx", "transformer", "minilm", "synthesiser"}


def room(module):
    """The folder or module at the top of `tlbook` that a module belongs to; "" for the package itself."""
    package, _, rest = module.partition(".")
    return package if package != "tlbook" else rest.partition(".")[0]


def edges(root):
    """What each module below `root` imports: named modules, and the packages around them that are not its own."""
    links = imports.graph(imports.modules(root, scripts=()))
    for name, found in links.items():
        around = {package for target in found for package in imports.parents(target)}
        found |= around - set(imports.parents(name)) - {name}
    return links


def circles(links):
    """The circles in a dict from node to nodes, each as a sorted list of its members."""
    reach = {}
    for start in links:
        todo, seen = list(links[start]), set()
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += links.get(node, ())
        reach[start] = seen
    return sorted({tuple(sorted({b for b in seen if a in reach.get(b, ())})) for a, seen in reach.items() if a in seen})


def between_rooms(links):
    """Which rooms import which: a dict from room to rooms."""
    rooms = {room(name): set() for name in links}
    for name, found in links.items():
        rooms[room(name)] |= {room(target) for target in found} - {room(name), ""}
    return {name: found for name, found in rooms.items() if name}


def import_faults(root):
    """Every import below `root` that breaks the rule, in words."""
    links = edges(root)
    rooms = between_rooms(links)
    faults = [f"{name}: no layer of the house" for name in sorted(rooms.keys() - RANK.keys())]
    for name, found in sorted(links.items()):
        for target in sorted(found):
            here, there = room(name), room(target)
            if here in RANK and there in RANK:
                if RANK[there] > RANK[here]:
                    faults.append(f"{name} imports {target}: upwards")
                elif here != there and any({here, there} == pair for pair in APART):
                    faults.append(f"{name} imports {target}: these rooms stand apart")
            elif not here and there:
                faults.append(f"{name} imports {target}: the package itself imports no room")
    faults += [f"a circle of modules: {', '.join(circle)}" for circle in circles(links)]
    return faults + [f"a circle of rooms: {', '.join(circle)}" for circle in circles(rooms)]


def names_at_the_top(root):
    """The folders and modules in `tlbook`, less the package's own `__init__`."""
    found = {path.name for path in (root / "tlbook").iterdir()}
    return sorted(found - {"__init__.py", "__pycache__"})


def long_modules(root):
    """Modules of `tlbook` with too many lines."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (root / "tlbook").rglob("*.py")}
    return [f"{path.relative_to(root)}: {n} lines" for path, n in sorted(lengths.items()) if n > MOST_LINES]


def hidden_modules(root):
    """Names in an `__init__` that hide the module of the same name in its folder."""
    known, faults = imports.modules(root, scripts=()), []
    for package, path in known.items():
        if path.name == "__init__.py":
            for name, meant in bound(ast.parse(path.read_text(encoding="utf-8"))):
                if f"{package}.{name}" in known and meant != f"{package}.{name}":
                    faults.append(f"{package}: {name} hides the module {package}.{name}")
    return faults


def bound(tree):
    """The names that the top level of a module binds, each with the module that it stands for, if it may be one."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, None
        elif isinstance(node, ast.Assign):
            yield from ((target.id, None) for target in node.targets if isinstance(target, ast.Name))


def test_imports_go_downwards_and_in_no_circle():
    assert import_faults(ROOT) == []


def test_few_names_are_at_the_top():
    assert len(names_at_the_top(ROOT)) <= MOST_NAMES, names_at_the_top(ROOT)


def test_no_module_is_too_long():
    assert long_modules(ROOT) == []


def test_no_room_hides_one_of_its_modules():
    assert hidden_modules(ROOT) == []


@pytest.mark.parametrize("name", ["tlbook.data", "tlbook.backbones"])
def test_a_room_loads_only_what_is_cheap(name):
    code = f"import sys, {name}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {part for module in run.stdout.split() if module.startswith("tlbook") for part in module.split(".")}
    loaded |= {module.partition(".")[0] for module in run.stdout.split()}
    assert {"tlbook", name.partition(".")[2]} <= loaded
    assert not loaded & LATE


# The checks themselves, on made-up trees.


def write(root, **files):
    """Write modules below `root`; `__` in a name stands for a folder."""
    for name, source in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(source)
    (root / "tlbook" / "__init__.py").touch()
    return root


def test_a_sound_house_has_no_fault(tmp_path):
    write(
        tmp_path,
        tlbook__files__sources="from tlbook.files import cache",
        tlbook__files__cache="import os",
        tlbook__data__images="from tlbook.files import sources",
        tlbook__data__folders="from tlbook.data import images\nfrom tlbook import data",
        tlbook__figures="from tlbook.data import images",
        tlbook__commands__fetch="def fetch():\n    from tlbook import figures, data",
        experiments__one="from tlbook import figures",
    )
    (tmp_path / "tlbook" / "__main__.py").write_text("import tlbook.commands.fetch")
    assert import_faults(tmp_path) == long_modules(tmp_path) == hidden_modules(tmp_path) == []


@pytest.mark.parametrize(
    "statement, fault",
    [
        ("from tlbook.data import images", "tlbook.files.sources imports tlbook.data.images: upwards"),
        ("def late():\n    from tlbook import data", "tlbook.files.sources imports tlbook.data: upwards"),
        ("import tlbook.methods.tagger", "tlbook.files.sources imports tlbook.methods.tagger: upwards"),
        ("from ..data import images", "tlbook.files.sources imports tlbook.data.images: upwards"),
        ("import experiments.one", "tlbook.files.sources imports experiments.one: upwards"),
        ("from tlbook.inputs import text", "tlbook.files.sources imports tlbook.inputs.text: these rooms stand apart"),
    ],
)
def test_an_import_upwards_or_across_is_found(tmp_path, statement, fault):
    write(tmp_path, tlbook__data__images="", tlbook__methods__tagger="", tlbook__inputs__text="", experiments__one="")
    assert import_faults(tmp_path) == []
    write(tmp_path, tlbook__files__sources=statement)
    assert fault in import_faults(tmp_path)


def test_data_and_backbones_stand_apart(tmp_path):
    write(tmp_path, tlbook__data__images="from tlbook.backbones import vgg16", tlbook__backbones__vgg16="")
    assert "tlbook.data.images imports tlbook.backbones.vgg16: these rooms stand apart" in import_faults(tmp_path)


def test_a_circle_of_modules_is_found(tmp_path):
    write(
        tmp_path, tlbook__files__a="from tlbook.files import b", tlbook__files__b="def f():\n    import tlbook.files.c"
    )
    assert import_faults(tmp_path) == []
    write(tmp_path, tlbook__files__c="from . import a")
    assert import_faults(tmp_path) == ["a circle of modules: tlbook.files.a, tlbook.files.b, tlbook.files.c"]


def test_a_circle_through_the_init_of_a_room_is_found(tmp_path):
    write(tmp_path, tlbook__data__images="from tlbook.data import load\nfrom tlbook import results", tlbook__results="")
    (tmp_path / "tlbook" / "data" / "__init__.py").write_text("from tlbook.data.images import load")
    assert "a circle of modules: tlbook.data, tlbook.data.images" in import_faults(tmp_path)


def test_a_circle_of_rooms_is_found(tmp_path):
    write(
        tmp_path,
        tlbook__features__extract="from tlbook.training import fit",
        tlbook__features__forward="",
        tlbook__training__fit="",
        tlbook__training__predict="from tlbook.features import forward",
    )
    assert import_faults(tmp_path) == ["a circle of rooms: features, training"]


def test_a_room_without_a_layer_is_found(tmp_path):
    write(tmp_path, tlbook__helpers__things="")
    assert import_faults(tmp_path) == ["helpers: no layer of the house"]


def test_a_package_that_loads_a_room_is_found(tmp_path):
    write(tmp_path, tlbook__figures="")
    (tmp_path / "tlbook" / "__init__.py").write_text("from tlbook import figures")
    assert "tlbook imports tlbook.figures: the package itself imports no room" in import_faults(tmp_path)


def test_names_at_the_top_are_counted(tmp_path):
    write(tmp_path, tlbook__figures="", tlbook__data__images="")
    (tmp_path / "tlbook" / "drawings").mkdir()
    (tmp_path / "tlbook" / "__pycache__").mkdir()
    assert names_at_the_top(tmp_path) == ["data", "drawings", "figures.py"]


def test_a_long_module_is_found(tmp_path):
    write(tmp_path, tlbook__figures="\n" * MOST_LINES, tlbook__results="\n" * (MOST_LINES + 1))
    assert long_modules(tmp_path) == [f"{pathlib.Path('tlbook/results.py')}: {MOST_LINES + 1} lines"]


@pytest.mark.parametrize(
    "line, hides",
    [
        ("from tlbook.backbones.vgg16 import vgg16", True),
        ("from tlbook.backbones.vgg16 import build as vgg16", True),
        ("def vgg16():\n    pass", True),
        ("vgg16 = None", True),
        ("from tlbook.backbones import vgg16", False),
        ("from tlbook.backbones.vgg16 import build", False),
    ],
)
def test_a_name_that_hides_a_module_is_found(tmp_path, line, hides):
    write(tmp_path, tlbook__backbones__vgg16="")
    (tmp_path / "tlbook" / "backbones" / "__init__.py").write_text(line)
    hidden = ["tlbook.backbones: vgg16 hides the module tlbook.backbones.vgg16"]
    assert hidden_modules(tmp_path) == (hidden if hides else [])
