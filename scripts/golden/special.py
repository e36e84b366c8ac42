"""Writes test/golden/special.json: results of PyTorch and SciPy in f64 for the rows of test/tables/numbers.ts and for the gamma functions at
awkward points. Run with Debian's python3-torch and python3-scipy:

    /usr/bin/python3 scripts/golden/special.py
"""
import math

import numpy as np
import torch
from scipy import special

from goldenRows import Rows, f, numbers, w

row = Rows()
S, POSITIVE = f(3, 5), f(3, 5, low=0.1, high=3.0)
WIDE = f(3, 5, low=-7.9, high=30.3)

row('erfInv', [f(3, 5, low=-0.95, high=0.95)], torch.erfinv)
row('lgamma', [POSITIVE], torch.lgamma)
row('lgamma wide', [WIDE], lambda x: torch.from_numpy(special.gammaln(x.numpy())))
row('digamma', [POSITIVE], lambda x: torch.from_numpy(special.digamma(x.numpy())))
row('digamma wide', [WIDE], lambda x: torch.from_numpy(special.digamma(x.numpy())))
row('polygamma', [POSITIVE], lambda x: torch.from_numpy(special.polygamma(1, x.numpy())))
row('polygamma second', [POSITIVE], lambda x: torch.from_numpy(special.polygamma(2, x.numpy())))
row('polygamma zeroth', [POSITIVE], lambda x: torch.from_numpy(special.digamma(x.numpy())))
row('truncDiv', [S, POSITIVE], lambda a, b: torch.div(a, b, rounding_mode='trunc'))
row('truncDiv i32', [w(11), w(11, low=-4, high=-1)], lambda a, b: torch.div(a, b, rounding_mode='trunc'))
row('truncDiv u32', [w(11, low=0, high=50), w(11, low=1, high=7)], lambda a, b: torch.div(a, b, rounding_mode='trunc'))
row('fmod', [S, POSITIVE], torch.fmod)
row('fmod negative', [S, f(3, 5, low=-3, high=-0.1)], torch.fmod)
row('fmod i32', [w(11), w(11, low=1, high=4)], torch.fmod)
row('fmod u32', [w(11, low=0, high=50), w(11, low=1, high=7)], torch.fmod)
for name, fn in {'And': torch.bitwise_and, 'Or': torch.bitwise_or, 'Xor': torch.bitwise_xor}.items():
    row(f'bitwise{name}', [w(11, low=-99, high=99), w(11, low=-99, high=99)], fn)
    row(f'bitwise{name} u32', [w(11, low=0, high=99), w(11, low=0, high=99)], fn)
    row(f'bitwise{name} bool', [w(11, low=0, high=2), w(11, low=0, high=2)], fn)
row('bitwiseNot', [w(11, low=-99, high=99)], torch.bitwise_not)
row('bitwiseNot bool', [w(11, low=0, high=2)], lambda x: torch.logical_not(x != 0))
row('leftShift', [w(11, low=-99, high=99), w(11, low=0, high=9)], torch.bitwise_left_shift)
row('rightShift', [w(11, low=-9999, high=9999), w(11, low=0, high=9)], torch.bitwise_right_shift)

# Poles and their neighbours, roots and their neighbours, the boundaries of the approximations, tiny and huge arguments.
joints = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 8.0, 10.0]
near = [v for j in joints for v in (j * (1 - 2**-20), j, j * (1 + 2**-20))]
points = near + [1e-30, -1e-30, 1e-5, -1e-5, -0.25, -0.5, -0.75, -1.5, -2.25, -5.5, -10.25, -99.75, -1000.5, -65536.5, -0.999, -1.0001, -3.999]
points += [1.4616321, 1.46, 33.3, 170.5, 1e3, 1e6, 1e12, 1e30, 3e36, math.inf, -math.inf, math.nan, 0.0, -1.0, -2.0, -17.0, -1e9]
x = np.float32(points).astype(np.float64)
poles = (x <= 0) & (x == np.floor(x))
with np.errstate(all='ignore'):
    lgamma = np.where(np.isinf(x), np.inf, special.gammaln(x))
    digamma = np.where(x == 0, -np.inf, np.where(poles, np.nan, special.digamma(x)))
    trigamma = np.where(poles, np.where(np.isinf(x), np.nan, np.inf), 0.0)
    plain = ~poles & np.isfinite(x)
    above = np.where(x < 0, 1 - x, x)
    reflected = (np.pi / np.sin(np.pi * (x - np.round(x)))) ** 2
    trigamma[plain] = np.where(x < 0, reflected - special.polygamma(1, above), special.polygamma(1, above))[plain]
    trigamma[np.isnan(x)] = np.nan
inside = [0.0, 1e-20, 1e-6, -1e-3, 0.3, -0.5, 0.7, 0.9, -0.99, 0.999, -0.9999, 0.99999, 0.999999, 1.0, -1.0, 1.5, -2.0, math.inf, math.nan]
y = np.float32(inside).astype(np.float64)
awkward = {
    'lgamma': {'x': numbers(x), 'y': numbers(lgamma)},
    'digamma': {'x': numbers(x), 'y': numbers(digamma)},
    'polygamma': {'x': numbers(x), 'y': numbers(trigamma)},
    'erfInv': {'x': numbers(y), 'y': numbers(torch.erfinv(torch.from_numpy(y)))},
}
row.write('special.json', awkward=awkward)
