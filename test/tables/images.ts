// Rows of transposed convolution, of pooling in its further forms, and of resampling; expected results in test/golden/images.json.
import * as o from '../../src/ops/index.ts';
import { type InputSpec, type OpRow, f, row, w } from './row.ts';

/** Sums of n terms of size at most t: n * 2^-23 * n * t. */
const terms = (n: number, t: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: n * n * t * 2 ** -23 } });

const transposed: readonly OpRow[] = [
  row('conv1dTranspose', [f([2, 5, 3]), f([4, 2, 3])], (x, k) => o.conv1dTranspose(x, k), terms(12, 4)),
  row(
    'conv1dTranspose padded',
    [f([1, 4, 4]), f([3, 3, 4])],
    (x, k) => o.conv1dTranspose(x, k, { strides: 3, dilations: 2, padding: [[2, 2]], outputPadding: 1, groups: 2 }),
    terms(6, 4),
  ),
  row(
    'conv2dTranspose groups',
    [f([2, 3, 2, 4]), f([3, 2, 3, 4])],
    (x, k) => o.conv2dTranspose(x, k, { strides: 2, groups: 2 }),
    terms(12, 4),
  ),
  row(
    'conv2dTranspose depthwise',
    [f([1, 3, 4, 3]), f([3, 3, 2, 3])],
    (x, k) => o.conv2dTranspose(x, k, { strides: [1, 2], padding: [[1, 1], [1, 1]], outputPadding: [0, 1], groups: 3 }), // prettier-ignore
    terms(9, 4),
  ),
  row('conv3dTranspose', [f([1, 2, 3, 2, 2]), f([2, 3, 2, 3, 2])], (x, k) => o.conv3dTranspose(x, k), terms(12, 4)),
  row(
    'conv3dTranspose strided',
    [f([1, 3, 2, 2, 2]), f([2, 3, 3, 2, 2])],
    (x, k) => o.conv3dTranspose(x, k, { strides: [1, 2, 3], padding: [[1, 1], [1, 1], [0, 0]], outputPadding: [0, 1, 2] }), // prettier-ignore
    terms(12, 4),
  ),
  row(
    'conv3dTranspose dilated groups',
    [f([1, 2, 2, 3, 4]), f([2, 2, 2, 1, 4])],
    (x, k) => o.conv3dTranspose(x, k, { dilations: [2, 1, 2], strides: 2, groups: 2 }),
    terms(8, 4),
  ),
];

const exact = { gpu: 'exact' } as const;
const flat = { gpu: 'exact', gradient: 'none' } as const;

const pooled: readonly OpRow[] = [
  row('maxPool1d dilated', [f([2, 11, 3])], (x) => o.maxPool1d(x, { poolSize: 3, strides: 2, dilations: 2, ceilMode: true }), exact),
  row(
    'maxPool2d dilated',
    [f([2, 8, 7, 3])],
    (x) => o.maxPool2d(x, { poolSize: [3, 2], strides: [1, 2], dilations: [2, 3], padding: [[1, 1], [1, 1]] }), // prettier-ignore
    exact,
  ),
  row('maxPool2d dilated quads', [f([1, 6, 7, 4])], (x) => o.maxPool2d(x, { poolSize: 2, strides: 1, dilations: [3, 2] }), exact),
  row('maxPool2d rounded up', [f([1, 6, 8, 2])], (x) => o.maxPool2d(x, { poolSize: 3, strides: [2, 3], ceilMode: true }), exact),
  row(
    'maxPool3d dilated',
    [f([1, 6, 5, 7, 2])],
    (x) => o.maxPool3d(x, { poolSize: [2, 2, 3], strides: [2, 1, 3], dilations: [2, 3, 1], padding: [[1, 1], [1, 1], [0, 0]], ceilMode: true }), // prettier-ignore
    exact,
  ),
  row('avgPool1d counted', [f([2, 8, 3])], (x) => o.avgPool1d(x, { poolSize: 3, padding: [[1, 1]], ceilMode: true, countIncludePad: true }), terms(3, 1)), // prettier-ignore
  row('avgPool2d rounded up', [f([1, 6, 8, 2])], (x) => o.avgPool2d(x, { poolSize: 3, strides: [2, 3], ceilMode: true }), terms(9, 1)),
  row(
    'avgPool2d counted',
    [f([2, 6, 7, 3])],
    (x) => o.avgPool2d(x, { poolSize: [3, 2], strides: 2, padding: [[1, 1], [1, 1]], ceilMode: true, countIncludePad: true }), // prettier-ignore
    terms(6, 1),
  ),
  row(
    'avgPool3d counted',
    [f([1, 5, 4, 6, 2])],
    (x) => o.avgPool3d(x, { poolSize: [3, 2, 3], strides: 2, padding: [[1, 1], [0, 0], [1, 1]], ceilMode: true, countIncludePad: true }), // prettier-ignore
    terms(18, 1),
  ),
  row('maxPool1dWithIndices', [f([2, 9, 3])], (x) => o.maxPool1dWithIndices(x)[0], exact),
  row('maxPool1dWithIndices indices', [f([2, 9, 3])], (x) => o.maxPool1dWithIndices(x, { poolSize: 3, strides: 2, dilations: 2, padding: [[1, 1]] })[1], flat), // prettier-ignore
  row('maxPool2dWithIndices', [f([2, 6, 5, 3])], (x) => o.maxPool2dWithIndices(x)[0], exact),
  row(
    'maxPool2dWithIndices indices',
    [f([2, 8, 7, 3])],
    (x) => o.maxPool2dWithIndices(x, { poolSize: 3, strides: [2, 1], dilations: [1, 2], padding: [[1, 1], [1, 1]], ceilMode: true })[1], // prettier-ignore
    flat,
  ),
  row('maxPool3dWithIndices', [f([1, 4, 5, 6, 2])], (x) => o.maxPool3dWithIndices(x)[0], exact),
  row(
    'maxPool3dWithIndices indices',
    [f([2, 6, 5, 7, 2])],
    (x) => o.maxPool3dWithIndices(x, { poolSize: [2, 3, 3], strides: 2, dilations: [2, 1, 2], padding: [[1, 1], [1, 1], [0, 0]] })[1], // prettier-ignore
    flat,
  ),
  row('maxPool2dWithIndices unpooled', [f([2, 6, 4, 3])], (x) => o.maxUnpool2d(...o.maxPool2dWithIndices(x), { size: [6, 4] }), exact),
  row('maxUnpool2d', [f([1, 2, 2, 1]), w([1, 2, 2, 1], 3, 30)], (x, i) => o.maxUnpool2d(x, i, { size: [5, 6] }), exact),
];

/** A weighted sum of n elements of size at most 2, whose weights are rounded too. */
const weighted = (n: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: (n + 2) * 4 * 2 ** -23 } });

const resampled: readonly OpRow[] = [
  row('resize', [f([2, 3, 4, 3])], (x) => o.resize(x, { size: [5, 7] }), exact),
  row('resize nearest sequence', [f([2, 7, 3])], (x) => o.resize(x, { scale: 1.7 }), exact),
  row('resize nearest volume', [f([1, 3, 4, 2, 2])], (x) => o.resize(x, { size: [5, 3, 6] }), exact),
  row('resize nearest smaller', [f([1, 9, 7, 4])], (x) => o.resize(x, { scale: [0.6, 0.4] }), exact),
  row('resize nearest exact', [f([1, 5, 7, 3])], (x) => o.resize(x, { size: [7, 3], coordinates: 'halfPixel' }), exact),
  row('resize linear', [f([2, 3, 4, 3])], (x) => o.resize(x, { size: [5, 7], method: 'linear' }), weighted(4)),
  row('resize linear quads', [f([1, 6, 5, 4])], (x) => o.resize(x, { scale: [1.7, 0.7], method: 'linear' }), weighted(4)),
  row('resize linear corners', [f([1, 4, 3, 3])], (x) => o.resize(x, { size: [7, 2], method: 'linear', alignCorners: true }), weighted(4)),
  row('resize linear sequence', [f([2, 5, 3])], (x) => o.resize(x, { size: 8, method: 'linear' }), weighted(2)),
  row('resize linear volume', [f([1, 3, 4, 2, 2])], (x) => o.resize(x, { size: [2, 7, 5], method: 'linear' }), weighted(8)),
  row(
    'resize linear volume corners',
    [f([1, 3, 2, 4, 2])],
    (x) => o.resize(x, { size: [5, 1, 6], method: 'linear', coordinates: 'alignCorners' }),
    weighted(8),
  ),
  row('resize cubic', [f([1, 4, 5, 3])], (x) => o.resize(x, { size: [7, 9], method: 'cubic' }), weighted(16)),
  row('resize cubic corners', [f([1, 5, 4, 2])], (x) => o.resize(x, { size: [3, 8], method: 'cubic', alignCorners: true }), weighted(16)),
  row('resize cubic scaled', [f([1, 5, 6, 2])], (x) => o.resize(x, { scale: [1.3, 0.7], method: 'cubic' }), weighted(16)),
  row('resize area', [f([2, 7, 5, 3])], (x) => o.resize(x, { size: [3, 2], method: 'area' }), weighted(12)),
  row('resize area volume', [f([1, 3, 5, 4, 2])], (x) => o.resize(x, { size: [2, 7, 4], method: 'area' }), weighted(12)),
  row('resize antialias', [f([1, 11, 9, 3])], (x) => o.resize(x, { size: [4, 3], method: 'linear', antialias: true }), weighted(36)),
  row('resize antialias cubic', [f([1, 12, 7, 2])], (x) => o.resize(x, { size: [5, 9], method: 'cubic', antialias: true }), weighted(48)),
];

/** Beyond the edges too. */
const wide = (shape: readonly number[]): InputSpec => f(shape, -1.7, 1.9);
/** Far beyond: thrown back several times. */
const far = (shape: readonly number[]): InputSpec => f(shape, -4.3, 5.1);
/** Coordinates of some elements are rounded, which moves the result by as much as its neighbours differ. */
const sampledTo = (n: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: n * 64 * 2 ** -23 } });

const sampled: readonly OpRow[] = [
  row('gridSample', [f([2, 4, 5, 3]), wide([2, 3, 2, 2])], (x, g) => o.gridSample(x, g), sampledTo(4)),
  row('gridSample corners', [f([1, 4, 3, 4]), wide([1, 3, 4, 2])], (x, g) => o.gridSample(x, g, { alignCorners: true }), sampledTo(4)),
  row('gridSample border', [f([1, 4, 5, 3]), wide([1, 3, 4, 2])], (x, g) => o.gridSample(x, g, { padding: 'border' }), sampledTo(4)),
  row('gridSample reflect', [f([1, 3, 4, 2]), far([1, 4, 4, 2])], (x, g) => o.gridSample(x, g, { padding: 'reflect' }), sampledTo(4)),
  row(
    'gridSample reflect corners',
    [f([1, 3, 4, 2]), far([1, 4, 4, 2])],
    (x, g) => o.gridSample(x, g, { padding: 'reflect', alignCorners: true }),
    sampledTo(4),
  ),
  row('gridSample nearest', [f([1, 4, 5, 3]), wide([1, 4, 3, 2])], (x, g) => o.gridSample(x, g, { method: 'nearest' }), exact),
  row(
    'gridSample nearest reflect',
    [f([1, 4, 5, 3]), wide([1, 4, 3, 2])],
    (x, g) => o.gridSample(x, g, { method: 'nearest', padding: 'reflect', alignCorners: true }),
    exact,
  ),
  row('gridSample cubic', [f([1, 5, 6, 2]), wide([1, 3, 3, 2])], (x, g) => o.gridSample(x, g, { method: 'cubic' }), sampledTo(16)),
  row(
    'gridSample cubic border',
    [f([1, 5, 4, 2]), wide([1, 3, 3, 2])],
    (x, g) => o.gridSample(x, g, { method: 'cubic', padding: 'border', alignCorners: true }),
    sampledTo(16),
  ),
  row(
    'gridSample cubic reflect',
    [f([1, 4, 5, 2]), wide([1, 3, 3, 2])],
    (x, g) => o.gridSample(x, g, { method: 'cubic', padding: 'reflect' }),
    sampledTo(16),
  ),
  row('gridSample volume', [f([1, 3, 2, 4, 2]), wide([1, 2, 2, 3, 3])], (x, g) => o.gridSample(x, g), sampledTo(8)),
  row(
    'gridSample volume reflect',
    [f([1, 3, 2, 4, 2]), wide([1, 2, 2, 3, 3])],
    (x, g) => o.gridSample(x, g, { padding: 'reflect', alignCorners: true }),
    sampledTo(8),
  ),
  row(
    'gridSample volume nearest',
    [f([1, 3, 2, 4, 2]), wide([1, 2, 2, 3, 3])],
    (x, g) => o.gridSample(x, g, { method: 'nearest', padding: 'border' }),
    exact,
  ),
];

const fitted: readonly OpRow[] = [
  row('adaptiveAvgPool', [f([2, 7, 5, 3])], (x) => o.adaptiveAvgPool(x, { size: [3, 2] }), weighted(12)),
  row('adaptiveAvgPool volume', [f([1, 3, 5, 4, 2])], (x) => o.adaptiveAvgPool(x, { size: [2, 7, 4] }), weighted(12)),
  row('adaptiveAvgPool to one', [f([2, 5, 4, 3])], (x) => o.adaptiveAvgPool(x), weighted(20)),
  row('adaptiveMaxPool', [f([2, 7, 5, 3])], (x) => o.adaptiveMaxPool(x, { size: [3, 2] }), exact),
  row('adaptiveMaxPool sequence', [f([2, 5, 3])], (x) => o.adaptiveMaxPool(x, { size: 8 }), exact),
  row('adaptiveMaxPool volume', [f([1, 4, 5, 6, 2])], (x) => o.adaptiveMaxPool(x, { size: [2, 3, 6] }), exact),
  row('pixelShuffle', [f([2, 2, 3, 12])], (x) => o.pixelShuffle(x, 2), exact),
  row('pixelUnshuffle', [f([2, 4, 6, 3])], (x) => o.pixelUnshuffle(x, 2), exact),
  row('depthToSpace', [f([2, 2, 3, 18])], (x) => o.depthToSpace(x, 3), exact),
  row('spaceToDepth', [f([1, 4, 6, 3])], (x) => o.spaceToDepth(x, 2), exact),
];

export const imageRows: readonly OpRow[] = [...transposed, ...pooled, ...resampled, ...sampled, ...fitted];
