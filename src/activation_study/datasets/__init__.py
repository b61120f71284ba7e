"""Images and labels as tensors: read and checked, split, preprocessed and augmented on the device.

    dataset = load("mnist", data_dir="data")
    dataset.train.images    # (50000, 1, 28, 28) float32, standardised
    dataset.valid.labels    # (10000,) int64

`sources` says which sets there are, `downloads` finds, checks and fetches their files, `image_folder` reads a folder of
the user's own, `splitting`, `preprocessing` and `augmentation` do what they say, and `loading` puts the parts together.
"""

from activation_study.datasets.arrays import Arrays
from activation_study.datasets.augmentation import augment
from activation_study.datasets.loading import Dataset, Split, fetch, load
from activation_study.datasets.options import checked
from activation_study.datasets.preprocessing import PREPROCESSINGS
from activation_study.datasets.sources import SOURCES, Source

__all__ = ["PREPROCESSINGS", "SOURCES", "Arrays", "Dataset", "Source", "Split", "augment", "checked", "fetch", "load"]
