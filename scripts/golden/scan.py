"""Writes test/golden/scan.json: results of PyTorch in f64 for the rows of test/tables/scan.ts. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/scan.py

Inputs are made as in ops.py.
"""
import json
import math
import pathlib

import torch

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


def row(name, inputs, fn):
    assert name not in rows, name
    y = fn(*[make(k, *spec) for k, spec in enumerate(inputs)])
    rows[name] = {
        'inputs': [{'shape': s, 'low': l, 'high': h, 'whole': b} for s, l, h, b in inputs],
        'shape': list(y.shape),
        'value': y.to(torch.float64).flatten().tolist(),
    }


def exclusive(y, axis, first):
    return torch.cat([torch.full_like(y.narrow(axis, 0, 1), first), y.narrow(axis, 0, y.shape[axis] - 1)], axis)


def backwards(fn, axis):
    return lambda x: fn(x.flip(axis)).flip(axis)



CUBE = f(2, 3, 5)
row('cumSum', [CUBE], lambda x: x.flatten().cumsum(0))
row('cumSum axis', [CUBE], lambda x: x.cumsum(1))
row('cumSum exclusive', [CUBE], lambda x: exclusive(x.cumsum(2), 2, 0))
row('cumSum reverse', [CUBE], backwards(lambda x: x.cumsum(0), 0))
row('cumSum exclusive reverse', [CUBE], backwards(lambda x: exclusive(x.cumsum(2), 2, 0), 2))
row('cumSum i32', [w(3, 5)], lambda x: x.cumsum(1))
row('cumSum nothing', [f(0, 3)], lambda x: x.cumsum(0))
row('cumProd', [f(7, low=0.5, high=1.5)], lambda x: x.cumprod(0))
row('cumProd axis', [CUBE], lambda x: x.cumprod(1))
row('cumProd exclusive', [CUBE], lambda x: exclusive(x.cumprod(2), 2, 1))
row('cumProd reverse', [CUBE], backwards(lambda x: x.cumprod(1), 1))
row('cumProd exclusive reverse', [CUBE], backwards(lambda x: exclusive(x.cumprod(2), 2, 1), 2))
row('cumProd i32', [w(3, 5)], lambda x: x.cumprod(1))
row('sort', [CUBE], lambda x: x.sort(-1).values)
row('sort descending axis', [CUBE], lambda x: x.sort(1, descending=True).values)
row('sort i32', [w(37)], lambda x: x.sort().values)
row('sort long', [f(131, 2)], lambda x: x.sort(0).values)
row('argSort', [CUBE], lambda x: x.argsort(-1))
row('argSort equals', [w(61, 2)], lambda x: x.sort(dim=0, stable=True).indices)
row('argSort equals descending', [w(2, 61)], lambda x: x.sort(dim=-1, stable=True, descending=True).indices)
row('topK', [f(3, 7)], lambda x: x.topk(3).values)
row('topK indices', [f(3, 7)], lambda x: x.topk(3).indices)
row('topK axis', [CUBE], lambda x: x.topk(2, 1).values)
row('takeAlongAxis', [f(3, 5), w(3, 7, low=0, high=5)], lambda x, i: x.take_along_dim(i, -1))
row('takeAlongAxis inner', [CUBE, w(2, 4, 5, low=0, high=3)], lambda x, i: x.take_along_dim(i, 1))
row('takeAlongAxis broadcast', [f(2, 1, 5), w(1, 3, 4, low=0, high=5)], lambda x, i: x.take_along_dim(i, 2))
row('gather many', [f(13, 2), w(700, low=0, high=13)], lambda x, i: x[i])

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'scan.json'
lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in rows.items())
path.write_text('{\n"rows": {\n' + lines + '\n}\n}\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
