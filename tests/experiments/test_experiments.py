"""Every experiment runs: each arm once, on stand-ins and with tiny settings, into a row that has all of its columns."""

import dataclasses
import importlib
import importlib.util
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import USER_WEIGHTS

from experiments import __main__ as command
from experiments import measuring, protocol
from tlbook import data, results
from tlbook.backbones import minilm
from tlbook.files import assets, sources

FOLDER = pathlib.Path(protocol.__file__).parent
NAMES = command.names()
CLOSED = ("frozen_sentences", "product_reviews", "voice_layers")  # whose pieces others use
# What experiments share, or have set aside, with constants of its own.
SHARED = (
    "budgeted_pretraining",
    "picture_features",
    "map_task",
    "sentence_pairs",
    "string_cutters",
    "shift_controls",
    "shifted_pictures",
    "source_bodies",
    *CLOSED,
)
MODULES = {name: importlib.import_module(f"experiments.{name}") for name in (*NAMES, *SHARED)}
ONE_EPOCH = {"epochs": 1, "learning_rate": 3e-3}
# What makes an experiment tiny: constants of its module.
TINY = {
    "budgeted_pretraining": {"BUDGET": 1e9},
    "picture_features": {"PATCHES": 400, "CENTRES": 10},
    "cheap_pretraining": {"VARIANTS": 2},
    "cifar10_regimes": {"EPOCHS": dict.fromkeys(MODULES["cifar10_regimes"].RATES, {100: 1})},
    "label_budget": {"TEST": 20, "EPOCHS": {100: 1}},
    "own_folder": {"TEST": 20, "EPOCHS": {20: 1}, "SIZES": {"vgg16": (32,), "efficientnet": (32,)}},
    "preprocessing": {"VALIDATION": 20, "TEST": 20},
    "bench_sequences": {"AMOUNT": 400, "PASSES": 1, "PRODUCTS": 4},
    "model_choice": {"DRAW": 60, "SOURCE": 100, "TEST": 60, "PRETRAINING": {"epochs": 1, "rate": 3e-3}},
    "outlines": {"SCENES": {"train": (2, 60), "validation": (1, 200), "test": (1, 200)}},
    "segmentation": {
        "SIZE": 32,
        "TEST": 3,
        "HEAD_LOOKS": 4,
        "WHOLE_LOOKS": {10: 4},
        "PIXELS": 500,
    },
    "product_reviews": {
        "EPOCHS": {50: 1},
        "SAME_AMOUNT": 560,
        "PRETRAINING": {"batch_size": 64, "epochs": 1, "rate": 2e-3},
    },
    "sentence_pairs": {"STEPS": 1},
    "language_transfer": {"EPOCHS": {50: 1}, "WORDS": 3_000, "HELD_OUT": 50, "VOCABULARY": 300, "UNITS": 8},
    "prose_model": {
        "SENTENCES": 160,
        "HELD_OUT": 20,
        "CHOOSING": 20,
        "PIECES": 200,
        "UNITS": 8,
        "PRETRAINING": {"batch_size": 32, "epochs": 1, "rates": (3e-3,)},
        "EPOCHS": {50: 1},
        "RATES": {"scratch": (3e-3,), "pretrained": (3e-3,)},
        "ORDERS": (2,),
    },
    "prose_sentiment": {"DIRECTIONS": 5, "READING": {"rates": (3e-3,), "epochs": 1}, "EPOCHS": {50: 1}},
    "wikigold": {
        "PRETRAINING": ONE_EPOCH,
        "WATCHED": 20,
        "EPOCHS": dict.fromkeys(("none", "measured"), {50: 1}),
    },
    "digit_strings": {
        "PRETRAINING": {"steps": 1, "learning_rate": 3e-3, "batch_size": 4},
        "STEPS": dict.fromkeys(("pretrained", "head", "scratch"), {4: 1, 16: 1}),
        "SOURCE_STRINGS": 4,
        "VALIDATION": 4,
        "TEST": 4,
    },
    "string_cutters": {"COPIES": 1},
    "spoken_digits": {"PRETRAINING": ONE_EPOCH | {"batch_size": 32}, "PASSES": {1: 1, 3: 1, 5: 1}},
    "voice_layers": {"TAKES": 6},
    "voice_probes": {"TAKES": 6},
    "series_transfer": {"RATES": (1e-3,), "PRETRAINING": {"rate": 1e-3, "steps": 20}},
    "training_speed": {"PICTURES": 64},
    "race": {
        "EPOCHS": {"article": 1, "guide": (1, 1), "cached": 1, "airbench": 1},
        "WIDE": 8,
        "JUDGES": 40,
        "TEST": 20,
    },
    "race_controls": {"EPOCHS": {"short": 1, "narrow": 1}, "READ": (20, 40)},
    "map_task": {"POOL": 160, "SMALL": 120, "TEST": 20},
    "map_scratch": {"EPOCHS": {100: 1}, "WIDTH": 4},
    "map_classical": {"CENTRES": 10, "PATCHES": 400},
    "map_front": {
        "UNIT": 2e9,
        "LEAST": {"tuned": 1, "airbench_32": 1, "airbench_64": 1},
        "JUDGES": 10_000,
        "TEST": 20,
        "PROBED": 40,
    },
    "map_shift": {"EPOCHS": 1},
    "shift_controls": {"EPOCHS": 1},
    "shifted_pictures": {"SOME": 20, "DRAWN": 20},
    "source_bodies": {"N_SOURCE": 200, "BUDGET": 1e9},
    "map_moved": {"EPOCHS": {"everything": 1, "control": 1}},
    "map_sources": {"PASSES": {40: 1}},
    "map_forgetting": {"PASSES": {40: 1}},
    "map_tuned": {
        "EPOCHS": dict.fromkeys(MODULES["map_tuned"].EPOCHS, {40: 1}),
        "BATCH": {40: 20, 1_000: 20},
        "CHOOSING": {40: 0.5},
        "MEASURED": 20,
    },
    "frameworks": {"N": 20, "BATCH": 4, "REPEATS": 1},
    "compressed_vgg16": {
        "TEST": 20,
        "UNLABELLED": 20,
        "CALIBRATION": 20,
        "EPOCHS": 1,
        "AGAIN": 1,
        "ROUNDS": 1,
        "TIMED": 1,
        "STUDENT": {"epochs": 1, "rate": 0.01},
    },
    "tuning_pictures": {"EPOCHS": {50: 1}, "TEST": 50},
    "tuning_sentences": {
        "EPOCHS": {50: 1},
        "LAST": 1,
        "RANK": 2,
        "DISTILLING": {"epochs": 1, "learning_rate": 3e-3},
    },
    "two_heads": {"EPOCHS": {50: 1}, "SECOND": 50},
}
N_TRAIN = {
    "compressed_vgg16": 40,
    "model_choice": 60,
    "preprocessing": 40,
    "cifar10_depth": 100,
    "cifar10_rates": 100,
    "map_classical": 100,
    "map_frozen": 100,
    "map_scratch": 100,
    "map_shift": 100,
    "map_forgetting": 40,
    "map_moved": 40,
    "map_noise": 40,
    "map_tuned": 40,
    "race": 40,
    "race_controls": 40,
}
FETCHED = {
    "bench_counts": [assets.VADER],
    "bench_sequences": [assets.VADER],
    "label_sentences": [assets.MINILM, assets.VADER],
    "language_transfer": [assets.VADER],
    "model_choice": [assets.HED],
    "next_product": [assets.MINILM, assets.VADER],
    "outlines": [assets.HED],
    "own_folder": [assets.EFFICIENTNET],
    "perplexity": [assets.VADER],
    "product_controls": [assets.VADER],
    "prose_model": [assets.VADER],
    "prose_sentiment": [assets.VADER],
    "product_reviews": [assets.VADER],
    "tuning_sentences": [assets.MINILM, assets.VADER],
    "two_heads": [assets.MINILM, assets.VADER],
    "voice_probes": [assets.RESEMBLYZER],
}
SPEAKING = (
    "digit_controls",
    "digit_strings",
    "new_draw",
    "randomised_voices",
    "spoken_digits",
    "synthetic_speech",
    "voice_probes",
)
PICTURES = (
    "bench_patches",
    "bench_pictures",
    "cifar10_depth",
    "cifar10_rates",
    "cifar10_regimes",
    "frameworks",
    "race",
    "race_controls",
    "compressed_vgg16",
    "budget_controls",
    "label_budget",
    "map_front",
    "map_frozen",
    "map_moved",
    "map_shift",
    "map_tuned",
    "model_choice",
    "outlines",
    "own_folder",
    "preprocessing",
    "segmentation",
    "tuning_pictures",
    "cheap_pretraining",
)
# Arms that differ from another one in nothing but a name or a constant, or run the code that another one runs.
LIKE_ANOTHER = {
    "bench_pictures": [
        name
        for name in MODULES["bench_pictures"].EXPERIMENT.arms
        if name
        not in (
            "raw_gradients",
            "measured_layer1",
            "labels_layer3",
            "vae_layer2",
            "redrawn_gan_layer2",
            "vgg16_layer5",
            "redrawn_vgg16_layer1",
        )
    ],
    "bench_sequences": [
        name
        for name in MODULES["bench_sequences"].EXPERIMENT.arms
        if name
        not in (
            "tfidf",
            "fresh_lstm_layer2",
            "labels_gru_layer2",
            "words_transformer_layer1",
            "redrawn_words_cnn_embedding",
        )
    ],
    "cheap_pretraining": (
        *(f"{way}_{how}" for way in ("labels", "autoencoder", "gan", "contrastive") for how in ("tuned", "longer")),
        *("contrastive_frozen", "contrastive_no_colour_frozen", "contrastive_all_frozen"),
    ),
    "cifar10_depth": ("block3_pool", "block4_pool"),
    "cifar10_regimes": ("scratch_vgg16",),
    "compressed_vgg16": ("float32", "float16", "dynamic", "pruned_50", "thin_block4", "student_labels"),
    "cifar10_rates": ("everything", "scratch_vgg16"),
    "label_sentences": ("product", "feeling", "advice", "words", "buyer", "multilingual"),
    "map_frozen": [name for name in MODULES["map_frozen"].EXPERIMENT.arms if name.startswith("block")],
    "map_front": [
        name
        for name in MODULES["map_front"].EXPERIMENT.arms
        if name not in ("everything", "airbench_32", "without_probe")
    ],
    "map_moved": ("vgg16_mean_variance",),
    "map_noise": ("nothing", "noise"),
    "map_sources": [
        name
        for name in MODULES["map_sources"].EXPERIMENT.arms
        if name not in ("nothing_frozen", "drawings_tuned", "noise_frozen", "patches")
    ],
    "map_tuned": ("vgg16_mean_variance", "vgg16_shuffled", "last_block", "everything"),
    "model_choice": [
        *(name for name in MODULES["model_choice"].EXPERIMENT.arms if "block" in name and name[-1] != "3"),
        "random_32_block3",
        "cnn_animals",
        "cnn_drawings",
    ],
    "digit_strings": ("pretrained_head", "scratch"),
    "new_draw": [name for name in MODULES["new_draw"].EXPERIMENT.arms if name != "probe_then_all"],
    "outlines": ("imagenet_trunk", "random_trunk"),
    "preprocessing": ("as_trained", "rgb_minus_mean", "random_body"),
    "budget_controls": ("random_body",),
    "own_folder": ("pixels",),
    "segmentation": ("fcn_8", "fcn_32", "fcn_2_fresh"),
    "prose_model": ("scratch",),
    "prose_sentiment": ("majority", "tfidf", "random_frozen", "adapted_frozen"),
    "race": ("cached_blocks_3_4",),
    "race_controls": ("airbench_short",),
    "series_transfer": ("month",),
    "spoken_digits": ("random_head_then_all", "confident_head_then_all"),
    "tuning_pictures": ("last",),
    "tuning_sentences": ("everything", "bitfit"),
    "wider_counts": ("tfidf_wide",),
    "voice_probes": [
        f"{body}_{layer}"
        for body, layers in (("pretrained", (2, 3)), ("shuffled", (1, 3)), ("fresh", (1, 2, 3)))
        for layer in (*(f"lstm{number}" for number in layers), *(["embedding"] if body != "fresh" else []))
    ],
}
SLOW = ("next_product", "wikigold")
RUNS = [
    pytest.param(name, arm, id=f"{name}-{arm}", marks=[pytest.mark.slow] if name in SLOW and settings.first else [])
    for name in NAMES
    if isinstance(MODULES[name].EXPERIMENT, protocol.Experiment)
    for arm, settings in MODULES[name].EXPERIMENT.arms.items()
    if arm not in LIKE_ANOTHER.get(name, ())
]
# Building graphs is most of the time of a run this small, but for these, which take many small steps. Elsewhere, one
# arm of an experiment builds them, as a recording does.
MANY_STEPS = ("cheap_pretraining", "prose_sentiment", "voice_probes")
COMPILED = {name: arm for name, arm in reversed([run.values for run in RUNS])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, user_cache):
    """Return a cache for all runs here, with links to what was fetched."""
    cache = tmp_path_factory.mktemp("cache")
    for path in user_cache.glob("*"):
        if path.name in {asset.file_name for asset in assets.every_asset()} or path.name.startswith("emoji10"):
            (cache / path.name).symlink_to(path)
    for path, name in USER_WEIGHTS:
        if path.is_file() and not (cache / name).exists():
            (cache / name).symlink_to(path)
    return cache


@pytest.fixture
def tiny(monkeypatch, folder):
    """Return a function that prepares an experiment: stand-ins, tiny constants, two settings a grid."""
    monkeypatch.setenv("TLBOOK_CACHE", str(folder))
    monkeypatch.setenv("TLBOOK_DATA", "emoji10")

    def small_pictures(validation=40, seed=0):
        dataset = data.load_emoji10(validation=40, seed=seed)
        return dataclasses.replace(dataset, test=data.subset(dataset.test, 200, 0))

    def prepare(name):
        for asset in FETCHED.get(name, []):
            if not (folder / asset.file_name).exists():
                pytest.skip(f"needs {asset.name}: run python -m tlbook fetch")
        if name in PICTURES and not any((folder / file_name).exists() for _, file_name in USER_WEIGHTS):
            pytest.skip("needs VGG16's weights: run python -m tlbook fetch")
        if name in SPEAKING and not importlib.util.find_spec("espeakng_loader"):
            pytest.skip("needs espeakng-loader")
        monkeypatch.setattr(data, "load_cifar10", small_pictures)
        monkeypatch.setattr(data, "holdout", lambda: data.subset(data.load_emoji10(validation=40).test, 100, 1))
        monkeypatch.setattr(
            MODULES["cifar10_regimes"],
            "best_rates",
            lambda: {arm: rates[0] for arm, rates in MODULES["cifar10_regimes"].RATES.items()},
        )
        for module, constants in TINY.items():
            for constant, value in constants.items():
                assert hasattr(MODULES[module], constant)
                monkeypatch.setattr(MODULES[module], constant, value)
        return MODULES[name].EXPERIMENT

    return prepare


def of_few_numbers(monkeypatch, module):
    """Put a network of two narrow blocks in the place of MiniLM, and random vectors in that of its readings."""
    path, source = sources.find(assets.MINILM)
    _, config, tokenizer = minilm.read(path)
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 16}
    rng = np.random.default_rng(0)
    monkeypatch.setattr(minilm, "pretrained", lambda: (minilm.build(config | sizes, tokenizer), source))
    monkeypatch.setattr(minilm, "encode", lambda encoder, texts, *_: rng.random((len(texts), 8), "float32"))
    for kept in ("machine", "reading", "readers", "tokenizer", "body"):
        if hasattr(module, kept):
            getattr(module, kept).cache_clear()


@pytest.fixture
def step_by_step():
    """Return a function that has TensorFlow run operations one by one, until the test is over."""
    yield lambda: tf.config.run_functions_eagerly(True)
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize(("name", "arm"), RUNS)
def test_arm_runs_once(tiny, monkeypatch, step_by_step, name, arm):
    experiment = tiny(name)
    if name not in MANY_STEPS and arm != COMPILED[name]:
        step_by_step()
    if name == "compressed_vgg16":  # packing thirty megabytes takes seconds
        monkeypatch.setattr(MODULES[name].compression, "zipped", len)
    if name in ("tuning_sentences", "two_heads"):
        of_few_numbers(monkeypatch, MODULES["tuning_sentences"])
    if name == "label_sentences":
        module = MODULES[name]
        of_few_numbers(monkeypatch, MODULES["sentence_pairs"])
        module.readers.cache_clear()
        monkeypatch.setattr(module, "untrained", lambda: None)
        monkeypatch.setattr(module.use_multilingual, "pretrained", lambda: (None, None))
        rng = np.random.default_rng(0)
        monkeypatch.setattr(module.use_multilingual, "encode", lambda encoder, texts: rng.random((len(texts), 8)))
    if name == "next_product":  # reading all sentences takes a minute
        rng = np.random.default_rng(0)
        monkeypatch.setattr(
            MODULES[name].minilm, "encode", lambda encoder, texts: rng.random((len(texts), 4), "float32")
        )
    if name in ("synthetic_speech", "randomised_voices"):
        monkeypatch.setattr(MODULES[name].synthesiser, "VOICES", MODULES[name].synthesiser.VOICES[:2])
    settings = experiment.arms[arm]
    start = 1 if settings.grid[0] is None and len(settings.grid) > 1 else 0
    grid = settings.grid[: start + 2]
    if name == "cifar10_regimes":
        grid = settings.grid[:1] if arm in MODULES[name].RATES else grid
    experiment = dataclasses.replace(
        experiment, arms={arm: dataclasses.replace(settings, grid=grid, first=settings.first[:1])}
    )
    configuration = experiment.configurations()[0]
    if configuration["n_train"]:
        configuration["n_train"] = N_TRAIN.get(name, configuration["n_train"])
    if name == "map_front":
        configuration["budget"] = MODULES[name].ABLATED
    row = measuring.measured(experiment.run, configuration, "code")

    metric = next(iter(experiment.metrics))
    assert set(measuring.COLUMNS) | {"chosen", "at_edge", f"validation_{metric}"} <= set(row)
    tested = name not in ("cifar10_depth", "cifar10_rates")
    assert (f"test_{metric}" in row) == tested
    validation = row[f"validation_{metric}"]  # none where there was one setting, and nothing to choose
    most = np.inf if metric in ("perplexity", "wer") else 1  # a recogniser may invent more words than were said
    assert (validation is None and len(settings.grid) == 1) or 0 <= validation <= most
    assert not tested or 0 <= (row[f"test_{metric}"] or 0) <= most
    assert row["n_choose"] > 0 and row["trials"] >= 1 and row["cpu_seconds"] >= 0 and row["cache"] == "cold"
    assert isinstance(row["pretraining"], str) == (settings.pretraining != "measured")


def test_perplexity_is_measured(tiny):
    experiment = tiny("perplexity")
    rows = {arm: experiment.run(arm=arm, seed=0) for arm in experiment.design["arm"]}
    assert all(row["held_out"] > 1 and row["target"] > 1 for row in rows.values())
    assert rows["bigram"]["words"] == rows["lstm"]["words"] <= 3_000


def test_speed_is_measured(tiny, step_by_step):
    step_by_step()
    assert tiny("training_speed").run(arm="onednn", repeat=0)["pictures_per_second"] > 0


def test_speed_is_measured_before_tensorflow_has_read_its_setting():
    program = "import sys; from experiments import recording, training_speed; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=pathlib.Path(__file__).parents[2], check=True)


def test_best_rate_of_a_regime_is_that_of_the_validation_set(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    rows = [("a", 0.1, 0.5), ("a", 0.2, 0.6), ("b", 0.1, 0.4), ("b", 0.2, None)]
    table = pd.DataFrame(rows, columns=["arm", "learning_rate", "validation_accuracy"])
    table.to_csv(tmp_path / "cifar10_rates.csv", index=False)
    assert MODULES["cifar10_regimes"].best_rates() == {"a": 0.2, "b": 0.1}


def test_reused_pieces_are_the_same_whether_the_pretraining_was_kept_or_not(tiny):
    """The fine-tuned head is drawn after the pretraining: a miss in the cache must not draw another one."""
    experiment = tiny("language_transfer")
    module = MODULES["language_transfer"]

    def head(seed):
        task, _ = experiment.load(50, seed)
        encoder, *_ = module.encoder_and_encoding(task.pool, experiment.arms["lm_fine_tuned"], seed)
        return module.heads.classifier(encoder, 2).get_layer("logits").get_weights()[0]

    assert np.array_equal(head(7), head(7))


def test_frameworks_are_measured(tiny, monkeypatch, step_by_step):
    step_by_step()
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    experiment, module = tiny("frameworks"), MODULES["frameworks"]
    theirs = {"features": np.zeros((4, 1, 1, 512), "float32") + 1}
    monkeypatch.setattr(module.backends, "run", lambda *arguments: theirs)  # what another process would answer
    monkeypatch.setattr(module.backends, "PICTURES", 4)
    row = experiment.run(seed=0, arm="tensorflow")
    assert row["step_cpu"] > 0 and row["forward_cpu"] > 0 and row["tmac"] > 0 and row["forward_difference"] > 0
    assert 0 <= row["accuracy"] <= 1 and len(row["predicted"].removeprefix("classes_")) == module.N


def test_a_framework_that_is_not_installed_is_named(tiny, monkeypatch):
    monkeypatch.setattr(MODULES["frameworks"].backends, "installed_backends", lambda: {"tensorflow": "2.21.0"})
    with pytest.raises(ModuleNotFoundError, match="jax: not installed"):
        tiny("frameworks").run(seed=0, arm="jax")


@pytest.mark.parametrize("name", NAMES)
def test_experiment_is_named_after_its_module_and_not_after_one_of_the_package(name):
    experiment = MODULES[name].EXPERIMENT
    package = {path.stem for path in (FOLDER.parent / "tlbook").rglob("*.py")}
    assert experiment.name == name and name not in package
    configurations = [tuple(c.items()) for c in experiment.configurations()]
    assert configurations and len(set(configurations)) == len(configurations)


def test_a_closed_experiment_is_not_recorded_again():
    assert not set(CLOSED) & set(NAMES)
    assert all((FOLDER / f"{name}.py").exists() for name in CLOSED)


def test_the_new_draw_tests_on_what_the_first_runs_learned_from(tiny):
    experiment, first = tiny("new_draw"), MODULES["spoken_digits"]
    _, test = experiment.load(10, 6)
    (task, _), (more, _) = first.load(50, 0), experiment.load(30, 6)
    learned = {sound.tobytes() for sound in task.train[0]}
    assert {sound.tobytes() for sound in test.inputs} == learned
    assert not {sound.tobytes() for sound in more.train[0]} & learned
    assert experiment.load(10, 6)[0].target == experiment.load(10, 12)[0].target
    assert experiment.load(10, 6)[0].n_choose == task.n_choose
