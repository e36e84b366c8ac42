"""Writes test/golden/extremes.json: norms, spreads and normalisations of very large and very small numbers, with first and second derivatives,
by PyTorch in f64 from inputs that f32 holds. Run once: python3 scripts/golden/extremes.py"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(8)
ROWS, LENGTH = 3, 12


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


plain = rounded(torch.randn(ROWS, LENGTH, dtype=torch.float64))
inputs = {
    'at 1': plain,
    'at 1e20': plain * 1e20,
    'at 3e25': plain * 3e25,
    'at 1e-20': plain * 1e-20,
    'at 1e-30': plain * 1e-30,
    # One row of each size, because the scale is computed for each row.
    'of all sizes': plain * torch.tensor([[1e25], [1.0], [1e-25]], dtype=torch.float64),
}
# Standard deviations of a few units in the last place, with a large mean.
near = {
    'near 1e7': 1e7 + torch.round(plain * 3),
    'near 1e20': 1e20 * (1 + torch.round(plain * 3) * 2.0**-20),
    'near 1e-20': 1e-20 * (1 + torch.round(plain * 3) * 2.0**-20),
}


def numbers(x, digits):
    # Nine digits distinguish all f32 numbers.
    return [float(f'{v:.{digits}g}') for v in x.detach().flatten().tolist()]


def group_norm(x, groups, eps):
    y = F.group_norm(x.reshape(ROWS, LENGTH // 4, 4).transpose(1, 2), groups, eps=eps)
    return y.transpose(1, 2).reshape(ROWS, LENGTH)


def unit(x):
    return x / torch.clamp(torch.linalg.vector_norm(x, dim=1, keepdim=True), min=1e-7)


def norm_of_order_20(x):
    # Powers of 1e20 are beyond f64.
    largest = x.detach().abs().amax(1, keepdim=True)
    return largest.squeeze(1) * torch.linalg.vector_norm(x / largest, 20, dim=1)


target = rounded(torch.randn(ROWS, LENGTH, dtype=torch.float64))
norms = {f'norm {p}': (lambda p: lambda x: torch.linalg.vector_norm(x, p, dim=1))(p) for p in [2, 3, 1.5, 0.5, -1, -3]}
norms['norm 20'] = norm_of_order_20
spreads = {
    'std': lambda x: torch.std(x, dim=1, unbiased=False),
    'std sample': lambda x: torch.std(x, dim=1),
    'layerNorm': lambda x: F.layer_norm(x, [LENGTH], eps=1e-5),
    'layerNorm without epsilon': lambda x: F.layer_norm(x, [LENGTH], eps=0),
    'groupNorm': lambda x: group_norm(x, 2, 1e-12),
    'instanceNorm': lambda x: group_norm(x, 4, 1e-12),
}
others = {
    'rmsNorm': lambda x: x / torch.sqrt((x * x).mean(1, keepdim=True) + 1e-6),
    'rmsNorm without epsilon': lambda x: x / torch.sqrt((x * x).mean(1, keepdim=True)),
    'cosineSimilarity': lambda x: -(unit(x) * unit(target)).sum(1),
}

cases = []


def add(function, fn, name, x, second):
    x = rounded(x).requires_grad_(True)
    y = fn(x)
    weights = rounded(torch.cos(torch.arange(y.numel(), dtype=torch.float64))).reshape(y.shape)
    (g,) = torch.autograd.grad((y * weights).sum(), x, create_graph=second)
    case = {
        'function': function,
        'name': f'{function}, {name}',
        'x': numbers(x, 9),
        'y': numbers(y, 10),
        'gradient': numbers(g, 10),
    }
    if second:
        directions = rounded(torch.sin(torch.arange(x.numel(), dtype=torch.float64))).reshape(x.shape)
        (h,) = torch.autograd.grad((g * directions).sum(), x)
        case['second'] = numbers(h, 10)
    cases.append(case)


for function, fn in {**norms, **spreads, **others}.items():
    for name, x in {**inputs, **(near if function in spreads else {})}.items():
        add(function, fn, name, x, False)
    # Second derivatives are proportional to 1 / x. At 1e20 f32 cannot represent them.
    for name, scale in [('at 1e15', 1e15), ('at 1e-15', 1e-15)]:
        if function not in ['norm 0.5', 'norm 20', 'cosineSimilarity']:
            add(function, fn, name, plain * scale, True)
constant = torch.tensor([[1e20], [3.0], [1e-20]], dtype=torch.float64).expand(ROWS, LENGTH)
for function in ['layerNorm', 'groupNorm', 'instanceNorm']:
    # Shifted to 0, which does not change the result. PyTorch's own mean has a rounding error, and 1e20 times that is much larger than
    # epsilon.
    add(function, (lambda fn: lambda x: fn(x - x.detach()))(spreads[function]), 'of equal values', constant, False)

path = pathlib.Path(__file__).parent.parent.parent / 'test/golden/extremes.json'
document = {'rows': ROWS, 'length': LENGTH, 'target': numbers(target, 9), 'cases': cases}
path.write_text(json.dumps(document, separators=(',', ':')).replace('NaN', 'null') + '\n')
print(len(cases), 'cases', path.stat().st_size, 'bytes')
