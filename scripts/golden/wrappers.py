"""Writes test/golden/wrappers.json: layers with a normalized kernel over several steps of training, and a tied embedding, by PyTorch in f64.

    /usr/bin/python3 scripts/golden/wrappers.py

Inputs and weights are not stored; they are made as in goldenRows.py. A step has the loss sum(y * w), and moves each parameter by -0.1 times its
gradient. The case holds outputs and gradients of three steps, the vectors after them, and the output in inference.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from torch.nn.utils import spectral_norm, weight_norm

from goldenRows import make, numbers

RATE, STEPS = 0.1, 3


def rounded(y):
    return [float(f'{v:.13g}') for v in numbers(y)]


def flat(k, shape):
    return make(k, shape, -1.0, 1.0, False)


def first(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


# Kernel shape, input shape, module, the kernel in PyTorch's layout and back, the axis of the outputs in PyTorch's layout.
def dense():
    return [5, 4], [3, 5], torch.nn.Linear(5, 4), lambda k: k.T, lambda k: k.T, 0


def conv():
    module = torch.nn.Conv2d(2, 3, (3, 2), 2)
    return [3, 2, 2, 3], [2, 5, 4, 2], module, lambda k: k.permute(3, 2, 0, 1), lambda k: k.permute(2, 3, 1, 0), 0


def transpose():
    module = torch.nn.ConvTranspose2d(2, 3, (3, 2), 2)
    return [3, 2, 3, 2], [2, 3, 2, 2], module, lambda k: k.permute(3, 2, 0, 1), lambda k: k.permute(2, 3, 1, 0), 1


def depthwise():
    module = torch.nn.Conv2d(2, 4, (3, 2), groups=2)
    there = lambda k: k.permute(2, 3, 0, 1).reshape(4, 1, 3, 2)
    return [3, 2, 2, 2], [2, 4, 4, 2], module, there, lambda k: k.reshape(2, 2, 3, 2).permute(2, 3, 0, 1), 0


def embedding():
    return [6, 3], [2, 4], torch.nn.Embedding(6, 3), lambda k: k, lambda k: k, 1


LAYERS = {
    'dense': (dense, {'units': 4}),
    'conv2d': (conv, {'filters': 3, 'kernelSize': [3, 2], 'strides': 2}),
    'conv2dTranspose': (transpose, {'filters': 3, 'kernelSize': [3, 2], 'strides': 2}),
    'depthwiseConv2d': (depthwise, {'kernelSize': [3, 2], 'depthMultiplier': 2}),
    'embedding': (embedding, {'inputDim': 6, 'outputDim': 3}),
}
IMAGES = ('conv2d', 'conv2dTranspose', 'depthwiseConv2d')


def wrapped(name, wrapper, iterations=1):
    kernel_shape, shape, module, there, back, axis = LAYERS[name][0]()
    kernel = flat(1, kernel_shape)
    module.weight.data = there(kernel).clone()
    if name != 'embedding':
        module.bias.data = flat(2, list(module.bias.shape))
    x = make(0, shape, 0, 6, True) if name == 'embedding' else flat(0, shape)

    def rows(v):
        """The vector of the rows in our layout: spatial axes before channels."""
        if name in ('conv2d', 'conv2dTranspose'):
            return v.reshape(2, 3, 2).permute(1, 2, 0).flatten()
        return v

    if wrapper == 'spectralNormalization':
        spectral_norm(module, dim=axis, n_power_iterations=iterations)
        u = flat(3, list(module.weight_u.shape))
        v = flat(4, list(module.weight_v.shape))
        module.weight_u.data = F.normalize(u, dim=0)
        if name in ('conv2d', 'conv2dTranspose'):
            v = v.reshape(3, 2, 2).permute(2, 0, 1).flatten()
        module.weight_v.data = F.normalize(v, dim=0)
        own = module.weight_orig
    else:
        weight_norm(module, dim={'conv2dTranspose': 0, 'embedding': 1}.get(name, 0))
        module.weight_g.data = flat(5, list(module.weight_g.shape)).abs() + 0.5
        own = module.weight_v

    def run():
        return last(module(first(x))) if name in IMAGES else module(x)

    steps = []
    module.train()
    for _ in range(STEPS):
        for p in module.parameters():
            p.grad = None
        if name != 'embedding':
            x = x.detach().requires_grad_()
        y = run()
        (y * flat(9, list(y.shape))).sum().backward()
        gradients = {'kernel': rounded(back(own.grad))}
        if name != 'embedding':
            gradients['bias'] = rounded(module.bias.grad)
            gradients['input'] = rounded(x.grad)
        if wrapper == 'weightNormalization':
            gradients['scale'] = rounded(module.weight_g.grad)
        steps.append({'output': rounded(y.detach()), 'gradients': gradients})
        with torch.no_grad():
            for p in module.parameters():
                p -= RATE * p.grad
    state = {}
    if wrapper == 'spectralNormalization':
        state = {'vectorU': rounded(module.weight_u), 'vectorV': rounded(rows(module.weight_v))}
    module.eval()
    return {
        'wrapper': wrapper, 'layer': name, 'options': LAYERS[name][1], 'iterations': iterations, 'shape': shape, 'kernelShape': kernel_shape,
        'steps': steps, 'state': state, 'inference': rounded(run().detach()),
    }


def tied(tie, cap):
    table = flat(1, [6, 3]).requires_grad_()
    back = flat(2, [3, 6]).requires_grad_()
    x = make(0, [2, 4], 0, 6, True)
    y = F.embedding(x, table).sin() @ (table.T if tie else back)
    y = (y / cap).tanh() * cap if cap else y
    (y * flat(9, list(y.shape))).sum().backward()
    found = {'embeddings': rounded(table.grad), **({} if tie else {'reverseEmbeddings': rounded(back.grad)})}
    return {'tieWeights': tie, 'cap': cap, 'output': rounded(y.detach()), 'gradients': found}


wrappers = [wrapped(name, 'spectralNormalization', n) for name, n in (*((name, 1) for name in LAYERS), ('dense', 3))]
# PyTorch's weight_norm keeps one axis, so it has no counterpart of a depthwise kernel's last axis.
wrappers += [wrapped(name, 'weightNormalization') for name in LAYERS if name != 'depthwiseConv2d']
embeddings = [tied(True, None), tied(True, 0.5), tied(False, None), tied(False, 0.5)]
path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'wrappers.json'
path.write_text(json.dumps({'wrappers': wrappers, 'embeddings': embeddings}, separators=(',', ':')) + '\n')
print(f'{len(wrappers)} wrappers, {len(embeddings)} embeddings, {path.stat().st_size} bytes')
