"""tlbook: the small package behind the book *Deep Transfer Learning, Executed*.

One module per concept, and data flows one way::

    data -> backbones -> features -> heads -> evaluation -> figures

Import it before Keras: it asks TensorFlow for its fast CPU kernels, which TensorFlow reads once, when it is loaded.
"""

import os
import warnings

# On CPUs without AVX-512 TensorFlow leaves oneDNN off, and VGG16 then trains several times as slowly
# (results/training_speed.csv). The log level hides start-up lines that are not errors.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# pooch and Optuna load tqdm's notebook bar, which asks for ipywidgets. The book does without: a page with widgets
# fetches their scripts from another host.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"
