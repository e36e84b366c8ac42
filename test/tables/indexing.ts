// Rows of scattering and gathering by indices of each line and by tuples of indices.
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

const exact = { gpu: 'exact' } as const;
const flat = { gpu: 'exact', gradient: 'none' } as const;
const x = f([3, 5]);
const i = w([3, 7], 0, 5);
const u = f([3, 7]);
const tuples = w([7, 2], 0, 4);
const slices = w([2, 3, 1], 0, 4);

export const indexingRows: readonly OpRow[] = [
  row('scatterAlongAxis', [x, i, u], (a, b, c) => o.scatterAlongAxis(a, b, c), exact),
  row('scatterAlongAxis first', [f([4, 2, 3]), w([6, 2, 3], 0, 4), f([6, 2, 3])], (a, b, c) => o.scatterAlongAxis(a, b, c, { axis: 0 }), exact), // prettier-ignore
  row('scatterAlongAxis broadcast', [f([2, 3, 4]), w([1, 3, 2], 0, 4), f([2, 1, 2])], (a, b, c) => o.scatterAlongAxis(a, b, c), exact),
  row('scatterAlongAxis add', [x, i, u], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'add' }), { gpu: { ulp: 4, absolute: 2e-6 } }),
  row('scatterAlongAxis multiply', [x, i, f([3, 7], 0.5, 1.5)], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'multiply' }), { gpu: { ulp: 8 } }), // prettier-ignore
  row('scatterAlongAxis min', [x, i, u], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'min' }), exact),
  row('scatterAlongAxis max', [x, i, u], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'max' }), exact),
  // Enough comparisons that the indices are sorted by merging.
  row('scatterAlongAxis max long', [f([2, 9]), w([2, 600], 0, 9), f([2, 600])], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'max' }), { ...exact, gradient: 'none' }), // prettier-ignore
  row('scatterAlongAxis i32', [w([3, 5]), i, w([3, 7])], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'multiply' }), flat),
  row('scatterAlongAxis min i32', [w([3, 5]), i, w([3, 7])], (a, b, c) => o.scatterAlongAxis(a, b, c, { mode: 'min' }), flat),
  row('scatterAlongAxis bool', [w([3, 5], 0, 2, 'bool'), i, w([3, 7], 0, 2, 'bool')], (a, b, c) => o.scatterAlongAxis(a, b, c), flat),
  row('gatherNd', [f([4, 5]), tuples], (a, b) => o.gatherNd(a, b), exact),
  row('gatherNd slices', [f([4, 5, 2]), slices], (a, b) => o.gatherNd(a, b), exact),
  row('gatherNd batch', [f([3, 4, 2]), w([3, 5, 1], 0, 4)], (a, b) => o.gatherNd(a, b, { batchDims: 1 }), exact),
  row('scatterNd', [f([4, 5]), tuples, f([7])], (a, b, c) => o.scatterNd(a, b, c), exact),
  row('scatterNd add', [f([4, 5]), tuples, f([7])], (a, b, c) => o.scatterNd(a, b, c, { mode: 'add' }), {
    gpu: { ulp: 4, absolute: 2e-6 },
  }),
  row('scatterNd multiply', [f([4, 5]), tuples, f([7])], (a, b, c) => o.scatterNd(a, b, c, { mode: 'multiply' }), { gpu: { ulp: 8 } }),
  row('scatterNd min', [f([4, 5]), tuples, f([7])], (a, b, c) => o.scatterNd(a, b, c, { mode: 'min' }), exact),
  row('scatterNd max', [f([4, 5]), tuples, f([7])], (a, b, c) => o.scatterNd(a, b, c, { mode: 'max' }), exact),
  row('scatterNd slices', [f([4, 3]), slices, f([2, 3, 3])], (a, b, c) => o.scatterNd(a, b, c), exact),
  row('scatterNd max slices', [f([4, 3]), slices, f([2, 3, 3])], (a, b, c) => o.scatterNd(a, b, c, { mode: 'max' }), exact),
];
