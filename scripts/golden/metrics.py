"""Writes test/golden/metrics.json: metrics of scikit-learn over data that the tests feed in batches of uneven size.

Run with a Python that has scikit-learn (1.2.1 made the committed file): python3 scripts/golden/metrics.py
"""
import json
from pathlib import Path

import numpy as np
from sklearn import metrics as sk

rng = np.random.default_rng(5)
N, CLASSES = 47, 4
weight = np.round(rng.random(N) * 4) / 2  # some are 0
binary = {"targets": rng.integers(0, 2, N), "predictions": rng.random(N)}
scores = rng.random((N, CLASSES))
scores /= scores.sum(1, keepdims=True)
classes = {"targets": rng.integers(0, CLASSES, N), "predictions": scores}
numbers = {"targets": rng.normal(size=(N, 1)) * 3 + 5, "predictions": rng.normal(size=(N, 1)) * 3 + 5}
cases = []


def record(name, data, f, options=None, one_hot=False):
    for w in (None, weight):
        cases.append(
            {"name": name, "data": data, "options": options or {}, "oneHot": one_hot, "weighted": w is not None, "value": float(f(sample_weight=w))}
        )


def outcome(row, column, threshold=0.5):
    return lambda sample_weight: sk.confusion_matrix(y, q > threshold, sample_weight=sample_weight)[row][column]


y, q = binary["targets"], binary["predictions"]
for threshold, options in ((0.5, {}), (0.8, {"threshold": 0.8})):
    record("binaryAccuracy", "binary", lambda **k: sk.accuracy_score(y, q > threshold, **k), options)
    record("precision", "binary", lambda **k: sk.precision_score(y, q > threshold, **k), options)
    record("recall", "binary", lambda **k: sk.recall_score(y, q > threshold, **k), options)
    record("f1Score", "binary", lambda **k: sk.f1_score(y, q > threshold, **k), options)
record("accuracy", "binary", lambda **k: sk.accuracy_score(y, q > 0.5, **k))
record("trueNegatives", "binary", outcome(0, 0))
record("falsePositives", "binary", outcome(0, 1))
record("falseNegatives", "binary", outcome(1, 0))
record("truePositives", "binary", outcome(1, 1))
record("binaryCrossentropy", "binary", lambda **k: sk.log_loss(y, q, **k))
record("hinge", "binary", lambda **k: sk.hinge_loss(y * 2 - 1, q, **k))

y3, p3 = classes["targets"], classes["predictions"]
for one_hot in (False, True):
    form = "categorical" if one_hot else "sparseCategorical"
    record("accuracy", "classes", lambda **k: sk.accuracy_score(y3, p3.argmax(1), **k), None, one_hot)
    record(f"{form}Accuracy", "classes", lambda **k: sk.accuracy_score(y3, p3.argmax(1), **k), None, one_hot)
    record(f"{form}Crossentropy", "classes", lambda **k: sk.log_loss(y3, p3, **k), None, one_hot)
    top = "topKCategoricalAccuracy" if one_hot else "sparseTopKCategoricalAccuracy"
    record(top, "classes", lambda **k: sk.top_k_accuracy_score(y3, p3, k=2, **k), {"k": 2}, one_hot)

t, p = numbers["targets"], numbers["predictions"]
record("meanSquaredError", "numbers", lambda **k: sk.mean_squared_error(t, p, **k))
record("rootMeanSquaredError", "numbers", lambda **k: sk.mean_squared_error(t, p, squared=False, **k))
record("meanAbsoluteError", "numbers", lambda **k: sk.mean_absolute_error(t, p, **k))
record("meanAbsolutePercentageError", "numbers", lambda **k: 100 * sk.mean_absolute_percentage_error(t, p, **k))
record("mean", "numbers", lambda sample_weight: np.average(p[:, 0], weights=sample_weight))
record("sum", "numbers", lambda sample_weight: (p[:, 0] * (1 if sample_weight is None else sample_weight)).sum())

golden = {
    "weight": weight.tolist(),
    "data": {k: {"targets": d["targets"].flatten().tolist(), "predictions": d["predictions"].tolist()} for k, d in zip(("binary", "classes", "numbers"), (binary, classes, numbers))},
    "cases": cases,
}
path = Path(__file__).parent.parent.parent / "test" / "golden" / "metrics.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(golden).replace('{"name"', '\n{"name"') + "\n")
print(f"{len(cases)} cases in {path.name}")
