"""A ledger of claims: what the article and the papers say, each put to runs that can support or contradict it.

`CLAIMS` holds them by id, `judge` puts one to its tests. A verdict is computed and never written: the 95 % interval of
a number lies inside the values that the claim predicts (supported), outside (contradicted), or across (undecided).

A further claim is one entry in a list such as `article.CLAIMS`:

    Claim(
        id="elu-beats-relu",
        source="Clevert et al. 2016, Section 4.3",
        statement="ELU reaches a higher accuracy than ReLU.",
        measured="Test accuracy of elu less that of relu: above zero.",
        tests=on(paired(quantity.ACCURACY, [("elu", "relu")], ABOVE_ZERO), "mnist", "cifar10"),
    )
"""

from activation_study.claims import article, causes
from activation_study.claims.evidence import EVIDENCE, Evidence, Found, find
from activation_study.claims.ledger import VERDICTS, Claim, Outcome, Part, Range, judge

__all__ = ["CLAIMS", "EVIDENCE", "VERDICTS", "Claim", "Evidence", "Found", "Outcome", "Part", "Range", "find", "judge"]

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in [*article.CLAIMS, *causes.CLAIMS]}
