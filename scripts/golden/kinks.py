"""Writes test/golden/kinks.json: values and gradients of PyTorch, in f32, where functions have kinks, infinite slopes or limits.

Run with Debian's python3-torch (1.13): /usr/bin/python3 scripts/golden/kinks.py

The calls of this library under the same names are in test/tables/kinks.ts. Numbers that JSON lacks are the texts "inf", "-inf" and "nan".
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

inf, nan = math.inf, math.nan
rows = {}


def pack(t):
    def word(x):
        return x if math.isfinite(x) else 'nan' if math.isnan(x) else 'inf' if x > 0 else '-inf'

    return {'shape': list(t.shape), 'data': [word(x) for x in t.detach().flatten().tolist()]}


def row(name, inputs, call, cotangent=None):
    """The value of call(*inputs), and the gradient of the sum of the value times the cotangent for every input."""
    leaves = [torch.tensor(x, dtype=torch.float32).requires_grad_(True) for x in inputs]
    y = call(*leaves)
    g = torch.ones_like(y) if cotangent is None else torch.tensor(cotangent, dtype=torch.float32)
    gradients = torch.autograd.grad(y, leaves, g, allow_unused=True)
    assert name not in rows, name
    rows[name] = {
        'inputs': [pack(x) for x in leaves],
        **({} if cotangent is None else {'cotangent': pack(g)}),
        'value': pack(y),
        'gradients': [pack(torch.zeros_like(x) if d is None else d) for x, d in zip(leaves, gradients)],
    }


def unary(name, values, call):
    row(name, [values], call)


wide = [0.0, -0.0, 1e4, -1e4, inf, -inf]
smooth = [0.0, -0.0, 30.0, -30.0, 1e4, -1e4]

# --- roots, powers, logarithms ---
unary('sqrt', [0.0, 1.0, -1.0, inf], torch.sqrt)
row('sqrt negative cotangent', [[0.0, 4.0]], torch.sqrt, [-1.0, -1.0])
unary('rsqrt', [0.0, 1.0, -1.0, inf], torch.rsqrt)
unary('reciprocal', [0.0, -0.0, 1.0, inf], torch.reciprocal)
unary('log', [0.0, 1.0, -1.0, inf], torch.log)
unary('log1p', [-1.0, 0.0, -2.0, inf], torch.log1p)
unary('log2', [0.0, 1.0, -1.0, inf], torch.log2)
for p in [0, 0.5, -0.5, 1, 1.5, 2, 3, -1, -2, 0.25]:
    unary(f'pow {p}', [0.0, 2.0, -2.0], lambda x: torch.pow(x, p))
row(
    'pow',
    [[0.0, 0, 0, 0, 0, -2, -2, -2, -1, 1, 2], [0.0, 1, 2, 0.5, -1, 2, -1, 0.5, 3, 1e4, 1e4]],
    torch.pow,
)
unary('pow of 0', [0.0, 1.0, 2.0, -1.0], lambda x: torch.pow(0.0, x))
unary('pow of 2', [0.0, 1.0, -1.0, 200.0, -200.0], lambda x: torch.pow(2.0, x))
row('div', [[1.0, 0, 0, -1, 1], [0.0, 0, 1, 0, inf]], torch.div)
row('mod', [[4.0, -4, 5, 1, 0], [2.0, 2, -2, 0, 3]], torch.remainder)

row('fmod', [[4.0, -4, 5, 1, 0], [2.0, 2, -2, 0, 3]], torch.fmod)
unary('lgamma', [0.0, -1.0, 1.0, inf], torch.lgamma)
unary('digamma', [0.0, 1.0], torch.digamma)
unary('polygamma', [0.0, 1.0], lambda x: torch.special.polygamma(1, x))
unary('erfInv', [1.0, -1.0, 0.0, 2.0], torch.erfinv)

# --- exponentials ---
for name, call in {
    'exp': torch.exp, 'exp2': torch.exp2, 'expm1': torch.expm1, 'sinh': torch.sinh, 'cosh': torch.cosh,
    'sigmoid': torch.sigmoid, 'tanh': torch.tanh, 'logSigmoid': F.logsigmoid, 'softplus': F.softplus, 'erf': torch.erf, 'erfc': torch.erfc,
}.items():
    unary(name, [0.0, 1000.0, -1000.0, inf, -inf], call)

# --- trigonometric ---
unary('asin', [1.0, -1.0, 0.0, 2.0], torch.asin)
unary('acos', [1.0, -1.0, 0.0, 2.0], torch.acos)
unary('atan', wide, torch.atan)
unary('asinh', [0.0, 1e4, -1e4], torch.asinh)
unary('acosh', [1.0, 2.0, 0.5], torch.acosh)
unary('atanh', [1.0, -1.0, 0.0, 2.0], torch.atanh)
row('atan2', [[0.0, 0, 0, 1, -1], [0.0, 1, -1, 0, 0]], torch.atan2)

# --- kinks ---
unary('abs', wide, torch.abs)
row('maximum', [[1.0, 2, 3, inf, -inf, 0], [1.0, 3, 2, inf, -inf, -0.0]], torch.maximum)
row('minimum', [[1.0, 2, 3, inf, -inf, 0], [1.0, 3, 2, inf, -inf, -0.0]], torch.minimum)
unary('clip', [-1.0, 1.0, 0.0, 2.0, -3.0, inf, -inf], lambda x: torch.clamp(x, -1, 1))
unary('clip crossed', [-1.0, 1.0, 2.0, 5.0], lambda x: torch.clamp(x, 2, 1))
unary('relu', wide, torch.relu)
unary('relu6', [*wide, 6.0], F.relu6)
unary('hardSigmoid', [*wide, 3.0, -3.0], F.hardsigmoid)
unary('hardSwish', [0.0, 1e4, -1e4, 3.0, -3.0], F.hardswish)
unary('hardTanh', [*wide, 1.0, -1.0], F.hardtanh)
unary('leakyRelu', wide, lambda x: F.leaky_relu(x, 0.2))
row('prelu', [[0.0, -0.0, 2.0, -2.0], [0.25, 0.25, 0.25, 0.25]], lambda x, a: torch.where(x > 0, x, a * x))
unary('elu', wide, F.elu)
unary('selu', wide, F.selu)
unary('celu', wide, lambda x: F.celu(x, 2.0))
unary('softsign', smooth, F.softsign)
unary('silu', smooth, F.silu)
unary('mish', smooth, F.mish)
unary('gelu', smooth, lambda x: F.gelu(x, approximate='tanh'))
unary('gelu exact', smooth, F.gelu)
unary('tanhShrink', smooth, F.tanhshrink)
bends = [*wide, 0.5, -0.5, 1.0, -1.0]
unary('hardShrink', bends, F.hardshrink)
unary('softShrink', bends, F.softshrink)
unary('threshold', bends, lambda x: F.threshold(x, 0.5, 3.0))
unary('squareplus', smooth, lambda x: torch.where(x < 0, 2 / ((x * x + 4).sqrt() - x.clamp(max=0)), (x + (x * x + 4).sqrt()) / 2))
zero, one = torch.zeros(()), torch.ones(())
unary('sparsePlus', [1e4, -1e4, 0.0, 1.0, -1.0], lambda x: torch.where(x <= -1, zero, torch.where(x < 1, (x + 1) ** 2 / 4, x)))
unary('sparseSigmoid', bends, lambda x: torch.where(x <= -1, zero, torch.where(x >= 1, one, (x + 1) / 2)))


def sparsemax(x):
    """Of rows, with the support found by trying all sizes."""
    def threshold(z):
        levels = [(sum(z[:k]) - 1) / k for k in range(1, len(z) + 1)]
        return max(levels)
    # -inf is never in the support.
    taus = [threshold(sorted((v for v in line if v > -inf), reverse=True)) for line in x.tolist()]
    support = x > torch.tensor(taus)[:, None]
    scores = torch.where(support, x, zero)
    return torch.where(support, scores - (scores.sum(1, keepdim=True) - 1) / support.sum(1, keepdim=True), zero)


scores = [[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, -1.0, 0.5], [3.0, 2.0, 2.0, 1.0], [1e4, -1e4, 1e4, 0.0], [-inf, 0.25, -inf, 0.25]]
row('sparsemax', [scores], sparsemax, [[1.0, 2.0, 3.0, 5.0]] * 5)
row('glu', [[1.0, 2.0, 3.0, 1e4, -1e4, 0.0]], F.glu)

# --- reductions ---
ties = [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [-inf, -inf, -inf], [inf, 1.0, inf], [3.0, 2.0, 1.0]]
row('max', [ties], lambda x: x.amax(1))
row('min', [ties], lambda x: x.amin(1))
zeros = [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]
row('prod', [zeros], lambda x: x.prod(1))
row('cumProd', [zeros], lambda x: x.cumprod(1), [[1.0, 2.0, 3.0]] * 4)
vectors = [[0.0, 0.0, 0.0], [0.0, 2.0, -3.0], [2.0, -2.0, 1.0]]
for p in [1, 2, 3, 1.5, 0.5, -1, -2, inf, -inf]:
    row(f'norm {p}', [vectors], lambda x: torch.linalg.vector_norm(x, p, 1))
equal = [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]
row('std', [equal], lambda x: x.std(1, unbiased=False))
row('std correction', [equal], lambda x: x.std(1, unbiased=True))
row('variance', [equal], lambda x: x.var(1, unbiased=False))
rows_of_scores = [[-inf, 1.0, 2.0], [-inf, -inf, 2.0], [1e4, -1e4, 0.0], [4.0, 4.0, 4.0]]
uneven = [[1.0, 2.0, 3.0]] * 4
row('softmax', [rows_of_scores], lambda x: x.softmax(1), uneven)
row('softmax nothing', [[[-inf, -inf]]], lambda x: x.softmax(1))
row('logSoftmax', [rows_of_scores], lambda x: x.log_softmax(1), uneven)
row('logSumExp', [rows_of_scores], lambda x: x.logsumexp(1), [1.0, 2.0, 3.0, 4.0])
row('logSumExp nothing', [[[-inf, -inf], [0.0, 0.0]]], lambda x: x.logsumexp(1))
row('cumMax', [ties[:2] + ties[3:]], lambda x: x.cummax(1).values, [[1.0, 2.0, 3.0]] * 4)
row('cumMin', [ties[:2] + ties[3:]], lambda x: x.cummin(1).values, [[1.0, 2.0, 3.0]] * 4)
row('logCumSumExp', [[[0.0, -inf, 1.0], [5.0, -5.0, 0.0]]], lambda x: x.logcumsumexp(1), [[1.0, 2.0, 3.0]] * 2)
row('quantile', [[[1.0, 3.0, 1.0, 2.0], [5.0, 6.0, 7.0, 8.0]]], lambda x: x.quantile(0.4, dim=1))
row('determinant', [[[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]]], lambda x: x[:, 0, 0] * x[:, 1, 1] - x[:, 0, 1] * x[:, 1, 0])
scattered = [[0.0, 2.0, 5.0, 0.0], [0.0, 3.0, 2.0, 2.0, 0.0]]
at = torch.tensor([0, 0, 1, 1, 3])
for name, mode in {'multiply': 'prod', 'min': 'amin', 'max': 'amax'}.items():
    row(f'scatterAlongAxis {name}', scattered, lambda x, u: x.scatter_reduce(0, at, u, mode), [1.0, 2.0, 3.0, 4.0])
row('sort', [ties[:2]], lambda x: x.sort(dim=1, stable=True).values, [[1.0, 2.0, 3.0]] * 2)

# --- masked: the argument of what is not chosen has an infinite slope ---
masked = {
    'sqrt': torch.sqrt, 'rsqrt': torch.rsqrt, 'log': torch.log, 'log2': torch.log2, 'reciprocal': torch.reciprocal,
    'pow': lambda x: x**-0.3, 'norm': lambda x: torch.linalg.vector_norm(x[:, None], 2, 1),
}
for name, call in masked.items():
    unary(f'where {name}', [0.0, 4.0], lambda x: torch.where(x > 0, call(torch.where(x > 0, x, torch.ones(2))), torch.zeros(2)))
unary('where exp', [1000.0, 1.0], lambda x: torch.where(x < 9, torch.exp(torch.where(x < 9, x, torch.ones(2))), torch.zeros(2)))
row('where div', [[1.0, 1.0], [0.0, 2.0]], lambda a, b: torch.where(b > 0, a / torch.where(b > 0, b, torch.ones(2)), torch.zeros(2)))
unary('where acos', [1.0, 0.5], lambda x: torch.where(x < 1, torch.acos(torch.where(x < 1, x, torch.zeros(2))), torch.zeros(2)))
row('triL', [[[1.0, inf], [3.0, 4.0]]], torch.tril)

# --- normalizations of constant rows, attention to nothing ---
flat = [[2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 5.0]]
uneven = [[1.0, 2.0, 3.0, 5.0]] * 3
row('layerNorm', [flat], lambda x: F.layer_norm(x, (4,), eps=1e-3), uneven)
row('rmsNorm', [flat], lambda x: x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6), uneven)
row('groupNorm', [flat], lambda x: F.group_norm(x, 2, eps=1e-3), uneven)
row('instanceNorm', [[flat]], lambda x: F.instance_norm(x.movedim(-1, 1), eps=1e-3).movedim(1, -1), [uneven])
row(
    'batchNorm',
    [flat, [2.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 4.0]],
    lambda x, m, v: (x - m) * torch.rsqrt(v + 1e-3),
    uneven,
)


def attend(q, k, v):
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    allowed = torch.tensor([[True, False], [False, False]])
    # A row that may attend to nothing is 0, as in later versions of PyTorch.
    weights = torch.where(allowed.any(-1, keepdim=True), scores.masked_fill(~allowed, -1e30), torch.zeros(2, 2)).softmax(-1)
    return torch.where(allowed.any(-1, keepdim=True), weights, torch.zeros(2, 2)) @ v


row('scaledDotProductAttention', [[[[[1.0, 2.0], [3.0, 4.0]]]]] * 3, attend, [[[[1.0, 2.0], [3.0, 4.0]]]])

# --- windows: the first of equal largest elements has the gradient ---
plane = [[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [2.0, 3.0, -inf, -inf], [3.0, 1.0, -inf, -inf]]
row('maxPool2d', [[[[[v] for v in line] for line in plane]]], lambda x: F.max_pool2d(x.movedim(-1, 1), 2).movedim(1, -1))
row('maxPool1d', [[[[v] for v in plane[0]]]], lambda x: F.max_pool1d(x.movedim(-1, 1), 2).movedim(1, -1))
row('maxPool3d', [[[[[[v] for v in line] for line in plane[:2]]]]], lambda x: F.max_pool3d(x.movedim(-1, 1), (1, 2, 2)).movedim(1, -1))

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'kinks.json'
lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in rows.items())
path.write_text('{\n"rows": {\n' + lines + '\n}\n}\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
