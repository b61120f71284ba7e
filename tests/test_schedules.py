"""What becomes of a learning rate in time."""

import math
import re

import pytest
import torch
from torch import nn

from activation_study.errors import StudyError
from activation_study.training.schedules import Moment, Schedule


def factors(schedule, epochs):
    return [schedule.factor(Moment(step=int(100 * epoch), epoch=epoch, share=epoch / 10)) for epoch in epochs]


@pytest.mark.parametrize(
    ("options", "epochs", "expected"),
    [
        ({}, [0, 5, 100], [1, 1, 1]),
        ({"milestones": [2, 4.5]}, [0, 1.99, 2, 4.4, 4.5, 9], [1, 1, 0.1, 0.1, 0.01, 0.01]),
        ({"milestones": [4, 2], "decay": 0.5}, [1, 3, 5], [1, 0.5, 0.25]),
        (
            {"milestones": [35, 85, 135], "factors": [0.5, 0.05, 0.005]},
            [0, 35, 84.9, 85, 135],
            [1, 0.5, 0.5, 0.05, 0.005],
        ),
        ({"milestones": [4, 2], "factors": [0.1, 1]}, [1, 2, 4], [1, 1, 0.1]),
        ({"milestones": [200], "counted_in": "steps"}, [1.99, 2], [1, 0.1]),
        ({"warmup": 4}, [0, 1, 3, 4, 9], [0, 0.25, 0.75, 1, 1]),
        ({"warmup": 200, "counted_in": "steps"}, [0, 1, 2], [0, 0.5, 1]),
        ({"cosine": True}, [0, 2.5, 5, 10, 12], [1, (1 + math.sqrt(0.5)) / 2, 0.5, 0, 0]),
        ({"cosine": True, "warmup": 5}, [2.5, 5], [(1 + math.sqrt(0.5)) / 4, 0.5]),
    ],
)
def test_the_factor(options, epochs, expected):
    assert factors(Schedule(**options), epochs) == pytest.approx(expected)


def test_the_cosine_is_that_of_torch():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    for step in range(40):
        assert Schedule(cosine=True).factor(Moment(share=step / 40)) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_factors_are_as_many_as_milestones():
    text = "optimizer.factors=[0.5,0.1]: there are 1 milestones; give one for each."
    with pytest.raises(StudyError, match=rf"\A{re.escape(text)}\Z"):
        Schedule(milestones=[3], factors=[0.5, 0.1])
