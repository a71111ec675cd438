"""Spectrograms and players: what is drawn is what was given, and says what it is."""

import matplotlib
import numpy as np
import pytest

from tlbook import figures

matplotlib.use("Agg")  # no window, wherever the tests run
PICTURES = np.full((4, 10, 8), -60.0)
PICTURES[0, :4] = -10
PICTURES[3, :6, 2] = -20


def test_spectrograms_share_a_scale_and_leave_the_filling_out():
    figure = figures.spectrograms(PICTURES, list("abcd"), "two sources", hop_ms=16)
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == list("abcd")
    for axes, picture in zip(panels, PICTURES, strict=True):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), picture.T)
        assert image.get_clim() == (-60, 0)
        assert image.get_extent() == [0, 160, 0, 8]
        assert axes.get_xlim() == (0, 96), "the longest sounds for six frames"
    assert figure.get_suptitle() == "data: two sources"
    axes = figures.spectrograms(PICTURES[:1], ["a"], "", hop_ms=16, height=4000).axes[0]
    assert axes.get_ylim() == (0, 4000)


@pytest.mark.parametrize("titles", ["abc", "abcde"])
def test_spectrograms_need_as_many_titles(titles):
    with pytest.raises(ValueError, match=rf"titles: got {len(titles)} for 4 spectrograms, expected as many, n > 0"):
        figures.spectrograms(PICTURES, titles, "", hop_ms=16)


def test_a_player_carries_its_sound_and_its_label():
    page = figures.player(np.sin(np.arange(800.0)), 8_000, "six & <seven>").data
    assert page.count("six &amp; &lt;seven&gt;") == 2, "the label is read aloud, and seen"
    assert 'src="data:audio/wav;base64,' in page
