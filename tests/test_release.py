"""A release: its version stands in one place and is repeated rightly, and the checklist names what is there."""

import pathlib
import re
import shlex

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[1]
ENTRY = re.compile(r"^## (Unreleased: )?(\d+)\.(\d+)\.(\d+), \S", re.MULTILINE)


def text(root, name):
    return (root / name).read_text(encoding="utf-8")


def entries(root):
    """Return `(version, closed)` of the entries of the changelog as they stand there."""
    headings = re.findall(r"^## .*$", text(root, "CHANGELOG.md"), re.MULTILINE)
    found = [ENTRY.match(heading) for heading in headings]
    assert found and all(found), f"expected '## 1.0.0, words' or '## Unreleased: 1.0.0, words', got {headings}"
    return [(tuple(map(int, match.groups()[1:])), not match[1]) for match in found]


def check_versions(root):
    """Fail where the places that name the version do not agree."""
    citation = yaml.safe_load(text(root, "CITATION.cff"))
    listed = entries(root)
    closed = [version for version, done in listed if done]
    said = {
        "tlbook/__init__.py": re.search(r'^__version__ = "(.*)"$', text(root, "tlbook/__init__.py"), re.MULTILINE)[1],
        "CITATION.cff": citation["version"],
        "CITATION.cff, the map": citation["references"][0]["version"],
        "the newest closed entry of CHANGELOG.md": ".".join(map(str, closed[0])),
    }
    assert len(set(said.values())) == 1, f"these name different versions: {said}"
    assert [done for _, done in listed[1:]] == [True] * (len(listed) - 1), "only the newest entry may be unreleased"
    versions = [version for version, _ in listed]
    assert versions == sorted(set(versions), reverse=True), "newest first, each once"


def test_the_version_is_the_same_wherever_it_stands():
    check_versions(ROOT)


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "tlbook").mkdir()
    (tmp_path / "tlbook/__init__.py").write_text('__version__ = "1.2.0"\n')
    (tmp_path / "CITATION.cff").write_text("version: 1.2.0\nreferences:\n  - version: 1.2.0 # map\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased: 1.10.0, more\n\n## 1.2.0, x\n\n## 1.1.0, y\n")
    return tmp_path


def test_an_entry_that_is_still_open_may_be_ahead(toy):
    check_versions(toy)


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("tlbook/__init__.py", "1.2.0", "1.2.1"),
        ("CITATION.cff", "version: 1.2.0\nref", "version: 1.2.1\nref"),
        ("CITATION.cff", "1.2.0 # map", "1.2.1"),
        ("CHANGELOG.md", "## 1.2.0", "## 1.2.1"),
        ("CHANGELOG.md", "Unreleased: 1.10.0", "1.10.0"),
        ("CHANGELOG.md", "## 1.1.0", "## Unreleased: 1.1.0"),
        ("CHANGELOG.md", "1.10.0", "1.2.0"),
        ("CHANGELOG.md", "## 1.2.0, x", "## Version 1.2.0"),
    ],
)
def test_a_version_that_was_changed_in_one_place_is_found(toy, name, before, after):
    assert before in text(toy, name)
    (toy / name).write_text(text(toy, name).replace(before, after))
    with pytest.raises(AssertionError):
        check_versions(toy)


def test_what_the_changelog_leads_to_is_there():
    changes = text(ROOT, "CHANGELOG.md")
    for target in re.findall(r"\]\(([^)\s]+)\)", changes):
        assert (ROOT / target).exists(), target
    there = {path.stem for folder in ("notebooks", "book", "results") for path in (ROOT / folder).iterdir()}
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "tlbook").rglob("*.py")}
    for line in re.findall(r"^\| .*`.* \| (.*) \|$", changes, re.MULTILINE):
        for name in re.findall(r"`([\w.]+)`", line.split(";")[0]):
            parts = name.replace(".", "/")
            assert (
                name in there
                or f"tlbook.{name}" in modules
                or any(
                    (ROOT / folder / f"{parts}{ending}").exists() for folder in ("", "tlbook") for ending in ("", ".py")
                )
            ), name


def checklist():
    """Return the commands of the checklist, one by one."""
    section = text(ROOT, "CONTRIBUTING.md").partition("\n## Release\n")[2]
    blocks = re.findall(r"^```bash\n(.*?)^```", section.split("\n## ")[0], re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [command.strip() for line in lines for command in line.partition("  #")[0].split("&&")]


def test_the_checklist_runs_what_is_there():
    targets = re.search(r"^\.PHONY: (.*)$", text(ROOT, "Makefile"), re.MULTILINE)[1].split()
    called = [command.split()[1] for command in checklist() if command.startswith("make ")]
    assert {"book", "test", "places", "verdicts", "course", "pdf"} <= set(called) <= set(targets)
    named = [word for command in checklist() for word in shlex.split(command) if word.startswith("tests/")]
    assert named and all((ROOT / name).exists() for name in named)


def test_the_checklist_runs_the_commands_of_the_readme():
    promised = re.findall(r"^make \w+", text(ROOT, "README.md"), re.MULTILINE)
    plain = text(ROOT, "README.md").partition("Without `make`")[2].partition("\n\n")[0]
    promised += re.findall(r"`((?:pip|jupyter-book|pytest) [^`]+)`", plain)
    assert len(promised) == 5 and set(promised) <= set(checklist())
