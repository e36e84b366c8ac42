// Rows of scans, of sorting, and of picking along an axis.
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

const cube = f([2, 3, 5]);
const exact = { gpu: 'exact' } as const;
const flat = { gpu: 'exact', gradient: 'none' } as const;
/** Sums of n terms of size at most t: n * 2^-23 * n * t. */
const terms = (n: number, t: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: n * n * t * 2 ** -23 } });

export const scanRows: readonly OpRow[] = [
  row('cumSum', [cube], (x) => o.cumSum(x), terms(30, 2)),
  row('cumSum axis', [cube], (x) => o.cumSum(x, { axis: 1 }), terms(3, 2)),
  row('cumSum exclusive', [cube], (x) => o.cumSum(x, { axis: -1, exclusive: true }), terms(5, 2)),
  row('cumSum reverse', [cube], (x) => o.cumSum(x, { axis: 0, reverse: true }), terms(2, 2)),
  row('cumSum exclusive reverse', [cube], (x) => o.cumSum(x, { axis: 2, exclusive: true, reverse: true }), terms(5, 2)),
  row('cumSum i32', [w([3, 5])], (x) => o.cumSum(x, { axis: 1 }), flat),
  row('cumSum nothing', [f([0, 3])], (x) => o.cumSum(x, { axis: 0 }), exact),
  row('cumProd', [f([7], 0.5, 1.5)], (x) => o.cumProd(x), { gpu: { ulp: 16 } }),
  row('cumProd axis', [cube], (x) => o.cumProd(x, { axis: 1 }), { gpu: { ulp: 16 } }),
  row('cumProd exclusive', [cube], (x) => o.cumProd(x, { axis: -1, exclusive: true }), { gpu: { ulp: 16 } }),
  row('cumProd reverse', [cube], (x) => o.cumProd(x, { axis: 1, reverse: true }), { gpu: { ulp: 16 } }),
  row('cumProd exclusive reverse', [cube], (x) => o.cumProd(x, { axis: 2, exclusive: true, reverse: true }), { gpu: { ulp: 16 } }),
  row('cumProd i32', [w([3, 5])], (x) => o.cumProd(x, { axis: 1 }), flat),

  row('sort', [cube], (x) => o.sort(x), exact),
  row('sort descending axis', [cube], (x) => o.sort(x, { axis: 1, descending: true }), exact),
  row('sort i32', [w([37])], (x) => o.sort(x), flat),
  row('sort long', [f([131, 2])], (x) => o.sort(x, { axis: 0 }), { ...exact, gradient: 'once' }),
  row('argSort', [cube], (x) => o.argSort(x), flat),
  row('argSort equals', [w([61, 2])], (x) => o.argSort(x, { axis: 0 }), flat),
  row('argSort equals descending', [w([2, 61])], (x) => o.argSort(x, { descending: true }), flat),
  row('topK', [f([3, 7])], (x) => o.topK(x, 3)[0], exact),
  row('topK indices', [f([3, 7])], (x) => o.topK(x, 3)[1], flat),
  row('topK axis', [cube], (x) => o.topK(x, 2, { axis: 1 })[0], exact),
  row('takeAlongAxis', [f([3, 5]), w([3, 7], 0, 5)], (x, i) => o.takeAlongAxis(x, i), exact),
  row('takeAlongAxis inner', [cube, w([2, 4, 5], 0, 3)], (x, i) => o.takeAlongAxis(x, i, { axis: 1 }), exact),
  row('takeAlongAxis broadcast', [f([2, 1, 5]), w([1, 3, 4], 0, 5)], (x, i) => o.takeAlongAxis(x, i, { axis: 2 }), exact),
  row('gather many', [f([13, 2]), w([700], 0, 13)], (x, i) => o.gather(x, i), { ...exact, gradient: 'once' }),
];
