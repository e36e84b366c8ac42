"""Writes test/golden/losses.json: values and gradients of the losses by PyTorch, in f64.

Run with a Python that has PyTorch (1.13 made the committed file): python3 scripts/golden/losses.py
"""
import json
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(7)
f64 = torch.float64
EPSILON = 1e-7
cases = []


def record(name, options, targets, predictions, values, weight=None, note=None):
    """values(predictions) -> one loss per sample. Records them, their (weighted) mean and its gradient."""
    p = predictions.clone().requires_grad_(True)
    per_sample = values(p)
    weighted = per_sample if weight is None else per_sample * weight
    loss = weighted.sum() / weighted.numel()
    (gradient,) = torch.autograd.grad(loss, p)
    cases.append(
        {
            "name": name,
            "note": note or "",
            "options": options,
            "targets": pack(targets),
            "predictions": pack(predictions),
            **({} if weight is None else {"weight": pack(weight)}),
            "values": per_sample.detach().flatten().tolist(),
            "loss": loss.item(),
            "gradient": gradient.flatten().tolist(),
        }
    )


def pack(t):
    return {"shape": list(t.shape), "dtype": "i32" if t.dtype == torch.int64 else "f32", "data": t.flatten().tolist()}


def randn(*shape):
    return torch.randn(*shape, dtype=f64)


def rand(*shape):
    return torch.rand(*shape, dtype=f64) * 0.9 + 0.05


# Regression: mean over the last axis.
t, p = randn(5, 3) * 2, randn(5, 3) * 2
tp, pp = rand(5, 3) * 4, rand(5, 3) * 4
w = rand(5)
regression = {
    "meanSquaredError": ({}, t, p, lambda x: F.mse_loss(x, t, reduction="none").mean(-1)),
    "meanAbsoluteError": ({}, t, p, lambda x: F.l1_loss(x, t, reduction="none").mean(-1)),
    "meanAbsolutePercentageError": ({}, t, p, lambda x: 100 * ((x - t).abs() / t.abs()).mean(-1)),
    "meanSquaredLogarithmicError": ({}, tp, pp, lambda x: F.mse_loss(torch.log1p(x), torch.log1p(tp), reduction="none").mean(-1)),
    "huber": ({"delta": 0.7}, t, p, lambda x: F.huber_loss(x, t, reduction="none", delta=0.7).mean(-1)),
    "smoothL1": ({"beta": 0.7}, t, p, lambda x: F.smooth_l1_loss(x, t, reduction="none", beta=0.7).mean(-1)),
    "logCosh": ({}, t, p, lambda x: torch.log(torch.cosh(x - t)).mean(-1)),
    "cosineSimilarity": ({}, t, p, lambda x: -F.cosine_similarity(x, t, dim=-1)),
    "poisson": ({}, tp, pp, lambda x: F.poisson_nll_loss(x, tp, log_input=False, eps=EPSILON, reduction="none").mean(-1)),
}
for name, (options, targets, predictions, values) in regression.items():
    record(name, options, targets, predictions, values)
    record(name, options, targets, predictions, values, weight=w, note="weighted")
record("huber", {}, t, p, lambda x: F.huber_loss(x, t, reduction="none").mean(-1), note="delta 1")
record("smoothL1", {}, t, p, lambda x: F.smooth_l1_loss(x, t, reduction="none").mean(-1), note="beta 1")
labels, column = torch.tensor([0, 3, 9, 1]), randn(4, 1)
record("meanSquaredError", {}, labels, column, lambda x: F.mse_loss(x[:, 0], labels.to(f64), reduction="none"), note="i32 [n] against [n,1]")
cube, cube_t = randn(2, 3, 4), randn(2, 3, 4)
record("meanSquaredError", {}, cube_t, cube, lambda x: F.mse_loss(x, cube_t, reduction="none").mean(-1), weight=rand(2, 3), note="rank 3")

# Binary classification.
yb = (rand(6, 2) > 0.5).to(f64)
logits, probabilities = randn(6, 2) * 3, rand(6, 2)
smoothed = yb * 0.8 + 0.1
wb = rand(6)
record("binaryCrossentropy", {}, yb, probabilities, lambda x: F.binary_cross_entropy(x, yb, reduction="none").mean(-1))
record("binaryCrossentropy", {}, yb, probabilities, lambda x: F.binary_cross_entropy(x, yb, reduction="none").mean(-1), weight=wb, note="weighted")
record("binaryCrossentropy", {"labelSmoothing": 0.2}, yb, probabilities, lambda x: F.binary_cross_entropy(x, smoothed, reduction="none").mean(-1), note="smoothed")
record("binaryCrossentropy", {"fromLogits": True}, yb, logits, lambda x: F.binary_cross_entropy_with_logits(x, yb, reduction="none").mean(-1))
record(
    "binaryCrossentropy",
    {"fromLogits": True, "labelSmoothing": 0.2},
    yb,
    logits,
    lambda x: F.binary_cross_entropy_with_logits(x, smoothed, reduction="none").mean(-1),
    note="smoothed",
)
yi, li = torch.tensor([0, 1, 1, 0]), torch.tensor([[0.0], [0.0], [-3.0], [5.0]], dtype=f64)
record(
    "binaryCrossentropy",
    {"fromLogits": True},
    yi,
    li,
    lambda x: F.binary_cross_entropy_with_logits(x[:, 0], yi.to(f64), reduction="none"),
    note="logits of 0, i32 [n] against [n,1]",
)


def binary_focal(x, gamma, alpha=None, from_logits=False):
    q = torch.sigmoid(x) if from_logits else x
    right = yb * q + (1 - yb) * (1 - q)
    value = (1 - right) ** gamma * F.binary_cross_entropy(q, yb, reduction="none")
    if alpha is not None:
        value = value * (yb * alpha + (1 - yb) * (1 - alpha))
    return value.mean(-1)


record("binaryFocalCrossentropy", {}, yb, probabilities, lambda x: binary_focal(x, 2))
record("binaryFocalCrossentropy", {"gamma": 1.5, "fromLogits": True}, yb, logits, lambda x: binary_focal(x, 1.5, None, True))
record(
    "binaryFocalCrossentropy", {"applyClassBalancing": True, "alpha": 0.3}, yb, probabilities, lambda x: binary_focal(x, 2, 0.3), note="balanced"
)

# Several classes.
labels = torch.tensor([2, 0, 3, 3, 1])
wc = rand(5)
one_hot = F.one_hot(labels, 4).to(f64)
soft = torch.softmax(randn(5, 4), -1)
z, q = randn(5, 4) * 3, torch.softmax(randn(5, 4), -1)
unnormalised = rand(5, 4)


def from_probabilities(x, targets):
    return -(targets * torch.log(x / x.sum(-1, keepdim=True))).sum(-1)


record("categoricalCrossentropy", {}, one_hot, q, lambda x: from_probabilities(x, one_hot))
record("categoricalCrossentropy", {}, soft, unnormalised, lambda x: from_probabilities(x, soft), note="soft targets, sums other than 1")
record("categoricalCrossentropy", {"fromLogits": True}, soft, z, lambda x: F.cross_entropy(x, soft, reduction="none"))
record("categoricalCrossentropy", {"fromLogits": True}, soft, z, lambda x: F.cross_entropy(x, soft, reduction="none"), weight=wc, note="weighted")
record(
    "categoricalCrossentropy",
    {"fromLogits": True, "labelSmoothing": 0.1},
    one_hot,
    z,
    lambda x: F.cross_entropy(x, one_hot, reduction="none", label_smoothing=0.1),
    note="smoothed",
)
record("sparseCategoricalCrossentropy", {}, labels, q, lambda x: from_probabilities(x, one_hot))
record("sparseCategoricalCrossentropy", {"fromLogits": True}, labels, z, lambda x: F.cross_entropy(x, labels, reduction="none"))
record("sparseCategoricalCrossentropy", {"fromLogits": True}, labels[:, None], z, lambda x: F.cross_entropy(x, labels, reduction="none"), weight=wc, note="[n,1], weighted")
record(
    "sparseCategoricalCrossentropy",
    {"fromLogits": True, "labelSmoothing": 0.1},
    labels,
    z,
    lambda x: F.cross_entropy(x, labels, reduction="none", label_smoothing=0.1),
    note="smoothed",
)
grid, grid_labels = randn(2, 3, 4), torch.tensor([[0, 3, 1], [2, 2, 0]])
record(
    "sparseCategoricalCrossentropy",
    {"fromLogits": True},
    grid_labels,
    grid,
    lambda x: F.cross_entropy(x.permute(0, 2, 1), grid_labels, reduction="none"),
    note="rank 3",
)


def categorical_focal(x, gamma, alpha, from_logits=False):
    share = torch.softmax(x, -1) if from_logits else x / x.sum(-1, keepdim=True)
    return (alpha * (1 - share) ** gamma * -one_hot * torch.log(share)).sum(-1)


record("categoricalFocalCrossentropy", {}, one_hot, q, lambda x: categorical_focal(x, 2, 0.25))
record(
    "categoricalFocalCrossentropy",
    {"gamma": 1.5, "alpha": 0.6, "fromLogits": True},
    one_hot,
    z,
    lambda x: categorical_focal(x, 1.5, 0.6, True),
)
record("klDivergence", {}, soft, q, lambda x: F.kl_div(torch.log(x), soft, reduction="none").sum(-1))

# Margins.
sign = yb * 2 - 1
record("hinge", {}, sign, logits, lambda x: torch.relu(1 - sign * x).mean(-1), note="targets -1 and 1")
record("hinge", {}, yb, logits, lambda x: torch.relu(1 - sign * x).mean(-1), note="targets 0 and 1")
record("squaredHinge", {}, sign, logits, lambda x: (torch.relu(1 - sign * x) ** 2).mean(-1))
record(
    "categoricalHinge",
    {},
    one_hot,
    z,
    lambda x: torch.relu(((1 - one_hot) * x).max(-1).values - (one_hot * x).sum(-1) + 1),
)

# Ignored classes do not count in the mean, as with PyTorch's ignore_index.
ignored = torch.tensor([2, -1, 3, -1, 1])
x = z.clone().requires_grad_(True)
loss = F.cross_entropy(x, ignored, ignore_index=-1)
(gradient,) = torch.autograd.grad(loss, x)
cases.append(
    {
        "name": "sparseCategoricalCrossentropy",
        "note": "ignored class",
        "options": {"fromLogits": True, "ignoreClass": -1},
        "targets": pack(ignored),
        "predictions": pack(z),
        "values": F.cross_entropy(z, ignored, ignore_index=-1, reduction="none").tolist(),
        "loss": loss.item(),
        "gradient": gradient.flatten().tolist(),
    }
)

path = Path(__file__).parent.parent.parent / "test" / "golden" / "losses.json"
path.parent.mkdir(exist_ok=True)
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(f"{len(cases)} cases in {path.name}")
