"""Writes test/golden/limits.json: PyTorch's results for NaN, infinities, signed zeros, huge and subnormal numbers, for large angles, powers with huge
exponents and remainders of large quotients. In f64 of f32 arguments, rounded to f32 at the end. Run with a Python that has PyTorch:

    python3 scripts/golden/limits.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent.parent.parent
VALUES = [float('nan'), math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 6.5, -4.0, 90.0, -90.0]
VALUES += [1e-20, 1e30, -1e30, 3e38, -3e38, 1.2e-38, 1e-40, -1e-40]


def f32(values):
    return torch.tensor(values, dtype=torch.float32).double()


def number(v):
    return v if math.isfinite(v) else 'NaN' if math.isnan(v) else 'Infinity' if v > 0 else '-Infinity'


def listed(t):
    return [number(v) for v in t.to(torch.float32).double().flatten().tolist()]


T = torch


def elu(x, alpha=1.0):
    """F.elu's formula with expm1: PyTorch's own loses x below 1e-16."""
    return T.where(x > 0, x, alpha * T.expm1(x))


UNARY = {
    'neg': T.neg, 'abs': T.abs, 'sign': lambda x: T.where(x.isnan(), x, T.sign(x)), 'reciprocal': T.reciprocal, 'square': T.square,
    'floor': T.floor, 'ceil': T.ceil, 'round': T.round, 'trunc': T.trunc, 'sqrt': T.sqrt, 'rsqrt': T.rsqrt, 'exp': T.exp, 'expm1': T.expm1,
    'exp2': T.exp2, 'log': T.log, 'log1p': T.log1p, 'log2': T.log2, 'sin': T.sin, 'cos': T.cos, 'tan': T.tan, 'asin': T.asin, 'acos': T.acos,
    'atan': T.atan, 'sinh': T.sinh, 'cosh': T.cosh, 'tanh': T.tanh, 'asinh': T.asinh, 'acosh': T.acosh, 'atanh': T.atanh, 'erf': T.erf,
    'erfc': T.erfc, 'sigmoid': T.sigmoid, 'softplus': lambda x: F.softplus(x, threshold=1e9), 'logSigmoid': F.logsigmoid, 'relu': F.relu,
    'relu6': F.relu6, 'leakyRelu': lambda x: F.leaky_relu(x, 0.2), 'elu': elu, 'selu': lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), 'celu': lambda x: T.where(x > 0, x, 1.5 * T.expm1(x / 1.5)),
    'softsign': F.softsign, 'hardSigmoid': F.hardsigmoid, 'hardTanh': F.hardtanh, 'isNaN': T.isnan, 'isInf': T.isinf, 'isFinite': T.isfinite,
    'clip': lambda x: T.clamp(x, -1, 2), 'pow 3': lambda x: x**3, 'pow -3': lambda x: x**-3, 'pow 0.5': lambda x: x**0.5,
    'pow 1.7': lambda x: x**1.7, 'cast to bool': lambda x: x != 0,
    'gelu': lambda x: F.gelu(x, approximate='tanh'), 'gelu exact': F.gelu, 'silu': F.silu, 'mish': F.mish, 'hardSwish': F.hardswish,
    'tanhShrink': F.tanhshrink,
    # NaN stays NaN, as in later versions of PyTorch.
    'hardShrink': F.hardshrink, 'softShrink': lambda x: T.where(x.isnan(), x, F.softshrink(x)), 'threshold': lambda x: F.threshold(x, 1.5, -3),
    'squareplus': lambda x: T.where(x < 0, 2 / ((x * x + 4).sqrt() - x), (x + (x * x + 4).sqrt()) / 2),
    'sparsePlus': lambda x: T.where(x <= -1, 0.0, T.where(x < 1, (x + 1) ** 2 / 4, x)),
    'sparseSigmoid': lambda x: T.where(x <= -1, 0.0, T.where(x >= 1, 1.0, (x + 1) / 2)),
}  # fmt: skip
BINARY = {
    'add': T.add, 'sub': T.sub, 'mul': T.mul, 'div': T.div, 'mod': T.remainder, 'floorDiv': T.floor_divide, 'maximum': T.maximum,
    'minimum': T.minimum, 'pow': T.pow, 'atan2': T.atan2, 'equal': T.eq, 'notEqual': T.ne, 'greater': T.gt, 'greaterEqual': T.ge, 'less': T.lt,
    'lessEqual': T.le, 'not less': lambda a, b: ~(a < b), 'where greater': lambda a, b: T.where(a > b, a, b),
    'where not less': lambda a, b: T.where(~(a < b), a, b), 'prelu': lambda x, a: T.where(x > 0, x, a * x),
}  # fmt: skip

x = f32(VALUES)
a, b = [t.flatten() for t in T.meshgrid(x, x, indexing='ij')]


def spread(n, low, high, seed):
    """n numbers of either sign, their binary exponents evenly between low and high."""
    made = torch.Generator().manual_seed(seed)
    sign = T.where(T.rand(n, generator=made) < 0.5, -1.0, 1.0)
    return f32((sign * 2 ** (low + (high - low) * T.rand(n, generator=made, dtype=T.float64))).tolist())


angles = T.cat([spread(150, -12, 11, 1), spread(250, 10, 128, 2), f32([1e3, 1e5, 16777216, 2**31, 1e10, 1e22, 3e38, -3e38, 2047.9, 2048, 355, 710])])
whole = [16777215, 16777216, 16777217, 2**24 + 2, 1e9, 1e30, math.inf, 8388607, 8388609]
bases = [-1, 1, -2, 2, -0.5, 0.5, 0.99999994, -0.99999994, 1.0000001, -1.0000001, 0.0, -0.0, math.inf, -math.inf, 10, 1e-30]
exponents = whole + [-v for v in whole] + [127, 128, 129, -126, -127, 38, 39, 0.5, 1e-30, 16777215.5]
base, exponent = [t.flatten() for t in T.meshgrid(f32(bases), f32(exponents), indexing='ij')]
near = 1 + spread(60, -20, -1, 3).clamp(-0.5, 0.5)
base = T.cat([base, f32(near.tolist())])
exponent = T.cat([exponent, f32((spread(60, 3, 6.4, 4) / near.float().double().log2()).tolist())])
dividend = T.cat([spread(200, -3, 3, 5), spread(200, -60, 60, 6), spread(100, 20, 40, 7)])
divisor = T.cat([spread(200, -3, 3, 8), spread(200, -60, 60, 9), spread(100, -10, 5, 10)])

pairs = {
    'pow': (base, exponent, T.pow),
    'mod': (dividend, divisor, T.remainder),
    'floorDiv': (dividend, divisor, T.floor_divide),
}
result = {
    'values': [number(v) for v in VALUES],
    'unary': {name: listed(fn(x)) for name, fn in UNARY.items()},
    'binary': {name: listed(fn(a, b)) for name, fn in BINARY.items()},
    'angles': {'x': listed(angles), **{name: listed(getattr(T, name)(angles)) for name in ('sin', 'cos', 'tan')}},
    'pairs': {name: {'a': listed(p), 'b': listed(q), 'value': listed(fn(p, q))} for name, (p, q, fn) in pairs.items()},
}
(HERE / 'test/golden/limits.json').write_text(json.dumps(result) + '\n')
