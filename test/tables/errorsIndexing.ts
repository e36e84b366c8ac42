// Bad input of scattering and gathering by indices of each line and by tuples, and of what picks along an axis.
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, i32, input } from './errorRow.ts';

const x = input([2, 3]);
const places = input([2, 1], 'i32');
const updates = input([2, 1]);
const tuple = input([4, 2], 'i32');

export const indexingErrors: readonly ErrorRow[] = [
  bad('scatterAlongAxis', 'rank', () => o.scatterAlongAxis(x, input([2], 'i32'), updates), 'x is [2,3], indices are [2], updates [2,1]; ranks must be equal, reshape them'), // prettier-ignore
  bad('scatterAlongAxis', 'size', () => o.scatterAlongAxis(input([1, 3]), places, updates), 'indices [2,1] and updates [2,1] do not broadcast to x [1,3] beside axis 1'), // prettier-ignore
  bad(
    'scatterAlongAxis',
    'size',
    () => o.scatterAlongAxis(x, places, input([2, 2])),
    'indices [2,1] and updates [2,2] do not broadcast to x [2,3]',
  ),
  bad('scatterAlongAxis', 'dtype', () => o.scatterAlongAxis(x, updates, updates), "indices are f32; whole numbers are needed, use cast(indices, 'i32')"), // prettier-ignore
  bad('scatterAlongAxis', 'dtype', () => o.scatterAlongAxis(input([2, 3], 'bool'), places, input([2, 1], 'bool'), { mode: 'add' }), "mode add takes numbers, got bool; use cast(x, 'i32')"), // prettier-ignore
  bad('scatterAlongAxis', 'empty', () => o.scatterAlongAxis(input([2, 0]), places, updates), 'axis 1 of [2,0] is empty, there is no element to put into'), // prettier-ignore
  bad('scatterAlongAxis', 'index', () => o.scatterAlongAxis(x, o.tensor([[3], [0]], [2, 1], 'i32'), updates), 'index 3 at [0,0] is outside axis 1 of [2,3]; use 0 to 2'), // prettier-ignore
  bad('scatterAlongAxis', 'option', () => o.scatterAlongAxis(x, places, updates, { mode: 'sum' as never }), 'mode is the text "sum"; it must be one of replace, add, multiply, min, max'), // prettier-ignore
  bad('gatherNd', 'size', () => o.gatherNd(x, input([4, 3], 'i32')), 'indices [4,3] into [2,3]; their last axis must hold 1 to 2 coordinates, reshape them'), // prettier-ignore
  bad('gatherNd', 'rank', () => o.gatherNd(x, input([], 'i32')), 'indices [] into [2,3]; their last axis must hold 1 to 2 coordinates, reshape them'), // prettier-ignore
  bad('gatherNd', 'size', () => o.gatherNd(x, input([3, 4, 1], 'i32'), { batchDims: 1 }), 'indices [3,4,1] into [2,3]; their first 1 sizes must be equal'), // prettier-ignore
  bad('gatherNd', 'dtype', () => o.gatherNd(x, input([4, 2])), "indices are f32; whole numbers are needed, use cast(indices, 'i32')"),
  bad('gatherNd', 'empty', () => o.gatherNd(input([2, 0]), tuple), '[2,0] has no elements to choose from; check for empty input first'),
  bad('gatherNd', 'index', () => o.gatherNd(x, o.tensor([[1, 2], [0, 3]], [2, 2], 'i32')), 'index 3 at [1,1] is outside axis 1 of the last 2 axes of [2,3]; use 0 to 2'), // prettier-ignore
  bad(
    'gatherNd',
    'option',
    () => o.gatherNd(x, tuple, { batchDims: -1 }),
    'batchDims is the number -1; it must be a whole number from 0 on',
  ),
  bad(
    'scatterNd',
    'size',
    () => o.scatterNd(x, tuple, input([3])),
    'updates [3] do not broadcast to [4], a part of x [2,3] for each tuple',
  ),
  bad(
    'scatterNd',
    'size',
    () => o.scatterNd(x, input([4, 3], 'i32'), input([4])),
    'indices [4,3] into [2,3]; their last axis must hold 1 to 2',
  ),
  bad('scatterNd', 'dtype', () => o.scatterNd(x, input([4, 2], 'bool'), input([4])), 'indices are bool; whole numbers are needed'),
  bad(
    'scatterNd',
    'dtype',
    () => o.scatterNd(i32(1, 2), input([1, 1], 'i32'), input([1], 'u32')),
    'i32 and u32 do not mix; cast one operand',
  ),
  bad('scatterNd', 'empty', () => o.scatterNd(input([0, 3]), tuple, input([4])), '[0,3] has no elements to choose from'),
  bad('scatterNd', 'index', () => o.scatterNd(x, i32(0, 5), input([])), 'index 5 at [1] is outside axis 1 of the [2,3]; use 0 to 2'),
  bad(
    'scatterNd',
    'option',
    () => o.scatterNd(x, tuple, input([4]), { mode: null as never }),
    'mode is null; it must be one of replace, add',
  ),
  bad('topK', 'option', () => o.topK(x, 1, { largest: 'no' as never }), 'largest is the text "no"; it must be true or false'),
  bad('topK', 'option', () => o.topK(x, 1, { sorted: 1 as never }), 'sorted is the number 1; it must be true or false'),
  bad('diagonal', 'axis', () => o.diagonal(x, { axis1: 1 }), 'axis1 and axis2 are both 1; a matrix has two axes, name another one'),
  bad('diagonal', 'axis', () => o.diagonal(x, { axis2: 2 }), 'axis 2 is outside a tensor of rank 2; use -2 to 1'),
  bad(
    'diagonal',
    'option',
    () => o.diagonal(x, { offset: 0.5 }),
    'offset is the number 0.5; it must be a whole number, 0 for the main diagonal',
  ),
  bad('diag', 'option', () => o.diag(x, { offset: '1' as never }), 'offset is the text "1"; it must be a whole number'),
  bad('diag', 'rank', () => o.diag(input([])), 'takes at least one axis, got []; reshape(x, [1]) first'),
  bad('cumMax', 'option', () => o.cumMax(x, { reverse: 'yes' as never }), 'reverse is the text "yes"; it must be true or false'),
  bad('cumMin', 'option', () => o.cumMin(x, { reverse: 0 as never }), 'reverse is the number 0; it must be true or false'),
  bad('logCumSumExp', 'option', () => o.logCumSumExp(x, { reverse: null as never }), 'reverse is null; it must be true or false'),
  bad('quantile', 'value', () => o.quantile(x, 1.5), 'q is the number 1.5; it must be a number from 0 to 1, or an array of them'),
  bad('quantile', 'value', () => o.quantile(x, [0.5, -1]), 'q is [0.5,-1]; it must be a number from 0 to 1, or an array of them'),
  bad('quantile', 'value', () => o.quantile(x, []), 'q is an empty array; name one quantile at least'),
  bad('quantile', 'value', () => o.quantile(x, '0.5' as never), 'q is the text "0.5"; it must be a number from 0 to 1'),
  bad('quantile', 'option', () => o.quantile(x, 0.5, { interpolation: 'cubic' as never }), 'interpolation is the text "cubic"; it must be one of linear, lower, higher, nearest, midpoint'), // prettier-ignore
  bad('quantile', 'empty', () => o.quantile(input([2, 0]), 0.5, { axis: 1 }), 'axis 1 of [2,0] has no elements to choose from'),
  bad('median', 'empty', () => o.median(input([0])), 'axis 0 of [0] has no elements to choose from'),
  bad('searchSorted', 'rank', () => o.searchSorted(x, x), 'sorted is [2,3]; it must be a vector [N], flatten it'),
  bad('searchSorted', 'option', () => o.searchSorted(input([3]), x, { side: 'both' as never }), 'side is the text "both"; it must be \'left\' or \'right\''), // prettier-ignore
  bad('searchSorted', 'dtype', () => o.searchSorted(i32(1), input([1], 'u32')), 'i32 and u32 do not mix; cast one operand'),
];
