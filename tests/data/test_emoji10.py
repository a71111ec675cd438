import numpy as np
import pytest
from scipy.stats import f_oneway

from tlbook.data import emoji10

# https://www.cs.toronto.edu/~kriz/cifar.html, in the order of its label file batches.meta
CIFAR10_NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
TRANSPARENT = np.zeros((64, 64, 4), dtype=np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLBOOK_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def composed(monkeypatch):
    """Rows of the sprite file in the order in which they are composed; composing itself is skipped."""
    rows, row_of = [], {sprite.tobytes(): row for row, sprite in enumerate(emoji10.sprites()["sprites"])}

    def record(sprite, rng):
        rows.append(row_of[sprite.tobytes()])
        return np.zeros((32, 32, 3), dtype=np.uint8)

    monkeypatch.setattr(emoji10, "compose", record)
    return rows


def placed(sprite, n):
    rng = np.random.default_rng(0)
    return np.stack([np.asarray(emoji10._place(sprite, rng)) for _ in range(n)])


def test_class_names_are_cifar10s_and_no_source_class():
    assert list(emoji10.CLASS_NAMES) == CIFAR10_NAMES
    source_class_names = emoji10.sprites()["source_class_names"].tolist()
    assert len(set(source_class_names)) == len(source_class_names) > 100
    assert not set(source_class_names) & set(CIFAR10_NAMES)


def test_sprite_file_is_small_and_complete():
    assert emoji10.SPRITE_FILE.stat().st_size <= 1.5e6
    arrays = emoji10.sprites()
    n = len(arrays["sprites"])
    assert arrays["sprites"].shape == (n, 64, 64, 4) and arrays["sprites"].dtype == np.uint8
    assert all(len(arrays[key]) == n for key in ("tasks", "labels", "styles", "names"))
    assert (arrays["sprites"][..., 3] > 0).mean(axis=(1, 2)).min() > 0.1, "a drawing is (almost) empty"
    assert len({sprite.tobytes() for sprite in arrays["sprites"]}) == n, "a drawing is there twice"


def test_no_source_drawing_is_a_drawing_of_a_target_class():
    arrays = emoji10.sprites()
    source_names = set(arrays["names"][arrays["tasks"] == "source"].tolist())
    assert source_names == set(arrays["source_class_names"].tolist())
    assert not source_names & set(arrays["names"][arrays["tasks"] == "target"].tolist())


@pytest.mark.parametrize(("split", "n"), [("train", 2000), ("test", 1000)])
def test_target_pictures_are_balanced_and_labelled_as_their_drawings(composed, split, n):
    images, labels = emoji10.target_pictures(split)
    assert images.shape == (n, 32, 32, 3) and images.dtype == np.uint8
    assert labels.shape == (n,) and labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [n // 10] * 10
    arrays = emoji10.sprites()
    assert set(arrays["tasks"][composed].tolist()) == {"target"}
    assert np.array_equal(arrays["labels"][composed], labels)
    for label in range(10):
        _, uses = np.unique(np.array(composed)[labels == label], return_counts=True)
        assert np.ptp(uses) <= 1, f"drawings of {CIFAR10_NAMES[label]} are not used alike"
    assert np.any(np.diff(labels) < 0), "the pictures are sorted by class"


def test_train_and_test_share_no_style_and_no_drawing(composed):
    emoji10.target_pictures("train")
    train = list(composed)
    composed.clear()
    emoji10.target_pictures("test")
    styles, drawings = emoji10.sprites()["styles"], emoji10.sprites()["sprites"]
    assert set(styles[train].tolist()) == {"noto", "noto-v1", "fluent-emoji-flat"}
    assert set(styles[composed].tolist()) == {"twemoji", "emojione"}
    assert not {drawings[row].tobytes() for row in train} & {drawings[row].tobytes() for row in composed}


def test_source_pictures_use_each_training_drawing_16_times(composed):
    images, labels, class_names = emoji10.source_pictures()
    _, uses = np.unique(composed, return_counts=True)
    assert set(uses.tolist()) == {16} and len(images) == len(labels) == 16 * len(uses)
    assert images.shape[1:] == (32, 32, 3) and images.dtype == np.uint8 and labels.dtype == np.int64
    assert set(emoji10.sprites()["styles"][composed].tolist()) == {"noto", "noto-v1", "fluent-emoji-flat"}
    # A source class is one emoji: its name must be the drawing's own.
    assert [class_names[label] for label in labels] == emoji10.sprites()["names"][composed].tolist()


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split: got 'validation', expected one of 'train', 'test'"):
        emoji10.target_pictures("validation")


@pytest.mark.parametrize("sprite", [np.zeros((32, 32, 4), np.uint8), np.zeros((64, 64, 4), np.float32)])
def test_sprite_of_wrong_shape_or_dtype_is_refused(sprite):
    with pytest.raises(ValueError, match="sprite: got .* expected uint8"):
        emoji10.compose(sprite, np.random.default_rng(0))


def test_pictures_are_the_same_every_time_and_come_from_the_cache(cache, monkeypatch):
    monkeypatch.setitem(emoji10._SPLITS, "test", (1, 300, emoji10.TEST_STYLES))
    images, labels = emoji10.target_pictures("test")
    assert len(np.unique(images.reshape(300, -1), axis=0)) == 300
    (file,) = cache.glob("*.npz")

    file.write_bytes(file.read_bytes()[:5000])
    with pytest.warns(UserWarning, match="damaged"):
        again = emoji10.target_pictures("test")
    assert np.array_equal(again[0], images) and np.array_equal(again[1], labels)

    monkeypatch.setattr(emoji10, "compose", None)  # composing once more would fail
    cached = emoji10.target_pictures("test")
    assert np.array_equal(cached[0], images) and np.array_equal(cached[1], labels)


def test_background_does_not_depend_on_the_drawing():
    dot = TRANSPARENT.copy()
    dot[28:36, 28:36] = 255
    for seed in range(30):
        with_dot, without = (emoji10.compose(sprite, np.random.default_rng(seed)) for sprite in (dot, TRANSPARENT))
        changed = np.argwhere((with_dot != without).any(axis=-1))
        # 8 pixels of 64, moved by 10 at most, blurred by 2: 16 + 4 + 5 + 1 + 1 of 32 from either side.
        assert len(changed) and changed.min() >= 7 and changed.max() <= 24


def test_background_does_not_depend_on_the_class(monkeypatch):
    arrays = emoji10.sprites()
    nothing_drawn = arrays | {"sprites": np.zeros_like(arrays["sprites"])}
    monkeypatch.setattr(emoji10, "sprites", lambda: nothing_drawn)
    monkeypatch.setitem(emoji10._SPLITS, "train", (0, 1000, emoji10.TRAIN_STYLES))
    images, labels = emoji10.target_pictures("train")
    colour, roughness = images.mean(axis=(1, 2)), images.std(axis=(1, 2))
    for statistic in np.concatenate([colour, roughness], axis=1).T:
        assert f_oneway(*(statistic[labels == label] for label in range(10))).pvalue > 0.001


def test_place_mirrors_scales_turns_and_moves_within_the_stated_ranges():
    bar = TRANSPARENT.copy()
    bar[30:34, 20:44] = 255
    bar[26:30, 40:44] = 255  # a flag at one end, which tells left from right
    alpha = placed(bar, 400)[..., 3] / 255
    y, x = np.mgrid[:64, :64] + 0.5
    area = alpha.sum(axis=(1, 2))
    scale = np.sqrt(area / (bar[..., 3] > 0).sum())
    assert 0.58 < scale.min() < 0.65 and 0.95 < scale.max() < 1.02
    centre = np.stack([(alpha * axis).sum(axis=(1, 2)) / area for axis in (x, y)], axis=1)
    assert 8 < np.abs(centre - 32).max() < 14
    dx, dy = x - centre[:, :1, None], y - centre[:, 1:, None]
    xx, yy, xy = ((alpha * product).sum(axis=(1, 2)) / area for product in (dx * dx, dy * dy, dx * dy))
    skew = (alpha * dx**3).sum(axis=(1, 2))  # the flag's side is the short one
    assert 0.4 < (skew > 0).mean() < 0.6
    tilt = np.rad2deg(np.arctan2(2 * xy, xx - yy) / 2) * np.sign(skew)
    tilt -= np.median(tilt)  # the flag tilts the axis of an unturned bar, too
    assert 12 < np.abs(tilt).max() < 18


def test_half_transparent_edges_keep_their_colour():
    disc = TRANSPARENT.copy()
    y, x = np.mgrid[:64, :64]
    disc[(x - 32) ** 2 + (y - 32) ** 2 < 200] = 255
    pixels = placed(disc, 20)
    edge = pixels[(pixels[..., 3] > 16) & (pixels[..., 3] < 240)]
    assert len(edge) and edge[:, :3].min() > 240, "a dark fringe: the transparent black was mixed in"


def test_recolour_and_noise_keep_to_the_stated_ranges():
    def centres(*colour):
        sprite = np.full((64, 64, 4), (*colour, 255), dtype=np.uint8)
        pictures = [emoji10.compose(sprite, np.random.default_rng(seed)) for seed in range(300)]
        return np.stack(pictures)[:, 12:20, 12:20].astype(float)

    grey = centres(128, 128, 128)
    gains = grey.mean(axis=(1, 2)) / 128
    assert 0.73 < gains.min() < 0.77 and 1.23 < gains.max() < 1.27  # saturation leaves grey alone
    assert grey.std(axis=(1, 2)).mean() == pytest.approx(8, rel=0.03)
    red, green, blue = (centres(160, 100, 100).mean(axis=(1, 2)) / gains).T
    saturation = (red - (green + blue) / 2) / 60
    assert 0.57 < saturation.min() < 0.65 and 1.1 < saturation.max() < 1.18
    # Saturation leaves brightness as it is (ITU-R BT.601).
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    assert np.abs(brightness - (0.299 * 160 + 0.701 * 100)).max() < 2
