"""Why activations differ: the reasons that the article and the papers give, each put to a change of that one thing."""

from activation_study.claims.ledger import Claim
from activation_study.claims.testing import BELOW_ONE, BELOW_ZERO, paired
from activation_study.comparison import quantities as quantity

SPEED = (
    "Training loss, its mean over the epochs without the loss before training, each function at the learning rate at "
    "which that is lowest"
)
MEAN_SLOPE = "lrelu(slope=0.196165851)"  # the mean of the slopes that RReLU draws, ln(8/3) / 5

CLAIMS = [
    Claim(
        id="zero-gradient-slows",
        source="article, LReLU and PReLU (its reason); Horuz et al. 2025",
        statement="ReLU learns more slowly than it could because no gradient passes where it is zero.",
        measured=f"{SPEED}, of surrogate_relu (ReLU's values, a slope of 0.1 below zero on the way back) over that of "
        "relu: below 1.",
        tests={"causes": paired(quantity.TRAINING_LOSS, [("surrogate_relu", "relu")], BELOW_ONE)},
    ),
    Claim(
        id="means-near-zero-speed",
        source="article, ELU (its reason); Clevert et al. 2016, Section 2",
        statement="Mean activations nearer to zero make learning faster.",
        measured=f"{SPEED}, of offset_relu (ReLU less its mean, the offset learned) over that of relu, and of "
        "centred_elu (ELU less its mean) over that of elu: below 1.",
        tests={"causes": paired(quantity.TRAINING_LOSS, [("offset_relu", "relu"), ("centred_elu", "elu")], BELOW_ONE)},
        remark="The next layer's biases can undo either change, so both networks can compute the same functions.",
        one_by_one=True,
    ),
    Claim(
        id="noise-overfits-less",
        source="article, RReLU (its reason); Xu et al. 2015",
        statement="That RReLU's slopes are drawn at random, and not how large they are, reduces overfitting.",
        measured="The gap between training and test accuracy of rrelu less that of lrelu at the mean of RReLU's "
        "slopes, 0.196: below zero.",
        tests={"causes": paired(quantity.GAP, [("rrelu", MEAN_SLOPE)], BELOW_ZERO)},
    ),
]
