// Rows of what picks, orders and accumulates by place: scattering, tuples of indices, diagonals, running extremes, quantiles.
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

const exact = { gpu: 'exact' } as const;
const flat = { gpu: 'exact', gradient: 'none' } as const;
const x = f([3, 5]);
const i = w([3, 7], 0, 5);
const u = f([3, 7]);
const cube = f([2, 3, 5]);
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

  row('topK smallest', [f([3, 7])], (a) => o.topK(a, 3, { largest: false })[0], exact),
  row('topK smallest indices', [f([3, 7])], (a) => o.topK(a, 3, { largest: false, sorted: false })[1], flat),
  row('diagonal above', [f([2, 4, 5])], (a) => o.diagonal(a, { offset: 2 }), exact),
  row('diagonal below', [f([2, 4, 5])], (a) => o.diagonal(a, { offset: -1 }), exact),
  row('diagonal axes', [f([4, 2, 5])], (a) => o.diagonal(a, { offset: 1, axis1: 2, axis2: 0 }), exact),
  row('diagonal beyond', [f([4, 5])], (a) => o.diagonal(a, { offset: 7 }), exact),
  row('diag', [f([2, 3])], (a) => o.diag(a), exact),
  row('diag above', [f([2, 3])], (a) => o.diag(a, { offset: 2 }), exact),
  row('diag below', [f([2, 3])], (a) => o.diag(a, { offset: -1 }), exact),
  row('diag i32', [w([3])], (a) => o.diag(a), flat),
  row('cumMax', [cube], (a) => o.cumMax(a), exact),
  row('cumMax axis', [cube], (a) => o.cumMax(a, { axis: 1 }), exact),
  row('cumMax reverse', [cube], (a) => o.cumMax(a, { axis: 2, reverse: true }), exact),
  row('cumMax i32', [w([3, 7])], (a) => o.cumMax(a, { axis: 1 }), flat),
  row('cumMin', [cube], (a) => o.cumMin(a, { axis: 0 }), exact),
  row('cumMin long', [f([1301, 2])], (a) => o.cumMin(a, { axis: 0 }), { ...exact, gradient: 'none' }),
  row('logCumSumExp', [cube], (a) => o.logCumSumExp(a), { gpu: { ulp: 8, absolute: 1e-6 } }),
  row('logCumSumExp axis', [f([2, 3, 5], -30, 30)], (a) => o.logCumSumExp(a, { axis: 1 }), { gpu: { ulp: 8, absolute: 1e-6 } }),
  row('logCumSumExp reverse', [cube], (a) => o.logCumSumExp(a, { axis: 2, reverse: true }), { gpu: { ulp: 8, absolute: 1e-6 } }),
  row('quantile', [cube], (a) => o.quantile(a, 0.37), { gpu: { ulp: 4, absolute: 1e-6 } }),
  row('quantile axis', [cube], (a) => o.quantile(a, 0.7, { axis: 1, keepDims: true }), { gpu: { ulp: 4, absolute: 1e-6 } }),
  row('quantile several', [cube], (a) => o.quantile(a, [0, 0.3, 1], { axis: -1 }), { gpu: { ulp: 4, absolute: 1e-6 } }),
  row('quantile axes', [cube], (a) => o.quantile(a, 0.25, { axis: [0, 2] }), { gpu: { ulp: 4, absolute: 1e-6 } }),
  ...(['lower', 'higher', 'nearest', 'midpoint'] as const).map((interpolation) =>
    row(`quantile ${interpolation}`, [cube], (a) => o.quantile(a, [0.3, 0.625], { axis: 2, interpolation }), { gpu: { ulp: 2 } }),
  ),
  row('median', [f([3, 8])], (a) => o.median(a, { axis: 1 }), { gpu: { ulp: 4, absolute: 1e-6 } }),
  row('median odd', [f([3, 5])], (a) => o.median(a), exact),
  row('searchSorted', [f([1]), f([3, 4])], (a, b) => o.searchSorted(a, b), flat),
  row('searchSorted many', [f([13]), f([3, 4])], (a, b) => o.searchSorted(o.sort(a), b), flat),
  row('searchSorted left i32', [w([13]), w([3, 4], -7, 8)], (a, b) => o.searchSorted(o.sort(a), b), flat),
  row('searchSorted right', [w([13]), w([3, 4], -7, 8)], (a, b) => o.searchSorted(o.sort(a), b, { side: 'right' }), flat),
];
