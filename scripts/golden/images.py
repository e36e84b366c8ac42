"""Writes test/golden/images.json: transposed convolution, pooling and resampling of PyTorch in f64 for the rows of test/tables/images.ts.

    /usr/bin/python3 scripts/golden/images.py

Inputs are made as in ops.py. PyTorch has channels first and filters [in, out / groups, ...]: here they are permuted, in and out.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927
rows = {}


def make(k, shape, low, high):
    """Whole bounds that are integers in Python make whole numbers."""
    values = [low + (high - low) * math.fmod((i + 1) * GOLDEN + k * PLASTIC, 1.0) for i in range(math.prod(shape))]
    if isinstance(low, int):
        return torch.tensor([math.floor(value) for value in values]).reshape(shape)
    return torch.tensor(values).reshape(shape)


def row(name, shapes, fn):
    """A shape stands for values in [-2, 2), a pair (shape, low, high) for others."""
    assert name not in rows, name
    specs = [(shape, -2.0, 2.0) if isinstance(shape, list) else shape for shape in shapes]
    y = fn(*(make(k, *spec) for k, spec in enumerate(specs)))
    rows[name] = {
        'inputs': [{'shape': shape, 'low': low, 'high': high, 'whole': isinstance(low, int)} for shape, low, high in specs],
        'shape': list(y.shape),
        'value': y.flatten().tolist(),
    }


def first(x):
    """[B, .., C] -> [B, C, ..]"""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def transposed(x, k, **options):
    """Filters [.., out / groups, in] -> [in, out / groups, ..]"""
    fn = {3: F.conv_transpose1d, 4: F.conv_transpose2d, 5: F.conv_transpose3d}[x.dim()]
    return last(fn(first(x), k.movedim(-1, 0).movedim(-1, 1), **options))


row('conv1dTranspose', [[2, 5, 3], [4, 2, 3]], transposed)
row('conv1dTranspose padded', [[1, 4, 4], [3, 3, 4]], lambda x, k: transposed(x, k, stride=3, dilation=2, padding=2, output_padding=1, groups=2))
row('conv2dTranspose groups', [[2, 3, 2, 4], [3, 2, 3, 4]], lambda x, k: transposed(x, k, stride=2, groups=2))
row('conv2dTranspose depthwise', [[1, 3, 4, 3], [3, 3, 2, 3]], lambda x, k: transposed(x, k, stride=(1, 2), padding=1, output_padding=(0, 1), groups=3))
row('conv3dTranspose', [[1, 2, 3, 2, 2], [2, 3, 2, 3, 2]], transposed)
row('conv3dTranspose strided', [[1, 3, 2, 2, 2], [2, 3, 3, 2, 2]], lambda x, k: transposed(x, k, stride=(1, 2, 3), padding=(1, 1, 0), output_padding=(0, 1, 2)))
row('conv3dTranspose dilated groups', [[1, 2, 2, 3, 4], [2, 2, 2, 1, 4]], lambda x, k: transposed(x, k, dilation=(2, 1, 2), stride=2, groups=2))



def pool(fn, x, *args, **options):
    return last(fn(first(x), *args, **options))


def indices(fn, x, *args, **options):
    return last(fn(first(x), *args, return_indices=True, **options)[1])


row('maxPool1d dilated', [[2, 11, 3]], lambda x: pool(F.max_pool1d, x, 3, 2, dilation=2, ceil_mode=True))
row('maxPool2d dilated', [[2, 8, 7, 3]], lambda x: pool(F.max_pool2d, x, (3, 2), (1, 2), padding=1, dilation=(2, 3)))
row('maxPool2d dilated quads', [[1, 6, 7, 4]], lambda x: pool(F.max_pool2d, x, 2, 1, dilation=(3, 2)))
row('maxPool2d rounded up', [[1, 6, 8, 2]], lambda x: pool(F.max_pool2d, x, 3, (2, 3), ceil_mode=True))
row('maxPool3d dilated', [[1, 6, 5, 7, 2]], lambda x: pool(F.max_pool3d, x, (2, 2, 3), (2, 1, 3), padding=(1, 1, 0), dilation=(2, 3, 1), ceil_mode=True))
row('avgPool1d counted', [[2, 8, 3]], lambda x: pool(F.avg_pool1d, x, 3, padding=1, ceil_mode=True))
row('avgPool2d rounded up', [[1, 6, 8, 2]], lambda x: pool(F.avg_pool2d, x, 3, (2, 3), ceil_mode=True, count_include_pad=False))
row('avgPool2d counted', [[2, 6, 7, 3]], lambda x: pool(F.avg_pool2d, x, (3, 2), 2, padding=1, ceil_mode=True))
row('avgPool3d counted', [[1, 5, 4, 6, 2]], lambda x: pool(F.avg_pool3d, x, (3, 2, 3), 2, padding=(1, 0, 1), ceil_mode=True))
row('maxPool1dWithIndices', [[2, 9, 3]], lambda x: pool(F.max_pool1d, x, 2))
row('maxPool1dWithIndices indices', [[2, 9, 3]], lambda x: indices(F.max_pool1d, x, 3, 2, padding=1, dilation=2))
row('maxPool2dWithIndices', [[2, 6, 5, 3]], lambda x: pool(F.max_pool2d, x, 2))
row('maxPool2dWithIndices indices', [[2, 8, 7, 3]], lambda x: indices(F.max_pool2d, x, 3, (2, 1), padding=1, dilation=(1, 2), ceil_mode=True))
row('maxPool3dWithIndices', [[1, 4, 5, 6, 2]], lambda x: pool(F.max_pool3d, x, 2))
row('maxPool3dWithIndices indices', [[2, 6, 5, 7, 2]], lambda x: indices(F.max_pool3d, x, (2, 3, 3), 2, padding=(1, 1, 0), dilation=(2, 1, 2)))
row('maxPool2dWithIndices unpooled', [[2, 6, 4, 3]], lambda x: last(F.max_unpool2d(*F.max_pool2d(first(x), 2, return_indices=True), 2)))
row('maxUnpool2d', [[1, 2, 2, 1], ([1, 2, 2, 1], 3, 30)], lambda x, i: last(torch.zeros(1, 1, 30).scatter_(2, first(i).reshape(1, 1, 4), first(x).reshape(1, 1, 4)).reshape(1, 1, 5, 6)))


def resize(x, **options):
    return last(F.interpolate(first(x), **options))


row('resize', [[2, 3, 4, 3]], lambda x: resize(x, size=(5, 7)))
row('resize nearest sequence', [[2, 7, 3]], lambda x: resize(x, scale_factor=1.7))
row('resize nearest volume', [[1, 3, 4, 2, 2]], lambda x: resize(x, size=(5, 3, 6)))
row('resize nearest smaller', [[1, 9, 7, 4]], lambda x: resize(x, scale_factor=(0.6, 0.4)))
row('resize nearest exact', [[1, 5, 7, 3]], lambda x: resize(x, size=(7, 3), mode='nearest-exact'))
row('resize linear', [[2, 3, 4, 3]], lambda x: resize(x, size=(5, 7), mode='bilinear'))
row('resize linear quads', [[1, 6, 5, 4]], lambda x: resize(x, scale_factor=(1.7, 0.7), mode='bilinear'))
row('resize linear corners', [[1, 4, 3, 3]], lambda x: resize(x, size=(7, 2), mode='bilinear', align_corners=True))
row('resize linear sequence', [[2, 5, 3]], lambda x: resize(x, size=8, mode='linear'))
row('resize linear volume', [[1, 3, 4, 2, 2]], lambda x: resize(x, size=(2, 7, 5), mode='trilinear'))
row('resize linear volume corners', [[1, 3, 2, 4, 2]], lambda x: resize(x, size=(5, 1, 6), mode='trilinear', align_corners=True))
row('resize cubic', [[1, 4, 5, 3]], lambda x: resize(x, size=(7, 9), mode='bicubic'))
row('resize cubic corners', [[1, 5, 4, 2]], lambda x: resize(x, size=(3, 8), mode='bicubic', align_corners=True))
row('resize cubic scaled', [[1, 5, 6, 2]], lambda x: resize(x, scale_factor=(1.3, 0.7), mode='bicubic'))
row('resize area', [[2, 7, 5, 3]], lambda x: resize(x, size=(3, 2), mode='area'))
row('resize area volume', [[1, 3, 5, 4, 2]], lambda x: resize(x, size=(2, 7, 4), mode='area'))
row('resize antialias', [[1, 11, 9, 3]], lambda x: resize(x, size=(4, 3), mode='bilinear', antialias=True))
row('resize antialias cubic', [[1, 12, 7, 2]], lambda x: resize(x, size=(5, 9), mode='bicubic', antialias=True))


def sample(x, grid, **options):
    return last(F.grid_sample(first(x), grid, **options))


def wide(shape):
    return (shape, -1.7, 1.9)


row('gridSample', [[2, 4, 5, 3], wide([2, 3, 2, 2])], lambda x, g: sample(x, g, align_corners=False))
row('gridSample corners', [[1, 4, 3, 4], wide([1, 3, 4, 2])], lambda x, g: sample(x, g, align_corners=True))
row('gridSample border', [[1, 4, 5, 3], wide([1, 3, 4, 2])], lambda x, g: sample(x, g, padding_mode='border', align_corners=False))
row('gridSample reflect', [[1, 3, 4, 2], ([1, 4, 4, 2], -4.3, 5.1)], lambda x, g: sample(x, g, padding_mode='reflection', align_corners=False))
row('gridSample reflect corners', [[1, 3, 4, 2], ([1, 4, 4, 2], -4.3, 5.1)], lambda x, g: sample(x, g, padding_mode='reflection', align_corners=True))
row('gridSample nearest', [[1, 4, 5, 3], wide([1, 4, 3, 2])], lambda x, g: sample(x, g, mode='nearest', align_corners=False))
row('gridSample nearest reflect', [[1, 4, 5, 3], wide([1, 4, 3, 2])], lambda x, g: sample(x, g, mode='nearest', padding_mode='reflection', align_corners=True))
row('gridSample cubic', [[1, 5, 6, 2], wide([1, 3, 3, 2])], lambda x, g: sample(x, g, mode='bicubic', align_corners=False))
row('gridSample cubic border', [[1, 5, 4, 2], wide([1, 3, 3, 2])], lambda x, g: sample(x, g, mode='bicubic', padding_mode='border', align_corners=True))
row('gridSample cubic reflect', [[1, 4, 5, 2], wide([1, 3, 3, 2])], lambda x, g: sample(x, g, mode='bicubic', padding_mode='reflection', align_corners=False))
row('gridSample volume', [[1, 3, 2, 4, 2], wide([1, 2, 2, 3, 3])], lambda x, g: sample(x, g, align_corners=False))
row('gridSample volume reflect', [[1, 3, 2, 4, 2], wide([1, 2, 2, 3, 3])], lambda x, g: sample(x, g, padding_mode='reflection', align_corners=True))
row('gridSample volume nearest', [[1, 3, 2, 4, 2], wide([1, 2, 2, 3, 3])], lambda x, g: sample(x, g, mode='nearest', padding_mode='border', align_corners=False))


def tensorflow_depth(x, f):
    """depth_to_space of TensorFlow: pixel_shuffle of channels that lie [f, f, C]."""
    b, h, w, all = x.shape
    return x.reshape(b, h, w, f, f, all // f**2).permute(0, 1, 3, 2, 4, 5).reshape(b, h * f, w * f, all // f**2)


row('adaptiveAvgPool', [[2, 7, 5, 3]], lambda x: pool(F.adaptive_avg_pool2d, x, (3, 2)))
row('adaptiveAvgPool volume', [[1, 3, 5, 4, 2]], lambda x: pool(F.adaptive_avg_pool3d, x, (2, 7, 4)))
row('adaptiveAvgPool to one', [[2, 5, 4, 3]], lambda x: pool(F.adaptive_avg_pool2d, x, 1))
row('adaptiveMaxPool', [[2, 7, 5, 3]], lambda x: pool(F.adaptive_max_pool2d, x, (3, 2)))
row('adaptiveMaxPool sequence', [[2, 5, 3]], lambda x: pool(F.adaptive_max_pool1d, x, 8))
row('adaptiveMaxPool volume', [[1, 4, 5, 6, 2]], lambda x: pool(F.adaptive_max_pool3d, x, (2, 3, 6)))
row('pixelShuffle', [[2, 2, 3, 12]], lambda x: pool(F.pixel_shuffle, x, 2))
row('pixelUnshuffle', [[2, 4, 6, 3]], lambda x: pool(F.pixel_unshuffle, x, 2))
row('depthToSpace', [[2, 2, 3, 18]], lambda x: tensorflow_depth(x, 3))
row('spaceToDepth', [[1, 4, 6, 3]], lambda x: x.reshape(1, 2, 2, 3, 2, 3).permute(0, 1, 3, 2, 4, 5).reshape(1, 2, 3, 12))

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'images.json'
lines = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in rows.items())
path.write_text('{\n"rows": {\n' + lines + '\n}\n}\n')
print(f'{len(rows)} rows, {path.stat().st_size} bytes')
