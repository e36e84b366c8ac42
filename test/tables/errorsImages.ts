// Bad input of transposed convolution, of pooling in its further forms, and of resampling.
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, input } from './errorRow.ts';

const x = input([2, 3]);
const sequence = input([2, 9, 4]);
const images = input([2, 6, 5, 4]);
const volumes = input([1, 4, 5, 4, 2]);
const grid = input([2, 3, 3, 2]);

/** Calls with options, for the errors that all of them share. */
export const imageOptionCalls: Readonly<Record<string, (options: never) => unknown>> = {
  conv1dTranspose: (p) => o.conv1dTranspose(sequence, input([3, 2, 4]), p),
  conv3dTranspose: (p) => o.conv3dTranspose(volumes, input([2, 2, 2, 3, 2]), p),
  maxPool1dWithIndices: (p) => o.maxPool1dWithIndices(sequence, p),
  maxPool2dWithIndices: (p) => o.maxPool2dWithIndices(images, p),
  maxPool3dWithIndices: (p) => o.maxPool3dWithIndices(volumes, p),
  resize: (p) => o.resize(images, p),
  gridSample: (p) => o.gridSample(images, grid, p),
  adaptiveAvgPool: (p) => o.adaptiveAvgPool(images, p),
  adaptiveMaxPool: (p) => o.adaptiveMaxPool(images, p),
  maxUnpool2d: (p) => o.maxUnpool2d(images, o.cast(images, 'i32'), p),
};

const transposed: readonly ErrorRow[] = [
  bad('conv1dTranspose', 'rank', () => o.conv1dTranspose(x, x), 'x is [2,3]; sequences are [batch, width, channels], use reshape'),
  bad('conv1dTranspose', 'rank', () => o.conv1dTranspose(sequence, x), 'filter is [2,3]; filters are [width, output channels, channels]'),
  bad('conv1dTranspose', 'size', () => o.conv1dTranspose(sequence, input([3, 4, 2])), 'channels differ: x [2,9,4] has 4, filter [3,4,2] takes 2; filters are [width, output channels, channels]'), // prettier-ignore
  bad('conv1dTranspose', 'empty', () => o.conv1dTranspose(sequence, input([0, 2, 4])), 'filter [0,2,4] has no taps; filters are'),
  bad('conv1dTranspose', 'option', () => o.conv1dTranspose(sequence, input([3, 2, 4]), { outputPadding: [1, 1] }), 'outputPadding is [1,1]; give whole numbers from 0 on and less than the strides 1'), // prettier-ignore
  bad('conv1dTranspose', 'option', () => o.conv1dTranspose(sequence, input([3, 2, 4]), { padding: 'full' as never }), "padding is \"full\"; give 'valid', 'same' or [[left, right]] in steps"), // prettier-ignore
  bad('conv2dTranspose', 'option', () => o.conv2dTranspose(images, input([3, 3, 5, 4]), { groups: 0 }), 'groups is 0; give a positive whole number'), // prettier-ignore
  bad('conv2dTranspose', 'size', () => o.conv2dTranspose(images, input([3, 3, 5, 4]), { groups: 3 }), 'the 4 channels of x [2,6,5,4] do not divide into 3 groups; change x or groups'), // prettier-ignore
  bad('conv2dTranspose', 'size', () => o.conv2dTranspose(images, input([3, 3, 5, 2]), { groups: 2 }), 'channels differ: x [2,6,5,4] has 4, filter [3,3,5,2] takes 2; filters are [height, width, output channels / groups, channels]'), // prettier-ignore
  bad('conv3dTranspose', 'rank', () => o.conv3dTranspose(images, images), 'x is [2,6,5,4]; volumes are [batch, depth, height, width, channels], use reshape'), // prettier-ignore
  bad('conv3dTranspose', 'size', () => o.conv3dTranspose(volumes, input([2, 2, 2, 2, 3])), 'channels differ: x [1,4,5,4,2] has 2, filter [2,2,2,2,3] takes 3'), // prettier-ignore
  bad('conv3dTranspose', 'size', () => o.conv3dTranspose(volumes, input([1, 1, 1, 3, 2]), { padding: [[2, 2], [0, 0], [0, 0]] }), 'x [1,4,5,4,2] under a filter of 1x1x1 leaves a result of 0x5x4; use less padding or a larger x'), // prettier-ignore
  bad('conv3dTranspose', 'option', () => o.conv3dTranspose(volumes, input([2, 2, 2, 3, 2]), { strides: [1, 2] }), 'strides is [1,2]; give a positive whole number, or three: [depth, height, width]'), // prettier-ignore
];

const pools = { maxPool1dWithIndices: sequence, maxPool2dWithIndices: images, maxPool3dWithIndices: volumes };
const whole = o.cast(images, 'i32');

const pooling: readonly ErrorRow[] = [
  ...(['maxPool1dWithIndices', 'maxPool2dWithIndices', 'maxPool3dWithIndices'] as const).flatMap((op) => [
    bad(op, 'rank', () => o[op](x), 'x is [2,3]; '),
    bad(op, 'dtype', () => o[op](o.cast(pools[op], 'i32')), "takes floats, got i32; use cast(x, 'f32')"),
    bad(op, 'size', () => o[op](pools[op], { poolSize: 11 }), 'a window of 11'),
    bad(op, 'size', () => o[op](pools[op], { poolSize: 4, dilations: 3 }), 'a window of 4'),
    bad(op, 'option', () => o[op](pools[op], { dilations: 0 }), 'dilations is 0; give a positive whole number'),
    bad(op, 'option', () => o[op](pools[op], { ceilMode: 1 as never }), 'ceilMode is the number 1; it must be true or false'),
  ]),
  bad('maxPool2d', 'option', () => o.maxPool2d(images, { dilations: [1] }), 'dilations is [1]; give a positive whole number, or two'),
  bad(
    'maxPool2d',
    'option',
    () => o.maxPool2d(images, { ceilMode: 'yes' as never }),
    'ceilMode is the text "yes"; it must be true or false',
  ),
  bad('avgPool2d', 'option', () => o.avgPool2d(images, { countIncludePad: 1 as never }), 'countIncludePad is the number 1; it must be'),
  bad(
    'avgPool2d',
    'option',
    () => o.avgPool2d(images, { dilations: 2 } as never),
    "unknown option 'dilations'; it takes poolSize, strides",
  ),
  bad('avgPool1d', 'option', () => o.avgPool1d(sequence, { countIncludePad: null as never }), 'countIncludePad is null; it must be'),
  bad('maxUnpool2d', 'rank', () => o.maxUnpool2d(x, x, { size: 3 }), 'x is [2,3]; images are [batch, height, width, channels]'),
  bad('maxUnpool2d', 'size', () => o.maxUnpool2d(images, o.slice(whole, [0], [1]), { size: 9 }), 'values are [2,6,5,4], indices [1,6,5,4]; give an index for each value'), // prettier-ignore
  bad('maxUnpool2d', 'dtype', () => o.maxUnpool2d(images, images, { size: 9 }), 'indices are f32; use those of maxPool2dWithIndices'),
  bad('maxUnpool2d', 'option', () => o.maxUnpool2d(images, whole, {} as never), 'size is undefined; give the [height, width] of what was pooled'), // prettier-ignore
  bad('maxUnpool2d', 'option', () => o.maxUnpool2d(images, whole, { size: 1.5 }), 'size is 1.5; give a positive whole number, or two'),
];

const resampling: readonly ErrorRow[] = [
  bad('resize', 'rank', () => o.resize(x, { size: 3 }), 'x is [2,3]; it needs one to three axes between batch and channels'),
  bad('resize', 'empty', () => o.resize(input([1, 0, 3, 2]), { size: 3 }), 'x [1,0,3,2] has no elements to choose from between batch'),
  bad('resize', 'option', () => o.resize(images, {}), 'neither size nor scale is given; give one of them'),
  bad('resize', 'option', () => o.resize(images, { size: 3, scale: 2 }), 'both size and scale are given; give one of them'),
  bad('resize', 'option', () => o.resize(images, { size: [3] }), 'size is [3]; give a positive whole number, or two: [height, width]'),
  bad(
    'resize',
    'option',
    () => o.resize(images, { scale: [1, 0] }),
    'scale is [1,0]; give a positive number, or one for each of the 2 axes',
  ),
  bad('resize', 'option', () => o.resize(images, { scale: 0.1 }), 'scale 0.1 leaves nothing of 6 elements of [2,6,5,4]; use a larger one'),
  bad('resize', 'option', () => o.resize(images, { size: 3, method: 'bilinear' as never }), "method is the text \"bilinear\"; give 'nearest', 'linear', 'cubic', 'area'"), // prettier-ignore
  bad('resize', 'option', () => o.resize(images, { size: 3, coordinates: 'corners' as never }), "coordinates is the text \"corners\"; give 'halfPixel'"), // prettier-ignore
  bad('resize', 'option', () => o.resize(images, { size: 3, rounding: 'half' as never }), "rounding is the text \"half\"; give 'floor', 'ceil'"), // prettier-ignore
  bad('resize', 'option', () => o.resize(images, { size: 3, alignCorners: 1 as never }), 'alignCorners is the number 1; it must be true or false'), // prettier-ignore
  bad('resize', 'option', () => o.resize(images, { size: 3, alignCorners: true, coordinates: 'halfPixel' }), "alignCorners is true, coordinates are 'halfPixel'; give one of them"), // prettier-ignore
  bad('resize', 'option', () => o.resize(images, { size: 3, antialias: true }), "antialias goes with 'linear' and 'cubic' at 'halfPixel', not with 'nearest' at 'asymmetric'"), // prettier-ignore
  bad('resize', 'option', () => o.resize(images, { size: 3, method: 'cubic', cubicCoefficient: NaN }), 'cubicCoefficient is the number NaN; it must be a finite number'), // prettier-ignore
];

const sampling: readonly ErrorRow[] = [
  bad('gridSample', 'rank', () => o.gridSample(x, grid), 'x is [2,3]; give images [batch, height, width, channels] or volumes'),
  bad(
    'gridSample',
    'rank',
    () => o.gridSample(images, x),
    'grid is [2,3]; for x [2,6,5,4] it is [batch, height, width, 2], (x, y) for each',
  ),
  bad('gridSample', 'size', () => o.gridSample(volumes, input([1, 2, 2, 2, 2])), 'grid is [1,2,2,2,2]; for x [1,4,5,4,2] it is [batch, depth, height, width, 3]'), // prettier-ignore
  bad('gridSample', 'size', () => o.gridSample(images, input([1, 3, 3, 2])), 'x [2,6,5,4] and grid [1,3,3,2] differ in their batch; broadcastTo one'), // prettier-ignore
  bad('gridSample', 'empty', () => o.gridSample(input([2, 0, 5, 4]), grid), 'x [2,0,5,4] has no elements to sample'),
  bad('gridSample', 'option', () => o.gridSample(images, grid, { method: 'bilinear' as never }), 'method is the text "bilinear"; give \'linear\', \'nearest\', \'cubic\''), // prettier-ignore
  bad('gridSample', 'option', () => o.gridSample(images, grid, { padding: 'reflection' as never }), 'padding is the text "reflection"; give \'zeros\''), // prettier-ignore
  bad('gridSample', 'option', () => o.gridSample(images, grid, { alignCorners: 1 as never }), 'alignCorners is the number 1; it must be true or false'), // prettier-ignore
  bad('gridSample', 'option', () => o.gridSample(volumes, input([1, 2, 2, 2, 3]), { method: 'cubic' }), "'cubic' takes images, x is [1,4,5,4,2]; use 'linear'"), // prettier-ignore
];

const fitting: readonly ErrorRow[] = [
  ...(['adaptiveAvgPool', 'adaptiveMaxPool'] as const).flatMap((op) => [
    bad(op, 'rank', () => o[op](x), 'x is [2,3]; it needs one to three axes between batch and channels'),
    bad(op, 'empty', () => o[op](input([2, 0, 3])), 'x [2,0,3] has nothing to pool between batch and channels'),
    bad(op, 'dtype', () => o[op](whole), "takes floats, got i32; use cast(x, 'f32')"),
    bad(op, 'option', () => o[op](images, { size: [1, 2, 3] }), 'size is [1,2,3]; give a positive whole number, or two: [height, width]'),
  ]),
  ...(['pixelShuffle', 'depthToSpace'] as const).flatMap((op) => [
    bad(op, 'rank', () => o[op](x, 2), 'x is [2,3]; images are [batch, height, width, channels]'),
    bad(op, 'size', () => o[op](images, 3), 'the 4 channels of x [2,6,5,4] do not divide by 3 x 3; use another factor'),
    bad(op, 'value', () => o[op](images, 0), 'factor is the number 0; give a positive whole number'),
  ]),
  ...(['pixelUnshuffle', 'spaceToDepth'] as const).flatMap((op) => [
    bad(op, 'rank', () => o[op](x, 2), 'x is [2,3]; images are [batch, height, width, channels]'),
    bad(op, 'size', () => o[op](images, 2), '6x5 pixels of x [2,6,5,4] do not divide by 2; pad x or use another factor'),
    bad(op, 'value', () => o[op](images, '2' as never), 'factor is the text "2"; give a positive whole number'),
  ]),
];

export const imageErrors: readonly ErrorRow[] = [...transposed, ...pooling, ...resampling, ...sampling, ...fitting];
