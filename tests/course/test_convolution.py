"""Assignment 2: the solution gets all marks, the untouched version none, and each mistake costs its own marks.

The checks try functions alone, so the network is not trained here, but for the one run in a cell.
"""

import submissions

# From a mistake to the function that holds it and the checks that it costs.
MISTAKES = {
    "the padding is off by one": (
        """
def places(n, k, stride, padding):
    if padding == "valid":
        return (n - k) // stride + 1, 0
    windows = -(-n // stride)
    return windows, (max((windows - 1) * stride + k - n, 0) + 1) // 2
""",
        {"where the zeros stand"},
    ),
    "a window too few": (
        """
def places(n, k, stride, padding):
    if padding == "valid":
        return (n - k) // stride, 0
    windows = -(-n // stride)
    return windows, max((windows - 1) * stride + k - n, 0) // 2
""",
        {"windows are counted"},
    ),
    "the kernel turned around": (
        [("[..., None] * kernel", "[..., None] * kernel[::-1, ::-1]")],
        {"the kernel is not turned around"},
    ),
    "rows for columns": (
        [("[..., None] * kernel", "[..., None] * kernel.swapaxes(0, 1)")],
        {"the kernel is not turned around"},
    ),
    "a mean over channels": (
        [(".sum(axis=(0, 1, 2))", ".sum(axis=(0, 1, 2)) / x.shape[2]")],
        {"channels are added up"},
    ),
    "the bias once for each channel": (
        [("(0, 1, 2)) + bias", "(0, 1, 2)) + x.shape[2] * bias")],
        {"the bias is added once, then f"},
    ),
    "f before the bias": (
        [("(0, 1, 2)) + bias", "(0, 1, 2))"), ("return f(z)", "return f(z) + bias")],
        {"the bias is added once, then f"},
    ),
    "the window moves by one": (
        [
            (
                "top, left = stride * i, stride * j\n            window = around",
                "top, left = i, j\n            window = around",
            )
        ],
        {"the window moves by the stride"},
    ),
    "the stride downwards only": (
        [("stride * j\n            window = around", "j\n            window = around")],
        {"the window moves by the stride"},
    ),
    "all zeros behind": (
        [("((above, k), (before, k), (0, 0))", "((0, 2 * k), (0, 2 * k), (0, 0))")],
        {"the padding is zeros where places says"},
    ),
    "the edge repeated": (
        [("(before, k), (0, 0))", '(before, k), (0, 0)), mode="edge"')],
        {"the padding is zeros where places says"},
    ),
    "pooling begins at zero": (
        """
def max_pool(maps, size=2, stride=2):
    rows, columns = ((side - size) // stride + 1 for side in maps.shape[:2])
    pooled = np.zeros((rows, columns, maps.shape[2]))
    for i, j, u, v in np.ndindex(rows, columns, size, size):
        pooled[i, j] = np.maximum(pooled[i, j], maps[stride * i + u, stride * j + v])
    return pooled
""",
        {"the largest of each window"},
    ),
    "windows side by side": (
        """
def max_pool(maps, size=2, stride=2):
    rows, columns = maps.shape[0] // size, maps.shape[1] // size
    cut = maps[: rows * size, : columns * size].reshape(rows, size, columns, size, -1)
    return cut.max(axis=(1, 3))
""",
        {"windows may overlap, and none leaves the map"},
    ),
    "no bias in the dense layer": (
        """
def count_weights(height, width, c, d, k):
    return height * width * c * height * width * d, (k * k * c + 1) * d
""",
        {"a dense layer is counted"},
    ),
    "a kernel for each place": (
        """
def count_weights(height, width, c, d, k):
    return (height * width * c + 1) * height * width * d, (k * k * c + 1) * height * width * d
""",
        {"a convolution is counted"},
    ),
    "the field without the stride": (
        """
def receptive_field(layers):
    return 1 + sum(k - 1 for k, _ in layers)
""",
        {"a stride widens what comes after it"},
    ),
    "the stride a layer too early": (
        """
def receptive_field(layers):
    field, jump = 1, 1
    for k, stride in layers:
        jump *= stride
        field += (k - 1) * jump
    return field
""",
        {"a stride widens what comes after it"},
    ),
    "one size for all weights": (
        """
def redraw(arrays, seed):
    draw = np.random.default_rng(seed)
    return [draw.normal(0, 0.05, old.shape) for old in arrays]
""",
        {"each array keeps its mean and deviation"},
    ),
    "the learned weights as control": (
        """
def redraw(arrays, seed):
    return [old.copy() for old in arrays]
""",
        {"nothing else is kept"},
    ),
    "the statistics of the test": (
        """
def standardise(learn, other):
    return tuple((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6) for x in (learn, other))
""",
        {"the readout knows only what it learned from"},
    ),
    "the test chooses": (
        [('shares[name]["pretrained"]["validation"]', 'shares[name]["pretrained"]["test"]')],
        {"the validation set chooses the layer"},
    ),
    "the control chooses": (
        [('shares[name]["pretrained"]["validation"]', 'shares[name]["redrawn"]["validation"]')],
        {"the validation set chooses the layer"},
    ),
    "no control": (
        [('"gain": float(gains.mean())', '"gain": float(np.mean(arms["pretrained"]["test"]))')],
        {"the gain is that over the control"},
    ),
    "draws not in pairs": (
        [("gains.std(ddof=1) /", 'np.hypot(*(np.std(arms[a]["test"], ddof=1) for a in arms)) /')],
        {"draws are compared in pairs"},
    ),
    "labels that choose are not counted": (
        [("len(gains) * (n_learn + n_choose)", "len(gains) * n_learn")],
        {"labels that choose are counted"},
    ),
}


OTHER_WAYS = {
    "six loops": """
def convolve(x, kernel, bias, f, stride=1, padding="valid"):
    k, _, c, d = kernel.shape
    (rows, above), (columns, before) = (places(n, k, stride, padding) for n in x.shape[:2])
    y = []
    for i in range(rows):
        y.append([])
        for j in range(columns):
            sums = [float(b) for b in bias]
            for o in range(d):
                for u in range(k):
                    for v in range(k):
                        p, q = stride * i + u - above, stride * j + v - before
                        if 0 <= p < x.shape[0] and 0 <= q < x.shape[1]:
                            sums[o] += sum(kernel[u, v, m, o] * x[p, q, m] for m in range(c))
            y[-1].append(sums)
    return f(np.array(y))
""",
    "windows of NumPy, in 32 bits": """
def convolve(x, kernel, bias, f, stride=1, padding="valid"):
    k = len(kernel)
    sides = []
    for n in x.shape[:2]:
        windows, before = places(n, k, stride, padding)
        sides.append((before, max(0, (windows - 1) * stride + k - n - before)))
    x = np.pad(x, [*sides, (0, 0)]).astype("float32")
    cut = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(0, 1))[::stride, ::stride]
    return f(np.einsum("ijmuv,uvmo->ijo", cut, kernel.astype("float32")) + bias)
""",
    "pooling in Keras": """
def max_pool(maps, size=2, stride=2):
    return keras.layers.MaxPooling2D(size, stride)(maps[None])[0]
""",
    "the field from above": """
def receptive_field(layers):
    field = 1
    for k, stride in reversed(layers):
        field = (field - 1) * stride + k
    return field
""",
    "weights shuffled": """
def redraw(arrays, seed):
    draw = np.random.default_rng(seed)
    return [draw.permutation(old.ravel()).reshape(old.shape) for old in arrays]
""",
}


def code_of(notebook):
    """Return the code of a notebook without its training."""
    return submissions.without(submissions.code_of(notebook), "model.fit(", "DRAWS")


TestMarks = submissions.tests("02_convolution", MISTAKES, code_of, ways=OTHER_WAYS, untried=["windows add up"])
