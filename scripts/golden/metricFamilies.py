"""Writes test/golden/metricFamilies.json: metrics over whole data sets, by scikit-learn or the written formula. The tests stream the data.

Run with a Python that has scikit-learn (1.2.1 made the committed file): /usr/bin/python3 scripts/golden/metricFamilies.py
"""
import json
from pathlib import Path

import numpy as np
from scipy import signal, stats
from sklearn import metrics as sk

rng = np.random.default_rng(11)
data, rows = {}, []


def pack(x):
    x = np.asarray(x)
    whole = x.dtype.kind in "iub"
    return {"shape": list(x.shape), "dtype": "i32" if whole else "f32", "data": [int(v) if whole else float(v) for v in x.flatten()]}


def add_data(name, targets, predictions):
    """Some weights are 0."""
    weight = np.round(rng.random(len(predictions)) * 4) / 2
    data[name] = {"targets": pack(targets), "predictions": pack(predictions), "weight": pack(weight)}
    return np.asarray(targets), np.asarray(predictions), weight


def record(name, source, f, options=None):
    """f(weights) with ones, and with the weights of the data."""
    weight = np.array(data[source]["weight"]["data"])
    for weighted in (False, True):
        value = f(weight if weighted else np.ones(len(weight)))
        value = float(value) if np.ndim(value) == 0 else [float(v) for v in np.asarray(value).flatten()]
        rows.append({"name": name, "data": source, "options": options or {}, "weighted": weighted, "value": value})


def ratio(a, b):
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    return np.where(b == 0, 0.0, a / np.where(b == 0, 1, b))


# One probability for each sample. All are odd multiples of 0.005, so no score equals a threshold, and no two are within a step of 200
# thresholds.
N = 61
y = rng.integers(0, 2, N)
q = np.round(np.clip(0.35 * y + rng.random(N) * 0.65, 0.01, 0.98), 2) + 0.0043
add_data("binary", y, q)
record("specificity", "binary", lambda w: sk.recall_score(1 - y, q <= 0.5, sample_weight=w))
record("negativePredictiveValue", "binary", lambda w: sk.precision_score(1 - y, q <= 0.5, sample_weight=w))
record("specificity", "binary", lambda w: sk.recall_score(1 - y, q <= 0.7, sample_weight=w), {"threshold": 0.7})


def steps(count):
    return np.arange(1, count - 1) / (count - 1)


def curve(thresholds, w, y=y, q=q):
    above = q[None] > np.asarray(thresholds)[:, None]
    tp, fp = (above * (w * y)).sum(1), (above * (w * (1 - y))).sum(1)
    return tp, fp, (w * y).sum(), (w * (1 - y)).sum()


def area(thresholds, w, kind, height, y=y, q=q):
    tp, fp, p, n = curve(thresholds, w, y, q)
    a, b = (ratio(fp, n), ratio(tp, p)) if kind == "ROC" else (ratio(tp, p), ratio(tp, tp + fp))
    h = {"interpolation": (b[1:] + b[:-1]) / 2, "minoring": np.minimum(b[1:], b[:-1]), "majoring": np.maximum(b[1:], b[:-1])}[height]
    return ((a[:-1] - a[1:]) * h).sum()


def pr_area(thresholds, w):
    """Keras's interpolate_pr_auc."""
    tp, fp, positives, _ = curve(thresholds, w)
    p = tp + fp
    dtp, dp = tp[:-1] - tp[1:], p[:-1] - p[1:]
    slope = ratio(dtp, np.maximum(dp, 0))
    intercept = tp[1:] - slope * p[1:]
    safe = np.where((p[:-1] > 0) & (p[1:] > 0), ratio(p[:-1], np.maximum(p[1:], 0)), 1)
    return ratio(slope * (dtp + intercept * np.log(safe)), positives).sum()


ends = lambda inner: np.concatenate([[-1e-7], inner, [1 + 1e-7]])
few = [0.7, 0.15, 0.4]
record("auc", "binary", lambda w: sk.roc_auc_score(y, q, sample_weight=w))
record("auc", "binary", lambda w: area(ends(sorted(few)), w, "ROC", "interpolation"), {"thresholds": few})
record("auc", "binary", lambda w: area(ends(steps(12)), w, "ROC", "minoring"), {"numThresholds": 12, "summationMethod": "minoring"})
record("auc", "binary", lambda w: area(ends(steps(12)), w, "ROC", "majoring"), {"numThresholds": 12, "summationMethod": "majoring"})
record("auc", "binary", lambda w: pr_area(ends(steps(200)), w), {"curve": "PR"})
record("auc", "binary", lambda w: pr_area(ends(steps(12)), w), {"curve": "PR", "numThresholds": 12})
record("auc", "binary", lambda w: area(ends(steps(200)), w, "PR", "minoring"), {"curve": "PR", "summationMethod": "minoring"})
record("auc", "binary", lambda w: area(ends(steps(12)), w, "PR", "majoring"), {"curve": "PR", "numThresholds": 12, "summationMethod": "majoring"})
add_data("logits", y, np.log(q / (1 - q)))
record("auc", "logits", lambda w: sk.roc_auc_score(y, q, sample_weight=w), {"fromLogits": True})

# Three labels of 0 or 1 for each sample.
yl = rng.integers(0, 2, (40, 3))
ql = np.round(np.clip(0.3 * yl + rng.random((40, 3)) * 0.7, 0.01, 0.98), 2) + 0.0043
add_data("labels", yl, ql)
by_label = lambda w: [sk.roc_auc_score(yl[:, i], ql[:, i], sample_weight=w) for i in range(3)]
record("auc", "labels", lambda w: sk.roc_auc_score(yl.ravel(), ql.ravel(), sample_weight=np.repeat(w, 3)))
record("auc", "labels", lambda w: np.mean(by_label(w)), {"multiLabel": True, "numLabels": 3})
record("auc", "labels", lambda w: np.average(by_label(w), weights=[1, 0, 2.5]), {"multiLabel": True, "numLabels": 3, "labelWeights": [1, 0, 2.5]})

grid = np.concatenate([[0.0], steps(200), [1.0]])


def best(rate, condition, least, w, y=y, q=q):
    tp, fp, p, n = curve(grid, w, y, q)
    rates = {"sensitivity": ratio(tp, p), "specificity": ratio(n - fp, n), "precision": ratio(tp, tp + fp)}
    return np.where(rates[condition] >= least, rates[rate], 0).max()


for least in (0.5, 0.8):
    record("sensitivityAtSpecificity", "binary", lambda w: best("sensitivity", "specificity", least, w), {"specificity": least})
    record("specificityAtSensitivity", "binary", lambda w: best("specificity", "sensitivity", least, w), {"sensitivity": least})
    record("precisionAtRecall", "binary", lambda w: best("precision", "sensitivity", least, w), {"recall": least})
    record("recallAtPrecision", "binary", lambda w: best("sensitivity", "precision", least, w), {"precision": least})
record(
    "sensitivityAtSpecificity",
    "labels",
    lambda w: best("sensitivity", "specificity", 0.6, w, yl[:, 1], ql[:, 1]),
    {"specificity": 0.6, "classId": 1},
)

# Classes: labels of 4 classes, of which the last never occurs, and scores. One-hot targets; one probability for two classes.
labels = rng.choice(3, N, p=[0.6, 0.3, 0.1])
scores = rng.random((N, 4)) + 0.6 * np.eye(4)[labels]
scores /= scores.sum(1, keepdims=True)
guess = scores.argmax(1)
add_data("classes", labels, scores)
data["oneHot"] = {**data["classes"], "targets": pack(np.eye(4)[labels])}
four = {"numClasses": 4}


def recalls(t, p, w):
    present = [c for c in np.unique(t) if w[t == c].sum() > 0]
    return [w[(t == c) & (p == c)].sum() / w[t == c].sum() for c in present]


def adjusted(t, p, w):
    r = recalls(t, p, w)
    return (np.mean(r) - 1 / len(r)) / (1 - 1 / len(r))


two = (q > 0.5) * 1
record("balancedAccuracy", "binary", lambda w: sk.balanced_accuracy_score(y, two, sample_weight=w))
record("balancedAccuracy", "classes", lambda w: np.mean(recalls(labels, guess, w)), four)
record("balancedAccuracy", "oneHot", lambda w: adjusted(labels, guess, w), {**four, "adjusted": True})
record("cohenKappa", "binary", lambda w: sk.cohen_kappa_score(y, two, sample_weight=w))
record("cohenKappa", "binary", lambda w: sk.cohen_kappa_score(y, q > 0.8, sample_weight=w), {"threshold": 0.8})
record("cohenKappa", "oneHot", lambda w: sk.cohen_kappa_score(labels, guess, sample_weight=w), four)
for kind in ("linear", "quadratic"):
    record("cohenKappa", "classes", lambda w: sk.cohen_kappa_score(labels, guess, labels=range(4), weights=kind, sample_weight=w), {**four, "weights": kind})
record("matthews", "binary", lambda w: sk.matthews_corrcoef(y, two, sample_weight=w))
record("matthews", "classes", lambda w: sk.matthews_corrcoef(labels, guess, sample_weight=w), four)
rare = (np.arange(N) == 40) * 1
rarely = rare * 0.9 + (np.arange(N) == 7) * 0.8
add_data("rare", rare, rarely)
data["rare"]["weight"]["data"] = [1e6 if i not in (7, 40) else 1.0 for i in range(N)]
record("matthews", "rare", lambda w: sk.matthews_corrcoef(rare, rarely > 0.5, sample_weight=w))
record("exactMatch", "labels", lambda w: sk.accuracy_score(yl, ql > 0.5, sample_weight=w))
record("exactMatch", "labels", lambda w: sk.accuracy_score(yl, ql > 0.3, sample_weight=w), {"threshold": 0.3})
record("hammingDistance", "labels", lambda w: sk.hamming_loss(yl, ql > 0.5, sample_weight=w))
record("hammingDistance", "binary", lambda w: sk.hamming_loss(y, q > 0.3, sample_weight=w), {"threshold": 0.3})


def calibration(conf, right, bins, norm, w):
    """Guo et al., bins (lower, upper] as in sklearn.calibration.calibration_curve."""
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], conf)
    sums = lambda v: np.array([(v * w)[place == b].sum() for b in range(bins)])
    count, gap = sums(np.ones(len(conf))), np.abs(sums(right) - sums(conf))
    if norm == "l1":
        return gap.sum() / count.sum()
    return ratio(gap, count).max() if norm == "max" else np.sqrt(ratio(gap**2, count).sum() / count.sum())


for norm in ("l1", "l2", "max"):
    record("calibrationError", "binary", lambda w: calibration(q, y, 15, norm, w), {"norm": norm})
    record("calibrationError", "classes", lambda w: calibration(scores.max(1), guess == labels, 7, norm, w), {"norm": norm, "numBins": 7})
record("calibrationError", "oneHot", lambda w: calibration(scores.max(1), guess == labels, 1, "l1", w), {"numBins": 1})
edge = np.array([0.0, 0.2, 0.2, 0.6, 1.0, 1.0])
add_data("edges", np.array([0, 1, 0, 1, 1, 1]), edge)
record("calibrationError", "edges", lambda w: calibration(edge, np.array([0, 1, 0, 1, 1, 1]), 5, "l1", w), {"numBins": 5})

for normalize in (None, "true", "pred", "all"):
    record(
        "confusionMatrix",
        "classes",
        lambda w: sk.confusion_matrix(labels, guess, labels=range(4), sample_weight=w, normalize=normalize),
        {**four, **({"normalize": normalize} if normalize else {})},
    )
record("confusionMatrix", "binary", lambda w: sk.confusion_matrix(y, q > 0.5, sample_weight=w))


def report(w):
    got = sk.classification_report(labels, guess, labels=range(4), sample_weight=w, output_dict=True, zero_division=0)
    names = ("precision", "recall", "f1-score")
    of = lambda key: [got[str(c)][key] for c in range(4)]
    averages = [got[average][key] for average in ("macro avg", "weighted avg") for key in names]
    accuracy = sk.accuracy_score(labels, guess, sample_weight=w)
    return [v for key in (*names, "support") for v in of(key)] + [accuracy] + averages


record("classificationReport", "classes", report, four)

# Numbers around 1000, for which plain sums of squares lose most digits in f32. The two outputs have different sizes.
t = 1000 + 3 * rng.normal(size=N)
p = t + rng.normal(size=N) + 0.4
add_data("numbers", t, p)
add_data("column", t[:, None], p[:, None])
t2 = rng.normal(size=(N, 2)) * [1, 5] + [0, 20]
p2 = t2 + rng.normal(size=(N, 2)) * [0.7, 1]
add_data("outputs", t2, p2)
two_outputs = {"numOutputs": 2}
for name, f in (("r2Score", sk.r2_score), ("explainedVariance", sk.explained_variance_score)):
    record(name, "numbers", lambda w: f(t, p, sample_weight=w))
    record(name, "column", lambda w: f(t, p, sample_weight=w))
    record(name, "outputs", lambda w: f(t2, p2, sample_weight=w), two_outputs)
    record(name, "outputs", lambda w: f(t2, p2, sample_weight=w, multioutput="variance_weighted"), {**two_outputs, "classAggregation": "varianceWeightedAverage"})
record("r2Score", "numbers", lambda w: 1 - (1 - sk.r2_score(t, p, sample_weight=w)) * (w.sum() - 1) / (w.sum() - 4), {"numRegressors": 3})
for value, guess_of in (("r2Score", [0.3, 0.3, 0.3]), ("r2Score", [0.3, 0.3, 0.4]), ("explainedVariance", [0.3, 0.3, 0.4])):
    source = f"constant{guess_of[2]}"
    add_data(source, np.full(3, 0.3), np.array(guess_of))
    data[source]["weight"]["data"] = [1, 0.5, 2]
    record(value, source, lambda w: 1.0 if guess_of[2] == 0.3 else 0.0)


def moments(a, b, w):
    a, b = a - np.average(a, weights=w), b - np.average(b, weights=w)
    return np.average(a * a, weights=w), np.average(b * b, weights=w), np.average(a * b, weights=w)


def pearson(a, b, w):
    aa, bb, ab = moments(a, b, w)
    return ab / np.sqrt(aa * bb)


def concordance(a, b, w):
    aa, bb, ab = moments(a, b, w)
    return 2 * ab / (aa + bb + (np.average(a, weights=w) - np.average(b, weights=w)) ** 2)


def spearman(a, b, w):
    """scipy's, with each sample repeated by its weight in halves."""
    times = np.round(2 * w).astype(int)
    return stats.spearmanr(np.repeat(a, times), np.repeat(b, times)).correlation


wide_t = rng.normal(size=(20, 6))
wide_p = np.round(wide_t + rng.normal(size=(20, 6)), 1)
wide_t[3, :2] = wide_t[3, 2]
add_data("wide", wide_t, wide_p)
ties_t, ties_p = np.round(t), np.round(p)
add_data("ties", ties_t, ties_p)
ones = np.ones(6)
for name, f in (("pearsonCorrelation", pearson), ("concordanceCorrelation", concordance), ("spearmanCorrelation", spearman)):
    options = {"capacity": 70} if name.startswith("spearman") else {}
    record(name, "numbers", lambda w: f(t, p, w), options)
    record(name, "ties", lambda w: f(ties_t, ties_p, w), options)
    record(name, "wide", lambda w: np.average([f(a, b, ones) for a, b in zip(wide_t, wide_p)], weights=w), options)
record("spearmanCorrelation", "numbers", lambda w: spearman(t, p, w))

small_t = np.where(rng.random((N, 2)) < 0.2, 0, rng.normal(size=(N, 2)))
small_p = np.where(rng.random((N, 2)) < 0.2, 0, small_t + 0.3 * rng.normal(size=(N, 2)))
add_data("small", small_t, small_p)
error, size = np.abs(small_t - small_p), np.abs(small_t) + np.abs(small_p)
record("symmetricMeanAbsolutePercentageError", "small", lambda w: np.average(200 * ratio(error, size).mean(1), weights=w))
record("weightedMeanAbsolutePercentageError", "small", lambda w: 100 * (w @ error).sum() / (w @ np.abs(small_t)).sum())
record("logCoshError", "small", lambda w: np.average(np.log(np.cosh(small_t - small_p)).mean(1), weights=w))

record("fBetaScore", "binary", lambda w: sk.fbeta_score(y, q > 0.5, beta=1, sample_weight=w))
record("fBetaScore", "binary", lambda w: sk.fbeta_score(y, q > 0.7, beta=2, sample_weight=w), {"beta": 2, "threshold": 0.7})


def roc(at, w):
    tp, fp, positives, negatives = curve(at, w)
    return np.concatenate([fp / negatives, tp / positives, at])


def pr(at, w):
    tp, fp, positives, _ = curve(at, w)
    return np.concatenate([ratio(tp, tp + fp), tp / positives, at])


record("rocCurve", "binary", lambda w: roc(ends(steps(9)), w), {"numThresholds": 9})
record("rocCurve", "logits", lambda w: roc(ends(sorted(few)), w), {"thresholds": few, "fromLogits": True})
record("precisionRecallCurve", "binary", lambda w: pr(ends(steps(9)), w), {"numThresholds": 9})

# Segmentation: 9 images of 3 x 4 pixels with 4 classes. The last class occurs neither in targets nor in predictions.
seg_t = rng.integers(0, 3, (9, 3, 4))
seg_scores = rng.random((9, 3, 4, 4)) + 0.7 * np.eye(4)[seg_t]
seg_scores[..., 3] = 0
seg_p = seg_scores.argmax(-1)
seg_one_hot = np.eye(4)[seg_t]
add_data("segments", seg_t, seg_p.astype(float))
for name, target, predicted in (
    ("segmentScores", seg_t, seg_scores),
    ("segmentOneHot", seg_one_hot, seg_scores),
    ("segmentChannelsFirst", seg_one_hot.transpose(0, 3, 1, 2), seg_scores.transpose(0, 3, 1, 2)),
    ("segmentOneHotLabels", seg_one_hot, seg_p),
):
    data[name] = {**data["segments"], "targets": pack(target), "predictions": pack(np.round(predicted, 3))}


def iou(w, ids, ignore=None, t=seg_t, p=seg_p):
    """Keras's IoU: the mean over classes that occur. scikit-learn has the value of each class."""
    each = np.repeat(w, t[0].size) * (t.ravel() != ignore)
    matrix = sk.confusion_matrix(t.ravel(), p.ravel(), labels=range(4), sample_weight=each)
    both = np.diag(matrix)
    either = matrix.sum(0) + matrix.sum(1) - both
    assert np.allclose(ratio(both, either), sk.jaccard_score(t.ravel(), p.ravel(), labels=range(4), average=None, sample_weight=each, zero_division=0))
    return ratio(both, either)[ids].sum() / (either[ids] > 0).sum()


every = [0, 1, 2, 3]
record("iou", "segments", lambda w: iou(w, [0, 2, 3]), {**four, "targetClassIds": [0, 2, 3]})
record("iou", "segmentScores", lambda w: iou(w, [1]), {**four, "targetClassIds": [1], "sparseYPred": False})
record("meanIoU", "segments", lambda w: iou(w, every), four)
record("meanIoU", "segments", lambda w: iou(w, every, 1), {**four, "ignoreClass": 1})
record("meanIoU", "segmentChannelsFirst", lambda w: iou(w, every), {**four, "sparseYTrue": False, "sparseYPred": False, "axis": 1})
record("oneHotIoU", "segmentOneHot", lambda w: iou(w, [0, 1]), {**four, "targetClassIds": [0, 1]})
record("oneHotIoU", "segmentOneHotLabels", lambda w: iou(w, [0, 1], 2), {**four, "targetClassIds": [0, 1], "sparseYPred": True, "ignoreClass": 2})
record("oneHotMeanIoU", "segmentOneHot", lambda w: iou(w, every), four)
for options in ({}, {"targetClassIds": [1]}, {"targetClassIds": [0], "threshold": 0.3}):
    above = (q >= options.get("threshold", 0.5)) * 1
    record("binaryIoU", "binary", lambda w: iou(w, options.get("targetClassIds", [0, 1]), None, y[:, None], above[:, None]), options)

# Lists of 7 items with relevances 0 to 3. The second list has no relevant item. One relevant item is given by its index.
lists_t = rng.choice(4, (23, 7), p=[0.6, 0.2, 0.1, 0.1])
lists_t[1] = 0
lists_p = rng.permutation(23 * 7).reshape(23, 7) / 100.0
add_data("lists", lists_t, lists_p)
index = rng.integers(0, 7, 23)
data["items"] = {**data["lists"], "targets": pack(index)}


def dcg(w, k, gain):
    of = lambda order: (np.take_along_axis(gain, order, 1)[:, :k] / np.log2(np.arange(2, k + 2))).sum(1)
    return np.average(ratio(of(np.argsort(-lists_p)), of(np.argsort(-gain))), weights=w)


record("ndcg", "lists", lambda w: dcg(w, 7, 2.0**lists_t - 1))
record("ndcg", "lists", lambda w: dcg(w, 3, 2.0**lists_t - 1), {"k": 3})
for k in (None, 3):
    record("ndcg", "lists", lambda w: sk.ndcg_score(lists_t, lists_p, k=k, sample_weight=w), {"gain": "linear", **({"k": k} if k else {})})


def reciprocal_rank(w, relevant, k=7):
    found = np.take_along_axis(relevant, np.argsort(-lists_p), 1)[:, :k]
    return np.average(np.where(found.any(1), 1 / (found.argmax(1) + 1), 0), weights=w)


def hit_rate(w, relevant, k):
    return np.average(np.take_along_axis(relevant, np.argsort(-lists_p), 1)[:, :k].any(1), weights=w)


for source, relevant in (("lists", lists_t > 0), ("items", np.eye(7)[index] > 0)):
    record("meanReciprocalRank", source, lambda w: reciprocal_rank(w, relevant))
    record("meanReciprocalRank", source, lambda w: reciprocal_rank(w, relevant, 2), {"k": 2})
    record("hitRate", source, lambda w: hit_rate(w, relevant, 2), {"k": 2})
    record("hitRate", source, lambda w: hit_rate(w, relevant, 7))

# Sequences of 5 tokens of a vocabulary of 6.
tokens = rng.integers(0, 6, (12, 5))
token_logits = np.round(rng.normal(size=(12, 5, 6)) * 2, 3)
add_data("tokens", tokens, token_logits)
odds = np.exp(token_logits)
odds /= odds.sum(-1, keepdims=True)
data["tokenProbabilities"] = {**data["tokens"], "predictions": pack(odds)}


def perplexity(w, mask=None):
    each = w[:, None] * (tokens != mask)
    return np.exp(-(each * np.log(np.take_along_axis(odds, tokens[..., None], -1)[..., 0])).sum() / each.sum())


record("perplexity", "tokenProbabilities", perplexity)
record("perplexity", "tokens", lambda w: perplexity(w, 0), {"fromLogits": True, "maskTokenId": 0})

record("min", "numbers", lambda w: p[w != 0].min())
record("max", "numbers", lambda w: p[w != 0].max())
record("mean", "column", lambda w: np.average(p, weights=w))
record("sum", "column", lambda w: w @ p)

# Images of 13 x 12 pixels with 2 channels, from 0 to 2.
images_t = np.round(2 * rng.random((6, 13, 12, 2)), 2)
images_p = np.round(np.clip(images_t + 0.3 * rng.normal(size=images_t.shape), 0, 2), 2)
add_data("images", images_t, images_p)


def ssim(w, size=11, sigma=1.5, k1=0.01, k2=0.03):
    """TensorFlow's image.ssim."""
    line = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    window = np.outer(line, line) / line.sum() ** 2
    blur = lambda x: signal.correlate2d(x, window, "valid")
    c1, c2 = (k1 * 2) ** 2, (k2 * 2) ** 2

    def value(a, b):
        ma, mb = blur(a), blur(b)
        va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
        return ((2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean()

    each = [np.mean([value(a[..., c], b[..., c]) for c in range(2)]) for a, b in zip(images_t, images_p)]
    return np.average(each, weights=w)


record("ssim", "images", ssim, {"maxValue": 2})
record("ssim", "images", lambda w: ssim(w, 5, 0.8, 0.02, 0.1), {"maxValue": 2, "filterSize": 5, "filterSigma": 0.8, "k1": 0.02, "k2": 0.1})
squared = ((images_t - images_p) ** 2).mean((1, 2, 3))
record("psnr", "images", lambda w: 10 * np.log10(4 / np.average(squared, weights=w)), {"maxValue": 2})
record("psnr", "small", lambda w: -10 * np.log10(np.average(((small_t - small_p) ** 2).mean(1), weights=w)))

# Sentences of at most 9 words and predictions of 8, with words left out, added and changed. 0 is padding, also inside a sentence.
sentences = rng.integers(0, 5, (14, 9))
guesses = np.where(rng.random((14, 8)) < 0.7, sentences[:, 1:], rng.integers(0, 5, (14, 8)))
sentences[2], guesses[3] = 0, 0
add_data("sentences", sentences, guesses.astype(float))
data["sentenceScores"] = {**data["sentences"], "predictions": pack(np.round(np.eye(5)[guesses] + 0.5 * rng.random((14, 8, 5)), 2))}


def edits(target, guess, cost=1):
    """Levenshtein distance by the table of Wagner and Fischer."""
    table = np.zeros((len(target) + 1, len(guess) + 1))
    table[:, 0], table[0] = np.arange(len(target) + 1), np.arange(len(guess) + 1)
    for i, t in enumerate(target, 1):
        for j, g in enumerate(guess, 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (0 if t == g else cost))
    return table[-1, -1]


def all_edits(pad, cost=1):
    pairs = [(t[t != pad], g[g != pad]) for t, g in zip(sentences, guesses)]
    return np.array([edits(t, g, cost) for t, g in pairs]), np.array([len(t) for t, _ in pairs])


for source in ("sentences", "sentenceScores"):
    record("editDistance", source, lambda w: np.average(all_edits(None)[0], weights=w))
record("editDistance", "sentences", lambda w: np.average(all_edits(0, 1.5)[0], weights=w), {"maskTokenId": 0, "substitutionCost": 1.5})
record("editDistance", "sentences", lambda w: w @ all_edits(0)[0], {"maskTokenId": 0, "reduction": "sum"})
for name in ("wordErrorRate", "charErrorRate"):
    record(name, "sentences", lambda w: (w @ all_edits(0)[0]) / (w @ all_edits(0)[1]), {"maskTokenId": 0})
    record(name, "sentenceScores", lambda w: (w @ all_edits(None)[0]) / (w @ all_edits(None)[1]))

path = Path(__file__).parent.parent.parent / "test" / "golden" / "metricFamilies.json"
text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in data.items())
path.write_text('{"data": {\n' + text + '\n},\n"rows": [\n' + ",\n".join(json.dumps(r) for r in rows) + "\n]}\n")
print(f"{len(rows)} rows in {path.name}, {path.stat().st_size} bytes")
