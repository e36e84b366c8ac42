// Bad input of elementwise ops, activations, casts, and of what makes tensors from nothing.
import { DtypeError, ShapeError } from '../../src/core/errors.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, i32, input, u32 } from './errorRow.ts';

const x = input([2, 3]);

const binary = {
  ...{ add: o.add, sub: o.sub, mul: o.mul, div: o.div, pow: o.pow, mod: o.mod, floorDiv: o.floorDiv, atan2: o.atan2, prelu: o.prelu },
  ...{ maximum: o.maximum, minimum: o.minimum, equal: o.equal, notEqual: o.notEqual, greater: o.greater },
  ...{ greaterEqual: o.greaterEqual, less: o.less, lessEqual: o.lessEqual },
  ...{ truncDiv: o.truncDiv, fmod: o.fmod },
};
const logical = { logicalAnd: o.logicalAnd, logicalOr: o.logicalOr, logicalXor: o.logicalXor };

const broadcasting = Object.entries({ ...binary, ...logical }).map(([op, fn]) =>
  bad(
    op,
    'size',
    () => fn(x, input([4])),
    'shapes [2,3] and [4] do not broadcast; sizes must be equal or 1, counted from the last axis',
    ShapeError,
  ),
);
const mixing = Object.entries(binary).map(([op, fn]) =>
  bad(op, 'dtype', () => fn(i32(1), u32(1)), 'i32 and u32 do not mix; cast one operand'),
);

const choices: readonly ErrorRow[] = [
  bad('add', 'value', () => o.add(u32(1), -1), '-1 is not a value of u32 (0 to 4294967295); cast the tensor to f32 first', DtypeError),
  bad('mul', 'value', () => o.mul(i32(1), 2 ** 31), '2147483648 is not a value of i32 (-2147483648 to 2147483647)', DtypeError),
  bad('where', 'size', () => o.where(input([4], 'bool'), x, 0), 'shapes [4] and [2,3] do not broadcast; sizes must be equal or 1'),
  bad('where', 'operand', () => o.where(true as never, x, 0), 'operand 0 is true; operands are tensors or numbers'),
  bad('where', 'dtype', () => o.where(x, i32(1), u32(1)), 'i32 and u32 do not mix; cast one operand'),
  bad('where', 'operand', () => o.where(x, 0, undefined as never), 'operand 2 is undefined; operands are tensors or numbers'),
  bad('clip', 'size', () => o.clip(x, input([4]), 1), 'shapes [2,3] and [4] and [] do not broadcast'),
  bad('clip', 'operand', () => o.clip(x, 0, '1' as never), 'operand 2 is the text "1"; operands are tensors or numbers'),
  bad('clip', 'dtype', () => o.clip(i32(1), u32(0), 1), 'i32 and u32 do not mix; cast one operand'),
  bad('cast', 'dtype', () => o.cast(x, 'float' as never), "'float' is no dtype; use one of bool, i32, u32, f16, f32"),
  bad('cast', 'dtype', () => o.cast(x, undefined as never), "'undefined' is no dtype; use one of bool, i32, u32, f16, f32"),
];

const activations: readonly ErrorRow[] = [
  bad(
    'leakyRelu',
    'option',
    () => o.leakyRelu(x, { negativeSlope: '0.1' as never }),
    'negativeSlope is the text "0.1"; it must be a finite number',
  ),
  bad('elu', 'option', () => o.elu(x, { alpha: x as never }), 'alpha is a tensor f32[2,3]; it must be a finite number'),
  bad('celu', 'option', () => o.celu(x, { alpha: null as never }), 'alpha is null; it must be a finite number'),
  bad('celu', 'option', () => o.celu(x, { alpha: 0 }), 'alpha is 0, and x is divided by it; use another number'),
  bad('leakyRelu', 'option', () => o.leakyRelu(x, { negativeSlope: NaN }), 'negativeSlope is the number NaN; it must be a finite number'),
  bad('gelu', 'option', () => o.gelu(x, { approximate: 'tanh' as never }), 'approximate is the text "tanh"; it must be true or false'),
  bad('glu', 'size', () => o.glu(x), 'axis 1 of [2,3] has no two equal halves; its size must be even'),
  bad('hardShrink', 'option', () => o.hardShrink(x, { threshold: -1 }), 'threshold is the number -1; it must be a number from 0 on'),
  bad('softShrink', 'option', () => o.softShrink(x, { threshold: '1' as never }), 'threshold is the text "1"; it must be a number from 0'),
  bad('threshold', 'option', () => o.threshold(x, { threshold: NaN }), 'threshold is the number NaN; it must be a finite number'),
  bad('threshold', 'option', () => o.threshold(x, { value: null as never }), 'value is null; it must be a finite number'),
  bad('squareplus', 'option', () => o.squareplus(x, { b: 0 }), 'b is the number 0; it must be a number above 0'),
  bad(
    'sparsemax',
    'empty',
    () => o.sparsemax(input([2, 0])),
    'axis 1 of [2,0] has no elements to choose from; check for empty input first',
  ),
  bad('softmax', 'empty', () => o.softmax(input([2, 0])), 'axis 1 of [2,0] has no elements to choose from; check for empty input first'),
  bad('logSoftmax', 'empty', () => o.logSoftmax(input([0, 2]), { axis: 0 }), 'axis 0 of [0,2] has no elements to choose from'),
  bad('softmax', 'rank', () => o.softmax(1), 'axis -1 is outside a tensor of rank 0; a scalar has none: reshape(x, [1]) first'),
  bad(
    'dropout',
    'option',
    () => o.dropout(x, { rate: 1.5 }),
    'rate is the number 1.5; it must be a number from 0 to 1, the share of elements to drop',
  ),
  bad('dropout', 'option', () => o.dropout(x, { rate: '0.5' as never }), 'rate is the text "0.5"; it must be a number from 0 to 1'),
  bad('dropout', 'option', () => o.dropout(x, { rate: -0.1 }), 'rate is the number -0.1; it must be a number from 0 to 1'),
  bad('dropout', 'option', () => o.dropout(x, { rate: NaN }), 'rate is the number NaN; it must be a number from 0 to 1'),
  bad('dropout', 'option', () => o.dropout(x, { seed: NaN }), 'seed is the number NaN; it must be a finite number'),
];

const ragged = [[1, 2], [3]];
const creation: readonly ErrorRow[] = [
  bad('tensor', 'size', () => o.tensor(ragged), 'ragged array: 1 values at depth 1 where its first sibling has shape [2]'),
  bad('tensor', 'size', () => o.tensor([[1], 2]), 'ragged array: one value at depth 1 where its first sibling has shape [1]'),
  bad('tensor', 'size', () => o.tensor([1, 2], [3]), '2 values do not fill [3], which holds 3; give as many values'),
  bad('tensor', 'size', () => o.tensor([1, 2], [-1]), '[-1] is no shape; use an array of whole numbers from 0 on'),
  bad('tensor', 'size', () => o.tensor([1, 2], 2 as never), 'the number 2 is no shape; use an array of whole numbers from 0 on'),
  bad('tensor', 'value', () => o.tensor(['a'] as never), 'value 0 is string; values are numbers or booleans'),
  bad('tensor', 'value', () => o.tensor([1, null] as never), 'value 1 is null; values are numbers or booleans'),
  bad('tensor', 'value', () => o.tensor(undefined as never), 'values is undefined; give numbers or booleans, nested arrays of them'),
  bad('tensor', 'value', () => o.tensor('12' as never), 'values is the text "12"; give numbers or booleans, nested arrays of them'),
  bad('tensor', 'value', () => o.tensor(x as never), 'values is a tensor f32[2,3]; it is a tensor already'),
  bad('tensor', 'value', () => o.tensor([2n] as never), 'value 0 is bigint; values are numbers or booleans'),
  bad('tensor', 'dtype', () => o.tensor([1], [1], 'float32' as never), "'float32' is no dtype; use one of bool, i32, u32, f16, f32"),
  bad('scalar', 'value', () => o.scalar('1' as never), 'value is the text "1"; it must be a number'),
  bad('scalar', 'value', () => o.scalar([1] as never), 'value is an array; it must be a number'),
  bad('scalar', 'dtype', () => o.scalar(1, 'int' as never), "'int' is no dtype; use one of"),
  bad('zeros', 'size', () => o.zeros([2, -1]), '[2,-1] is no shape; use an array of whole numbers from 0 on'),
  bad('zeros', 'size', () => o.zeros(3 as never), 'the number 3 is no shape; use an array of whole numbers from 0 on'),
  bad('zeros', 'dtype', () => o.zeros([2], 'float' as never), "'float' is no dtype; use one of"),
  bad('ones', 'size', () => o.ones([0.5]), '[0.5] is no shape; use an array of whole numbers from 0 on'),
  bad('ones', 'dtype', () => o.ones([2], 'int32' as never), "'int32' is no dtype; use one of"),
  bad('full', 'size', () => o.full([NaN], 1), '[NaN] is no shape; use an array of whole numbers from 0 on'),
  bad('full', 'value', () => o.full([2], '7' as never), 'value is the text "7"; it must be a number'),
  bad('full', 'value', () => o.full([2], undefined as never), 'value is undefined; it must be a number'),
  bad('full', 'dtype', () => o.full([2], 1, 'half' as never), "'half' is no dtype; use one of"),
  bad('arange', 'value', () => o.arange(0, 1, 0), 'from 0 to 1 in steps of 0 never ends; use finite numbers and a step other than 0'),
  bad('arange', 'value', () => o.arange(Infinity), 'from 0 to Infinity in steps of 1 never ends'),
  bad('arange', 'value', () => o.arange('3' as never), 'from 0 to 3 in steps of 1 never ends; use finite numbers'),
  bad('arange', 'dtype', () => o.arange(0, 3, 1, 'int' as never), "'int' is no dtype; use one of"),
  bad('linspace', 'value', () => o.linspace(0, 1, 1.5), 'num 1.5 is no count; use a whole number from 0 on'),
  bad('linspace', 'value', () => o.linspace(0, 1, -1), 'num -1 is no count; use a whole number from 0 on'),
  bad('linspace', 'value', () => o.linspace(NaN, 1), 'from NaN to 1 there are no steps; use finite numbers'),
  bad('eye', 'size', () => o.eye(-1), '[-1,-1] is no shape; use an array of whole numbers from 0 on'),
  bad('eye', 'size', () => o.eye('2' as never), '[2,2] is no shape; use an array of whole numbers from 0 on'),
  bad('eye', 'dtype', () => o.eye(2, 2, 'float' as never), "'float' is no dtype; use one of"),
  bad('oneHot', 'value', () => o.oneHot(i32(1), -1), 'depth -1 is no size; use a whole number from 0 on'),
  bad('oneHot', 'value', () => o.oneHot(i32(1), undefined as never), 'depth undefined is no size; use a whole number from 0 on'),
  bad('oneHot', 'dtype', () => o.oneHot(i32(1), 2, 'float' as never), "'float' is no dtype; use one of"),
  bad(
    'zerosLike',
    'operand',
    () => o.zerosLike(new Float32Array(2) as never),
    'x is a Float32Array; it must be a tensor: wrap it in tensor(values',
  ),
  bad('onesLike', 'operand', () => o.onesLike(Promise.resolve(x) as never), 'x is a promise; it must be a tensor: await it first'),
];

const random: readonly ErrorRow[] = [
  bad('random.uniform', 'size', () => o.random.uniform([-1]), '[-1] is no shape; use an array of whole numbers from 0 on'),
  bad('random.uniform', 'option', () => o.random.uniform([2], { min: NaN }), 'min is the number NaN; it must be a finite number'),
  bad('random.uniform', 'option', () => o.random.uniform([2], { max: '1' as never }), 'max is the text "1"; it must be a finite number'),
  bad('random.normal', 'size', () => o.random.normal(5 as never), 'the number 5 is no shape; use an array of whole numbers from 0 on'),
  bad('random.normal', 'option', () => o.random.normal([2], { stddev: null as never }), 'stddev is null; it must be a finite number'),
  bad('random.normal', 'option', () => o.random.normal([2], { seed: 'a' as never }), 'seed is the text "a"; it must be a finite number'),
  bad('random.truncatedNormal', 'size', () => o.random.truncatedNormal([1.5]), '[1.5] is no shape; use an array of whole numbers'),
  bad(
    'random.truncatedNormal',
    'option',
    () => o.random.truncatedNormal([2], { mean: Infinity }),
    'mean is the number Infinity; it must be',
  ),
  bad('random.bernoulli', 'size', () => o.random.bernoulli([NaN]), '[NaN] is no shape; use an array of whole numbers from 0 on'),
  bad('random.bernoulli', 'option', () => o.random.bernoulli([2], { p: 2 }), 'p 2 is no probability; use 0 to 1'),
  bad('random.bernoulli', 'option', () => o.random.bernoulli([2], { p: '0.5' as never }), 'p 0.5 is no probability; use 0 to 1'),
  bad('random.permutation', 'size', () => o.random.permutation(-1), '[-1] is no shape; use an array of whole numbers from 0 on'),
  bad('random.permutation', 'option', () => o.random.permutation(3, { seed: NaN }), 'seed is the number NaN; it must be a finite number'),
  bad('random.exponential', 'size', () => o.random.exponential([-1]), '[-1] is no shape; use an array of whole numbers from 0 on'),
  bad(
    'random.exponential',
    'option',
    () => o.random.exponential([2], { scale: 0 }),
    'scale is the number 0; it must be a number above 0, or',
  ),
  bad('random.exponential', 'option', () => o.random.exponential([2], { seed: NaN }), 'seed is the number NaN; it must be a finite number'),
  bad(
    'random.exponential',
    'size',
    () => o.random.exponential([2], { scale: input([3]) }),
    'scale [3] does not broadcast to the shape [2]; its axes must have these sizes, or 1',
  ),
  bad(
    'random.gumbel',
    'option',
    () => o.random.gumbel([2], { loc: '1' as never }),
    'loc is the text "1"; it must be a finite number, or a',
  ),
  bad(
    'random.gumbel',
    'size',
    () => o.random.gumbel([3], { scale: input([2, 3]) }),
    'scale [2,3] does not broadcast to the shape [3]; its axes must have these sizes, or 1',
  ),
  bad('random.gamma', 'option', () => o.random.gamma([2], {} as never), 'concentration is undefined; it must be a number above 0, or a'),
  bad(
    'random.gamma',
    'option',
    () => o.random.gamma([2], { concentration: -1 }),
    'concentration is the number -1; it must be a number abo',
  ),
  bad('random.gamma', 'size', () => o.random.gamma([0.5], { concentration: 1 }), '[0.5] is no shape; use an array of whole numbers'),
  bad(
    'random.beta',
    'option',
    () => o.random.beta([2], { alpha: 1 } as never),
    'beta is undefined; it must be a number above 0, or a tensor',
  ),
  bad(
    'random.beta',
    'option',
    () => o.random.beta([2], { alpha: [1] as never, beta: 1 }),
    'alpha is an array; it must be a number above 0',
  ),
  bad('random.categorical', 'operand', () => o.random.categorical([1, 2] as never), 'logits is an array; it must be a tensor: wrap arrays'),
  bad('random.categorical', 'empty', () => o.random.categorical(input([2, 0])), 'axis 1 of [2,0] has no elements to choose from; check'),
  bad(
    'random.categorical',
    'option',
    () => o.random.categorical(x, { numSamples: 1.5 }),
    'numSamples is the number 1.5; it must be a whole',
  ),
  bad(
    'random.categorical',
    'option',
    () => o.random.categorical(x, { numSamples: 1, shape: [2] }),
    'takes numSamples or shape, not both; leave one out',
  ),
  bad(
    'random.categorical',
    'size',
    () => o.random.categorical(x, { shape: [2, 1] }),
    'the logits [2,3] without axis 1 do not broadcast to the shape [2,1]; end it with [2]',
  ),
  bad(
    'random.randint',
    'option',
    () => o.random.randint([2], undefined as never),
    'max is undefined; it must be a whole number from -2147',
  ),
  bad(
    'random.randint',
    'option',
    () => o.random.randint([2], { max: 2 ** 31 + 1 }),
    'max is the number 2147483649; it must be a whole num',
  ),
  bad(
    'random.randint',
    'option',
    () => o.random.randint([2], { min: 0.5, max: 2 }),
    'min is the number 0.5; it must be a whole number fro',
  ),
  bad(
    'random.randint',
    'option',
    () => o.random.randint([2], { min: 3, max: 3 }),
    'no whole number is from min 3 up to, not including, max 3; use a larger max',
  ),
  bad('random.randint', 'size', () => o.random.randint([-2], { max: 3 }), '[-2] is no shape; use an array of whole numbers from 0 on'),
  bad('setSeed', 'value', () => o.setSeed(NaN), 'seed is NaN; it must be a finite number'),
  bad('setSeed', 'value', () => o.setSeed('a' as never), 'seed is "a"; it must be a finite number'),
];

export const elementwiseErrors: readonly ErrorRow[] = [...broadcasting, ...mixing, ...choices, ...activations, ...creation, ...random];
