"""Writes test/golden/augmentations.json: augmentations with given factors, in f64, by PyTorch's affine_grid, grid_sample and conv2d.

    /usr/bin/python3 scripts/golden/augmentations.py

The form is that of layers.json. A factor whose bounds are equal is drawn as this number. The maps are written with pixel centres at whole numbers, as in
Keras, and brought to PyTorch's coordinates from -1 to 1 with align_corners=False. Colours follow Keras' rgb_to_hsv and hsv_to_rgb.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

from goldenRows import make, numbers

cases = []


def case(name, options, shape, fn, low=-2.0, high=2.0):
    x = make(0, shape, low, high, False).requires_grad_(True)
    y = fn(x.movedim(-1, 1)).movedim(1, -1)
    u = make(9, y.shape, -1, 1, False)
    (gradient,) = torch.autograd.grad((y * u).sum(), [x])
    rounded = lambda t: [float(f'{v:.12g}') for v in numbers(t)]
    cases.append(
        {
            **{'name': name, 'options': options, 'shape': list(shape), 'range': [low, high], 'training': True, 'parameters': {}},
            **{'outputShape': list(y.shape), 'output': rounded(y), 'gradients': [rounded(gradient)]},
        }
    )


def pixels_to_grid(width, height):
    """(x, y) in pixels to PyTorch's coordinates: (2 x + 1) / width - 1."""
    return torch.tensor([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1.0]])


def sampled(matrix, fill='reflect', interpolation='bilinear'):
    """matrix: 3 x 3, from places of output pixels to places in the image."""
    padding = {'constant': 'zeros', 'nearest': 'border', 'reflect': 'reflection'}[fill]

    def fn(x):
        batch, _, height, width = x.shape
        to_grid = pixels_to_grid(width, height)
        theta = (to_grid @ matrix(width, height) @ torch.linalg.inv(to_grid))[:2]
        grid = F.affine_grid(theta.expand(batch, 2, 3), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, mode=interpolation, padding_mode=padding, align_corners=False)

    return fn


def around_centre(linear):
    """A linear map around the centre of the image."""

    def matrix(width, height):
        centre = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        m = torch.eye(3)
        m[:2, :2] = torch.tensor(linear)
        m[:2, 2] = centre - m[:2, :2] @ centre
        return m

    return matrix


def rotation(share):
    t = 2 * math.pi * share
    return around_centre([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])


def shift(down, right):
    return lambda width, height: torch.tensor([[1, 0, -right * width], [0, 1, -down * height], [0, 0, 1.0]])


for fill in ['constant', 'nearest', 'reflect']:
    case('randomRotation', {'factor': [0.15, 0.15], 'fillMode': fill}, [2, 5, 7, 2], sampled(rotation(0.15), fill))
    case('randomZoom', {'heightFactor': [0.7, 0.7], 'widthFactor': [-0.3, -0.3], 'fillMode': fill}, [1, 6, 5, 3], sampled(around_centre([[0.7, 0.0], [0.0, 1.7]]), fill))
    case('randomTranslation', {'heightFactor': [0.33, 0.33], 'widthFactor': [-0.93, -0.93], 'fillMode': fill}, [2, 4, 5, 1], sampled(shift(0.33, -0.93), fill))
case('randomRotation', {'factor': [-0.4, -0.4], 'interpolation': 'nearest', 'fillMode': 'constant'}, [1, 6, 4, 4], sampled(rotation(-0.4), 'constant', 'nearest'))
case('randomZoom', {'heightFactor': [0.37, 0.37]}, [1, 4, 7, 2], sampled(around_centre([[1.37, 0.0], [0.0, 1.37]])))


def blur(width, height, sigma):
    def fn(x):
        kernels = [torch.exp(-0.5 * ((torch.arange(n, dtype=torch.float64) - (n - 1) / 2) / (sigma + 1e-6)) ** 2) for n in (height, width)]
        rows, columns = [k / k.sum() for k in kernels]
        channels = x.shape[1]
        kernel = torch.outer(rows, columns).expand(channels, 1, height, width)
        return F.conv2d(x, kernel, padding=(height // 2, width // 2), groups=channels)

    return fn


case('gaussianBlur', {'factor': [1, 1], 'kernelSize': [5, 3], 'sigma': [1.3, 1.3], 'valueRange': [-9, 9]}, [2, 4, 6, 2], blur(5, 3, 1.3))
case('gaussianBlur', {'factor': [1, 1], 'kernelSize': [1, 7], 'sigma': [0.4, 0.4], 'valueRange': [-9, 9]}, [1, 3, 2, 1], blur(1, 7, 0.4))


def to_hsv(x):
    r, g, b = x.unbind(1)
    value = torch.maximum(torch.maximum(r, g), b)
    spread = value - torch.minimum(torch.minimum(r, g), b)
    norm = 1 / (6 * spread)
    hue = torch.where(value == g, norm * (b - r) + 2 / 6, norm * (r - g) + 4 / 6)
    hue = torch.where(value == r, norm * (g - b), hue)
    return hue + (hue < 0), spread / value, value


def to_rgb(hue, saturation, value):
    dh = hue % 1 * 6
    parts = [(dh - 3).abs() - 1, 2 - (dh - 2).abs(), 2 - (dh - 4).abs()]
    return torch.stack([value * (1 - saturation + saturation * p.clamp(0, 1)) for p in parts], 1)


def saturated(factor):
    def fn(x):
        hue, saturation, value = to_hsv(x)
        return to_rgb(hue, (saturation * (factor / (1 - factor + 1e-7))).clamp(0, 1), value)

    return fn


def half_turn(x):
    hue, saturation, value = to_hsv(x)
    return to_rgb(hue + 0.5, saturation, value)


jitter = {'valueRange': [0, 1]}
case('colorJitter', {'saturationFactor': [0.3, 0.3], **jitter}, [2, 3, 4, 3], saturated(0.3), 0.0, 1.0)
case('colorJitter', {'saturationFactor': [0.8, 0.8], **jitter}, [2, 3, 4, 3], saturated(0.8), 0.0, 1.0)
# A rotation by half a turn is the same in both directions.
case('colorJitter', {'hueFactor': [1, 1], **jitter}, [2, 3, 4, 3], half_turn, 0.0, 1.0)
case('randomBrightness', {'factor': [0.2, 0.2], 'valueRange': [-2, 1.5]}, [2, 3, 2, 2], lambda x: (x + 0.2 * 3.5).clamp(-2, 1.5))
case('grayscale', {'factor': 1}, [2, 3, 2, 3], lambda x: (x * torch.tensor([0.2989, 0.587, 0.114]).reshape(1, 3, 1, 1)).sum(1, keepdim=True).expand(x.shape))

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'augmentations.json'
path.write_text('[\n' + ',\n'.join(json.dumps(one, separators=(',', ':')) for one in cases) + '\n]\n')
print(f'{len(cases)} cases, {path.stat().st_size} bytes')
