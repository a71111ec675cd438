"""The stand-in for WNUT-17 and wikigold: sentences that a program makes up from templates and invented names.

Two styles, as in the real pair: messages, and texts of an encyclopedia, with other types, templates and endings of
names. Its numbers say nothing about the real corpora. Used in chapter 5.6.
"""

import numpy as np

from tlbook.inputs.tags import Sentence

_FIRST = (
    *("Ada", "Bela", "Caro", "Dano", "Edda", "Falk", "Gero", "Hedi"),
    *("Jara", "Lene", "Milo", "Nora", "Oda", "Runa", "Udo"),
)
_SYLLABLES = ("bar", "den", "fol", "gar", "hin", "kel", "lor", "mun", "nor", "pel", "ras", "sol", "tam", "ver", "zan")
_PERSON = ("er", "man", "son", "ik", "")
_PLACE = {"messages": ("ford", "wick", "ham"), "articles": ("burg", "ville", "stead", "wick")}
_FIRM = {"messages": ("Phones", "Shop", "Cafe", "Air"), "articles": ("Works", "University", "Press", "Railway")}
_CRAFT = ("Trio", "Choir", "Rovers", "United")
_MESSAGES = """
omg just saw <person> in <location> !
@<handle> is <person> still at <corporation> ?
cant wait for <group> tonight in <location>
my new <product> is so slow today : (
watching <creative-work> again with <person>
lol <corporation> lost my <product> again
who else likes <group> ? RT if you do
stuck in <location> , no trains till 0:30
so tired today , need more coffee
Happy birthday <person> !! love you
The weather is bad here , staying in bed
reading <creative-work> on my <product>
<group> beat <group> 3 : 1 yesterday
Monday again and nobody knows why
got a job at <corporation> in <location> !
"""
_ARTICLES = """
<PER> was born in <LOC> in 18<number> .
The family moved from <LOC> to <LOC> when he was a child .
After his studies at <ORG> , <PER> became an engineer .
In 19<number> she joined <ORG> and led it for ten years .
The book <MISC> was written by <PER> .
It is a village near <LOC> with 3<number> inhabitants .
The railway between <LOC> and <LOC> was closed in 19<number> .
<ORG> was founded by <PER> and <PER> .
The <MISC> is played every summer in <LOC> .
Little is known about the early years .
The building burned down and was never replaced .
He won the <MISC> with <ORG> .
Most of the work was done by <ORG> , a company from <LOC> .
<PER> ( 18<number> - 19<number> ) was a painter .
The river rises in the north and flows through <LOC> .
"""
_CREATIVE = ("Night", "River", "Winter", "Garden", "Summer", "Road", "Stone", "Letter")


def corpora(seed=0):
    """Return (1,000 messages, 200 more, 900 sentences of 90 articles), each a list of `tlbook.inputs.tags.Sentence`."""
    rng = np.random.default_rng(seed)
    messages = [_sentence(_pick(rng, _MESSAGES.strip().split("\n")), "messages", rng) for _ in range(1_200)]
    templates = _ARTICLES.strip().split("\n")
    articles = [
        _sentence(_pick(rng, templates), "articles", rng, document) for document in range(90) for _ in range(10)
    ]
    return messages[:1_000], messages[1_000:], articles


def _pick(rng, choices):
    return choices[rng.integers(len(choices))]


def _sentence(template, style, rng, document=0):
    """Fill the slots of a template, each with a new name and its tags."""
    tokens, tags = [], []
    for word in template.split():
        if word.startswith("<"):
            kind = word.strip("<>")
            name = _name(kind, style, rng)
            tokens += name
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (len(name) - 1)
        else:
            word = word.replace("<number>", str(rng.integers(10, 100))).replace("<handle>", _stem(rng))
            tokens.append(word)
            tags.append("O")
    return Sentence(tokens, tags, document)


def _stem(rng):
    return _pick(rng, _SYLLABLES) + _pick(rng, _SYLLABLES)


def _name(kind, style, rng):
    """Return the words of an invented name. The same stems serve every type, so that a stem gives nothing away."""
    stem = _stem(rng).capitalize()
    if kind in ("person", "PER"):
        surname = stem + _pick(rng, _PERSON)
        name = [_pick(rng, _FIRST), surname] if rng.random() < 0.7 else [surname]
    elif kind in ("location", "LOC"):
        before = [_pick(rng, ("New", "Upper", "Saint"))] if rng.random() < 0.2 else []
        name = [*before, stem + _pick(rng, _PLACE[style])]
    elif kind in ("corporation", "ORG"):
        name = [stem, _pick(rng, _FIRM[style])] if rng.random() < 0.8 else [stem.upper()[:4]]
    elif kind == "group":
        name = [stem, _pick(rng, _CRAFT)]
    elif kind == "product":
        name = [stem, str(rng.integers(2, 10))]
    else:
        name = ["The", _pick(rng, _CREATIVE)] if rng.random() < 0.5 else [stem, _pick(rng, ("Cup", *_CREATIVE))]
    lazy = style == "messages" and rng.random() < 0.15
    return [word.lower() for word in name] if lazy else name
