"""Writes test/golden/windows.json: convolution, pooling and upsampling of PyTorch in f64 for the rows of test/tables/windows.ts.

    /usr/bin/python3 scripts/golden/windows.py

Inputs are made as in ops.py. PyTorch has channels first and filters [out, in, ...]: here they are permuted, in and out.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927
rows = {}


def make(k, shape):
    values = [-2.0 + 4.0 * math.fmod((i + 1) * GOLDEN + k * PLASTIC, 1.0) for i in range(math.prod(shape))]
    return torch.tensor(values).reshape(shape)


def row(name, shapes, fn):
    assert name not in rows, name
    y = fn(*(make(k, shape) for k, shape in enumerate(shapes)))
    rows[name] = {
        'inputs': [{'shape': shape, 'low': -2.0, 'high': 2.0, 'whole': False} for shape in shapes],
        'shape': list(y.shape),
        'value': y.flatten().tolist(),
    }


def first(x):
    """[B, .., C] -> [B, C, ..]"""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def conv(x, k, **options):
    """Filters [.., in, out] -> [out, in, ..]"""
    fn = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[x.dim()]
    return last(fn(first(x), k.movedim(-1, 0).movedim(-1, 1), **options))


def transposed(x, k, crop=None, **options):
    """Filters [h, w, out, in] -> [in, out, h, w]; crop [top, bottom, left, right] after the fact where the sides differ."""
    y = F.conv_transpose2d(first(x), k.permute(3, 2, 0, 1), **options)
    if crop:
        y = y[:, :, crop[0]:y.shape[2] - crop[1], crop[2]:y.shape[3] - crop[3]]
    return last(y)


def depthwise(x, k, pad=(0, 0, 0, 0), **options):
    """Filters [h, w, channels, multiplier] -> [channels * multiplier, 1, h, w]; pad [left, right, top, bottom]"""
    h, w, c, m = k.shape
    return last(F.conv2d(F.pad(first(x), pad), k.reshape(h, w, c * m).movedim(-1, 0).unsqueeze(1), groups=c, **options))


def pool(fn, x, size, stride=None, padding=0, **options):
    return last(fn(first(x), size, stride, padding, **options))


row('conv1d', [[2, 9, 3], [4, 3, 5]], conv)
row('conv1d strided', [[2, 11, 2], [3, 2, 4]], lambda x, k: conv(x, k, stride=3, padding=1))
row('conv1d dilated groups same', [[1, 7, 4], [3, 2, 6]], lambda x, k: conv(x, k, dilation=2, groups=2, padding=2))
row('conv3d', [[2, 3, 4, 5, 2], [2, 3, 2, 2, 3]], conv)
row('conv3d strided same', [[1, 5, 3, 5, 2], [3, 3, 3, 2, 2]], lambda x, k: conv(x, k, stride=2, padding=1))
row('conv3d dilated groups', [[1, 4, 5, 4, 4], [2, 2, 2, 2, 4]], lambda x, k: conv(x, k, dilation=(3, 2, 1), groups=2, padding=(1, 0, 1)))
row('conv2dTranspose', [[2, 3, 4, 3], [3, 2, 4, 3]], transposed)
row('conv2dTranspose strided', [[1, 3, 4, 2], [4, 3, 2, 2]], lambda x, k: transposed(x, k, stride=2))
row('conv2dTranspose same', [[1, 3, 4, 2], [4, 4, 3, 2]], lambda x, k: transposed(x, k, stride=2, padding=1))
row('conv2dTranspose padded', [[1, 4, 3, 2], [3, 3, 2, 2]], lambda x, k: transposed(x, k, stride=(3, 2), padding=1, output_padding=(2, 1)))
# Keras: size * stride = 8 by 6 of the 9 by 7 that the filter reaches
row('conv2dTranspose same output padding', [[1, 4, 3, 2], [3, 3, 2, 2]], lambda x, k: transposed(x, k, stride=2, crop=[0, 1, 0, 1]))
row('conv2dTranspose dilated', [[1, 4, 3, 2], [3, 2, 2, 2]], lambda x, k: transposed(x, k, dilation=2))
row('depthwiseConv2d', [[2, 5, 6, 3], [3, 2, 3, 1]], depthwise)
row('depthwiseConv2d multiplier', [[1, 7, 5, 3], [3, 3, 3, 2]], lambda x, k: depthwise(x, k, (1, 1, 1, 1), stride=2))
row('depthwiseConv2d dilated', [[1, 7, 6, 2], [2, 3, 2, 2]], lambda x, k: depthwise(x, k, (1, 1, 2, 2), stride=(2, 1), dilation=(3, 2)))
row('maxPool1d', [[2, 7, 3]], lambda x: pool(F.max_pool1d, x, 2))
row('maxPool1d overlapping', [[1, 9, 2]], lambda x: pool(F.max_pool1d, x, 4, 2, 1))
row('maxPool3d', [[2, 4, 5, 6, 2]], lambda x: pool(F.max_pool3d, x, 2))
row('maxPool3d overlapping', [[1, 5, 5, 7, 2]], lambda x: pool(F.max_pool3d, x, 3, (2, 1, 2), (1, 0, 1)))
row('avgPool1d', [[2, 7, 3]], lambda x: pool(F.avg_pool1d, x, 3, 2, 1, count_include_pad=False))
row('avgPool2d', [[2, 6, 4, 3]], lambda x: pool(F.avg_pool2d, x, 2))
row('avgPool2d overlapping', [[1, 7, 6, 2]], lambda x: pool(F.avg_pool2d, x, (3, 4), (2, 1), (1, 2), count_include_pad=False))
row('avgPool3d', [[1, 5, 4, 6, 2]], lambda x: pool(F.avg_pool3d, x, (3, 2, 3), 2, (1, 0, 1), count_include_pad=False))
row('globalAvgPool', [[2, 3, 5, 4]], lambda x: x.mean((1, 2)))
row('globalAvgPool sequence', [[2, 7, 3]], lambda x: x.mean(1, keepdim=True))
row('upsample2d', [[2, 3, 4, 3]], lambda x: last(F.interpolate(first(x), scale_factor=2)))
row('upsample2d uneven', [[1, 3, 2, 2]], lambda x: last(F.interpolate(first(x), scale_factor=(3, 1))))
row('upsample2d bilinear', [[2, 3, 4, 3]], lambda x: last(F.interpolate(first(x), scale_factor=2, mode='bilinear')))
row('upsample2d bilinear thrice', [[1, 1, 5, 2]], lambda x: last(F.interpolate(first(x), scale_factor=(2, 3), mode='bilinear')))

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'windows.json'
lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in rows.items())
path.write_text('{\n"rows": {\n' + lines + '\n}\n}\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
