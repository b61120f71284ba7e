"""Schoenholz et al. 2017, with Poole et al. 2016 and Hayou et al. 2019: how deep a signal gets in a random network."""

from activation_study.papers.item import Paper
from activation_study.papers.schoenholz2017.depth_scales import DEPTH_SCALES
from activation_study.papers.schoenholz2017.maps import MAPS
from activation_study.papers.schoenholz2017.trainable_depth import TRAINABLE_DEPTH

PAPER = Paper(
    name="schoenholz2017",
    reference="Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, 2017: Deep Information Propagation, ICLR",
    about="In wide random networks two inputs become alike, or unlike, exponentially with depth, on a scale that "
    "diverges on the edge of chaos; networks train to a few such scales. Poole et al. 2016 have the maps; Hayou, "
    "Doucet & Rousseau 2019 find that on the edge smooth activations lose information more slowly than ReLU.",
    items=(MAPS, DEPTH_SCALES, TRAINABLE_DEPTH),
    source="Of the papers only the abstracts were read; what their figures show is from memory.",
)
