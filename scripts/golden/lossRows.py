"""What the scripts that write golden cases of losses share. A case is a plain record for test/unit/losses.test.ts; a limit is one for
test/tables/lossLimits.ts."""
import json
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)
inf = math.inf


def word(x):
    return x if math.isfinite(x) else 'nan' if math.isnan(x) else 'inf' if x > 0 else '-inf'


def pack(t):
    return {'shape': list(t.shape), 'dtype': 'i32' if t.dtype == torch.int64 else 'f32', 'data': [word(x) for x in t.detach().flatten().tolist()]}


def draws(seed):
    """Functions randn(*shape) and rand(*shape) of one stream; rand is within 0.05 and 0.95."""
    stream = torch.Generator().manual_seed(seed)
    return (
        lambda *shape: torch.randn(*shape, generator=stream),
        lambda *shape: torch.rand(*shape, generator=stream) * 0.9 + 0.05,
    )


class LossRows:
    def __init__(self):
        self.cases, self.limits = [], []

    def case(self, name, options, targets, predictions, values, weight=None, note=''):
        """values(predictions) -> one loss per sample. Records them, their (weighted) mean and its gradient."""
        p = predictions.clone().requires_grad_(True)
        per_sample = values(p)
        loss = (per_sample if weight is None else per_sample * weight).sum() / per_sample.numel()
        (gradient,) = torch.autograd.grad(loss, p)
        self.cases.append(
            {
                'name': name,
                'note': note,
                'options': options,
                'targets': pack(targets),
                'predictions': pack(predictions),
                **({} if weight is None else {'weight': pack(weight)}),
                'values': per_sample.detach().flatten().tolist(),
                'loss': loss.item(),
                'gradient': gradient.flatten().tolist(),
            }
        )

    def limit(self, loss, note, options, targets, predictions, call):
        """call(predictions, targets) is the mean loss."""
        t = torch.tensor(targets)
        p = torch.tensor(predictions, dtype=torch.float64).requires_grad_(True)
        value = call(p, t)
        (gradient,) = torch.autograd.grad(value, p)
        self.limits.append(
            {
                'loss': loss,
                'note': note,
                'options': options,
                'targets': pack(t),
                'predictions': pack(p),
                'value': word(value.item()),
                'gradient': [word(x) for x in gradient.flatten().tolist()],
            }
        )

    def write(self, file):
        path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / file
        rows = {'cases': self.cases, 'limits': self.limits}
        text = ',\n'.join(f'"{key}": [\n' + ',\n'.join(json.dumps(r, separators=(',', ':')) for r in rows[key]) + '\n]' for key in rows)
        path.write_text('{\n' + text + '\n}\n')
        print(f'{len(self.cases)} cases, {len(self.limits)} limits, {path.stat().st_size} bytes')
