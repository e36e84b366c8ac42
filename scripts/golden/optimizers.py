"""Writes test/golden/optimizers.json: ten updates of two parameters by PyTorch's optimizers, in f64, from given gradients.

Run with a Python that has PyTorch (1.13 made the committed file): python3 scripts/golden/optimizers.py
Keras's defaults are passed to PyTorch in so many words.
"""
import json
from pathlib import Path

import torch

torch.manual_seed(11)
f64 = torch.float64
STEPS = 10
initial = {"kernel": torch.randn(3, 2, dtype=f64), "bias": torch.randn(4, dtype=f64)}
# Spread over four decades, so that epsilon matters for some.
gradients = [{k: torch.randn(v.shape, dtype=f64) * 10 ** (torch.rand(v.shape, dtype=f64) * 4 - 3) for k, v in initial.items()} for _ in range(STEPS)]
cases = []


def run(name, options, make):
    parameters = {k: v.clone().requires_grad_(True) for k, v in initial.items()}
    optimizer = make(list(parameters.values()))
    trajectory = []
    for gradient in gradients:
        for k, p in parameters.items():
            p.grad = gradient[k].clone()
        optimizer.step()
        trajectory.append({k: p.detach().flatten().tolist() for k, p in parameters.items()})
    cases.append({"name": name, "options": options, "trajectory": trajectory})


O = torch.optim
run("sgd", {}, lambda p: O.SGD(p, lr=0.01))
run("sgd", {"learningRate": 0.1, "momentum": 0.9}, lambda p: O.SGD(p, lr=0.1, momentum=0.9))
run("sgd", {"learningRate": 0.1, "momentum": 0.9, "nesterov": True}, lambda p: O.SGD(p, lr=0.1, momentum=0.9, nesterov=True))
run("sgd", {"learningRate": 0.1, "momentum": 0.9, "dampening": 0.3}, lambda p: O.SGD(p, lr=0.1, momentum=0.9, dampening=0.3))
run("adagrad", {}, lambda p: O.Adagrad(p, lr=0.001, initial_accumulator_value=0.1, eps=1e-7))
run(
    "adagrad",
    {"learningRate": 0.1, "initialAccumulatorValue": 0, "epsilon": 0.01},
    lambda p: O.Adagrad(p, lr=0.1, initial_accumulator_value=0, eps=0.01),
)
run("adadelta", {}, lambda p: O.Adadelta(p, lr=0.001, rho=0.95, eps=1e-7))
run("adadelta", {"learningRate": 1, "rho": 0.8, "epsilon": 0.01}, lambda p: O.Adadelta(p, lr=1, rho=0.8, eps=0.01))
run("rmsprop", {}, lambda p: O.RMSprop(p, lr=0.001, alpha=0.9, eps=1e-7))
run("rmsprop", {"learningRate": 0.01, "momentum": 0.8, "epsilon": 0.01}, lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, eps=0.01, momentum=0.8))
run("rmsprop", {"learningRate": 0.01, "centered": True, "epsilon": 0.01}, lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, eps=0.01, centered=True))
run(
    "rmsprop",
    {"learningRate": 0.01, "rho": 0.7, "centered": True, "momentum": 0.8, "epsilon": 1e-3},
    lambda p: O.RMSprop(p, lr=0.01, alpha=0.7, eps=1e-3, centered=True, momentum=0.8),
)
run("adam", {}, lambda p: O.Adam(p, lr=0.001, betas=(0.9, 0.999), eps=1e-7))
run(
    "adam",
    {"learningRate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.01},
    lambda p: O.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=0.01),
)
run("adam", {"learningRate": 0.1, "beta2": 0.5, "amsgrad": True, "epsilon": 0.01}, lambda p: O.Adam(p, lr=0.1, betas=(0.9, 0.5), eps=0.01, amsgrad=True))
run("adamW", {}, lambda p: O.AdamW(p, lr=0.001, betas=(0.9, 0.999), eps=1e-7, weight_decay=0.004))
run("adamW", {"learningRate": 0.1, "weightDecay": 0.3}, lambda p: O.AdamW(p, lr=0.1, betas=(0.9, 0.999), eps=1e-7, weight_decay=0.3))

flat = lambda tree: {k: v.flatten().tolist() for k, v in tree.items()}
golden = {
    "shapes": {k: list(v.shape) for k, v in initial.items()},
    "initial": flat(initial),
    "gradients": [flat(g) for g in gradients],
    "cases": cases,
}
path = Path(__file__).parent.parent.parent / "test" / "golden" / "optimizers.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(golden).replace('{"name"', '\n{"name"') + "\n")
print(f"{len(cases)} cases in {path.name}")
