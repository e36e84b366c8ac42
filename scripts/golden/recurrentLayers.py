"""Writes test/golden/recurrentLayers.json: outputs, states and gradients of PyTorch's recurrent modules in f64, with the weights of Keras's
layout. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/recurrentLayers.py

Inputs and weights are not stored; they are made as in goldenRows.py. The loss is the sum of the sines of all results.
"""
import json
import pathlib

import torch

from goldenRows import make, numbers

BATCH, TIME, FEATURES, UNITS = 2, 4, 3, 3
# The functions that torch.nn.RNN, LSTM and GRU call. Called directly, gradients reach the given weights.
KINDS = {'simpleRnn': (torch._VF.rnn_tanh, 1), 'relu': (torch._VF.rnn_relu, 1), 'lstm': (torch._VF.lstm, 4), 'gru': (torch._VF.gru, 3)}


def columns(kind, weight):
    """Keras has the gates z, r, n, and PyTorch r, z, n."""
    if kind != 'gru':
        return weight
    z, r, n = weight.split(UNITS, -1)
    return torch.cat([r, z, n], -1)


def shapes(kind, features):
    gates = KINDS[kind][1]
    width = gates * UNITS
    return [[features, width], [UNITS, width], [2, width] if kind == 'gru' else [width]]


def parameters(kind, kernel, recurrent, bias):
    ih, hh = bias if kind == 'gru' else (bias, torch.zeros_like(bias))
    return [columns(kind, kernel).T, columns(kind, recurrent).T, columns(kind, ih), columns(kind, hh)]


def case(kind, suffixes=('l0',), initial=False, backwards=False):
    """Results and the gradients of inputs and weights. One set of weights for each suffix."""
    function, _ = KINDS[kind]
    layers = 2 if 'l1' in suffixes else 1
    features = [UNITS if suffix == 'l1' else FEATURES for suffix in suffixes]
    states = 2 if kind == 'lstm' else 1
    wanted = [[BATCH, TIME, FEATURES]] + [[BATCH, UNITS]] * (states * len(suffixes) if initial else 0)
    wanted += [shape for n in features for shape in shapes(kind, n)]
    leaves = [make(k, shape, -1.0, 1.0, False).requires_grad_() for k, shape in enumerate(wanted)]
    x, begin, weights = leaves[0], leaves[1:len(leaves) - 3 * len(suffixes)], leaves[len(leaves) - 3 * len(suffixes):]
    flat = [weight for i in range(len(suffixes)) for weight in parameters(kind, *weights[3 * i:3 * i + 3])]
    # The states of one layer or direction are adjacent.
    zero = torch.zeros(len(suffixes), BATCH, UNITS)
    parts = [torch.stack(begin[s::states]) if initial else zero for s in range(states)]
    state = parts if kind == 'lstm' else parts[0]
    y, *found = function(x.flip(1) if backwards else x, state, flat, True, layers, 0.0, False, len(suffixes) > layers, True)
    last = torch.stack(found, 1)
    results = [y] + [state for part in last for state in part]
    sum(result.sin().sum() for result in results).backward()
    return {
        'shapes': wanted,
        'results': [numbers(result.detach()) for result in results],
        'gradients': [numbers(leaf.grad) for leaf in leaves],
    }


cases = {}
for kind in ('simpleRnn', 'lstm', 'gru'):
    cases[kind] = case(kind)
    cases[f'{kind} initial state'] = case(kind, initial=True)
    cases[f'{kind} backwards'] = case(kind, backwards=True)
    cases[f'{kind} bidirectional'] = case(kind, ('l0', 'l0_reverse'))
    cases[f'{kind} two layers'] = case(kind, ('l0', 'l1'))
cases['simpleRnn relu'] = case('relu')
cases['lstm bidirectional initial state'] = case('lstm', ('l0', 'l0_reverse'), initial=True)
path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'recurrentLayers.json'
lines = ',\n'.join(f'{json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in cases.items())
path.write_text('{\n' + lines + '\n}\n')
print(f'{len(cases)} cases, {path.stat().st_size} bytes')
