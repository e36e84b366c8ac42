// Bad input of reductions, views, ops that move elements, indices, scans and sorts.
import { ArgumentError } from '../../src/core/errors.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, i32, input, u32 } from './errorRow.ts';

const x = input([2, 3]);
const cube = input([2, 3, 5]);
const none = 'has no elements to choose from; check for empty input first';

const reductions: readonly ErrorRow[] = [
  bad('sum', 'option', () => o.sum(x, { keepdims: true } as never), "unknown option 'keepdims'; it takes axis, keepDims"),
  bad('sum', 'axis', () => o.sum(x, { axis: [1, -1] }), 'axis [1,1] names an axis twice'),
  bad('mean', 'axis', () => o.mean(x, { axis: [0, 2] }), 'axis 2 is outside a tensor of rank 2; use -2 to 1'),
  bad('prod', 'axis', () => o.prod(x, { axis: [0, 0] }), 'axis [0,0] names an axis twice'),
  bad('max', 'empty', () => o.max(input([2, 0])), `axis 1 of [2,0] ${none}`),
  bad('min', 'empty', () => o.min(input([0])), `axis 0 of [0] ${none}`),
  bad('argMax', 'empty', () => o.argMax(input([0])), `axis 0 of [0] ${none}`),
  bad('argMin', 'empty', () => o.argMin(input([3, 0]), { axis: 1 }), `axis 1 of [3,0] ${none}`),
  bad('any', 'axis', () => o.any(x, { axis: [1, 1] }), 'axis [1,1] names an axis twice'),
  bad('all', 'axis', () => o.all(x, { axis: '01' as never }), 'axis "01" is outside a tensor of rank 2; use -2 to 1'),
  bad('variance', 'option', () => o.variance(x, { correction: '1' as never }), 'correction is the text "1"; it must be a finite number'),
  bad('std', 'option', () => o.std(x, { correction: true as never }), 'correction is true; it must be a finite number'),
  bad('norm', 'option', () => o.norm(x, { ord: 0 }), 'ord 0 defines no norm; use a number other than 0, or Infinity'),
  bad('norm', 'option', () => o.norm(x, { ord: 'fro' as never }), 'ord fro defines no norm; use a number other than 0, or Infinity'),
  bad('norm', 'empty', () => o.norm(input([0]), { ord: Infinity }), `axis 0 of [0] ${none}`),
  bad('logSumExp', 'empty', () => o.logSumExp(input([2, 0]), { axis: 1 }), `axis 1 of [2,0] ${none}`),
];

const views: readonly ErrorRow[] = [
  bad('reshape', 'size', () => o.reshape(x, [4]), '[2,3] has 6 elements, [4] has 4; the sizes must be equal'),
  bad('reshape', 'size', () => o.reshape(x, [4, -1]), '[2,3] with 6 elements does not fill [4,-1]; the given sizes must divide it'),
  bad('reshape', 'size', () => o.reshape(x, [-1, -1]), '[-1] is no shape; use an array of whole numbers from 0 on'),
  bad('reshape', 'size', () => o.reshape(x, [0, -1]), '[2,3] with 6 elements does not fill [0,-1]'),
  bad('reshape', 'size', () => o.reshape(x, 6 as never), 'the number 6 is no shape; use an array of whole numbers from 0 on'),
  bad('flatten', 'operand', () => o.flatten([[1], [2]] as never), 'x is an array; it must be a tensor: wrap arrays in tensor([...])'),
  bad('transpose', 'axis', () => o.transpose(x, [0, 0]), 'permutation [0,0] does not name each of the 2 axes of [2,3] once'),
  bad('transpose', 'axis', () => o.transpose(x, [0, 2]), 'axis 2 is outside a tensor of rank 2; use -2 to 1'),
  bad('transpose', 'axis', () => o.transpose(x, 1 as never), 'permutation is the number 1; it must be an array that names each axis once'),
  bad('broadcastTo', 'size', () => o.broadcastTo(x, [2]), '[2,3] does not broadcast to [2]; sizes must be equal or 1'),
  bad('broadcastTo', 'size', () => o.broadcastTo(x, [-1, 3]), '[-1,3] is no shape; use an array of whole numbers from 0 on'),
  bad('broadcastTo', 'size', () => o.broadcastTo(x, undefined as never), 'undefined is no shape; use an array of whole numbers from 0 on'),
  bad('squeeze', 'size', () => o.squeeze(x, 0), 'axis 0 of [2,3] has size 2; only axes of size 1 can go'),
  bad('expandDims', 'axis', () => o.expandDims(x, undefined as never), 'axis undefined is outside a tensor of rank 3; use -3 to 2'),
  bad('diagonal', 'rank', () => o.diagonal(input([3])), 'takes matrices, got [3]; reshape to at least two axes'),
  bad('alias', 'operand', () => o.alias(1 as never), 'x is the number 1; it must be a tensor: use scalar(1)'),
  bad('stopGradient', 'operand', () => o.stopGradient(null as never), 'x is null; it must be a tensor: make one by tensor([...])'),
  bad('slice', 'rank', () => o.slice(x, [0, 0, 0]), 'more positions than the 2 axes of [2,3]'),
  bad('slice', 'value', () => o.slice(x, [0], [1], [0]), 'a stride of 0 never moves; use 1 or -1'),
  bad('slice', 'value', () => o.slice(x, [0.5]), 'position 0.5 is no whole number; count elements'),
  bad('slice', 'value', () => o.slice(x, 0 as never), 'begin, end and strides are arrays with an entry for each axis'),
  bad('flip', 'axis', () => o.flip(x, [0, 0]), 'axis [0,0] names an axis twice'),
];

const movers: readonly ErrorRow[] = [
  bad('concat', 'empty', () => o.concat([]), 'takes a list of at least one tensor, got an empty list', ArgumentError),
  bad('concat', 'operand', () => o.concat(x as never), 'takes a list of at least one tensor, got a tensor f32[2,3]'),
  bad('concat', 'operand', () => o.concat([x, [1]] as never), 'element 1 of the list is an array; it must be a tensor'),
  bad('concat', 'size', () => o.concat([x, input([3, 3])], 1), 'shapes [2,3], [3,3] differ outside axis 1; all other sizes must be equal'),
  bad('concat', 'rank', () => o.concat([x, input([3])]), 'shapes [2,3], [3] differ outside axis 0; all other sizes must be equal'),
  bad('concat', 'dtype', () => o.concat([i32(1), u32(1)]), 'i32 and u32 do not mix; cast one operand'),
  bad('stack', 'empty', () => o.stack([]), 'takes a list of at least one tensor, got an empty list', ArgumentError),
  bad('stack', 'operand', () => o.stack([1, x] as never), 'element 0 of the list is the number 1; it must be a tensor: use scalar(1)'),
  bad('stack', 'size', () => o.stack([x, input([2])]), 'shapes [2,3], [2] differ; all must be equal'),
  bad('split', 'size', () => o.split(x, 2, 1), 'axis 1 of [2,3] does not divide into 2 equal parts; give their sizes'),
  bad('split', 'size', () => o.split(x, [1, 1], 1), 'sizes [1,1] do not add up to the 3 of axis 1 of [2,3]'),
  bad('split', 'size', () => o.split(x, [4, -1], 1), '[4,-1] is no shape; use an array of whole numbers from 0 on'),
  bad('split', 'size', () => o.split(x, 0), 'axis 0 of [2,3] does not divide into 0 equal parts'),
  bad('split', 'size', () => o.split(x, '2' as never), 'the text "2" is no shape; use an array of whole numbers from 0 on'),
  bad('unstack', 'rank', () => o.unstack(o.scalar(1)), 'axis 0 is outside a tensor of rank 0; a scalar has none: reshape(x, [1]) first'),
  bad(
    'pad',
    'size',
    () => o.pad(x, [[1, 1]]),
    'padding [[1,1]] does not fit [2,3]; give [before, after], whole numbers from 0 on, for each axis',
  ),
  bad('pad', 'size', () => o.pad(input([3]), [[-1, 0]]), 'padding [[-1,0]] does not fit [3]; give [before, after], whole numbers'),
  bad('pad', 'size', () => o.pad(input([3]), 1 as never), 'padding 1 does not fit [3]; give [before, after], whole numbers from 0 on'),
  bad('pad', 'size', () => o.pad(input([3]), [2] as never), 'padding [2] does not fit [3]; give [before, after], whole numbers from 0 on'),
  bad('pad', 'option', () => o.pad(input([3]), [[1, 1]], { mode: 'wrap' as never }), "mode 'wrap' is none of constant, reflect, edge"),
  bad(
    'pad',
    'option',
    () => o.pad(input([3]), [[1, 1]], { mode: 'toString' as never }),
    "mode 'toString' is none of constant, reflect, edge",
  ),
  bad('pad', 'option', () => o.pad(input([3]), [[1, 1]], { value: '0' as never }), 'value is the text "0"; it must be a number'),
  bad('pad', 'size', () => o.pad(input([3]), [[3, 0]], { mode: 'reflect' }), 'cannot reflect 3 elements of axis 0 of [3]; at most 2'),
  bad('pad', 'empty', () => o.pad(input([0]), [[1, 0]], { mode: 'edge' }), 'axis 0 of [0] has no border to repeat'),
  bad('tile', 'value', () => o.tile(x, [-1]), '-1 is no count; use whole numbers from 0 on'),
  bad('tile', 'value', () => o.tile(x, [1.5, 1]), '1.5 is no count; use whole numbers from 0 on'),
  bad('tile', 'value', () => o.tile(x, 2 as never), 'reps is the number 2; give an array with a count for each axis'),
  bad('repeat', 'value', () => o.repeat(x, -2), '-2 is no count; use whole numbers from 0 on'),
  bad('repeat', 'value', () => o.repeat(x, [1, 2] as never), '1,2 is no count; use whole numbers from 0 on'),
  bad('roll', 'value', () => o.roll(x, 0.5), 'shift 0.5 is no whole number; count elements'),
  bad('roll', 'value', () => o.roll(x, undefined as never), 'shift undefined is no whole number; count elements'),
  bad('roll', 'value', () => o.roll(x, [1, 2], 0), '2 shifts for 1 axes; give one shift for each axis'),
  bad('roll', 'value', () => o.roll(x, [1, 2]), '2 shifts need as many axes'),
  bad('triL', 'rank', () => o.triL(input([3])), 'takes matrices, got [3]; reshape to at least two axes'),
  bad('triL', 'option', () => o.triL(x, { k: 0.5 }), 'k is the number 0.5; it must be a whole number, 0 for the main diagonal'),
  bad('triU', 'rank', () => o.triU(o.scalar(1)), 'takes matrices, got []; reshape to at least two axes'),
  bad('triU', 'option', () => o.triU(x, { k: '1' as never }), 'k is the text "1"; it must be a whole number, 0 for the main diagonal'),
];

const table = input([5, 3]);
const lines = o.tensor([0, 1, 5, 2, 0, 1], [2, 3], 'i32');
const indices: readonly ErrorRow[] = [
  bad('gather', 'dtype', () => o.gather(table, x), "indices are f32; whole numbers are needed, use cast(indices, 'i32')"),
  bad('gather', 'operand', () => o.gather(table, [0] as never), 'indices is an array; it must be a tensor: wrap arrays in tensor([...])'),
  bad('gather', 'operand', () => o.gather(table, 0 as never), 'indices is the number 0; it must be a tensor: use scalar(0)'),
  bad('gather', 'empty', () => o.gather(input([0, 3]), i32(0)), 'axis 0 of [0,3] is empty, there is nothing to take'),
  bad('gather', 'index', () => o.gather(table, o.tensor([[0, 4], [7, 1]], [2, 2], 'i32')), 'index 7 at [1,0] is outside axis 0 of [5,3]; use 0 to 4'), // prettier-ignore
  bad(
    'gather',
    'index',
    () => o.gather(table, i32(-1), { axis: 1 }),
    'index -1 at [0] is outside axis 1 of [5,3]; use 0 to 2, 2 for the one',
  ),
  bad('gather', 'index', () => o.gather(table, u32(0, 4294967295)), 'index 4294967295 at [1] is outside axis 0 of [5,3]; use 0 to 4'),
  bad('gather', 'rank', () => o.gather(o.scalar(1), i32(0)), 'axis 0 is outside a tensor of rank 0; a scalar has none'),
  bad('embedding', 'rank', () => o.embedding(input([5]), i32(0)), 'table is [5]; it must be [rows, features]'),
  bad('embedding', 'dtype', () => o.embedding(table, x), "indices are f32; whole numbers are needed, use cast(indices, 'i32')"),
  bad('embedding', 'index', () => o.embedding(table, i32(1, 5)), 'index 5 at [1] is outside the table [5,3]; use 0 to 4'),
  bad('embedding', 'empty', () => o.embedding(input([0, 3]), i32(0)), 'table [0,3] is empty, there is nothing to take'),
  bad(
    'takeAlongAxis',
    'rank',
    () => o.takeAlongAxis(table, i32(0)),
    'x is [5,3], indices are [1]; ranks must be equal, reshape the indices',
  ),
  bad('takeAlongAxis', 'size', () => o.takeAlongAxis(table, input([2, 1], 'i32')), 'shapes [5,1] and [2,1] do not broadcast'),
  bad('takeAlongAxis', 'dtype', () => o.takeAlongAxis(table, input([5, 1], 'bool')), 'indices are bool; whole numbers are needed'),
  bad('takeAlongAxis', 'empty', () => o.takeAlongAxis(input([2, 0]), lines), 'axis 1 of [2,0] is empty, there is nothing to take'),
  bad('takeAlongAxis', 'index', () => o.takeAlongAxis(x, lines), 'index 5 at [0,2] is outside axis 1 of [2,3]; use 0 to 2'),
  bad('scatterAdd', 'dtype', () => o.scatterAdd(table, x, x), "indices are f32; whole numbers are needed, use cast(indices, 'i32')"),
  bad(
    'scatterAdd',
    'dtype',
    () => o.scatterAdd(input([3], 'bool'), i32(0), input([], 'bool')),
    "takes numbers, got bool; use cast(x, 'i32')",
  ),
  bad(
    'scatterAdd',
    'size',
    () => o.scatterAdd(table, i32(0, 1), input([2, 4])),
    'updates [2,4] do not broadcast to [2,3], a row of x [5,3] for each',
  ),
  bad('scatterAdd', 'empty', () => o.scatterAdd(input([0, 3]), i32(0), x), 'axis 0 of [0,3] is empty, there is no row to add to'),
  bad('scatterAdd', 'index', () => o.scatterAdd(table, i32(0, 1, -6), table), 'index -6 at [2] is outside axis 0 of [5,3]; use 0 to 4'),
];

const order: readonly ErrorRow[] = [
  bad('cumSum', 'option', () => o.cumSum(x, { reverse: 1 as never }), 'reverse is the number 1; it must be true or false'),
  bad('cumSum', 'axis', () => o.cumSum(x, { axis: [0] as never }), 'axis [0] is outside a tensor of rank 2; use -2 to 1'),
  bad('cumProd', 'option', () => o.cumProd(x, { exclusive: 'yes' as never }), 'exclusive is the text "yes"; it must be true or false'),
  bad('sort', 'rank', () => o.sort(input([])), 'takes at least one axis, got []; reshape(x, [1]) first'),
  bad('sort', 'option', () => o.sort(x, { descending: 'yes' as never }), 'descending is the text "yes"; it must be true or false'),
  bad('argSort', 'rank', () => o.argSort(input([])), 'takes at least one axis, got []; reshape(x, [1]) first'),
  bad('argSort', 'option', () => o.argSort(x, { descending: 1 as never }), 'descending is the number 1; it must be true or false'),
  bad('topK', 'rank', () => o.topK(input([]), 1), 'takes at least one axis, got []; reshape(x, [1]) first'),
  bad('topK', 'value', () => o.topK(cube, 6), 'k is 6, axis 2 of [2,3,5] has 5 elements; use a whole number from 0 to 5'),
  bad('topK', 'value', () => o.topK(cube, NaN), 'k is NaN, axis 2 of [2,3,5] has 5 elements; use a whole number from 0 to 5'),
  bad('topK', 'value', () => o.topK(cube, undefined as never), 'k is undefined, axis 2 of [2,3,5] has 5 elements', ArgumentError),
];

export const structureErrors: readonly ErrorRow[] = [...reductions, ...views, ...movers, ...indices, ...order];
