"""What a chapter takes and what it uses, counted from its name, its page and its code, for all that tells of it."""

import re

from docutils import nodes

WORDS_A_MINUTE, EXERCISE_MINUTES, QUESTION_MINUTES = 200, 10, 1
# What loads data in the code of a chapter, and how readers call them.
DATA = {
    r"\b(load_target|backends\.run)\(": "CIFAR-10",
    r"\b(load_emoji10|load_emoji10_source|emoji10\.\w+)\(": "emoji-10",
    r"\b(messy_folder|folders)\.\w+\(": "a folder of pictures",
    r"\bscenes\.\w+\(": "drawn scenes",
    r"\bsentiment\.\w+\(": "product reviews",
    r"\bentities\.\w+\(": "messages and articles with names",
    r"\bprose\.\w+\(": "Wikipedia",
    r"\bdigits\.\w+\(": "spoken digits",
    r"\bsynthesiser\.\w+\(": "synthetic speech",
    r"\bseries\.\w+\(": "daily prices",
    r"\bload_sample_image": "a photograph",
}
_EXERCISE, _QUESTION = re.compile(r"Exercise \d+"), re.compile(r"\d+\.")
_APART = ("quiz", "exercises")  # sections that are not read but done


def chapter_number(name):
    """Return the number of a chapter from its name: (5, 10) of `notebooks/05_10_synthetic_speech`; () of a page.

    Chapters are sorted by it: `05_10_synthetic_speech` comes after `05_9_who_speaks`.
    """
    numbers = []
    for part in name.split("/")[-1].split("_"):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def minutes_to_read(doctree):
    """Return the minutes that the words of a page take, without its code, its quiz and its exercises."""
    texts = (text.astext() for text in doctree.findall(nodes.Text) if _is_read(text))
    words = sum(len(re.findall(r"\w+(?:['’-]\w+)*", text)) for text in texts)
    return max(1, round(words / WORDS_A_MINUTE))


def _is_read(text):
    parent = text.parent
    while parent is not None:
        if isinstance(parent, nodes.literal_block | nodes.math | nodes.math_block | nodes.raw | nodes.comment):
            return False
        if isinstance(parent, nodes.container) and "cell" in parent.get("classes", []):
            return False
        if isinstance(parent, nodes.section) and set(parent["ids"]) & set(_APART):
            return False
        parent = parent.parent
    return True


def minutes_to_do(doctree):
    """Return the minutes that exercises and questions of a page take, at ten and one minute each."""
    exercises, questions = to_do(doctree)
    return exercises * EXERCISE_MINUTES + questions * QUESTION_MINUTES


def to_do(doctree):
    """Return how many exercises and how many questions a page has."""
    titles = [title.astext() for title in doctree.findall(nodes.title)]
    strong = [text.astext() for text in doctree.findall(nodes.strong) if _in_quiz(text)]
    return sum(bool(_EXERCISE.match(title)) for title in titles), sum(bool(_QUESTION.match(text)) for text in strong)


def _in_quiz(node):
    while node is not None:
        if isinstance(node, nodes.section) and "quiz" in node["ids"]:
            return True
        node = node.parent
    return False


def data(code):
    """Return in words which data the code of a notebook loads."""
    found = [name for pattern, name in DATA.items() if re.search(pattern, code)]
    return ", ".join(found) or "made in the chapter"
