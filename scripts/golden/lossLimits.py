"""Writes test/golden/lossLimits.json: losses and gradients by PyTorch where predictions are extreme or infinite, targets are hit exactly, and with class
weights.

Run with Debian's python3-torch (1.13): /usr/bin/python3 scripts/golden/lossLimits.py

Numbers that JSON lacks are the texts "inf", "-inf" and "nan".
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
inf = math.inf
EPSILON = 1e-7
rows = []


def pack(t):
    def word(x):
        return x if math.isfinite(x) else 'nan' if math.isnan(x) else 'inf' if x > 0 else '-inf'

    return {'shape': list(t.shape), 'dtype': 'i32' if t.dtype == torch.int64 else 'f32', 'data': [word(x) for x in t.detach().flatten().tolist()]}


def row(loss, note, options, targets, predictions, call):
    """call(predictions) is the mean loss."""
    t = torch.tensor(targets)
    p = torch.tensor(predictions, dtype=torch.float64).requires_grad_(True)
    value = call(p, t)
    (gradient,) = torch.autograd.grad(value, p)
    rows.append(
        {
            'loss': loss,
            'note': note,
            'options': options,
            'targets': pack(t),
            'predictions': pack(p),
            'value': pack(value)['data'][0],
            'gradient': pack(gradient)['data'],
        }
    )


# --- numbers ---
extreme_t, extreme_p = [[1.0, 0.0, 1.0, -1.0]], [[1.0, 1e4, -1e4, inf]]
row('meanSquaredError', 'hit and far', {}, extreme_t, [[1.0, 1e4, -1e4, -1.0]], F.mse_loss)
row('meanAbsoluteError', 'hit and infinite', {}, extreme_t, extreme_p, F.l1_loss)
row('huber', 'kink and infinite', {'delta': 2.0}, [[1.0, 0, 0, 0]], [[3.0, -2.0, inf, 0.0]], lambda p, t: F.huber_loss(p, t, delta=2.0))
row('smoothL1', 'kink and infinite', {'beta': 2.0}, [[1.0, 0, 0, 0]], [[3.0, -2.0, inf, 0.0]], lambda p, t: F.smooth_l1_loss(p, t, beta=2.0))
row('logCosh', 'hit and far', {}, [[0.0, 0.0, 0.0]], [[0.0, 30.0, -30.0]], lambda p, t: torch.log(torch.cosh(p - t)).mean())
row(
    'meanAbsolutePercentageError',
    'hit and target 0',
    {},
    [[1.0, 0.0]],
    [[1.0, 1e-7]],
    lambda p, t: 100 * ((p - t).abs() / t.abs().clamp(min=EPSILON)).mean(),
)
row(
    'meanSquaredLogarithmicError',
    'below 0',
    {},
    [[0.0, 2.0]],
    [[-0.5, -2.0]],
    lambda p, t: ((torch.log1p(p.clamp(min=EPSILON)) - torch.log1p(t.clamp(min=EPSILON))) ** 2).mean(),
)
row('poisson', 'rate 0', {}, [[0.0, 2.0]], [[0.0, 0.0]], lambda p, t: (p - t * torch.log(p + EPSILON)).mean())
row(
    'cosineSimilarity',
    'zero target, equal and opposite',
    {},
    [[0.0, 0.0], [1.0, 2.0], [1.0, 2.0]],
    [[1.0, 2.0], [1.0, 2.0], [-2.0, -4.0]],
    lambda p, t: -F.cosine_similarity(p, t, dim=-1).mean(),
)

# --- two classes ---
yes = [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]
row('binaryCrossentropy', 'far logits', {'fromLogits': True}, yes, [[-1e4, 1e4, 1e4, -1e4, 0.0, 0.0]], F.binary_cross_entropy_with_logits)
# The limits. PyTorch's formula gives 0 times infinity here.
sure = lambda p, t: torch.where(p.isinf(), torch.zeros_like(p), F.softplus(torch.where(t > 0, -p, p))).mean()
row('binaryCrossentropy', 'infinite logits that are right', {'fromLogits': True}, [[0.0, 1.0, 1.0]], [[-inf, inf, 1.0]], sure)
row(
    'binaryCrossentropy',
    'infinite logit that is wrong',
    {'fromLogits': True},
    [[1.0]],
    [[-inf]],
    lambda p, t: -p.mean(),
)
# The upper bound in f32. The loss at probability 1 shows the difference.
clipped = lambda p: p.clamp(EPSILON, torch.tensor(1 - EPSILON, dtype=torch.float32).item())
row(
    'binaryCrossentropy',
    'probabilities 0 and 1',
    {},
    [[0.0, 1.0]],
    [[0.0, 1.0]],
    lambda p, t: F.binary_cross_entropy(clipped(p), t),
)


def focal(p, t, gamma, logits):
    q = torch.sigmoid(p) if logits else clipped(p)
    miss = t * (torch.sigmoid(-p) if logits else 1 - q) + (1 - t) * q
    entropy = F.binary_cross_entropy_with_logits(p, t, reduction='none') if logits else F.binary_cross_entropy(q, t, reduction='none')
    return (miss**gamma * entropy).mean()


for gamma in [0.0, 0.5, 2.0]:
    options = {'gamma': gamma}
    row('binaryFocalCrossentropy', f'probabilities 0 and 1, gamma {gamma}', options, yes[:1], [[0.0, 1.0, 1.0, 0.0, 0.5, 0.5]], lambda p, t: focal(p, t, gamma, False))
    row('binaryFocalCrossentropy', f'far logits, gamma {gamma}', {**options, 'fromLogits': True}, yes, [[-30.0, 30.0, 30.0, -30.0, 0.0, 0.0]], lambda p, t: focal(p, t, gamma, True))

# --- several classes ---
one_hot = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
masked = [[-inf, 2.0, 1.0], [-inf, -inf, 3.0]]
far = [[1e4, -1e4, 0.0], [0.0, 1e4, 1e4]]


def indices(p, t, **options):
    return F.cross_entropy(p, t.argmax(-1) if t.is_floating_point() else t, **options)


for loss, targets in {'categoricalCrossentropy': one_hot, 'sparseCategoricalCrossentropy': [1, 2]}.items():
    row(loss, 'classes without a chance', {'fromLogits': True}, targets, masked, indices)
    row(loss, 'far logits', {'fromLogits': True}, targets, far, indices)
    row(loss, 'the target has no chance', {'fromLogits': True}, targets, [[0.0, -inf, 0.0], [0.0, 0.0, 0.0]], indices)
    smoothed = {'fromLogits': True, 'labelSmoothing': 0.1}
    row(loss, 'smoothed, a class without a chance', smoothed, targets, masked, lambda p, t: indices(p, t, label_smoothing=0.1))
    row(
        loss,
        'probabilities of 0',
        {},
        targets,
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
        lambda p, t: F.nll_loss(torch.log(clipped(p)), t.argmax(-1) if t.is_floating_point() else t),
    )
row(
    'categoricalFocalCrossentropy',
    'classes without a chance',
    {'fromLogits': True, 'gamma': 2.0, 'alpha': 1.0},
    one_hot,
    masked,
    lambda p, t: ((1 - F.softmax(p, -1).gather(1, t.argmax(-1)[:, None])[:, 0]) ** 2 * F.cross_entropy(p, t.argmax(-1), reduction='none')).mean(),
)
row(
    'klDivergence',
    'probabilities of 0',
    {},
    [[0.0, 1.0], [0.5, 0.5]],
    [[0.0, 1.0], [1.0, 0.0]],
    lambda p, t: (t.clamp(EPSILON, 1) * torch.log(t.clamp(EPSILON, 1) / p.clamp(EPSILON, 1))).sum(-1).mean(),
)
half = lambda x: torch.maximum(x, torch.zeros_like(x))
row('hinge', 'on the margin, far and infinite', {}, [[1.0, -1.0, 1.0, 1.0]], [[1.0, -1.0, 1e4, inf]], lambda p, t: half(1 - t * p).mean())
row('squaredHinge', 'on the margin and far', {}, [[1.0, -1.0, 1.0]], [[1.0, -1.0, 1e4]], lambda p, t: (half(1 - t * p) ** 2).mean())
row(
    'categoricalHinge',
    'classes without a chance',
    {},
    one_hot,
    [[-inf, 2.0, 1.5], [-inf, -inf, -3.0]],
    lambda p, t: half(torch.stack([1.5 - p[0, 1] + 1 + 0 * p[0, 2], 1 - p[1, 2]])).mean() + (p[0, 2] - p[0, 2].detach()) / 2,
)

# --- class weights ---
torch.manual_seed(3)
scores = (torch.randn(5, 3) * 2).tolist()
labels, weights = [2, 0, 1, 1, 2], [0.5, 2.0, 1.25]
weight = torch.tensor(weights)
weighted = {'fromLogits': True, 'classWeight': weights}
soft = torch.softmax(torch.randn(5, 3), -1).tolist()
row('sparseCategoricalCrossentropy', 'class weights', weighted, labels, scores, lambda p, t: F.cross_entropy(p, t, weight))
row(
    'sparseCategoricalCrossentropy',
    'class weights, smoothed',
    {**weighted, 'labelSmoothing': 0.2},
    labels,
    scores,
    lambda p, t: F.cross_entropy(p, t, weight, label_smoothing=0.2),
)
row(
    'sparseCategoricalCrossentropy',
    'class weights, ignored class',
    {**weighted, 'ignoreClass': -1},
    [2, -1, 1, -1, 0],
    scores,
    lambda p, t: F.cross_entropy(p, t, weight, ignore_index=-1),
)
row(
    'sparseCategoricalCrossentropy',
    'class weights, probabilities',
    {'classWeight': weights},
    labels,
    soft,
    lambda p, t: F.nll_loss(torch.log(p / p.sum(-1, keepdim=True)), t, weight),
)
row(
    'sparseCategoricalCrossentropy',
    'class weights, rank 3',
    weighted,
    [[2, 0], [1, 1]],
    torch.tensor(scores[:4]).reshape(2, 2, 3).tolist(),
    lambda p, t: F.cross_entropy(p.permute(0, 2, 1), t, weight),
)
row(
    'sparseCategoricalCrossentropy',
    'class weight 0',
    {'fromLogits': True, 'classWeight': [0.0, 2.0, 1.0]},
    labels,
    scores,
    lambda p, t: F.cross_entropy(p, t, torch.tensor([0.0, 2.0, 1.0])),
)
row('categoricalCrossentropy', 'class weights', weighted, soft, scores, lambda p, t: F.cross_entropy(p, t, weight))
row(
    'categoricalCrossentropy',
    'class weights, smoothed',
    {**weighted, 'labelSmoothing': 0.2},
    soft,
    scores,
    lambda p, t: F.cross_entropy(p, t, weight, label_smoothing=0.2),
)
truth = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.25], [1.0, 1.0, 0.0]]
for factor in [3.0, [0.5, 2.0, 4.0]]:
    pos_weight = torch.tensor(factor)
    note = f'posWeight {factor}'
    row(
        'binaryCrossentropy',
        note,
        {'fromLogits': True, 'posWeight': factor},
        truth,
        scores[:3],
        lambda p, t: F.binary_cross_entropy_with_logits(p, t, pos_weight=pos_weight),
    )
    row(
        'binaryCrossentropy',
        f'{note}, smoothed',
        {'fromLogits': True, 'posWeight': factor, 'labelSmoothing': 0.2},
        truth,
        scores[:3],
        lambda p, t: F.binary_cross_entropy_with_logits(p, t * 0.8 + 0.1, pos_weight=pos_weight),
    )
    row(
        'binaryCrossentropy',
        f'{note}, probabilities',
        {'posWeight': factor},
        truth,
        soft[:3],
        lambda p, t: -(pos_weight * t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean(),
    )

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'lossLimits.json'
path.write_text('[\n' + ',\n'.join(json.dumps(r, separators=(',', ':')) for r in rows) + '\n]\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
