"""Writes test/golden/indexing.json: results of PyTorch in f64 for the rows of test/tables/indexing.ts. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/indexing.py
"""
import torch

from goldenRows import Rows, f, w

row = Rows()


def replaced(x, axis, i, u):
    """In the order of the updates: of several for one element the last stays."""
    y = x.clone()
    for k in range(i.shape[axis]):
        y.scatter_(axis, i.narrow(axis, k, 1), u.narrow(axis, k, 1))
    return y


def reduced(mode, axis=-1):
    return lambda x, i, u: x.scatter_reduce(axis, i, u, mode, include_self=True)


X, I, U = f(3, 5), w(3, 7, low=0, high=5), f(3, 7)
row('scatterAlongAxis', [X, I, U], lambda x, i, u: replaced(x, 1, i, u))
row('scatterAlongAxis first', [f(4, 2, 3), w(6, 2, 3, low=0, high=4), f(6, 2, 3)], lambda x, i, u: replaced(x, 0, i, u))
row('scatterAlongAxis broadcast', [f(2, 3, 4), w(1, 3, 2, low=0, high=4), f(2, 1, 2)], lambda x, i, u: replaced(x, 2, i.expand(2, 3, 2), u.expand(2, 3, 2)))
row('scatterAlongAxis add', [X, I, U], reduced('sum'))
row('scatterAlongAxis multiply', [X, I, f(3, 7, low=0.5, high=1.5)], reduced('prod'))
row('scatterAlongAxis min', [X, I, U], reduced('amin'))
row('scatterAlongAxis max', [X, I, U], reduced('amax'))
row('scatterAlongAxis max long', [f(2, 9), w(2, 600, low=0, high=9), f(2, 600)], reduced('amax'))
row('scatterAlongAxis i32', [w(3, 5), I, w(3, 7)], reduced('prod'))
row('scatterAlongAxis min i32', [w(3, 5), I, w(3, 7)], reduced('amin'))
row('scatterAlongAxis bool', [w(3, 5, low=0, high=2), I, w(3, 7, low=0, high=2)], lambda x, i, u: replaced(x, 1, i, u))
row('gatherNd', [f(4, 5), w(7, 2, low=0, high=4)], lambda x, i: x[i[:, 0], i[:, 1]])
row('gatherNd slices', [f(4, 5, 2), w(2, 3, 1, low=0, high=4)], lambda x, i: x[i[..., 0]])
row('gatherNd batch', [f(3, 4, 2), w(3, 5, 1, low=0, high=4)], lambda x, i: torch.stack([x[b][i[b, :, 0]] for b in range(3)]))


def scattered(mode):
    def run(x, i, u):
        y = x.clone()
        for row_index, update in zip(i.reshape(-1, i.shape[-1]), u.reshape(-1, *u.shape[i.dim() - 1:])):
            at = tuple(row_index.tolist())
            old = y[at].clone()
            y[at] = update if mode == 'replace' else old + update if mode == 'add' else old * update if mode == 'multiply' else getattr(torch, mode)(old, update)
        return y
    return run


for name in ['replace', 'add', 'multiply', 'minimum', 'maximum']:
    suffix = {'replace': '', 'minimum': ' min', 'maximum': ' max'}.get(name, f' {name}')
    row(f'scatterNd{suffix}', [f(4, 5), w(7, 2, low=0, high=4), f(7)], scattered(name))
row('scatterNd slices', [f(4, 3), w(2, 3, 1, low=0, high=4), f(2, 3, 3)], scattered('replace'))
row('scatterNd max slices', [f(4, 3), w(2, 3, 1, low=0, high=4), f(2, 3, 3)], scattered('maximum'))

CUBE = f(2, 3, 5)
row('topK smallest', [f(3, 7)], lambda x: x.topk(3, largest=False).values)
row('topK smallest indices', [f(3, 7)], lambda x: x.topk(3, largest=False).indices)
row('diagonal above', [f(2, 4, 5)], lambda x: x.diagonal(2, 1, 2))
row('diagonal below', [f(2, 4, 5)], lambda x: x.diagonal(-1, 1, 2))
row('diagonal axes', [f(4, 2, 5)], lambda x: x.diagonal(1, 2, 0))
row('diagonal beyond', [f(4, 5)], lambda x: x[:, 5:].diagonal())
row('diag', [f(2, 3)], lambda x: torch.diag_embed(x))
row('diag above', [f(2, 3)], lambda x: torch.diag_embed(x, 2))
row('diag below', [f(2, 3)], lambda x: torch.diag_embed(x, -1))
row('diag i32', [w(3)], lambda x: torch.diag_embed(x))
row('cumMax', [CUBE], lambda x: x.flatten().cummax(0).values)
row('cumMax axis', [CUBE], lambda x: x.cummax(1).values)
row('cumMax reverse', [CUBE], lambda x: x.flip(2).cummax(2).values.flip(2))
row('cumMax i32', [w(3, 7)], lambda x: x.cummax(1).values)
row('cumMin', [CUBE], lambda x: x.cummin(0).values)
row('cumMin long', [f(1301, 2)], lambda x: x.cummin(0).values)
row('logCumSumExp', [CUBE], lambda x: x.flatten().logcumsumexp(0))
row('logCumSumExp axis', [f(2, 3, 5, low=-30, high=30)], lambda x: x.logcumsumexp(1))
row('logCumSumExp reverse', [CUBE], lambda x: x.flip(2).logcumsumexp(2).flip(2))
row('quantile', [CUBE], lambda x: x.quantile(0.37))
row('quantile axis', [CUBE], lambda x: x.quantile(0.7, 1, keepdim=True))
row('quantile several', [CUBE], lambda x: x.quantile(torch.tensor([0, 0.3, 1]), 2))
row('quantile axes', [CUBE], lambda x: x.permute(1, 0, 2).flatten(1).quantile(0.25, 1))
for name in ['lower', 'higher', 'nearest', 'midpoint']:
    row(f'quantile {name}', [CUBE], lambda x: x.quantile(torch.tensor([0.3, 0.625]), 2, interpolation=name))
row('median', [f(3, 8)], lambda x: x.quantile(0.5, 1))
row('median odd', [f(3, 5)], lambda x: x.median())
row('searchSorted', [f(1), f(3, 4)], lambda x, v: torch.searchsorted(x, v))
row('searchSorted many', [f(13), f(3, 4)], lambda x, v: torch.searchsorted(x.sort().values, v))
row('searchSorted left i32', [w(13), w(3, 4, low=-7, high=8)], lambda x, v: torch.searchsorted(x.sort().values, v))
row('searchSorted right', [w(13), w(3, 4, low=-7, high=8)], lambda x, v: torch.searchsorted(x.sort().values, v, right=True))

row.write('indexing.json')
