// Bad input of products, convolutions, pooling, normalisations and attention.
import { ArgumentError } from '../../src/core/errors.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, i32, input, u32 } from './errorRow.ts';

const x = input([2, 3]);
const w = input([3, 4]);
const sequence = input([2, 9, 4]);
const images = input([2, 6, 5, 4]);
const volumes = input([1, 4, 5, 4, 2]);
const each = 'give a positive whole number';

const products: readonly ErrorRow[] = [
  bad('matmul', 'operand', () => o.matmul([[1]] as never, w), 'a is an array; it must be a tensor: wrap arrays in tensor([...])'),
  bad('matmul', 'operand', () => o.matmul(x, 2 as never), 'b is the number 2; it must be a tensor: use scalar(2)'),
  bad('matmul', 'rank', () => o.matmul(o.scalar(1), w), 'takes vectors and matrices, got [] x [3,4]; scale with mul(x, y)'),
  bad('matmul', 'size', () => o.matmul(x, x), 'inner sizes differ: [2,3] x [2,3]; transpose one operand or reshape'),
  bad('matmul', 'size', () => o.matmul(input([2, 2, 3]), input([3, 3, 4])), 'shapes [2] and [3] do not broadcast'),
  bad('matmul', 'dtype', () => o.matmul(i32(1, 2), i32(1, 2)), "takes floats, got i32 x i32; use cast(x, 'f32')"),
  bad('matmul', 'dtype', () => o.matmul(i32(1), u32(1)), 'i32 and u32 do not mix; cast one operand'),
  bad('matmul', 'option', () => o.matmul(x, w, { transposeA: 1 as never }), 'transposeA is the number 1; it must be true or false'),
  bad(
    'dot',
    'operand',
    () => o.dot(new Float32Array(2) as never, w),
    'a is a Float32Array; it must be a tensor: wrap it in tensor(values, shape)',
  ),
  bad('dot', 'operand', () => o.dot(x, [1] as never), 'b is an array; it must be a tensor: wrap arrays in tensor([...])'),
  bad('outer', 'rank', () => o.outer(x, w), 'takes two vectors, got [2,3] and [3,4]; flatten(x) first'),
  bad('outer', 'dtype', () => o.outer(i32(1), u32(1)), 'i32 and u32 do not mix; cast one operand'),
  bad('einsum', 'value', () => o.einsum('ij,jk->ik', x), "'ij,jk->ik': names 2 operands, 1 were given; separate them by commas"),
  bad('einsum', 'value', () => o.einsum('i1', x), "'i1': '1' is no label; use letters, ',', '->' and '...'"),
  bad('einsum', 'value', () => o.einsum(undefined as never, x), "the first argument is undefined; it is the equation, such as 'ij,jk->ik'"),
  bad('einsum', 'operand', () => o.einsum('ij,jk', x, [1] as never), "operand 1 of 'ij,jk' is an array; it must be a tensor: wrap arrays"),
  bad('einsum', 'rank', () => o.einsum('ijk', x), "'ijk': 'ijk' names 3 axes, operand 0 is [2,3]; name every axis, or use '...' for the rest", ArgumentError), // prettier-ignore
  bad(
    'einsum',
    'size',
    () => o.einsum('ij,jk', x, x),
    "'ij,jk': 'j' has sizes 3 and 2 in [2,3], [2,3]; equal labels need equal sizes, or 1",
  ),
  bad('einsum', 'dtype', () => o.einsum('i,i', i32(1), u32(1)), 'i32 and u32 do not mix; cast one operand'),
  bad('tensordot', 'size', () => o.tensordot(x, x, 1), 'axis 1 of [2,3] and axis 0 of [2,3] are paired; their sizes must be equal'),
  bad('tensordot', 'value', () => o.tensordot(x, w, 3), '3 axes of [2,3] and [3,4]; use a whole number from 0 to 2'),
  bad('tensordot', 'value', () => o.tensordot(x, w, 0.5), '0.5 axes of [2,3] and [3,4]; use a whole number from 0 to 2'),
  bad(
    'tensordot',
    'value',
    () => o.tensordot(x, w, 'ij' as never),
    'axes of [2,3] and [3,4] are the text "ij"; give a number of axes, or a pair',
  ),
  bad('tensordot', 'axis', () => o.tensordot(x, w, [2, 0]), 'axis 2 is outside a tensor of rank 2; use -2 to 1'),
  bad('tensordot', 'dtype', () => o.tensordot(i32(1), u32(1), 1), 'i32 and u32 do not mix; cast one operand'),
];

const convolutions: readonly ErrorRow[] = [
  bad('conv1d', 'rank', () => o.conv1d(x, w), 'x is [2,3]; sequences are [batch, width, channels], use reshape or expandDims'),
  bad('conv1d', 'size', () => o.conv1d(sequence, input([3, 2, 6])), 'channels differ: x [2,9,4] has 4, filter [3,2,6] takes 2'),
  bad('conv1d', 'size', () => o.conv1d(sequence, input([10, 4, 6])), 'a window of 10 does not fit into a sequence of 9; use padding'),
  bad('conv1d', 'dtype', () => o.conv1d(input([1, 3, 1], 'i32'), input([1, 1, 1], 'u32')), 'i32 and u32 do not mix; cast one operand'),
  bad('conv1d', 'option', () => o.conv1d(sequence, input([3, 4, 6]), { strides: 0 }), `strides is 0; ${each}`),
  bad(
    'conv1d',
    'option',
    () => o.conv1d(sequence, input([3, 4, 6]), { padding: 1 as never }),
    "padding is 1; give 'valid', 'same' or [[left, right]]",
  ),
  bad(
    'conv2d',
    'operand',
    () => o.conv2d(images, undefined as never),
    'filter is undefined; it must be a tensor: make one by tensor([...])',
  ),
  bad('conv2d', 'rank', () => o.conv2d(x, w), 'x is [2,3]; images are [batch, height, width, channels], use reshape or expandDims'),
  bad('conv2d', 'rank', () => o.conv2d(images, w), 'filter is [3,4]; filters are [height, width, channels / groups, output channels]'),
  bad('conv2d', 'size', () => o.conv2d(images, input([3, 3, 3, 2])), 'channels differ: x [2,6,5,4] has 4, filter [3,3,3,2] takes 3'),
  bad('conv2d', 'size', () => o.conv2d(images, input([7, 3, 4, 2])), 'a window of 7x3 does not fit into an image of 6x5; use padding'),
  bad('conv2d', 'empty', () => o.conv2d(images, input([0, 3, 4, 2])), 'filter [0,3,4,2] has no taps; filters are'),
  bad('conv2d', 'dtype', () => o.conv2d(o.cast(images, 'i32'), input([1, 1, 4, 1], 'u32')), 'i32 and u32 do not mix; cast one operand'),
  bad(
    'conv2d',
    'option',
    () => o.conv2d(images, input([3, 3, 4, 2]), { strides: [1] }),
    `strides is [1]; ${each}, or two: [height, width]`,
  ),
  bad('conv2d', 'option', () => o.conv2d(images, input([3, 3, 4, 2]), { strides: '2' as never }), `strides is "2"; ${each}`),
  bad('conv2d', 'option', () => o.conv2d(images, input([3, 3, 4, 2]), { dilations: 1.5 }), `dilations is 1.5; ${each}`),
  bad('conv2d', 'option', () => o.conv2d(images, input([3, 3, 4, 2]), { padding: 'full' as never }), 'padding is "full"; give \'valid\', \'same\''), // prettier-ignore
  bad('conv2d', 'option', () => o.conv2d(images, input([3, 3, 4, 2]), { padding: [[-1, 0], [0, 0]] }), 'padding is [[-1,0],[0,0]]; give'), // prettier-ignore
  bad('conv2d', 'option', () => o.conv2d(images, input([3, 3, 4, 2]), { groups: 0 }), `groups is 0; ${each}`),
  bad('conv2d', 'size', () => o.conv2d(images, input([3, 3, 2, 3]), { groups: 2 }), '3 output channels do not divide into 2 groups'),
  bad('conv3d', 'rank', () => o.conv3d(images, images), 'x is [2,6,5,4]; volumes are [batch, depth, height, width, channels], use reshape'),
  bad(
    'conv3d',
    'size',
    () => o.conv3d(volumes, input([2, 2, 2, 3, 1])),
    'channels differ: x [1,4,5,4,2] has 2, filter [2,2,2,3,1] takes 3',
  ),
  bad('conv3d', 'dtype', () => o.conv3d(o.cast(volumes, 'i32'), input([1, 1, 1, 2, 1], 'u32')), 'i32 and u32 do not mix'),
  bad('conv3d', 'option', () => o.conv3d(volumes, input([2, 2, 2, 2, 1]), { dilations: [1, 2] }), `dilations is [1,2]; ${each}, or three`),
  bad(
    'conv2dTranspose',
    'rank',
    () => o.conv2dTranspose(images, w),
    'filter is [3,4]; filters are [height, width, output channels, channels]',
  ),
  bad(
    'conv2dTranspose',
    'size',
    () => o.conv2dTranspose(images, input([3, 3, 5, 2])),
    'channels differ: x [2,6,5,4] has 4, filter [3,3,5,2] takes 2',
  ),
  bad('conv2dTranspose', 'empty', () => o.conv2dTranspose(images, input([0, 3, 5, 4])), 'filter [0,3,5,4] has no taps'),
  bad('conv2dTranspose', 'dtype', () => o.conv2dTranspose(o.cast(images, 'i32'), input([1, 1, 1, 4], 'u32')), 'i32 and u32 do not mix'),
  bad('conv2dTranspose', 'option', () => o.conv2dTranspose(images, input([3, 3, 5, 4]), { outputPadding: 1 }), 'outputPadding is 1; give whole numbers from 0'), // prettier-ignore
  bad('conv2dTranspose', 'option', () => o.conv2dTranspose(images, input([3, 3, 5, 4]), { outputPadding: null as never }), 'outputPadding is null; give whole'), // prettier-ignore
  bad('depthwiseConv2d', 'rank', () => o.depthwiseConv2d(x, w), 'x is [2,3]; images are [batch, height, width, channels], use reshape'),
  bad(
    'depthwiseConv2d',
    'size',
    () => o.depthwiseConv2d(images, input([3, 3, 2, 1])),
    'channels differ: x [2,6,5,4] has 4, filter [3,3,2,1] takes 2',
  ),
  bad('depthwiseConv2d', 'empty', () => o.depthwiseConv2d(images, input([3, 0, 4, 1])), 'filter [3,0,4,1] has no taps'),
  bad('depthwiseConv2d', 'dtype', () => o.depthwiseConv2d(o.cast(images, 'i32'), input([1, 1, 4, 1], 'u32')), 'i32 and u32 do not mix'),
  bad('depthwiseConv2d', 'option', () => o.depthwiseConv2d(images, input([3, 3, 4, 1]), { strides: NaN }), `strides is null; ${each}`),
];

const pools = {
  ...{ maxPool1d: o.maxPool1d, avgPool1d: o.avgPool1d },
  ...{ maxPool2d: o.maxPool2d, avgPool2d: o.avgPool2d },
  ...{ maxPool3d: o.maxPool3d, avgPool3d: o.avgPool3d },
};
const pooled = { 1: sequence, 2: images, 3: volumes };
const pooling: readonly ErrorRow[] = Object.entries(pools).flatMap(([op, pool]) => {
  const data = pooled[Number(op.at(-2)) as 1 | 2 | 3];
  return [
    bad(op, 'rank', () => pool(input([2, 3])), 'x is [2,3]; '),
    bad(op, 'dtype', () => pool(o.cast(data, 'i32')), "takes floats, got i32; use cast(x, 'f32')"),
    bad(op, 'size', () => pool(data, { poolSize: 11 }), 'a window of 11'),
    bad(op, 'option', () => pool(data, { poolSize: 0 }), `poolSize is 0; ${each}`),
    bad(op, 'option', () => pool(data, { strides: '2' as never }), `strides is "2"; ${each}`),
    bad(op, 'option', () => pool(data, { padding: 'full' as never }), "padding is \"full\"; give 'valid', 'same'"),
  ];
});

const windows: readonly ErrorRow[] = [
  bad('globalAvgPool', 'rank', () => o.globalAvgPool(x), 'x is [2,3]; it needs axes between batch and channels'),
  bad('globalAvgPool', 'empty', () => o.globalAvgPool(input([2, 0, 3])), 'x [2,0,3] has nothing to average between batch and channels'),
  bad('upsample2d', 'rank', () => o.upsample2d(x), 'x is [2,3]; images are [batch, height, width, channels], use reshape'),
  bad('upsample2d', 'option', () => o.upsample2d(images, { size: -1 }), `size is -1; ${each}`),
  bad(
    'upsample2d',
    'option',
    () => o.upsample2d(images, { interpolation: 'cubic' as never }),
    'interpolation is "cubic"; give \'nearest\' or',
  ),
  bad(
    'upsample2d',
    'empty',
    () => o.upsample2d(input([1, 0, 4, 3]), { interpolation: 'bilinear' }),
    'x [1,0,4,3] has no pixels to interpolate',
  ),
];

const [c3, c4] = [input([3]), input([4])];
const normalizations: readonly ErrorRow[] = [
  bad('batchNorm', 'operand', () => o.batchNorm(x, undefined as never, c3), 'mean is undefined; it must be a tensor: make one by'),
  bad('batchNorm', 'operand', () => o.batchNorm(x, c3, 1 as never), 'variance is the number 1; it must be a tensor: use scalar(1)'),
  bad('batchNorm', 'size', () => o.batchNorm(x, c4, c3), 'mean is [4] for an input [2,3]; it must be [3]'),
  bad('batchNorm', 'rank', () => o.batchNorm(1, c3, c3), 'axis -1 is outside a tensor of rank 0; a scalar has none'),
  bad(
    'batchNorm',
    'option',
    () => o.batchNorm(x, c3, c3, { epsilon: -1 }),
    'epsilon -1 is no small number; use one from 0 on, such as 1e-3',
  ),
  bad('batchNorm', 'option', () => o.batchNorm(x, c3, c3, { gamma: [1, 1, 1] as never }), 'gamma is an array; it must be a tensor: wrap'),
  bad('layerNorm', 'size', () => o.layerNorm(x, { gamma: c4 }), 'gamma is [4] for an input [2,3]; it must be [3]'),
  bad('layerNorm', 'option', () => o.layerNorm(x, { beta: 0 as never }), 'beta is the number 0; it must be a tensor: use scalar(0)'),
  bad('layerNorm', 'option', () => o.layerNorm(x, { epsilon: '0' as never }), 'epsilon 0 is no small number; use one from 0 on'),
  bad('groupNorm', 'rank', () => o.groupNorm(c3, { groups: 1 }), 'takes [batch, .., channels], got [3]; add axes by expandDims(x, 0)'),
  bad(
    'groupNorm',
    'option',
    () => o.groupNorm(images, { groups: 3 }),
    '3 groups of 4 channels ([2,6,5,4]); groups must divide the channels',
  ),
  bad(
    'groupNorm',
    'option',
    () => o.groupNorm(images, undefined as never),
    'undefined groups of 4 channels ([2,6,5,4]); groups must divide',
  ),
  bad('groupNorm', 'size', () => o.groupNorm(images, { groups: 2, beta: c3 }), 'beta is [3] for an input [2,6,5,4]; it must be [4]'),
  bad('instanceNorm', 'rank', () => o.instanceNorm(x), 'takes [batch, .., channels] with positions between, got [2,3]; use layerNorm'),
  bad('instanceNorm', 'option', () => o.instanceNorm(images, { gamma: null as never }), 'gamma is null; it must be a tensor: make one by'),
  bad('rmsNorm', 'size', () => o.rmsNorm(x, { gamma: c4 }), 'gamma is [4] for an input [2,3]; it must be [3]'),
  bad('rmsNorm', 'rank', () => o.rmsNorm(o.scalar(1)), 'axis -1 is outside a tensor of rank 0; a scalar has none'),
  bad('rmsNorm', 'option', () => o.rmsNorm(x, { epsilon: NaN }), 'epsilon NaN is no small number; use one from 0 on, such as 1e-3'),
];

const q = input([1, 2, 3, 4]);
const attend = o.scaledDotProductAttention;
const attention: readonly ErrorRow[] = [
  bad('scaledDotProductAttention', 'operand', () => attend(q, q, [1] as never), 'v is an array; it must be a tensor: wrap arrays in'),
  bad(
    'scaledDotProductAttention',
    'rank',
    () => attend(x, q, q),
    'q [2,3], k [1,2,3,4], v [1,2,3,4]; all three are [batch, heads, time, depth]',
  ),
  bad(
    'scaledDotProductAttention',
    'size',
    () => attend(q, input([1, 2, 3, 5]), q),
    'q [1,2,3,4], k [1,2,3,5], v [1,2,3,4]; q and k need the same',
  ),
  bad('scaledDotProductAttention', 'empty', () => attend(q, input([1, 2, 0, 4]), input([1, 2, 0, 4])), 'q [1,2,3,4], k [1,2,0,4], v [1,2,0,4]; there must'), // prettier-ignore
  bad('scaledDotProductAttention', 'dtype', () => attend(o.cast(q, 'i32'), o.cast(q, 'i32'), o.cast(q, 'i32')), 'takes floats, got i32, i32 and i32'), // prettier-ignore
  bad('scaledDotProductAttention', 'option', () => attend(q, q, q, { scale: NaN }), 'scale is NaN; use a finite number, or leave it out'),
  bad(
    'scaledDotProductAttention',
    'option',
    () => attend(q, q, q, { isCausal: 1 as never }),
    'isCausal is the number 1; it must be true or false',
  ),
  bad(
    'scaledDotProductAttention',
    'option',
    () => attend(q, q, q, { mask: [[true]] as never }),
    'mask is an array; it must be a tensor: wrap',
  ),
  bad(
    'scaledDotProductAttention',
    'size',
    () => attend(q, q, q, { mask: x }),
    'mask [2,3] does not broadcast to [batch, heads, queries, keys]',
  ),
  bad('scaledDotProductAttention', 'dtype', () => attend(q, q, q, { mask: input([3, 3], 'i32') }), 'mask is i32; use bool (true: attend)'),
];

export const kernelErrors: readonly ErrorRow[] = [...products, ...convolutions, ...pooling, ...windows, ...normalizations, ...attention];
