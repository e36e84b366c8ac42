"""Writes test/golden/ops.json: results of PyTorch in f64 for the rows of test/tables. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/ops.py

Inputs are not stored: value i of input k is low + (high - low) * frac((i + 1) * golden + k * plastic), in both languages the same.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927


def make(k, shape, low, high, whole):
    n = math.prod(shape)
    values = [low + (high - low) * math.fmod((i + 1) * GOLDEN + k * PLASTIC, 1.0) for i in range(n)]
    if whole:
        return torch.tensor([math.floor(v) for v in values], dtype=torch.int64).reshape(shape)
    return torch.tensor(values).reshape(shape)


def f(*shape, low=-2.0, high=2.0):
    return (shape, low, high, False)


def w(*shape, low=-5, high=6):
    return (shape, low, high, True)


S = f(3, 5)
POSITIVE = f(3, 5, low=0.1, high=3.0)
UNIT = f(3, 5, low=-0.95, high=0.95)
SPECIAL = [float('nan'), float('inf'), float('-inf'), 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 90.0, -90.0, 1e-20, 1e30, -1e30]

rows = {}


def row(name, inputs, fn):
    assert name not in rows, name
    made = [make(k, *spec) for k, spec in enumerate(inputs)]
    y = fn(*made)
    rows[name] = {
        'inputs': [{'shape': s, 'low': l, 'high': h, 'whole': b} for s, l, h, b in inputs],
        'shape': list(y.shape),
        'value': [number(v) for v in y.to(torch.float64).flatten().tolist()],
    }


def number(v):
    return v if math.isfinite(v) else 'NaN' if math.isnan(v) else 'Infinity' if v > 0 else '-Infinity'


# --- arithmetic ---
row('add', [S, S], lambda a, b: a + b)
row('add broadcast', [f(3, 1), f(4)], lambda a, b: a + b)
row('add i32', [w(7), w(7)], lambda a, b: a + b)
row('sub', [S, S], lambda a, b: a - b)
row('mul', [S, S], lambda a, b: a * b)
row('div', [S, POSITIVE], lambda a, b: a / b)
row('div i32', [w(7), w(7, low=1)], lambda a, b: a / b)
row('mod', [S, POSITIVE], torch.remainder)
row('mod negative', [S, f(3, 5, low=-3, high=-0.1)], torch.remainder)
row('mod i32', [w(11), w(11, low=1, high=4)], torch.remainder)
row('floorDiv', [S, POSITIVE], lambda a, b: torch.div(a, b, rounding_mode='floor'))
row('floorDiv i32', [w(11), w(11, low=-4, high=-1)], lambda a, b: torch.div(a, b, rounding_mode='floor'))
row('pow', [POSITIVE, S], torch.pow)
row('pow number', [S], lambda x: x**3)
row('pow square', [S], lambda x: x**2)
row('pow root', [POSITIVE], lambda x: x**0.5)
row('pow fraction', [POSITIVE], lambda x: x**1.7)
row('pow negative exponent', [POSITIVE], lambda x: x**-3)
row('pow negative base', [f(3, 5, low=-3, high=-0.1), w(3, 5)], lambda a, b: a**b)
row('pow i32', [w(7), w(7, low=0, high=6)], lambda a, b: a**b)
row('maximum', [S, S], torch.maximum)
row('minimum', [S, S], torch.minimum)
row('neg', [S], torch.neg)
row('abs', [S], torch.abs)
row('sign', [S], torch.sign)
row('reciprocal', [POSITIVE], torch.reciprocal)
row('square', [S], torch.square)
for name in ['floor', 'ceil', 'round', 'trunc']:
    row(name, [S], getattr(torch, name))

# --- transcendental ---
for name in ['sqrt', 'rsqrt', 'log', 'log2']:
    row(name, [POSITIVE], getattr(torch, name))
for name in ['exp', 'expm1', 'exp2', 'sin', 'cos', 'tanh', 'sinh', 'cosh', 'asinh', 'atan', 'erf', 'erfc', 'sigmoid']:
    row(name, [S], getattr(torch, name))
row('log1p', [UNIT], torch.log1p)
row('expm1 small', [f(7, low=-1e-3, high=1e-3)], torch.expm1)
row('log1p small', [f(7, low=-1e-3, high=1e-3)], torch.log1p)
row('exp wide', [f(13, low=-80, high=80)], torch.exp)
row('log wide', [f(13, low=1e-3, high=1e6)], torch.log)
row('sin wide', [f(13, low=-1000, high=1000)], torch.sin)
row('cos wide', [f(13, low=-1000, high=1000)], torch.cos)
row('erf wide', [f(13, low=-5, high=5)], torch.erf)
row('erfc wide', [f(13, low=-5, high=5)], torch.erfc)
for name in ['tan', 'asin', 'acos', 'atanh']:
    row(name, [UNIT], getattr(torch, name))
row('acosh', [f(3, 5, low=1.1, high=4)], torch.acosh)
row('atan2', [S, S], torch.atan2)

# --- comparison, choice ---
comparisons = {'equal': 'eq', 'notEqual': 'ne', 'greater': 'gt', 'greaterEqual': 'ge', 'less': 'lt', 'lessEqual': 'le'}
for name, torch_name in comparisons.items():
    row(name, [w(11, low=-1, high=2), w(11, low=-1, high=2)], getattr(torch, torch_name))
for name in ['And', 'Or', 'Xor']:
    row('logical' + name, [w(11, low=0, high=2), w(11, low=0, high=2)], getattr(torch, 'logical_' + name.lower()))
row('logicalNot', [w(11, low=0, high=2)], torch.logical_not)
row('isNaN', [S], torch.isnan)
row('isFinite', [S], torch.isfinite)
row('isInf', [S], torch.isinf)
row('where', [w(3, 5, low=0, high=2), S, S], lambda c, a, b: torch.where(c != 0, a, b))
row('clip', [S], lambda x: torch.clamp(x, -1, 0.7))
row('clip tensors', [S, f(5, low=-1, high=0), f(5, low=0.1, high=1)], torch.clamp)
row('cast', [f(7, low=-4, high=4)], lambda x: x.to(torch.int32))
row('stopGradient', [S], lambda x: x)

# --- activations ---
row('relu', [S], F.relu)
row('relu6', [f(3, 5, low=-3, high=9)], F.relu6)
row('leakyRelu', [S], lambda x: F.leaky_relu(x, 0.2))
row('prelu', [S, f(5, low=0.1, high=0.5)], lambda x, a: torch.where(x > 0, x, a * x))
row('elu', [S], F.elu)
row('selu', [S], F.selu)
row('celu', [S], lambda x: F.celu(x, 1.5))
row('gelu', [f(3, 5, low=-5, high=5)], lambda x: F.gelu(x, approximate='tanh'))
row('gelu exact', [f(3, 5, low=-5, high=5)], F.gelu)
row('silu', [S], F.silu)
row('mish', [S], F.mish)
row('softplus', [f(3, 5, low=-30, high=30)], lambda x: torch.log1p(torch.exp(-x.abs())) + x.clamp(min=0))
row('softsign', [S], F.softsign)
row('logSigmoid', [f(3, 5, low=-30, high=30)], F.logsigmoid)
row('hardSigmoid', [f(3, 5, low=-5, high=5)], F.hardsigmoid)
row('hardSwish', [f(3, 5, low=-5, high=5)], F.hardswish)
row('hardTanh', [S], F.hardtanh)
row('tanhShrink', [S], F.tanhshrink)
row('hardShrink', [S], F.hardshrink)
row('hardShrink threshold', [S], lambda x: F.hardshrink(x, 1.2))
row('softShrink', [S], F.softshrink)
row('softShrink threshold', [S], lambda x: F.softshrink(x, 1.25))
row('threshold', [S], lambda x: F.threshold(x, -0.6, 3.5))
row('threshold i32', [w(11)], lambda x: F.threshold(x, 1, -2))
for name, spec, b in [('squareplus', f(3, 5, low=-5, high=5), 4), ('squareplus b', f(3, 5, low=-5, high=5), 0.3), ('squareplus wide', f(13, low=-1e4, high=1e4), 4)]:
    row(name, [spec], lambda x: torch.where(x > 0, (x + (x * x + b).sqrt()) / 2, b / 2 / ((x * x + b).sqrt() - x)))
row('sparsePlus', [S], lambda x: torch.where(x <= -1, 0.0, torch.where(x < 1, (x + 1) ** 2 / 4, x)))
row('sparseSigmoid', [S], lambda x: torch.where(x <= -1, 0.0, torch.where(x >= 1, 1.0, (x + 1) / 2)))


def sparsemax(x, dim):
    """The threshold by halving, not by sorting."""
    low, high = x.amax(dim, keepdim=True) - 1, x.amax(dim, keepdim=True)
    for _ in range(200):
        middle = (low + high) / 2
        above = (x - middle).clamp(min=0).sum(dim, keepdim=True) > 1
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return (x - high).clamp(min=0)


row('sparsemax', [S], lambda x: sparsemax(x, -1))
row('sparsemax axis', [f(2, 7, 3, low=-1, high=1)], lambda x: sparsemax(x, 1))
row('sparsemax dense', [f(2, 9, low=0, high=0.1)], lambda x: sparsemax(x, -1))
row('linear', [S], lambda x: x)
row('softmax', [f(3, 5, low=-9, high=9)], lambda x: F.softmax(x, -1))
row('softmax axis', [f(3, 5, low=-9, high=9)], lambda x: F.softmax(x, 0))
row('logSoftmax', [f(3, 5, low=-9, high=9)], lambda x: F.log_softmax(x, -1))
row('glu', [f(3, 6)], lambda x: F.glu(x, -1))

# --- reductions ---
CUBE = f(2, 3, 5)
row('sum', [CUBE], torch.sum)
row('sum axis', [CUBE], lambda x: x.sum(1))
row('sum axes kept', [CUBE], lambda x: x.sum((0, 2), keepdim=True))
row('sum nothing', [f(0, 3)], lambda x: x.sum(0))
row('mean', [CUBE], torch.mean)
row('mean axis', [CUBE], lambda x: x.mean(-1))
row('prod', [f(7, low=0.5, high=1.5)], torch.prod)
row('prod axis', [CUBE], lambda x: x.prod(2))
row('max', [CUBE], torch.max)
row('max axis', [CUBE], lambda x: x.amax(1))
row('min', [CUBE], torch.min)
row('min axes', [CUBE], lambda x: x.amin((0, 2)))
row('any', [w(3, 5, low=0, high=2)], lambda x: (x != 0).any(1))
row('all', [w(3, 2, low=0, high=2)], lambda x: (x != 0).all(1))
row('argMax', [CUBE], lambda x: x.argmax())
row('argMax axis', [CUBE], lambda x: x.argmax(1))
row('argMin', [CUBE], lambda x: x.argmin(2, keepdim=True))
row('variance', [CUBE], lambda x: x.var((0, 1), unbiased=False))
row('variance sample', [CUBE], lambda x: x.var(2, unbiased=True))
row('std', [CUBE], lambda x: x.std(1, unbiased=False))
row('norm', [CUBE], lambda x: x.norm())
row('norm one', [CUBE], lambda x: torch.linalg.vector_norm(x, 1, 1))
row('norm three', [CUBE], lambda x: torch.linalg.vector_norm(x, 3, 2))
row('norm largest', [CUBE], lambda x: torch.linalg.vector_norm(x, float('inf'), 2))
row('logSumExp', [f(3, 5, low=-9, high=9)], lambda x: x.logsumexp(1))
row('logSumExp all', [f(3, 5, low=-900, high=900)], lambda x: x.logsumexp((0, 1)))

# --- shape ---
row('reshape', [CUBE], lambda x: x.reshape(5, 6))
row('reshape of transpose', [CUBE], lambda x: x.transpose(0, 2).reshape(15, 2))
row('flatten', [CUBE], torch.flatten)
row('transpose', [CUBE], lambda x: x.permute(2, 1, 0))
row('transpose permutation', [CUBE], lambda x: x.permute(1, 2, 0))
row('expandDims', [S], lambda x: x.unsqueeze(-1))
row('squeeze', [f(1, 3, 1)], torch.squeeze)
row('broadcastTo', [f(3, 1)], lambda x: x.expand(2, 3, 5))
row('diagonal', [CUBE], lambda x: x.diagonal(dim1=-2, dim2=-1))
row('diagonal tall', [f(5, 3)], torch.diagonal)
row('slice', [f(5, 7)], lambda x: x[1:4, 2:])
row('slice strided', [f(5, 7)], lambda x: x[::2, 1:6:3])
row('slice backwards', [f(5, 7)], lambda x: x.flip(0)[::2][:, 1:])
row('slice empty', [f(5, 7)], lambda x: x[2:2])
row('flip', [CUBE], lambda x: x.flip(0, 1, 2))
row('flip axis', [CUBE], lambda x: x.flip(1))
row('concat', [f(2, 3), f(4, 3), f(1, 3)], lambda *x: torch.cat(x, 0))
row('concat inner', [CUBE, f(2, 1, 5), f(2, 2, 5)], lambda *x: torch.cat(x, 1))
row('concat empty', [f(2, 0), f(2, 3)], lambda *x: torch.cat(x, 1))
row('concat of many', [f(3, (i * 2) % 5, 2) for i in range(9)], lambda *x: torch.cat(x, 1))
row('stack', [f(2, 3), f(2, 3)], lambda *x: torch.stack(x, -1))
row('split', [f(6, 5)], lambda x: x.split(2, 0)[1])
row('split sizes', [f(3, 7)], lambda x: x.split([2, 4, 1], 1)[1])
row('unstack', [f(3, 4)], lambda x: x.unbind(1)[2])
row('pad', [S], lambda x: F.pad(x, (0, 3, 1, 2), value=1.5))
row('pad inner', [CUBE], lambda x: F.pad(x, (0, 0, 2, 1)))
row('pad bool', [w(3, 5, low=0, high=2)], lambda x: F.pad(x != 0, (0, 3, 1, 2), value=True))
row('concat bool', [w(3, low=0, high=2), w(2, low=0, high=2)], lambda a, b: torch.cat([a, b]))
row('pad reflect', [f(1, 4, 5)], lambda x: F.pad(x, (3, 2), mode='reflect'))
row('pad edge', [f(1, 4, 5)], lambda x: F.pad(x, (2, 1), mode='replicate'))
row('tile', [f(2, 3)], lambda x: x.repeat(2, 1, 2))
row('repeat', [f(2, 3)], lambda x: x.repeat_interleave(3, 1))
row('repeat all', [f(2, 3)], lambda x: x.repeat_interleave(2))
row('roll', [CUBE], lambda x: x.roll(2, 1))
row('roll all', [CUBE], lambda x: x.roll(-4))
row('roll axes', [CUBE], lambda x: x.roll((1, -2), (0, 2)))
row('triL', [f(4, 5)], torch.tril)
row('triU', [f(4, 5)], lambda x: torch.triu(x, 1))

# --- kernels ---
row('matmul', [f(3, 5), f(5, 4)], torch.matmul)
row('matmul batched', [f(2, 1, 3, 5), f(3, 5, 4)], torch.matmul)
row('matmul transposed', [f(5, 3), f(4, 5)], lambda a, b: a.T @ b.T)
row('matmul vector', [f(3, 5), f(5)], torch.matmul)
row('dot', [f(7), f(7)], torch.dot)
row('outer', [f(3), f(4)], torch.outer)


def conv(x, k, **options):
    return F.conv2d(x.permute(0, 3, 1, 2), k.permute(3, 2, 0, 1), **options).permute(0, 2, 3, 1)


row('conv2d', [f(2, 6, 5, 3), f(3, 2, 3, 4)], conv)
row('conv2d strided same', [f(1, 7, 5, 2), f(3, 3, 2, 3)], lambda x, k: conv(x, k, stride=2, padding=1))
row('conv2d dilated', [f(1, 7, 6, 2), f(2, 2, 2, 3)], lambda x, k: conv(x, k, dilation=2))
row('conv2d groups', [f(1, 5, 5, 4), f(3, 3, 2, 6)], lambda x, k: conv(x, k, groups=2))
row('maxPool2d', [f(2, 6, 4, 3)], lambda x: F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1))
row('maxPool2d overlapping', [f(1, 7, 5, 2)], lambda x: F.max_pool2d(x.permute(0, 3, 1, 2), 3, 2).permute(0, 2, 3, 1))
row('gather', [f(5, 3), w(4, low=0, high=5)], lambda x, i: x[i])
row('gather axis', [f(3, 5), w(2, 2, low=0, high=5)], lambda x, i: x[:, i])
row('embedding', [f(5, 3), w(2, 4, low=0, high=5)], lambda x, i: x[i])
row('scatterAdd', [f(5, 3), w(7, low=0, high=5), f(7, 3)], lambda x, i, u: x.index_add(0, i, u))

# --- values from nothing ---
row('linspace', [], lambda: torch.linspace(-1, 2, 7))
row('arange', [], lambda: torch.arange(7))
row('arange step', [], lambda: torch.arange(1, 2, 0.25))
row('arange down', [], lambda: torch.arange(5, -3, -2))
row('eye', [], lambda: torch.eye(3, 4))
row('oneHot', [w(2, 3, low=0, high=4)], lambda i: F.one_hot(i, 4))

# --- special values, in f32 as on the GPU ---
special = {'values': [number(v) for v in SPECIAL], 'of': {}}
SPECIAL_F32 = torch.tensor(SPECIAL, dtype=torch.float32).to(torch.float64)
names = ['abs', 'sign', 'reciprocal', 'square', 'floor', 'ceil', 'round', 'trunc', 'sqrt', 'rsqrt', 'exp', 'expm1', 'exp2', 'log', 'log1p', 'log2', 'sin', 'cos', 'tan']
names += ['asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'erf', 'erfc', 'sigmoid', 'relu', 'isnan', 'isinf', 'isfinite']
for name in names:
    x = SPECIAL_F32
    y = getattr(torch, name)(x)
    if name == 'sign':
        y = torch.where(x.isnan(), x, y)  # torch.sign(NaN) is 0, numpy.sign(NaN) is NaN
    special['of'][name] = [number(v) for v in y.to(torch.float32).to(torch.float64).tolist()]
pairs = {'maximum': torch.maximum, 'minimum': torch.minimum, 'pow': torch.pow, 'atan2': torch.atan2, 'div': torch.div}
for name, fn in pairs.items():
    y = fn(SPECIAL_F32.unsqueeze(1), SPECIAL_F32)
    special['of'][name] = [number(v) for v in y.to(torch.float32).to(torch.float64).flatten().tolist()]

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'ops.json'
lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in rows.items())
path.write_text('{\n"rows": {\n' + lines + '\n},\n"special": ' + json.dumps(special, separators=(',', ':')) + '\n}\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
