"""Writes test/golden/recurrence.json: results of PyTorch in f64 for the rows of test/tables/recurrent.ts. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/recurrence.py

The inputs of a row are already multiplied by their kernel, so the kernel of the PyTorch module is the identity. PyTorch's GRU has the gates
r, z, n, and the rows have z, r, n.
"""
import torch

from goldenRows import Rows, f, w

row = Rows()


def swapped(x, units):
    return torch.cat([x[..., units:2 * units], x[..., :units], x[..., 2 * units:]], -1)


def states(module, x, u, initial=None, bias=None, nonlinearity='tanh'):
    """[batch, time + 1, states, units] by a module of PyTorch, one step at a time."""
    units = u.shape[0]
    kind = {'lstm': torch.nn.LSTM, 'gru': torch.nn.GRU, 'simple': torch.nn.RNN}[module]
    more = {'nonlinearity': nonlinearity} if module == 'simple' else {}
    net = kind(x.shape[-1], units, batch_first=True, bias=bias is not None, **more)
    if module == 'gru':
        x, u = swapped(x, units), swapped(u, units)
    with torch.no_grad():
        net.weight_ih_l0.copy_(torch.eye(x.shape[-1]))
        net.weight_hh_l0.copy_(u.T)
        if bias is not None:
            net.bias_ih_l0.zero_()
            net.bias_hh_l0.zero_()
            net.bias_hh_l0[2 * units:].copy_(bias)
    count = 2 if module == 'lstm' else 1
    state = torch.zeros(x.shape[0], count, units) if initial is None else initial
    found = [state]
    for t in range(x.shape[1]):
        parts = [state[None, :, i].contiguous() for i in range(count)]
        _, last = net(x[:, t:t + 1], tuple(parts) if module == 'lstm' else parts[0])
        state = torch.stack([part[0] for part in last], 1) if module == 'lstm' else last[0][:, None]
        found.append(state)
    return torch.stack(found, 1).detach()


def formula(module, x, u, initial, mask, scale, bias=0.0, f=torch.tanh, s=torch.sigmoid):
    """The written formula, with what no module of PyTorch has: masks, and a factor of the recurrent output."""
    units = u.shape[0]
    h, c = initial[:, 0], initial[:, -1]
    found = [initial]
    for t in range(x.shape[1]):
        z = list(zip(x[:, t].split(units, -1), ((h * scale) @ u).split(units, -1)))
        if module == 'lstm':
            new_c = s(sum(z[1])) * c + s(sum(z[0])) * f(sum(z[2]))
            new = [s(sum(z[3])) * f(new_c), new_c]
        elif module == 'gru':
            update, reset = s(sum(z[0])), s(sum(z[1]))
            new = [update * h + (1 - update) * f(z[2][0] + reset * (z[2][1] + bias))]
        else:
            new = [f(sum(z[0]))]
        state = torch.where((mask[:, t] != 0)[:, None, None], torch.stack(new, 1), found[-1])
        h, c = state[:, 0], state[:, -1]
        found.append(state)
    return torch.stack(found, 1)


def agree(module, x, u):
    """The module, after a check that the formula says the same."""
    y = states(module, x, u)
    count = 2 if module == 'lstm' else 1
    full = torch.ones(x.shape[0], x.shape[1])
    assert torch.allclose(y, formula(module, x, u, torch.zeros(x.shape[0], count, u.shape[0]), full, torch.ones(u.shape[0])), atol=1e-12)
    return y


def kernel(gates, units=3):
    return f(units, gates * units, low=-1.0, high=1.0)


def others(count):
    return [f(2, count, 3), w(2, 4, low=-1, high=2), f(2, 3, low=0.0, high=2.0), f(3)]


for name, gates in {'simple': 1, 'lstm': 4, 'gru': 3}.items():
    label = 'recurrence' + ('' if name == 'simple' else f' {name}')
    row(label, [f(2, 4, 3 * gates), kernel(gates)], lambda x, u: agree(name, x, u))
    row(f'recurrence {name} all', [f(2, 4, 3 * gates), kernel(gates), *others(2 if name == 'lstm' else 1)],
        lambda x, u, h, m, s, b: formula(name, x, u, h, m, s, b))
row('recurrence relu', [f(2, 4, 3), kernel(1)], lambda x, u: states('simple', x, u, nonlinearity='relu'))
ones = torch.ones(1, 3), torch.ones(2)
row('recurrence linear', [f(1, 3, 2), kernel(1, 2)],
    lambda x, u: formula('simple', x, u, torch.zeros(1, 1, 2), *ones, f=lambda y: y))
row('recurrence lstm hardSigmoid', [f(2, 3, 8), kernel(4, 2)],
    lambda x, u: formula('lstm', x, u, torch.zeros(2, 2, 2), torch.ones(2, 3), torch.ones(2), s=torch.nn.functional.hardsigmoid))
row('recurrence no steps', [f(2, 0, 3), kernel(1)], lambda x, u: torch.zeros(2, 1, 1, 3))
row.write('recurrence.json')
