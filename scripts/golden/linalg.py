"""Writes test/golden/linalg.json: results of PyTorch in f64 for the rows of test/tables/linalg.ts. Run with Debian's python3-torch:

    /usr/bin/python3 scripts/golden/linalg.py
"""
import torch

from goldenRows import Rows, f

row = Rows()
A = f(3, 3)
I3 = 4 * torch.eye(3)
row('determinant', [A], torch.linalg.det)
row('determinant batch', [f(2, 2, 4, 4)], lambda x: torch.linalg.det(x + 4 * torch.eye(4)))
row('determinant one', [f(5, 1, 1)], torch.linalg.det)
row('logDeterminant', [A], lambda x: torch.linalg.slogdet(x)[1])
row('logDeterminant sign', [f(7, 2, 2)], lambda x: torch.linalg.slogdet(x)[0])
row('logDeterminant batch', [f(2, 4, 4)], lambda x: torch.linalg.slogdet(x + 4 * torch.eye(4))[1])
row('inverse', [A], torch.linalg.inv)
row('inverse batch', [f(2, 3, 3)], lambda x: torch.linalg.inv(x + I3))
row('solve', [A, f(3, 2)], torch.linalg.solve)
row('solve vector', [A, f(3)], torch.linalg.solve)
row('solve broadcast', [f(2, 1, 3, 3), f(2, 3, 2)], lambda a, b: torch.linalg.solve(a + I3, b))
row('solve vectors', [f(2, 3, 3), f(3)], lambda a, b: torch.linalg.solve(a + I3, b.expand(2, 3)))
row('cholesky', [f(1, 1, low=1.0, high=3.0)], torch.linalg.cholesky)
row('cholesky batch', [f(2, 3, 3)], lambda x: torch.linalg.cholesky(x @ x.mT + torch.eye(3)))
lower = lambda x: torch.tril(x + I3)
row('triangularSolve', [A, f(3, 2)], lambda a, b: torch.linalg.solve_triangular(a.tril(), b, upper=False))
row('triangularSolve upper', [A, f(3, 2)], lambda a, b: torch.linalg.solve_triangular((a + I3).triu(), b, upper=True))
row('triangularSolve transposed', [f(2, 3, 3), f(2, 3, 2)], lambda a, b: torch.linalg.solve_triangular(lower(a).mT, b, upper=True))
row('triangularSolve upper transposed', [A, f(3)], lambda a, b: torch.linalg.solve_triangular((a + I3).triu().mT, b[:, None], upper=False)[:, 0])
row('triangularSolve unit', [A, f(3, 2)], lambda a, b: torch.linalg.solve_triangular(a.tril(), b, upper=False, unitriangular=True))
row.write('linalg.json')
