"""Writes test/golden/fft.json: results of torch.fft in f64 for the rows of test/tables/fft.ts. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/fft.py
"""
import torch

from goldenRows import Rows, f

row = Rows()
pairs, numbers = torch.view_as_real, torch.view_as_complex
# Each length has another factor: 4 and 2, 3, 5, 7, 11, 13.
for n in [1, 2, 3, 4, 8, 15, 28, 143]:
    row('fft' if n == 8 else f'fft {n}', [f(2, n, 2)], lambda x: pairs(torch.fft.fft(numbers(x))))
row('fft axis', [f(6, 3, 2)], lambda x: pairs(torch.fft.fft(numbers(x), dim=0)))
row('fft ortho', [f(2, 6, 2)], lambda x: pairs(torch.fft.fft(numbers(x), norm='ortho')))
row('fft forward', [f(2, 6, 2)], lambda x: pairs(torch.fft.fft(numbers(x), norm='forward')))
row('fft cut', [f(2, 6, 2)], lambda x: pairs(torch.fft.fft(numbers(x), n=4)))
row('fft filled', [f(2, 3, 2)], lambda x: pairs(torch.fft.fft(numbers(x), n=5)))
row('ifft', [f(2, 6, 2)], lambda x: pairs(torch.fft.ifft(numbers(x))))
row('ifft axis ortho', [f(5, 3, 2)], lambda x: pairs(torch.fft.ifft(numbers(x), dim=0, norm='ortho')))
row('ifft forward', [f(7, 2)], lambda x: pairs(torch.fft.ifft(numbers(x), norm='forward')))
row('rfft', [f(2, 6)], lambda x: pairs(torch.fft.rfft(x)))
row('rfft odd', [f(3, 7)], lambda x: pairs(torch.fft.rfft(x)))
row('rfft axis', [f(4, 3)], lambda x: pairs(torch.fft.rfft(x, dim=0, norm='ortho')))
row('rfft filled', [f(2, 3)], lambda x: pairs(torch.fft.rfft(x, n=8)))
row('irfft', [f(2, 4, 2)], lambda x: torch.fft.irfft(numbers(x)))
row('irfft odd', [f(2, 4, 2)], lambda x: torch.fft.irfft(numbers(x), n=7))
row('irfft axis', [f(5, 3, 2)], lambda x: torch.fft.irfft(numbers(x), dim=0, norm='forward'))
row('irfft filled', [f(3, 2)], lambda x: torch.fft.irfft(numbers(x), n=10))
row('irfft one', [f(3, 2)], lambda x: torch.fft.irfft(numbers(x), n=1))
row.write('fft.json')
