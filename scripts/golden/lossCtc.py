"""Writes test/golden/lossCtc.json: the CTC loss of PyTorch and its gradients in the logits, in f64.

Run with Debian's python3-torch (1.13): /usr/bin/python3 scripts/golden/lossCtc.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

from lossRows import draws, pack

randn, rand = draws(53)
rows = []


def row(note, options, targets, logits, lengths=None, weight=None, blank=0):
    """Rows of targets end at the first blank or negative number. lengths are the steps of each sequence."""
    n, time, _ = logits.shape
    counts = ((targets != blank) & (targets >= 0)).sum(-1)
    steps = torch.tensor(lengths) if lengths else torch.full((n,), time)
    x = logits.clone().requires_grad_(True)
    log_p = F.log_softmax(x, -1).transpose(0, 1)
    clean = targets.clamp(min=0)
    values = F.ctc_loss(log_p, clean, steps, counts, blank=blank, reduction='none', zero_infinity=options.get('zeroInfinity', False))
    # PyTorch's gradient of an infinite loss is NaN.
    finite = torch.where(values.isinf(), torch.zeros_like(values), values)
    (gradient,) = torch.autograd.grad((finite * (1 if weight is None else weight)).sum() / n, x)
    impossible = values.isinf()
    gradient[impossible] = 0
    rows.append(
        {
            'note': note,
            'options': options,
            'targets': pack(targets),
            'logits': pack(logits),
            'mask': None if lengths is None else [[t < length for t in range(time)] for length in lengths],
            'weight': None if weight is None else weight.tolist(),
            'values': pack(values)['data'],
            'gradient': pack(gradient)['data'],
        }
    )


labels = torch.tensor([[1, 2, 2], [3, 0, 0], [1, 3, 0], [0, 0, 0]])
row('labels of different lengths', {}, labels, randn(4, 6, 4) * 2)
row('sequences of different lengths', {}, labels, randn(4, 6, 4) * 2, [6, 2, 4, 3])
row('weighted', {}, labels, randn(4, 5, 4), weight=rand(4))
row('another blank', {'blank': 3}, torch.tensor([[0, 1], [2, 3], [3, 3]]), randn(3, 4, 4), blank=3)
row('negative numbers fill up', {}, torch.tensor([[1, -1], [2, 2], [-1, -1]]), randn(3, 4, 3))
row('labels that do not fit', {}, torch.tensor([[1, 1], [1, 2]]), randn(2, 2, 3))
row('labels that do not fit, zero', {'zeroInfinity': True}, torch.tensor([[1, 1], [1, 2]]), randn(2, 2, 3))
row('far logits', {}, torch.tensor([[1, 2]]), torch.tensor([[[0.0, 1e4, 0], [1e4, 0, 0], [0, 0, 1e4]]]))
row('wrong logits', {}, torch.tensor([[1]]), torch.tensor([[[1e3, 0.0], [1e3, 0]]]))
row('one step', {}, torch.tensor([[2]]), randn(1, 1, 3))

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'lossCtc.json'
path.write_text('[\n' + ',\n'.join(json.dumps(r, separators=(',', ':')) for r in rows) + '\n]\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
