"""Cases: the pairs of a source and a target that this book compared, each with its recorded table."""

from dataclasses import dataclass

HEAD, NETWORK = "head", "network"  # what was trained on the target: a linear classifier, or weights below it as well


@dataclass(frozen=True, kw_only=True)
class Case:
    """A source and a target that a recorded table compares.

    `kind` is that of the inputs. `near` is our judgement, in the words of `advice.NEARNESS`: "near", "half" or "far".
    `table` is its name in `results/`, `arms` maps an arm to what of it was trained on the target (`HEAD` or `NETWORK`).
    Arms in a tuple are alternatives, of which validation chooses one at each size. `controls` are further tables with
    controls, `only` keeps rows with this value of a column, `without` names arms that are no control and no transfer.
    `collection` names the data that the target was drawn from, where several targets share it; else it is the target.
    """

    kind: str
    source: str
    target: str
    near: str
    table: str
    arms: dict
    chapter: str
    score: str = "accuracy"
    controls: tuple = ()
    only: tuple = ()
    without: tuple = ()
    collection: str = ""


_FROM_PHOTOGRAPHS = {"linear_probe": HEAD, "head_then_block4": NETWORK}
_FROM_PEOPLE = {"pretrained_frozen": HEAD, "probe_then_all": NETWORK}
_LSTMS = ("pretrained_lstm1", "pretrained_lstm2", "pretrained_lstm3", "pretrained_embedding")
_TO_REVIEWS = {
    "kind": "text",
    "target": "opinions in product reviews",
    "table": "lessons/product_reviews",  # four products; `next_product` has fourteen, and fewer sources
    "chapter": "05_2_sentiment",
}
_DIGITS = "the Free Spoken Digit Dataset"
_SYNTHETIC = {
    "kind": "speech",
    "target": "a person's spoken digits",
    "near": "half",
    "table": "synthetic_speech",
    "arms": _FROM_PEOPLE,
    "controls": ("spoken_digits",),
    "collection": _DIGITS,
    "chapter": "05_10_synthetic_speech",
}
_FROM_VOICES = {
    "kind": "speech",
    "source": "who is speaking (voice encoder)",
    "near": "half",
    "table": "voice_probes",
    "arms": {_LSTMS: HEAD},
    "without": ("shuffled_lstm1", "shuffled_lstm2", "shuffled_lstm3", "shuffled_embedding"),
    "collection": _DIGITS,
    "chapter": "05_8_voice_encoder",
}
CASES = (
    Case(
        kind="images",
        source="ImageNet's photographs",
        target="CIFAR-10, ten kinds of things",
        collection="CIFAR-10",
        near="near",
        table="cifar10_regimes",
        controls=("cifar10_classical",),
        arms=_FROM_PHOTOGRAPHS,
        chapter="04_3_fine_tuning",
    ),
    Case(
        kind="images",
        source="ImageNet's photographs",
        target="a folder with five of CIFAR-10's kinds",
        collection="CIFAR-10",
        near="near",
        table="own_folder",
        arms=_FROM_PHOTOGRAPHS,
        chapter="05_1_images",
    ),
    Case(
        kind="images",
        source="outlines in photographs (HED)",
        target="outlines of drawings, labelled pixels",
        near="half",
        table="outlines",
        score="precision",
        arms={"hed_published": HEAD, "hed_trunk": HEAD},
        chapter="05_12_known_ground",
    ),
    Case(
        kind="images",
        source="ImageNet's photographs",
        target="outlines of drawings, labelled pixels",
        near="far",
        table="outlines",
        score="precision",
        arms={"imagenet_trunk": HEAD},
        chapter="05_12_known_ground",
    ),
    Case(
        kind="text",
        source="pairs of sentences (MiniLM)",
        target="opinions in product reviews",
        near="half",
        table="next_product",
        controls=("wider_counts",),
        arms={"minilm": HEAD},
        chapter="05_3_sentence_encoder",
    ),
    Case(
        kind="text",
        source="pros and cons of products",
        target="opinions in product reviews",
        near="near",
        table="next_product",
        controls=("wider_counts",),
        arms={"pros_cons_frozen": HEAD, "pros_cons_tuned": NETWORK},
        chapter="05_2_sentiment",
    ),
    Case(source="opinions in film reviews", near="half", arms={"film_reviews": NETWORK}, **_TO_REVIEWS),
    Case(source="plots against reviews of films", near="far", arms={"subjectivity": NETWORK}, **_TO_REVIEWS),
    Case(
        kind="text",
        source="the next word of reviews",
        target="opinions in product reviews",
        near="half",
        table="language_transfer",
        arms={"lm_frozen": HEAD, "lm_fine_tuned": NETWORK},
        chapter="05_4_language_model",
    ),
    Case(
        kind="text",
        source="names in posts of the web (WNUT-17)",
        target="names in Wikipedia, labelled sentences",
        near="half",
        table="wikigold",
        score="f1",
        arms={("pretrained_frozen", "pretrained_crf", "crf_body"): HEAD, "pretrained_tuned": NETWORK},
        chapter="05_6_named_entities",
    ),
    Case(
        kind="speech",
        source="the same digits, said by others",
        target="a person's spoken digits",
        collection=_DIGITS,
        near="near",
        table="spoken_digits",
        arms=_FROM_PEOPLE,
        chapter="05_7_spoken_digits",
    ),
    Case(source="synthetic digits, many voices", only=("synthetic", "rich"), **_SYNTHETIC),
    Case(source="synthetic digits, one voice", only=("synthetic", "weak"), **_SYNTHETIC),
    Case(target="spoken digits, voices that are known", only=("split", "known"), **_FROM_VOICES),
    Case(target="spoken digits, a new voice", only=("split", "unseen"), **_FROM_VOICES),
)
# Controls, as readers call them.
CONTROLS = {
    "colours": "mean colours",
    "crf": "spelling of words, a chain (CRF)",
    "crf_all": "a chain (CRF) on all labels",
    "gradient": "the picture's gradient",
    "gradients_kernel": "oriented gradients, kernel",
    "gradients_probe": "gradients at five widths",
    "gradients_regression": "oriented gradients, linear",
    "log_mel": "spectrograms, linear",
    "log_mel_regression": "spectrograms, linear",
    "majority": "the most frequent class",
    "patches": "patches, clustered without labels",
    "pixels": "pixels, linear",
    "random_body": "a random network, frozen",
    "scratch": "the same network from scratch",
    "scratch_small_cnn": "a small CNN from scratch",
    "tfidf": "weighted words (TF-IDF), linear",
    "tfidf_source": "weighted words, also of the source",
    "vader": "a lexicon, without a label",
    "word_features": "spelling of a word, linear",
}
