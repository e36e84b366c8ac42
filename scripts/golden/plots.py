"""Writes test/golden/plots.json: curves, principal components and t-SNE of scikit-learn, and attributions of a small network by PyTorch.

Run with a Python that has scikit-learn and PyTorch (1.2.1 and 1.13 made the committed file): python3 scripts/golden/plots.py
"""
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn import calibration, datasets, decomposition, manifold
from sklearn import metrics as sk
from torch.nn import functional as F

warnings.filterwarnings("ignore")
rng = np.random.default_rng(3)
N = 40
targets = rng.integers(0, 2, N)
# Halves of hundredths: some scores are equal, and f32 holds sums of the weights.
scores = np.clip(np.round(0.35 * targets + 0.65 * rng.random(N), 1), 0, 1)
probabilities = np.float32(np.clip(0.3 * targets + 0.7 * rng.random(N), 0, 1)).astype(np.float64)
weight = np.round(rng.random(N) * 4) / 2  # some are 0


def roc(sample_weight):
    fpr, tpr, thresholds = sk.roc_curve(targets, scores, sample_weight=sample_weight, drop_intermediate=False)
    return {
        "falsePositiveRate": fpr.tolist(),
        "truePositiveRate": tpr.tolist(),
        "thresholds": thresholds[1:].tolist(),
        "area": sk.roc_auc_score(targets, scores, sample_weight=sample_weight),
    }


def precision_recall(sample_weight):
    precision, recall, thresholds = sk.precision_recall_curve(targets, scores, sample_weight=sample_weight)
    return {
        "precision": precision[::-1].tolist(),
        "recall": recall[::-1].tolist(),
        "thresholds": thresholds[::-1].tolist(),
        "averagePrecision": sk.average_precision_score(targets, scores, sample_weight=sample_weight),
    }


def calibrated(strategy):
    accuracy, confidence = calibration.calibration_curve(targets, probabilities, n_bins=5, strategy=strategy)
    return {"accuracy": accuracy.tolist(), "confidence": confidence.tolist()}


def components(x):
    fitted = decomposition.PCA(n_components=3, svd_solver="full").fit(x)
    return {
        "x": x.tolist(),
        "variances": fitted.explained_variance_.tolist(),
        "shares": fitted.explained_variance_ratio_.tolist(),
        "components": fitted.components_.tolist(),
        "points": fitted.transform(x).tolist(),
    }


digits = datasets.load_digits().data[:120].astype(int)
tsne = manifold.TSNE(perplexity=15, n_iter=500, init="pca", method="exact", learning_rate="auto", random_state=0).fit(digits / 16)

# A network: conv 3x3 (padding same), relu, conv 3x3, relu, mean over the positions, dense, softmax.
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
rounded = lambda *shape, scale: torch.round(torch.randn(*shape) * scale * 64) / 64
x = torch.round(torch.rand(2, 2, 6, 6) * 64) / 64
w1, b1 = rounded(3, 2, 3, 3, scale=0.5), rounded(3, scale=0.2)
w2, b2 = rounded(4, 3, 3, 3, scale=0.5), rounded(4, scale=0.2)
w3, b3 = rounded(4, 5, scale=1), rounded(5, scale=0.2)


def forward(x):
    maps = F.relu(F.conv2d(F.relu(F.conv2d(x, w1, b1, padding=1)), w2, b2))
    return maps, maps.mean((2, 3)) @ w3 + b3


channels_last = lambda t: t.permute(0, 2, 3, 1)
kernel = lambda w: w.permute(2, 3, 1, 0).tolist()
classes = [1, 4]


def gradient(at):
    at = at.detach().requires_grad_()
    _, logits = forward(at)
    logits[range(2), classes].sum().backward()
    return at.grad


maps, logits = forward(x.requires_grad_())
grads = torch.autograd.grad(logits[range(2), classes].sum(), maps)[0]
cam = F.relu((grads.mean((2, 3), keepdim=True) * maps).sum(1))
cam_of_input = F.interpolate(cam[:, None], size=(6, 6), mode="bilinear", align_corners=False)[:, 0]
steps = 16
integrated = x * sum(gradient(x * (i + 0.5) / steps) for i in range(steps)) / steps
network = {
    "x": channels_last(x).tolist(),
    "weights": [kernel(w1), b1.tolist(), kernel(w2), b2.tolist(), w3.tolist(), b3.tolist()],
    "classes": classes,
    "scores": logits[range(2), classes].tolist(),
    "best": logits.argmax(1).tolist(),
    "gradient": channels_last(gradient(x)).tolist(),
    "gradCam": cam.tolist(),
    "gradCamOfInput": cam_of_input.tolist(),
    "integrated": channels_last(integrated).tolist(),
}

golden = {
    "targets": targets.tolist(),
    "scores": scores.tolist(),
    "probabilities": probabilities.tolist(),
    "weight": weight.tolist(),
    "roc": [roc(w) for w in (None, weight)],
    "precisionRecall": [precision_recall(w) for w in (None, weight)],
    "calibration": {strategy: calibrated(strategy) for strategy in ("uniform", "quantile")},
    "pca": [components(np.float32(rng.normal(size=shape) * np.arange(1, shape[1] + 1)).astype(float)) for shape in ((12, 5), (4, 7))],
    # Pixels from 0 to 16, one letter each.
    "digits": "".join(chr(ord("a") + pixel) for pixel in digits.flat),
    "tsne": {"perplexity": 15, "steps": 500, "divergence": float(tsne.kl_divergence_)},
    "network": network,
}
short = lambda value: [short(v) for v in value] if isinstance(value, list) else {k: short(v) for k, v in value.items()} if isinstance(value, dict) else float(f"{value:.9g}") if isinstance(value, float) else value
path = Path(__file__).parents[2] / "test/golden/plots.json"
path.write_text(json.dumps(short(golden), separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes; t-SNE", golden["tsne"])
