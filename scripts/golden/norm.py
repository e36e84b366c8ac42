"""Writes test/golden/norm.json: results of PyTorch in f64 for the rows of test/tables/contraction.ts and normalization.ts. Run with Debian's
python3-torch:

    /usr/bin/python3 scripts/golden/norm.py

Inputs are not stored; they are made as in ops.py.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927


def make(k, shape, low, high, whole):
    values = [low + (high - low) * math.fmod((i + 1) * GOLDEN + k * PLASTIC, 1.0) for i in range(math.prod(shape))]
    if whole:
        return torch.tensor([math.floor(v) for v in values], dtype=torch.int64).reshape(shape)
    return torch.tensor(values).reshape(shape)


def f(*shape, low=-2.0, high=2.0):
    return (shape, low, high, False)


def w(*shape, low=-5, high=6):
    return (shape, low, high, True)


rows = {}


def row(name, specs, call):
    y = call(*[make(k, *spec) for k, spec in enumerate(specs)])
    rows[name] = {
        'inputs': [{'shape': list(s), 'low': low, 'high': high, 'whole': whole} for s, low, high, whole in specs],
        'shape': list(y.shape),
        'value': y.flatten().tolist(),
    }


def equation(text, *specs):
    row('einsum ' + text, specs, lambda *x: torch.einsum(text, *x))


# --- contractions ---
equation('ij,jk->ik', f(3, 5), f(5, 4))
equation('bij,bjk->bik', f(2, 3, 5), f(2, 5, 4))
equation('ji,kj', f(5, 3), f(4, 5))
equation('ba', f(3, 5))
equation('i,j->ij', f(3), f(5))
equation('i,i', f(7), f(7))
equation('ij,ij->i', f(3, 5), f(3, 5))
equation('ij,kl->', f(2, 3), f(3, 2))
equation('ij->', f(3, 5))
equation('ijk->ki', f(2, 3, 5))
equation('ii', f(5, 5))
equation('ii->i', f(5, 5))
equation('iij->ji', f(3, 3, 2))
equation('iii->i', f(3, 3, 3))
equation('ijij->j', f(2, 3, 2, 3))
equation('ii,ij->j', f(3, 3), f(3, 4))
equation('bhqd,bhkd->bhqk', f(2, 2, 3, 4), f(2, 2, 5, 4))
equation('bqhd,bkhd->bhqk', f(2, 3, 2, 4), f(2, 5, 2, 4))
equation('abc,cd,bde->ae', f(2, 3, 4), f(4, 5), f(3, 5, 2))
equation('i,ij,jk,kl,l->', f(3), f(3, 2), f(2, 4), f(4, 3), f(3))
equation('...ij,...jk->...ik', f(2, 1, 3, 4), f(3, 4, 2))
equation('...i,i->...', f(2, 3, 5), f(5))
equation('i...->...', f(2, 3, 5))
equation('b...a,...a', f(2, 3, 4), f(3, 4))
equation('ab,bc,cd->ad', f(3, 1), f(4, 5), f(5, 2))
row('einsum ij,jk->ik i32', [w(2, 3), w(3, 4)], torch.matmul)
row('tensordot', [f(2, 3, 4), f(3, 4, 5)], torch.tensordot)
row('tensordot one', [f(2, 3, 4), f(4, 5)], lambda a, b: torch.tensordot(a, b, 1))
row('tensordot none', [f(2), f(3)], lambda a, b: torch.tensordot(a, b, 0))
row('tensordot axes', [f(4, 2, 3), f(3, 5, 4)], lambda a, b: torch.tensordot(a, b, ([0, -1], [2, 0])))

# --- normalisations ---
X, IMAGES, SPREAD = f(3, 5), f(2, 3, 2, 4), f(5, low=0.2, high=3)


def first(x):
    """Channels last to channels first."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def rms(x, gamma=1.0, eps=1e-6):
    return gamma * x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)


row('batchNorm', [X, f(5), SPREAD], lambda x, m, v: F.batch_norm(x, m, v, eps=1e-3))
row('batchNorm scaled', [X, f(5), SPREAD, f(5), f(5)], lambda x, m, v, g, b: F.batch_norm(x, m, v, g, b, eps=1e-3))
row('batchNorm images', [IMAGES, f(4), f(4, low=0.2, high=3)], lambda x, m, v: last(F.batch_norm(first(x), m, v, eps=0.1)))
row('layerNorm', [X], lambda x: F.layer_norm(x, (5,), eps=1e-3))
row('layerNorm scaled', [X, f(5), f(5)], lambda x, g, b: F.layer_norm(x, (5,), g, b, eps=1e-5))
row('layerNorm axes', [f(2, 3, 4), f(3, 4)], lambda x, g: F.layer_norm(x, (3, 4), g, eps=1e-3))
row('layerNorm first axis', [X, f(3), f(3)], lambda x, g, b: F.layer_norm(x.T, (3,), g, b, eps=1e-3).T)
row('groupNorm', [IMAGES], lambda x: last(F.group_norm(first(x), 2, eps=1e-3)))
row('groupNorm scaled', [IMAGES, f(4), f(4)], lambda x, g, b: last(F.group_norm(first(x), 2, g, b, eps=1e-3)))
row('groupNorm vectors', [f(3, 6)], lambda x: F.group_norm(x, 3, eps=0.1))
row('instanceNorm', [IMAGES, f(4), f(4)], lambda x, g, b: last(F.instance_norm(first(x), weight=g, bias=b, eps=1e-3)))
row('rmsNorm', [X], rms)
row('rmsNorm scaled', [X, f(5)], lambda x, g: rms(x, g, 0.01))

# --- attention ---
Q, KV = f(2, 2, 3, 4), f(2, 2, 5, 4)


def attend(q, k, v, mask=None, scale=None):
    scores = q @ k.transpose(-1, -2) * (scale or q.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch.nan_to_num(scores.softmax(-1)) @ v


row('scaledDotProductAttention', [Q, KV, KV], attend)
row('scaledDotProductAttention wide', [Q, KV, f(2, 2, 5, 3)], lambda q, k, v: attend(q, k, v, scale=2))
row('scaledDotProductAttention causal', [f(1, 2, 5, 4)] * 3, lambda q, k, v: attend(q, k, v, torch.ones(5, 5).tril().bool()))
row('scaledDotProductAttention mask', [Q, KV, KV, w(3, 5, low=0, high=2)], lambda q, k, v, m: attend(q, k, v, m > 0))
row('scaledDotProductAttention bias', [Q, KV, KV, f(2, 1, 5)], attend)

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'norm.json'
lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in rows.items())
path.write_text('{\n"rows": {\n' + lines + '\n}\n}\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
