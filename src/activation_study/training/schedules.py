"""What a learning rate is multiplied by as training goes on."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from activation_study.errors import refuse
from activation_study.schema.compounds import Items, Nullable
from activation_study.schema.kinds import Number


class Moment(NamedTuple):
    """How far training has come.

    Attributes:
        step: updates made.
        epoch: whole and part epochs.
        share: of all updates.
    """

    step: int = 0
    epoch: float = 0.0
    share: float = 0.0


START = Moment()


class Schedule:
    """A factor that falls at milestones or along a cosine, perhaps after a warm-up.

    Args:
        milestones: when the factor changes, in epochs or in steps.
        decay: what it is multiplied by at each.
        factors: what it is from each milestone on, instead, as in 0.5, 0.05, 0.005.
        counted_in: what milestones and warm-up count.
        cosine: whether it falls from 1 at the start to 0 at the end along half a cosine (Loshchilov & Hutter 2017).
        warmup: for how long it rises, linearly from 0, to what it would be without.
    """

    def __init__(
        self,
        milestones: Annotated[Sequence[float], Items(Number(at_least=0), "[10,15]", empty=True)] = (),
        decay: Annotated[float, Number(at_least=0, at_most=1)] = 0.1,
        factors: Annotated[
            Sequence[float] | None, Nullable(Items(Number(at_least=0), "[0.5,0.05]", twice=True))
        ] = None,
        counted_in: Literal["epochs", "steps"] = "epochs",
        cosine: bool = False,
        warmup: Annotated[float, Number(at_least=0)] = 0.0,
    ) -> None:
        if factors is not None and len(factors) != len(milestones):
            refuse("optimizer.factors", list(factors), f"there are {len(milestones)} milestones; give one for each")
        self.milestones = sorted(milestones)
        self.factors = [decay**count for count in range(1, len(milestones) + 1)]
        if factors is not None:
            self.factors = [factor for _, factor in sorted(zip(milestones, factors, strict=True))]
        self.counted_in, self.cosine, self.warmup = counted_in, cosine, warmup

    def factor(self, moment: Moment) -> float:
        """The factor at a moment, before the update that follows it."""
        at = moment.epoch if self.counted_in == "epochs" else moment.step
        passed = sum(at >= milestone for milestone in self.milestones)
        factor = self.factors[passed - 1] if passed else 1.0
        if self.cosine:
            factor *= (1 + math.cos(math.pi * min(moment.share, 1.0))) / 2
        return factor * at / self.warmup if at < self.warmup else factor
