"""The claims of the article, and of the papers where it repeats them, in our own words.

A claim is one entry: what is claimed and where, the number that would show it, and the test that each set of runs is
put to. `testing` has tests of runs, `functions` tests of the functions alone.
"""

from activation_study.claims import functions, pictures
from activation_study.claims.ledger import Claim, Range
from activation_study.claims.testing import (
    ABOVE_ZERO,
    BELOW_ONE,
    BELOW_ZERO,
    against,
    all_of,
    each,
    equivalent,
    factor_per_layer,
    level,
    not_worse,
    on,
    paired,
)
from activation_study.comparison import quantities as quantity

LEAKY = ("lrelu", "vlrelu", "prelu", "rrelu")
RIVALS = ("relu", *LEAKY)  # of ELU
RECTIFIERS = (*RIVALS, "elu")
TRAINED = ("mnist", "cifar10")  # evidence with tuned learning rates
SPEED = (
    "Training loss, its mean over the epochs without the loss before training, each activation at the learning rate at "
    "which that is lowest on the tuning seeds"
)
MARGINS = "0.3 points on mnist and 1 point on cifar10"
KEPT = Range(0.9, 1 / 0.9)  # factor per layer of a gradient that neither fades nor grows by more than a tenth

SIGMOID = [
    Claim(
        id="sigmoid-slope",
        source="article, sigmoid; Hochreiter & Schmidhuber 1997",
        statement="A sigmoid's slope is at most 1/4, so at most a quarter of the error at its output gets through.",
        measured="The largest slope of the sigmoid between -20 and 20: 1/4, to nine digits.",
        tests={"functions": functions.largest_slope("sigmoid", 1 / 4)},
        picture=pictures.curves(["sigmoid", "tanh", "relu"], functions.slopes, "slope $f'(z)$", -6, 6, 1 / 4),
    ),
    Claim(
        id="sigmoid-saturates",
        source="article, sigmoid",
        statement="Far from zero, on either side, the sigmoid is flat.",
        measured="Its slope at -8 and at 8 as a share of its largest: below 1 %.",
        tests={"functions": functions.is_flat("sigmoid", -8, 8)},
        picture=pictures.curves(["sigmoid"], functions.values, "$f(z)$", -10, 10),
    ),
    Claim(
        id="sigmoid-vanishes",
        source="article, sigmoid; Glorot & Bengio 2010, Section 4; Hochreiter & Schmidhuber 1997",
        statement="Among sigmoids the gradient fades on its way to the input, the more the deeper the network.",
        measured="The factor by which each further layer changes the ratio of the first to the last hidden layer's "
        "gradient norm before training: below 0.9.",
        tests={"vanishing": factor_per_layer(["sigmoid"], Range(high=0.9))},
        picture=pictures.against_depth("vanishing", ["sigmoid", "tanh", *RECTIFIERS], quantity.GRADIENT_RATIO),
    ),
    Claim(
        id="sigmoid-vanishes-by-saturation",
        source="article, sigmoid (its conclusion)",
        statement="The gradient of a deep sigmoid network is small because its units are saturated.",
        measured="The share of saturated units (output within 0.025 of 0 or 1) in the hidden layers before training, "
        "when the gradient of the deeper networks has already vanished: above 5 %.",
        tests={"vanishing": level(quantity.SATURATED_BEFORE, ["sigmoid"], Range(low=5))},
        remark="Hochreiter's bound needs no saturation: a slope of at most 1/4 in every layer is enough.",
        picture=pictures.against_depth(
            "vanishing", ["sigmoid"], quantity.SATURATED_BEFORE, quantity.SATURATED, quantity.GRADIENT_RATIO
        ),
    ),
]

RELU = [
    Claim(
        id="relu-keeps-gradient",
        source="article, ReLU and ELU; Glorot, Bordes & Bengio 2011; He et al. 2015, Section 2.2",
        statement="A ReLU has slope 1 above zero, so among rectifiers the gradient does not vanish with depth.",
        measured="ReLU's smallest and largest slope above zero: 1. The factor by which each further layer changes the "
        "ratio of the first to the last hidden layer's gradient norm before training, for each rectifier: 0.9 to 1.11.",
        tests={
            "functions": functions.slope_above_zero("relu", 1),
            "vanishing": factor_per_layer(RECTIFIERS, KEPT),
        },
        remark="The slope alone does not do it: half of the units have slope 0, and the weights must make up for that. "
        "With Xavier's scale instead of He's a ReLU network loses a factor 0.71 per layer (He et al. 2015, Sect. 2.2).",
        picture=pictures.against_depth("vanishing", RECTIFIERS, quantity.GRADIENT_RATIO),
        one_by_one=True,
    ),
    Claim(
        id="relu-sparse",
        source="article, ReLU; Glorot, Bordes & Bengio 2011",
        statement="ReLU gives sparse codes: for a given image most units of a trained network are exactly zero.",
        measured="The share of exact zeros in the hidden layers after training: above 50 %.",
        tests=on(level(quantity.SPARSITY, ["relu"], Range(low=50)), *TRAINED),
        disagreement="For the article a sparse network has few connections; the papers mean few active units, which "
        "is what is measured here. (Glorot et al. report 83 % zeros on MNIST and 72 % on CIFAR-10, with a penalty "
        "that asks for them.)",
    ),
    Claim(
        id="relu-overfits-less",
        source="article, ReLU",
        statement="Switching units off below zero reduces overfitting.",
        measured="The gap between training and test accuracy of relu less that of each leaky kind: below zero.",
        tests=on(paired(quantity.GAP, against("relu", LEAKY), BELOW_ZERO), *TRAINED),
        disagreement="Xu et al. 2015 conclude the opposite: sparsity is not what makes ReLU good, for every leaky kind "
        "does better in their tests.",
        one_by_one=True,
    ),
    Claim(
        id="relu-dead",
        source="article, LReLU; Maas et al. 2013",
        statement="In a trained network some ReLUs never become active.",
        measured="The share of units that no validation image activates, after training: above 0.1 %.",
        tests=on(level(quantity.DEAD, ["relu"], Range(low=0.1)), *TRAINED),
    ),
]

LEAKS = [
    Claim(
        id="leaky-fewer-dead",
        source="article, LReLU; Maas et al. 2013",
        statement="With a slope below zero fewer units never become active than with ReLU.",
        measured="The share of units that no validation image activates, after training, of each leaky kind less that "
        "of relu: below zero.",
        tests=on(paired(quantity.DEAD, each(LEAKY, "relu"), BELOW_ZERO), *TRAINED),
        remark="Where ReLU has no dead units none can be saved. A leaky unit that is never active still learns.",
        one_by_one=True,
    ),
    Claim(
        id="leaky-learn-faster",
        source="article, LReLU and PReLU",
        statement="A slope below zero makes learning faster than with ReLU, whose inactive units do not learn.",
        measured=f"{SPEED}, of each leaky kind over that of relu: below 1.",
        tests=on(paired(quantity.TRAINING_LOSS, each(LEAKY, "relu"), BELOW_ONE), *TRAINED),
        one_by_one=True,
    ),
    Claim(
        id="lrelu-like-relu",
        source="article, LReLU and PReLU; Maas et al. 2013, Table 2; He et al. 2015",
        statement="A leak of 0.01 makes no difference to accuracy.",
        measured=f"Test accuracy of lrelu less that of relu: within {MARGINS} either way.",
        tests=on(paired(quantity.ACCURACY, [("lrelu", "relu")], equivalent), *TRAINED),
    ),
    Claim(
        id="lrelu-worse",
        source="article, LReLU",
        statement="Because it gives up the exact zeros, LReLU does worse than ReLU.",
        measured="Test accuracy of lrelu less that of relu: below zero.",
        tests=on(paired(quantity.ACCURACY, [("lrelu", "relu")], BELOW_ZERO), *TRAINED),
        disagreement="The article says that it can, and ascribes that to Maas et al. 2013, but no row of their Table 2 "
        "(as remembered; the paper was not seen in full) has LReLU clearly behind, and He et al. 2015 call its effect "
        "negligible.",
    ),
    Claim(
        id="prelu-at-least-relu",
        source="article, PReLU; He et al. 2015, Tables 2 and 4",
        statement="With a learned slope for every channel a network does as well as with ReLU, or better.",
        measured=f"Test accuracy of prelu less that of relu: not below zero by as much as {MARGINS}.",
        tests=on(paired(quantity.ACCURACY, [("prelu", "relu")], not_worse), *TRAINED),
        remark="The picture shows where the slopes go; He et al. 2015, Table 1, found 0.6 to 0.7 in the first layer "
        "and smaller ones above it. The article leaves out that they are not decayed.",
        picture=pictures.learned_slopes,
    ),
    Claim(
        id="prelu-like-relu",
        source="article, LReLU (its last sentence)",
        statement="PReLU does the same as ReLU, or better by too little to matter.",
        measured=f"Test accuracy of prelu less that of relu: within {MARGINS} either way.",
        tests=on(paired(quantity.ACCURACY, [("prelu", "relu")], equivalent), *TRAINED),
        disagreement="The article reports it from Maas et al. 2013, who know no PReLU: it must mean LReLU, see "
        "`lrelu-like-relu`. He et al. 2015, Table 2, have PReLU ahead of ReLU by 1.2 points (top-1 error 32.64 against "
        "33.82 %). It is tested here as it stands.",
    ),
    Claim(
        id="vlrelu-beats-lrelu",
        source="article, RReLU; Xu et al. 2015",
        statement="A leak of 1/5.5 does better than one of 0.01.",
        measured="Test accuracy of vlrelu less that of lrelu: above zero.",
        tests=on(paired(quantity.ACCURACY, [("vlrelu", "lrelu")], ABOVE_ZERO), *TRAINED),
    ),
    Claim(
        id="rrelu-overfits-less",
        source="article, RReLU; Xu et al. 2015",
        statement="Drawing the slope at random reduces overfitting.",
        measured="The gap between training and test accuracy of rrelu less that of each other rectifier: below zero.",
        tests=on(
            paired(quantity.GAP, against("rrelu", ["relu", "lrelu", "vlrelu", "prelu", "elu"]), BELOW_ZERO), *TRAINED
        ),
    ),
    Claim(
        id="rrelu-best",
        source="article, RReLU; Xu et al. 2015",
        statement="RReLU reaches the highest accuracy of ReLU and its leaky kinds.",
        measured="Test accuracy of rrelu less that of relu, lrelu, vlrelu and prelu: above zero for each.",
        tests=on(
            paired(quantity.ACCURACY, against("rrelu", ["relu", "lrelu", "vlrelu", "prelu"]), ABOVE_ZERO), *TRAINED
        ),
        remark="In Xu et al. it holds in every test column, but in single runs, and over a leak of 1/5.5 by 0.01 "
        "points on CIFAR-10 and 0.17 on CIFAR-100 (as remembered; the paper was not seen in full).",
    ),
    Claim(
        id="rrelu-test-slope",
        source="article, RReLU",
        statement="In testing RReLU uses the average of the slopes that training draws.",
        measured="The slope in testing over the mean slope of training: 0.99 to 1.01.",
        tests={"functions": functions.mean_slope_in_testing},
        disagreement="Xu et al. draw a divisor from U(3, 8) and test with the mean divisor, a slope of 1/5.5 = 0.182; "
        "the mean slope is ln(8/3)/5 = 0.196. Their code tried that for ten weeks and went back. It also draws for "
        "every element, and not for every channel and example as the article has it.",
        picture=pictures.random_slopes,
    ),
]

ELU = [
    Claim(
        id="elu-means-near-zero",
        source="article, ELU (by way of the natural gradient); Clevert et al. 2016, Fig. 2a",
        statement="ELU keeps the mean activations of its layers nearer to zero than the other rectifiers do.",
        measured="The distance of a layer's mean activation from zero, the mean over hidden layers after training, of "
        "elu less that of each other: below zero.",
        tests=on(paired(quantity.MEAN, against("elu", RIVALS), BELOW_ZERO), *TRAINED),
        remark="Clevert et al. report the median over units of each unit's mean; here it is the mean of a layer.",
    ),
    Claim(
        id="elu-saturates",
        source="article, ELU; Clevert et al. 2016, Section 3",
        statement="Far below zero ELU is flat and so deactivates its unit, which trained networks make use of.",
        measured="At z = -5 its slope and its distance from the bound -1: below 0.01. The share of saturated units "
        "(within 5 % of the bound) after training: above 5 %.",
        tests={
            "functions": all_of(functions.is_flat("elu", -5), functions.is_near("elu", -1, -5)),
            **on(level(quantity.SATURATED, ["elu"], Range(low=5)), *TRAINED),
        },
        picture=pictures.curves(["relu", "lrelu", "vlrelu", "prelu", "elu"], functions.values, "$f(z)$", -8, 1, -1),
    ),
    Claim(
        id="elu-learns-faster",
        source="article, ELU; Clevert et al. 2016, Fig. 2b",
        statement="ELU learns faster than the other rectifiers.",
        measured=f"{SPEED}, of elu over that of each other rectifier: below 1.",
        tests=on(paired(quantity.TRAINING_LOSS, against("elu", RIVALS), BELOW_ONE), *TRAINED),
        remark="With the loss before training in the mean the claim was contradicted on mnist from 8 layers on: there "
        "untrained networks of ELU have the largest outputs and so the largest loss, which is not how fast they learn.",
    ),
    Claim(
        id="relu-ignores-noise",
        source="article, ELU; Clevert et al. 2016, Section 3",
        statement="A ReLU that is switched off stays so under noise; leaky units pass it on.",
        measured="The variance that relu passes on of noise with standard deviation 1 around z = -3 and z = -6, over "
        "that of each leaky kind (prelu at 0.25, rrelu as in testing): below 1. In trained networks, when such noise "
        "is added to the pre-activations up to -3 of the middle hidden layer: the root mean square change of the "
        "logits, relative to their spread over images, of relu less that of each leaky kind: below zero.",
        tests={
            "functions": functions.less_noise("relu", LEAKY, -3, -6),
            "digits": paired(quantity.NOISE, against("relu", LEAKY), BELOW_ZERO),
        },
        picture=pictures.noise,
    ),
    Claim(
        id="elu-ignores-noise",
        source="article, ELU; Clevert et al. 2016, Section 3",
        statement="An ELU that is switched off stays so under noise; leaky units pass it on.",
        measured="As for `relu-ignores-noise`, with elu in the place of relu.",
        tests={
            "functions": functions.less_noise("elu", LEAKY, -3, -6),
            "digits": paired(quantity.NOISE, against("elu", LEAKY), BELOW_ZERO),
        },
        remark="It depends on how far below zero: at z = -3 ELU's slope is still 0.05, five times LReLU's 0.01, and "
        "only beyond about -5.4 does it pass on less noise.",
        picture=pictures.noise,
    ),
    Claim(
        id="elu-natural-gradient",
        source="article, ELU; Clevert et al. 2016, Section 2",
        statement="ELU's gradient is nearer to the natural gradient than that of the other rectifiers.",
        measured="The angle between gradient and natural gradient, for the whole network (all layers but the first) "
        "and for the incoming weights of one unit, and the bias shift: the share of a gradient step's effect on a "
        "unit's mean pre-activation that comes through the means of the incoming activations. Each is the mean after "
        "1, 5 and 20 epochs, of elu less that of each other rectifier: below zero. Exact Fisher matrix over 128 "
        "images, damped by 1 % of its mean eigenvalue.",
        tests={
            "digits": all_of(
                paired(quantity.ANGLE, against("elu", RIVALS), BELOW_ZERO),
                paired(quantity.UNIT_ANGLE, against("elu", RIVALS), BELOW_ZERO),
                paired(quantity.SHIFT, against("elu", RIVALS), BELOW_ZERO),
            )
        },
        remark="Clevert et al. argue for one unit at a time and show mean activations, not angles.",
        picture=pictures.natural_gradient,
    ),
]

SOFTMAX = [
    Claim(
        id="softmax-cases",
        source="article, softmax",
        statement="Softmax turns the article's three lists of numbers into the probabilities printed there.",
        measured="The largest difference between a printed probability and the recomputed one: below 0.0005, which is "
        "equality to three digits.",
        tests={"functions": functions.softmax_as_printed},
        picture=pictures.softmax_cases,
    ),
]

CLAIMS = [*SIGMOID, *RELU, *LEAKS, *ELU, *SOFTMAX]
