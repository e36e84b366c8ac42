// Every row of bad input: those written by hand, and those that hold for every op of a kind: what is no tensor in the place of one, an axis that
// is none, an option that does not exist.
import { ArgumentError, ShapeError } from '../../src/core/errors.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, i32, input } from './errorRow.ts';
import { elementwiseErrors } from './errorsElementwise.ts';
import { imageErrors, imageOptionCalls } from './errorsImages.ts';
import { indexingErrors } from './errorsIndexing.ts';
import { kernelErrors } from './errorsKernels.ts';
import { fftErrors } from './fft.ts';
import { linalgErrors } from './linalg.ts';
import { recurrentErrors } from './recurrent.ts';
import { structureErrors } from './errorsStructure.ts';
import { functionOf, opRows } from './index.ts';

const x = input([2, 3]);
const images = input([2, 6, 5, 4]);
const attended = input([1, 2, 3, 4]);
const table = input([5, 3]);

type WithOptions = (options: never) => unknown;

/** The ops that take an object of options. */
export const optionCalls: Readonly<Record<string, WithOptions>> = {
  ...{ sum: (p) => o.sum(x, p), mean: (p) => o.mean(x, p), prod: (p) => o.prod(x, p), max: (p) => o.max(x, p), min: (p) => o.min(x, p) },
  ...{ any: (p) => o.any(x, p), all: (p) => o.all(x, p), argMax: (p) => o.argMax(x, p), argMin: (p) => o.argMin(x, p) },
  ...{ variance: (p) => o.variance(x, p), std: (p) => o.std(x, p), norm: (p) => o.norm(x, p), logSumExp: (p) => o.logSumExp(x, p) },
  ...{
    softmax: (p) => o.softmax(x, p),
    sparsemax: (p) => o.sparsemax(x, p),
    logSoftmax: (p) => o.logSoftmax(x, p),
    glu: (p) => o.glu(x, p),
    gelu: (p) => o.gelu(x, p),
  },
  ...{ leakyRelu: (p) => o.leakyRelu(x, p), elu: (p) => o.elu(x, p), celu: (p) => o.celu(x, p), dropout: (p) => o.dropout(x, p) },
  ...{ hardShrink: (p) => o.hardShrink(x, p), softShrink: (p) => o.softShrink(x, p), threshold: (p) => o.threshold(x, p) },
  squareplus: (p) => o.squareplus(x, p),
  ...{ cumSum: (p) => o.cumSum(x, p), cumProd: (p) => o.cumProd(x, p), sort: (p) => o.sort(x, p), argSort: (p) => o.argSort(x, p) },
  ...{ topK: (p) => o.topK(x, 1, p), pad: (p) => o.pad(input([3]), [[1, 1]], p), triL: (p) => o.triL(x, p), triU: (p) => o.triU(x, p) },
  ...{ recurrence: (p) => o.recurrence(input([2, 5, 3]), input([3, 3]), p) },
  ...{ cumMax: (p) => o.cumMax(x, p), cumMin: (p) => o.cumMin(x, p), logCumSumExp: (p) => o.logCumSumExp(x, p) },
  ...{
    quantile: (p) => o.quantile(x, 0.5, p),
    median: (p) => o.median(x, p),
    diagonal: (p) => o.diagonal(x, p),
    diag: (p) => o.diag(x, p),
  },
  searchSorted: (p) => o.searchSorted(input([3]), x, p),
  gather: (p) => o.gather(table, i32(0), p),
  takeAlongAxis: (p) => o.takeAlongAxis(table, input([5, 1], 'i32'), p),
  scatterAdd: (p) => o.scatterAdd(table, i32(0), input([3]), p),
  ...{ fft: (p) => o.fft(input([2, 3, 2]), p), ifft: (p) => o.ifft(input([2, 3, 2]), p), rfft: (p) => o.rfft(x, p) },
  irfft: (p) => o.irfft(input([2, 3, 2]), p),
  triangularSolve: (p) => o.triangularSolve(input([3, 3]), input([3]), p),
  scatterAlongAxis: (p) => o.scatterAlongAxis(table, input([5, 1], 'i32'), input([5, 1]), p),
  gatherNd: (p) => o.gatherNd(table, i32(0), p),
  scatterNd: (p) => o.scatterNd(table, i32(0), input([3]), p),
  matmul: (p) => o.matmul(x, table, p),
  conv1d: (p) => o.conv1d(input([2, 9, 4]), input([3, 4, 6]), p),
  conv2d: (p) => o.conv2d(images, input([3, 3, 4, 2]), p),
  conv3d: (p) => o.conv3d(input([1, 4, 5, 4, 2]), input([2, 2, 2, 2, 1]), p),
  conv2dTranspose: (p) => o.conv2dTranspose(images, input([3, 3, 2, 4]), p),
  depthwiseConv2d: (p) => o.depthwiseConv2d(images, input([3, 3, 4, 1]), p),
  ...{ maxPool1d: (p) => o.maxPool1d(input([2, 9, 4]), p), avgPool1d: (p) => o.avgPool1d(input([2, 9, 4]), p) },
  ...{ maxPool2d: (p) => o.maxPool2d(images, p), avgPool2d: (p) => o.avgPool2d(images, p) },
  ...{ maxPool3d: (p) => o.maxPool3d(input([1, 4, 5, 4, 2]), p), avgPool3d: (p) => o.avgPool3d(input([1, 4, 5, 4, 2]), p) },
  ...{ globalAvgPool: (p) => o.globalAvgPool(images, p), upsample2d: (p) => o.upsample2d(images, p) },
  ...imageOptionCalls,
  batchNorm: (p) => o.batchNorm(x, input([3]), input([3]), p),
  ...{ layerNorm: (p) => o.layerNorm(x, p), rmsNorm: (p) => o.rmsNorm(x, p), instanceNorm: (p) => o.instanceNorm(images, p) },
  groupNorm: (p) => o.groupNorm(images, p),
  scaledDotProductAttention: (p) => o.scaledDotProductAttention(attended, attended, attended, p),
  'random.uniform': (p) => o.random.uniform([2], p),
  'random.normal': (p) => o.random.normal([2], p),
  'random.truncatedNormal': (p) => o.random.truncatedNormal([2], p),
  'random.bernoulli': (p) => o.random.bernoulli([2], p),
  'random.permutation': (p) => o.random.permutation(2, p),
  'random.categorical': (p) => o.random.categorical(x, p),
  'random.gumbel': (p) => o.random.gumbel([2], p),
  'random.randint': (p) => o.random.randint([2], p),
  'random.gamma': (p) => o.random.gamma([2], p),
  'random.beta': (p) => o.random.beta([2], p),
  'random.exponential': (p) => o.random.exponential([2], p),
};

/** The ops that take an axis of a matrix, as an option or by its place. */
export const axisCalls: Readonly<Record<string, (axis: never) => unknown>> = {
  ...Object.fromEntries(
    'sum mean prod max min any all argMax argMin variance std norm logSumExp softmax logSoftmax sparsemax glu cumSum cumProd cumMax cumMin logCumSumExp quantile median sort argSort topK gather takeAlongAxis scatterAdd scatterAlongAxis fft ifft rfft irfft layerNorm random.categorical'
      .split(' ')
      .map((op) => [op, (axis: never) => optionCalls[op]({ axis } as never)]),
  ),
  squeeze: (axis) => o.squeeze(x, axis),
  flip: (axis) => o.flip(x, axis),
  concat: (axis) => o.concat([x, x], axis),
  split: (axis) => o.split(x, 1, axis),
  unstack: (axis) => o.unstack(x, axis),
  repeat: (axis) => o.repeat(x, 2, axis),
  roll: (axis) => o.roll(x, 1, axis),
};

/** [what is given, how the error shows it]; NaN, fractions, positions out of range, and what is no number. */
const badAxes: readonly (readonly [axis: unknown, shown: string])[] = [
  [2, '2'],
  [-3, '-3'],
  [0.5, '0.5'],
  [NaN, 'NaN'],
  [Infinity, 'Infinity'],
  ['0', '"0"'],
  [null, 'null'],
  [true, 'true'],
];

const defaulted = new Set(
  'glu softmax logSoftmax sparsemax sort argSort topK gather takeAlongAxis scatterAdd scatterAlongAxis fft ifft rfft irfft layerNorm random.categorical'.split(
    ' ',
  ),
);

const axisErrors: readonly ErrorRow[] = Object.entries(axisCalls).flatMap(([op, call]) =>
  badAxes
    // null is the same as leaving an axis with a default out.
    .filter(([axis]) => !(axis === null && defaulted.has(op)))
    .map(([axis, shown]): ErrorRow => ({
      op,
      fault: 'axis',
      call: () => call(axis as never),
      type: ShapeError,
      message: `${op}: axis ${shown} is outside a tensor of rank 2; use -2 to 1`,
    })),
);

const newAxes: readonly ErrorRow[] = [3, -4, NaN, '0', null].flatMap((axis) =>
  [['expandDims', () => o.expandDims(x, axis as never)] as const, ['stack', () => o.stack([x, x], axis as never)] as const].map(
    ([op, call]): ErrorRow => ({
      op,
      fault: 'axis',
      call,
      type: ShapeError,
      message: `${op}: axis ${typeof axis === 'number' ? axis : JSON.stringify(axis)} is outside a tensor of rank 3; use -3 to 2`,
    }),
  ),
);

const optionErrors: readonly ErrorRow[] = Object.entries(optionCalls).flatMap(([op, call]) => [
  {
    op,
    fault: 'option',
    call: () => call({ other: 1 } as never),
    type: ArgumentError,
    message: `${op}: unknown option 'other'; it takes `,
  },
  { op, fault: 'option', call: () => call(1 as never), type: ArgumentError, message: `${op}: options come as one object, such as { ` },
  { op, fault: 'option', call: () => call(null as never), type: ArgumentError, message: `${op}: options come as one object, such as { ` },
]);

const flagErrors: readonly ErrorRow[] = 'sum mean prod max min any all argMax argMin variance std norm logSumExp quantile median'
  .split(' ')
  .map((op) => ({
    op,
    fault: 'option',
    call: () => optionCalls[op]({ keepDims: 'yes' } as never),
    type: ArgumentError,
    message: `${op}: keepDims is the text "yes"; it must be true or false`,
  }));

/** Values passed instead of a tensor, and their names in the error. */
export const noTensors: readonly (readonly [value: unknown, shown: string])[] = [
  [[1, 2], 'an array'],
  [undefined, 'undefined'],
  [null, 'null'],
  ['1', 'the text "1"'],
  [new Float32Array(2), 'a Float32Array'],
  [Promise.resolve(1), 'a promise'],
  [{ data: [1] }, 'an object'],
  [() => 1, 'a function'],
];

/** Parameters that may be left out. */
const optional = new Set(['batchNorm', 'layerNorm', 'groupNorm', 'instanceNorm', 'rmsNorm']);

const firstRows = [...new Map([...opRows].reverse().map((row) => [functionOf(row), row])).values()];
const operandErrors: readonly ErrorRow[] = firstRows.flatMap((row) =>
  row.inputs.flatMap((_, at) =>
    noTensors
      .filter(([value]) => !(value === undefined && at > 0 && optional.has(functionOf(row))))
      .map(([value, shown]): ErrorRow => ({
        op: functionOf(row),
        fault: 'operand',
        call: () => {
          const inputs = row.inputs.map(({ shape, dtype }, position) => placeholder(shape, dtype, { position }));
          return row.call(...inputs.map((tensor, i) => (i === at ? (value as never) : tensor)));
        },
        type: ArgumentError,
        message: new RegExp(
          `^${functionOf(row)}: .+ is ${shown}; (operands are tensors or numbers: wrap|it must be a tensor: (wrap|make|await)) `,
        ),
      })),
  ),
);

/** To get an op's rows, use `errorRows.filter((row) => functionOfError(row) === name)`. */
export const errorRows: readonly ErrorRow[] = [
  ...elementwiseErrors,
  ...structureErrors,
  ...indexingErrors,
  ...linalgErrors,
  ...recurrentErrors,
  ...fftErrors,
  ...kernelErrors,
  ...imageErrors,
  ...axisErrors,
  ...newAxes,
  ...optionErrors,
  ...flagErrors,
  ...operandErrors,
];

/** The exported name a row belongs to: `random` for the methods of `random`. */
export const functionOfError = ({ op }: ErrorRow): string => op.split('.')[0];
