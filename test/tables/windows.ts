// Rows of convolution, pooling and upsampling; expected results in test/golden/windows.json.
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row } from './row.ts';

const exact = { gpu: 'exact' } as const;
/** Sums of n terms of size at most t: n * 2^-23 * n * t. */
const terms = (n: number, t: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: n * n * t * 2 ** -23 } });

export const windowRows: readonly OpRow[] = [
  row('conv1d', [f([2, 9, 3]), f([4, 3, 5])], (x, k) => o.conv1d(x, k), terms(12, 4)),
  row('conv1d strided', [f([2, 11, 2]), f([3, 2, 4])], (x, k) => o.conv1d(x, k, { strides: 3, padding: [[1, 1]] }), terms(6, 4)),
  row(
    'conv1d dilated groups same',
    [f([1, 7, 4]), f([3, 2, 6])],
    (x, k) => o.conv1d(x, k, { dilations: 2, groups: 2, padding: 'same' }),
    terms(6, 4),
  ),
  row('conv3d', [f([2, 3, 4, 5, 2]), f([2, 3, 2, 2, 3])], (x, k) => o.conv3d(x, k), terms(24, 4)),
  row(
    'conv3d strided same',
    [f([1, 5, 3, 5, 2]), f([3, 3, 3, 2, 2])],
    (x, k) => o.conv3d(x, k, { strides: 2, padding: 'same' }),
    terms(54, 4),
  ),
  row(
    'conv3d dilated groups',
    [f([1, 4, 5, 4, 4]), f([2, 2, 2, 2, 4])],
    (x, k) => o.conv3d(x, k, { dilations: [3, 2, 1], groups: 2, padding: [[1, 1], [0, 0], [1, 1]] }), // prettier-ignore
    terms(16, 4),
  ),
  row('conv2dTranspose', [f([2, 3, 4, 3]), f([3, 2, 4, 3])], (x, k) => o.conv2dTranspose(x, k), terms(18, 4)),
  row('conv2dTranspose strided', [f([1, 3, 4, 2]), f([4, 3, 2, 2])], (x, k) => o.conv2dTranspose(x, k, { strides: 2 }), terms(8, 4)),
  row(
    'conv2dTranspose same',
    [f([1, 3, 4, 2]), f([4, 4, 3, 2])],
    (x, k) => o.conv2dTranspose(x, k, { strides: 2, padding: 'same' }),
    terms(8, 4),
  ),
  row(
    'conv2dTranspose padded',
    [f([1, 4, 3, 2]), f([3, 3, 2, 2])],
    (x, k) => o.conv2dTranspose(x, k, { strides: [3, 2], padding: [[1, 1], [1, 1]], outputPadding: [2, 1] }), // prettier-ignore
    terms(8, 4),
  ),
  row(
    'conv2dTranspose same output padding',
    [f([1, 4, 3, 2]), f([3, 3, 2, 2])],
    (x, k) => o.conv2dTranspose(x, k, { strides: 2, padding: 'same', outputPadding: 1 }),
    terms(8, 4),
  ),
  row('conv2dTranspose dilated', [f([1, 4, 3, 2]), f([3, 2, 2, 2])], (x, k) => o.conv2dTranspose(x, k, { dilations: 2 }), terms(12, 4)),
  row('depthwiseConv2d', [f([2, 5, 6, 3]), f([3, 2, 3, 1])], (x, k) => o.depthwiseConv2d(x, k), terms(6, 4)),
  row(
    'depthwiseConv2d multiplier',
    [f([1, 7, 5, 3]), f([3, 3, 3, 2])],
    (x, k) => o.depthwiseConv2d(x, k, { strides: 2, padding: 'same' }),
    terms(9, 4),
  ),
  row(
    'depthwiseConv2d dilated',
    [f([1, 7, 6, 2]), f([2, 3, 2, 2])],
    (x, k) => o.depthwiseConv2d(x, k, { dilations: [3, 2], strides: [2, 1], padding: [[2, 2], [1, 1]] }), // prettier-ignore
    terms(6, 4),
  ),
  row('maxPool1d', [f([2, 7, 3])], (x) => o.maxPool1d(x), exact),
  row('maxPool1d overlapping', [f([1, 9, 2])], (x) => o.maxPool1d(x, { poolSize: 4, strides: 2, padding: [[1, 1]] }), exact),
  row('maxPool3d', [f([2, 4, 5, 6, 2])], (x) => o.maxPool3d(x), exact),
  row(
    'maxPool3d overlapping',
    [f([1, 5, 5, 7, 2])],
    (x) => o.maxPool3d(x, { poolSize: 3, strides: [2, 1, 2], padding: [[1, 1], [0, 0], [1, 1]] }), // prettier-ignore
    exact,
  ),
  row('avgPool1d', [f([2, 7, 3])], (x) => o.avgPool1d(x, { poolSize: 3, strides: 2, padding: 'same' }), terms(3, 1)),
  row('avgPool2d', [f([2, 6, 4, 3])], (x) => o.avgPool2d(x), terms(4, 0.5)),
  row(
    'avgPool2d overlapping',
    [f([1, 7, 6, 2])],
    (x) => o.avgPool2d(x, { poolSize: [3, 4], strides: [2, 1], padding: [[1, 1], [2, 2]] }), // prettier-ignore
    terms(12, 1),
  ),
  row(
    'avgPool3d',
    [f([1, 5, 4, 6, 2])],
    (x) => o.avgPool3d(x, { poolSize: [3, 2, 3], strides: 2, padding: [[1, 1], [0, 0], [1, 1]] }), // prettier-ignore
    terms(18, 1),
  ),
  row('globalAvgPool', [f([2, 3, 5, 4])], (x) => o.globalAvgPool(x), terms(15, 0.2)),
  row('globalAvgPool sequence', [f([2, 7, 3])], (x) => o.globalAvgPool(x, { keepDims: true }), terms(7, 0.3)),
  row('upsample2d', [f([2, 3, 4, 3])], (x) => o.upsample2d(x), exact),
  row('upsample2d uneven', [f([1, 3, 2, 2])], (x) => o.upsample2d(x, { size: [3, 1] }), exact),
  row('upsample2d bilinear', [f([2, 3, 4, 3])], (x) => o.upsample2d(x, { interpolation: 'bilinear' }), terms(4, 1)),
  row('upsample2d bilinear thrice', [f([1, 1, 5, 2])], (x) => o.upsample2d(x, { size: [2, 3], interpolation: 'bilinear' }), terms(4, 1)),
];
