"""Writes test/golden/lora.json: layers with LoRA by PyTorch's functions in f64: outputs, and gradients of A, B and the other parameters.

    /usr/bin/python3 scripts/golden/lora.py

Inputs and weights are not stored; they are made as in goldenRows.py. rank is 2 and alpha 3.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

from goldenRows import make, numbers

RANK, SCALE = 2, 1.5


def rounded(y):
    return [float(f'{v:.13g}') for v in numbers(y)]


def adapted(kernel, a, b):
    return kernel + SCALE * (a.reshape(-1, RANK) @ b.reshape(RANK, -1)).reshape(kernel.shape)


cases = []


def case(name, options, shape, parameters, axes, fn, whole=False):
    """parameters: shapes by name. axes: the axis that divides A from B, by the name of a kernel. fn(x, **parameters)."""
    x = make(0, shape, 0, 6, True) if whole else make(0, shape, -1, 1, False).requires_grad_()
    values, used, wrt = {}, {}, {}
    k = 1
    for key, own in parameters.items():
        values[key] = make(k, own, -1, 1, False)
        k += 1
        if key not in axes:
            wrt[key] = used[key] = values[key].requires_grad_()
            continue
        at = axes[key]
        wrt[f'{key}LoraA'] = make(k, [*own[:at], RANK], -1, 1, False).requires_grad_()
        wrt[f'{key}LoraB'] = make(k + 1, [RANK, *own[at:]], -1, 1, False).requires_grad_()
        k += 2
        used[key] = adapted(values[key], wrt[f'{key}LoraA'], wrt[f'{key}LoraB'])
    y = fn(x, **used)
    (y * make(9, list(y.shape), -1, 1, False)).sum().backward()
    found = {key: rounded(value.grad) for key, value in wrt.items()}
    cases.append({
        'name': name, 'options': options, 'shape': shape, 'whole': whole, 'parameters': parameters, 'adapted': list(axes),
        'output': rounded(y.detach()), 'gradients': found if whole else {**found, 'input': rounded(x.grad)},
        'frozen': [rounded(used[key].detach()) for key in axes],
    })


def conv(groups=1, stride=1):
    return lambda x, kernel, bias: F.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, stride, 0, 1, groups).permute(0, 2, 3, 1)


def depth(x, kernel):
    h, w, c, m = kernel.shape
    return F.conv2d(x.permute(0, 3, 1, 2), kernel.permute(2, 3, 0, 1).reshape(c * m, 1, h, w), groups=c).permute(0, 2, 3, 1)


def attention(x, queryKernel, queryBias, keyKernel, keyBias, valueKernel, valueBias, outputKernel, outputBias):
    q, k, v = (torch.einsum('btf,fhd->bhtd', x, w) + b[:, None] for w, b in ((queryKernel, queryBias), (keyKernel, keyBias), (valueKernel, valueBias)))
    weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3])).softmax(-1)
    return torch.einsum('bhtd,hdf->btf', weights @ v, outputKernel) + outputBias


case('dense', {'units': 4}, [3, 5], {'kernel': [5, 4], 'bias': [4]}, {'kernel': 1}, lambda x, kernel, bias: x @ kernel + bias)
case('einsumDense', {'equation': 'abc,cde->abde', 'outputShape': [None, 2, 3], 'biasAxes': 'de'}, [2, 3, 4],
     {'kernel': [4, 2, 3], 'bias': [2, 3]}, {'kernel': 2}, lambda x, kernel, bias: torch.einsum('abc,cde->abde', x, kernel) + bias)
case('embedding', {'inputDim': 6, 'outputDim': 3}, [2, 4], {'embeddings': [6, 3]}, {'embeddings': 1},
     lambda x, embeddings: F.embedding(x, embeddings), True)
case('conv1d', {'filters': 3, 'kernelSize': 2}, [2, 5, 2], {'kernel': [2, 2, 3], 'bias': [3]}, {'kernel': 2},
     lambda x, kernel, bias: F.conv1d(x.permute(0, 2, 1), kernel.permute(2, 1, 0), bias).permute(0, 2, 1))
case('conv2d', {'filters': 4, 'kernelSize': [3, 2], 'groups': 2}, [2, 4, 4, 4], {'kernel': [3, 2, 2, 4], 'bias': [4]}, {'kernel': 3}, conv(2))
case('conv3d', {'filters': 2, 'kernelSize': 2}, [1, 3, 3, 3, 2], {'kernel': [2, 2, 2, 2, 2], 'bias': [2]}, {'kernel': 4},
     lambda x, kernel, bias: F.conv3d(x.permute(0, 4, 1, 2, 3), kernel.permute(4, 3, 0, 1, 2), bias).permute(0, 2, 3, 4, 1))
case('conv2dTranspose', {'filters': 3, 'kernelSize': [3, 2], 'strides': 2}, [2, 3, 2, 2], {'kernel': [3, 2, 3, 2], 'bias': [3]}, {'kernel': 3},
     lambda x, kernel, bias: F.conv_transpose2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, 2).permute(0, 2, 3, 1))
case('depthwiseConv2d', {'kernelSize': [3, 2], 'depthMultiplier': 2}, [2, 4, 4, 2], {'kernel': [3, 2, 2, 2], 'bias': [4]}, {'kernel': 2},
     lambda x, kernel, bias: depth(x, kernel) + bias)
case('separableConv2d', {'filters': 3, 'kernelSize': [3, 2]}, [2, 4, 4, 2],
     {'depthwiseKernel': [3, 2, 2, 1], 'pointwiseKernel': [2, 3], 'bias': [3]}, {'depthwiseKernel': 2, 'pointwiseKernel': 1},
     lambda x, depthwiseKernel, pointwiseKernel, bias: depth(x, depthwiseKernel) @ pointwiseKernel + bias)
case('multiHeadAttention', {'numHeads': 2, 'keyDim': 3}, [2, 3, 4],
     {'queryKernel': [4, 2, 3], 'queryBias': [2, 3], 'keyKernel': [4, 2, 3], 'keyBias': [2, 3], 'valueKernel': [4, 2, 3], 'valueBias': [2, 3],
      'outputKernel': [2, 3, 4], 'outputBias': [4]}, {'queryKernel': 1, 'keyKernel': 1, 'valueKernel': 1, 'outputKernel': 2}, attention)

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'lora.json'
path.write_text('[\n' + ',\n'.join(json.dumps(one, separators=(',', ':')) for one in cases) + '\n]\n')
print(f'{len(cases)} cases, {path.stat().st_size} bytes')
