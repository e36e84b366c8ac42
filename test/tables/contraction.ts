// Rows of einsum and tensordot.
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

/** Sums of n products of size at most t: n * 2^-23 * n * t. */
const terms = (n: number, t: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: n * n * t * 2 ** -23 } });
const exact = { gpu: 'exact' } as const;

/** A row of einsum, named by its equation. */
const equation = (text: string, inputs: OpRow['inputs'], options: Partial<OpRow>): OpRow =>
  row(`einsum ${text}`, inputs, (...operands) => o.einsum(text, ...operands), options);

export const contractionRows: readonly OpRow[] = [
  equation('ij,jk->ik', [f([3, 5]), f([5, 4])], terms(5, 4)),
  equation('bij,bjk->bik', [f([2, 3, 5]), f([2, 5, 4])], terms(5, 4)),
  equation('ji,kj', [f([5, 3]), f([4, 5])], terms(5, 4)),
  equation('ba', [f([3, 5])], exact),
  equation('i,j->ij', [f([3]), f([5])], { gpu: { ulp: 1 } }),
  equation('i,i', [f([7]), f([7])], terms(7, 4)),
  equation('ij,ij->i', [f([3, 5]), f([3, 5])], terms(5, 4)),
  equation('ij,kl->', [f([2, 3]), f([3, 2])], terms(36, 4)),
  equation('ij->', [f([3, 5])], terms(15, 2)),
  equation('ijk->ki', [f([2, 3, 5])], terms(3, 2)),
  equation('ii', [f([5, 5])], terms(5, 2)),
  equation('ii->i', [f([5, 5])], exact),
  equation('iij->ji', [f([3, 3, 2])], exact),
  equation('iii->i', [f([3, 3, 3])], exact),
  equation('ijij->j', [f([2, 3, 2, 3])], terms(2, 2)),
  equation('ii,ij->j', [f([3, 3]), f([3, 4])], terms(3, 4)),
  equation('bhqd,bhkd->bhqk', [f([2, 2, 3, 4]), f([2, 2, 5, 4])], terms(4, 4)),
  equation('bqhd,bkhd->bhqk', [f([2, 3, 2, 4]), f([2, 5, 2, 4])], terms(4, 4)),
  equation('abc,cd,bde->ae', [f([2, 3, 4]), f([4, 5]), f([3, 5, 2])], terms(60, 8)),
  equation('i,ij,jk,kl,l->', [f([3]), f([3, 2]), f([2, 4]), f([4, 3]), f([3])], { gpu: { ulp: 0, absolute: 1e-3 } }),
  equation('...ij,...jk->...ik', [f([2, 1, 3, 4]), f([3, 4, 2])], terms(4, 4)),
  equation('...i,i->...', [f([2, 3, 5]), f([5])], terms(5, 4)),
  equation('i...->...', [f([2, 3, 5])], terms(2, 2)),
  equation('b...a,...a', [f([2, 3, 4]), f([3, 4])], terms(4, 4)),
  equation('ab,bc,cd->ad', [f([3, 1]), f([4, 5]), f([5, 2])], terms(20, 8)),
  equation('ij,jk->ik i32', [w([2, 3]), w([3, 4])], exact),
  row('tensordot', [f([2, 3, 4]), f([3, 4, 5])], (a, b) => o.tensordot(a, b), terms(12, 4)),
  row('tensordot one', [f([2, 3, 4]), f([4, 5])], (a, b) => o.tensordot(a, b, 1), terms(4, 4)),
  row('tensordot none', [f([2]), f([3])], (a, b) => o.tensordot(a, b, 0), { gpu: { ulp: 1 } }),
  row('tensordot axes', [f([4, 2, 3]), f([3, 5, 4])], (a, b) => o.tensordot(a, b, [[0, -1], [2, 0]]), terms(12, 4)), // prettier-ignore
].map((made) => (made.name.endsWith('i32') ? { ...made, call: (a, b) => o.einsum('ij,jk->ik', a, b), gradient: 'none' } : made));
