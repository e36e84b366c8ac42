"""What the scripts that write golden rows share: inputs that the tests make too, and the file. See ops.py."""
import json
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)
GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927


def make(k, shape, low, high, whole):
    """Input k: value i is low + (high - low) * frac((i + 1) * golden + k * plastic)."""
    values = [low + (high - low) * math.fmod((i + 1) * GOLDEN + k * PLASTIC, 1.0) for i in range(math.prod(shape))]
    if whole:
        return torch.tensor([math.floor(v) for v in values], dtype=torch.int64).reshape(shape)
    return torch.tensor(values).reshape(shape)


def f(*shape, low=-2.0, high=2.0):
    return (shape, low, high, False)


def w(*shape, low=-5, high=6):
    return (shape, low, high, True)


def number(v):
    return v if math.isfinite(v) else 'NaN' if math.isnan(v) else 'Infinity' if v > 0 else '-Infinity'


def numbers(y):
    return [number(v) for v in torch.as_tensor(y).to(torch.float64).flatten().tolist()]


class Rows:
    """Rows by name, for one file of test/golden."""

    def __init__(self):
        self.rows = {}

    def __call__(self, name, inputs, fn):
        assert name not in self.rows, name
        y = fn(*[make(k, *spec) for k, spec in enumerate(inputs)])
        self.rows[name] = {
            'inputs': [{'shape': s, 'low': l, 'high': h, 'whole': b} for s, l, h, b in inputs],
            'shape': list(y.shape),
            'value': numbers(y),
        }

    def write(self, file, **more):
        path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / file
        lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in self.rows.items())
        rest = ''.join(f',\n{json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in more.items())
        path.write_text('{\n"rows": {\n' + lines + '\n}' + rest + '\n}\n')
        print(f'{len(self.rows)} rows, {path.stat().st_size} bytes')
