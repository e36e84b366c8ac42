"""Rates of PyTorch's schedulers at some steps, for test/unit/schedules.test.ts: python3 scripts/golden/schedules.py"""
import json
import math
import warnings
from pathlib import Path

import torch
from torch.optim import lr_scheduler as lr

warnings.simplefilter("ignore")


def rates(base, make, steps):
    """The rate of each step: PyTorch's schedulers are stepped one by one."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = make(optimizer)
    found = []
    for step in range(max(steps) + 1):
        if step in steps:
            found.append(optimizer.param_groups[0]["lr"])
        if step < max(steps):
            scheduler.step()
    return found


def case(schedule, options, base, make, steps):
    return {"schedule": schedule, "options": options, "steps": steps, "rates": rates(base, make, steps)}


cyclic = {"baseLearningRate": 0.01, "maxLearningRate": 0.1, "stepSizeUp": 7, "stepSizeDown": 3}
cycle_steps = [0, 1, 6, 7, 8, 9, 10, 11, 17, 20, 35, 99]


def cyclic_of(mode, gamma=1.0, down=3):
    return lambda o: lr.CyclicLR(o, 0.01, 0.1, 7, down, mode=mode, gamma=gamma, cycle_momentum=False)


def one_cycle(**options):
    return lambda o: lr.OneCycleLR(o, 0.1, total_steps=50, cycle_momentum=False, **options)


one_steps = [0, 1, 7, 13, 14, 15, 20, 27, 28, 29, 40, 48, 49]
one = {"maxLearningRate": 0.1, "totalSteps": 50}

cases = [
    case("step", {"initialLearningRate": 0.5, "stepSize": 7}, 0.5, lambda o: lr.StepLR(o, 7), [0, 6, 7, 13, 14, 70]),
    case("step", {"initialLearningRate": 0.5, "stepSize": 3, "gamma": 0.9}, 0.5, lambda o: lr.StepLR(o, 3, 0.9), [0, 2, 3, 300]),
    case("multiStep", {"initialLearningRate": 0.5, "milestones": [3, 10, 11]}, 0.5, lambda o: lr.MultiStepLR(o, [3, 10, 11]), [0, 2, 3, 9, 10, 11, 40]),
    case("multiStep", {"initialLearningRate": 2, "milestones": [5], "gamma": 0.3}, 2, lambda o: lr.MultiStepLR(o, [5], 0.3), [4, 5, 6]),
    case("multiplicative", {"initialLearningRate": 0.5, "factor": 0.95}, 0.5, lambda o: lr.MultiplicativeLR(o, lambda _: 0.95), [0, 1, 2, 100]),
    case("linear", {"initialLearningRate": 0.5}, 0.5, lambda o: lr.LinearLR(o, start_factor=0.333333), [0, 1, 4, 5, 6, 50]),
    case("linear", {"initialLearningRate": 0.5, "startFactor": 1, "endFactor": 0.1, "totalSteps": 40}, 0.5, lambda o: lr.LinearLR(o, 1, 0.1, 40), [0, 1, 39, 40, 41]),
    case("cyclic", cyclic, 0.01, cyclic_of("triangular"), cycle_steps),
    case("cyclic", {**cyclic, "mode": "triangular2"}, 0.01, cyclic_of("triangular2"), cycle_steps),
    case("cyclic", {**cyclic, "mode": "expRange", "gamma": 0.97}, 0.01, cyclic_of("exp_range", 0.97), cycle_steps),
    case("cyclic", {k: v for k, v in cyclic.items() if k != "stepSizeDown"}, 0.01, cyclic_of("triangular", down=None), cycle_steps),
    case("oneCycle", one, 0.1, one_cycle(), one_steps),
    case("oneCycle", {**one, "annealStrategy": "linear", "pctStart": 0.25}, 0.1, one_cycle(anneal_strategy="linear", pct_start=0.25), one_steps),
    case("oneCycle", {**one, "threePhase": True, "divFactor": 10, "finalDivFactor": 100}, 0.1, one_cycle(three_phase=True, div_factor=10, final_div_factor=100), one_steps),
]

# PyTorch chains schedulers of one optimizer. SequentialLR of PyTorch 1.13 resets the rate at a milestone by a private call.
def sequence(o):
    return lr.SequentialLR(o, [lr.ConstantLR(o, 0.5, 100), lr.ExponentialLR(o, 0.9)], [4])


def chain(o):
    return lr.ChainedScheduler([lr.LinearLR(o, 0.5, 1, 4), lr.ExponentialLR(o, 0.9)])


references = {
    "sequential": rates(0.1, sequence, [0, 3, 4, 5, 20]),
    "chained": rates(0.1, chain, [0, 1, 4, 5, 20]),
    "lambda": rates(0.1, lambda o: lr.LambdaLR(o, lambda step: 1 / math.sqrt(step + 1)), [0, 1, 8, 99]),
    # SGDR. PyTorch's restarts have equal heights, as with Keras's default.
    "restarts": rates(0.1, lambda o: lr.CosineAnnealingWarmRestarts(o, 5, 2, eta_min=0.01), [0, 1, 4, 5, 6, 14, 15, 34, 35, 74, 75, 155]),
    "equalRestarts": rates(0.1, lambda o: lr.CosineAnnealingWarmRestarts(o, 5, 1), [0, 1, 4, 5, 6, 9, 10, 499, 500, 501]),
}

path = Path(__file__).parents[2] / "test/golden/schedules.json"
path.write_text(json.dumps({"cases": cases, "references": references}, indent=1) + "\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
