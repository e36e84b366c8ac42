"""Writes test/golden/lossJoint.json: losses over several outputs, the circle loss, their gradients and limits, in f64. PyTorch has the losses of pairs and
triplets. The others are the formulas of the papers' code, differentiated by PyTorch.

Run with Debian's python3-torch (1.13): /usr/bin/python3 scripts/golden/lossJoint.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

from lossRows import draws, pack

randn, rand = draws(41)
rows = []


def row(loss, note, options, outputs, values, targets=None, weight=None, mean=None):
    """values(*outputs) -> one loss per sample, or a scalar; mean(values) is the loss."""
    xs = [x.clone().requires_grad_(True) for x in outputs]
    per_sample = values(*xs)
    weighted = per_sample if weight is None else per_sample * weight
    value = mean(weighted) if mean else weighted.sum() / weighted.numel()
    gradients = torch.autograd.grad(value, xs)
    rows.append(
        {
            'loss': loss,
            'note': note,
            'options': options,
            'targets': None if targets is None else pack(targets),
            'outputs': [pack(x) for x in outputs],
            'weight': None if weight is None else pack(weight),
            'values': pack(per_sample)['data'],
            'value': pack(value)['data'][0],
            'gradients': [pack(g)['data'] for g in gradients],
        }
    )


# --- triplets ---
three, cube, weight = [randn(5, 3) for _ in range(3)], [randn(2, 3, 4) for _ in range(3)], rand(5)
margin = lambda **options: lambda *xs: F.triplet_margin_loss(*xs, reduction='none', **options)
row('tripletMargin', 'defaults', {}, three, margin())
row('tripletMargin', 'swap, weighted', {'swap': True, 'margin': 2.5}, three, margin(swap=True, margin=2.5), weight=weight)
row('tripletMargin', 'p 1', {'p': 1, 'margin': 2}, three, margin(p=1, margin=2))
row('tripletMargin', 'p 3, rank 3', {'p': 3, 'margin': 2, 'epsilon': 1e-3}, cube, margin(p=3, margin=2, eps=1e-3))
equal = torch.ones(2, 3)
row('tripletMargin', 'equal embeddings', {}, [equal, equal, equal], margin())
for p in (1, 2, 3):
    row('tripletMargin', f'equal embeddings, p {p} without epsilon', {'epsilon': 0, 'p': p}, [equal, equal, equal * 2], margin(eps=0, p=p))
row('tripletMargin', 'far embeddings', {}, [torch.zeros(1, 2), torch.full((1, 2), 1e6), torch.full((1, 2), -1e6)], margin())
row('tripletMargin', 'on the margin', {'epsilon': 0}, [torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]])], margin(eps=0))
functions = {
    'euclidean': F.pairwise_distance,
    'squaredEuclidean': lambda x, y: ((x - y) ** 2).sum(-1),
    'manhattan': lambda x, y: (x - y).abs().sum(-1),
    'cosine': lambda x, y: 1 - F.cosine_similarity(x, y),
}
for name, distance in functions.items():
    with_distance = lambda *xs, **o: F.triplet_margin_with_distance_loss(*xs, distance_function=distance, reduction='none', **o)
    row('tripletMarginWithDistance', name, {'distance': name}, three, with_distance)
    options = {'swap': True, 'margin': 1.5}
    row('tripletMarginWithDistance', f'{name}, swap', {'distance': name, **options}, three, lambda *xs: with_distance(*xs, **options), weight=weight)

# --- pairs ---
first, second = three[0], three[1]
sign = torch.tensor([1.0, -1, -1, 1, 1])
ranking = lambda t, **o: lambda x, y: F.margin_ranking_loss(x, y, t, reduction='none', **o).reshape(len(t), -1).mean(-1)
row('marginRanking', 'defaults', {}, [first[:, 0], second[:, 0]], ranking(sign), sign)
signs = torch.sign(randn(5, 3))
row('marginRanking', 'margin, [n,d], weighted', {'margin': 0.5}, [first, second], ranking(signs, margin=0.5), signs, weight)
row('marginRanking', 'equal scores', {}, [torch.ones(2), torch.ones(2)], ranking(torch.tensor([1.0, -1])), torch.tensor([1, -1]))
cosine = lambda t, **o: lambda x, y: F.cosine_embedding_loss(x, y, t, reduction='none', **o)
row('cosineEmbedding', 'defaults', {}, [first, second], cosine(sign), sign)
row('cosineEmbedding', 'margin, weighted', {'margin': -0.5}, [first, second], cosine(sign, margin=-0.5), sign[:, None].to(torch.int64), weight)
row('cosineEmbedding', 'a zero vector', {}, [torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[1.0, 2.0], [1.0, 0.0]])], cosine(torch.ones(2)), torch.ones(2))

# --- two views ---
unit = lambda x: x / x.norm(dim=-1, keepdim=True).clamp(min=1e-7)


def info_nce(q, k, temperature=0.1, symmetric=False):
    logits, own = unit(q) @ unit(k).T / temperature, torch.arange(len(q))
    there = F.cross_entropy(logits, own, reduction='none')
    return (there + F.cross_entropy(logits.T, own, reduction='none')) / 2 if symmetric else there


def nt_xent(x, y, temperature=0.5):
    n, z = len(x), unit(torch.cat([x, y]))
    logits = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    values = F.cross_entropy(logits, torch.arange(2 * n).roll(n), reduction='none')
    return (values[:n] + values[n:]) / 2


def off_diagonal(x):
    return x - torch.diag(torch.diagonal(x))


def barlow(x, y, scale=0.0051, epsilon=1e-5):
    norm = lambda z: F.batch_norm(z, None, None, training=True, eps=epsilon)
    c = norm(x).T @ norm(y) / len(x)
    return ((torch.diagonal(c) - 1) ** 2).sum() + scale * (off_diagonal(c) ** 2).sum()


def vicreg(x, y, sim=25.0, std=25.0, cov=1.0, epsilon=1e-4):
    n, d = x.shape
    total = sim * F.mse_loss(x, y)
    for z in (x, y):
        c = z - z.mean(0)
        total = total + std * F.relu(1 - torch.sqrt(c.var(0) + epsilon)).mean() / 2 + cov * (off_diagonal(c.T @ c / (n - 1)) ** 2).sum() / d
    return total


for name, values, more in [
    ('infoNce', info_nce, {'temperature': 0.5, 'symmetric': True}),
    ('ntXent', nt_xent, {'temperature': 0.1}),
    ('barlowTwins', barlow, {'lambda': 0.5, 'epsilon': 0.01}),
    ('vicReg', vicreg, {'simCoeff': 2, 'stdCoeff': 3, 'covCoeff': 4, 'epsilon': 0.01}),
]:
    renamed = {'lambda': 'scale', 'simCoeff': 'sim', 'stdCoeff': 'std', 'covCoeff': 'cov'}
    row(name, 'defaults', {}, [first, second], values)
    one_value = name in ('barlowTwins', 'vicReg')
    row(name, 'options', more, [first, second], lambda x, y: values(x, y, **{renamed.get(k, k): v for k, v in more.items()}), weight=None if one_value else weight)
    row(name, 'equal views', {}, [first, first], values)
row('infoNce', 'low temperature', {'temperature': 1e-3}, [first, second], lambda x, y: info_nce(x, y, 1e-3))
row('ntXent', 'low temperature', {'temperature': 1e-3}, [first, second], lambda x, y: nt_xent(x, y, 1e-3))
row('infoNce', 'one sample', {}, [first[:1], second[:1]], info_nce)
row('ntXent', 'one sample', {}, [first[:1], second[:1]], nt_xent)
row('vicReg', 'constant features', {}, [torch.ones(3, 2), torch.ones(3, 2)], vicreg)


# --- circle, as in Keras: the mean is over samples of a loss above 0 ---
def circle(x, labels, gamma=80.0, margin=0.4, diagonal=False):
    d = (1 - x @ x.T).clamp(min=0)
    same = labels[:, None] == labels
    positive = same if diagonal else same & ~torch.eye(len(x), dtype=torch.bool)
    low = torch.full_like(d, -1e30)
    p = torch.where(positive, -gamma * (margin + d).clamp(min=0) * (margin - d), low).logsumexp(1)
    n = torch.where(same, low, gamma * (1 + margin - d).clamp(min=0) * (1 - margin - d)).logsumexp(1)
    return F.softplus(p + n)


above = lambda v: v.sum() / (v > 0).sum()
labels, x = torch.tensor([0, 2, 2, 0, 7]), unit(randn(5, 3))
row('circle', 'one label without a partner', {}, [x], lambda x: circle(x, labels), labels, mean=above)
options = {'gamma': 4, 'margin': 0.25, 'removeDiagonal': False}
row('circle', 'options', options, [x], lambda x: circle(x, labels, 4.0, 0.25, True), labels[:, None], mean=above)
row('circle', 'weighted', {'gamma': 2}, [x], lambda x: circle(x, labels, 2.0), labels, weight, mean=lambda v: v.sum() / 4)

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'lossJoint.json'
path.write_text('[\n' + ',\n'.join(json.dumps(r, separators=(',', ':')) for r in rows) + '\n]\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
