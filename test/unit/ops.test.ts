// Every op on the CPU, from the tables: values against PyTorch, gradients against central differences in f64, awkward shapes, and that no
// exported op is without a row.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type HostArray, isFloat } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import indexingGolden from '../golden/indexing.json';
import fftGolden from '../golden/fft.json';
import linalgGolden from '../golden/linalg.json';
import normGolden from '../golden/norm.json';
import golden from '../golden/ops.json';
import goldenImages from '../golden/images.json';
import goldenWindows from '../golden/windows.json';
import recurrenceGolden from '../golden/recurrence.json';
import scanGolden from '../golden/scan.json';
import specialGolden from '../golden/special.json';
import { noteDifference, noteError, noteGradients, noteVectors } from '../support/findings.ts';
import { familyOf, functionOf, goldenFamilyOf, opRows } from '../tables/index.ts';
import { elementwiseRows } from '../tables/elementwise.ts';
import { type OpRow, valuesOf } from '../tables/row.ts';

interface GoldenRow {
  inputs: { shape: number[]; low: number; high: number; whole: boolean }[];
  shape: number[];
  value: (number | string)[];
}
const goldenRows: Record<string, GoldenRow | undefined> = {
  ...golden.rows,
  ...goldenWindows.rows,
  ...goldenImages.rows,
  ...normGolden.rows,
  ...scanGolden.rows,
  ...recurrenceGolden.rows,
  ...specialGolden.rows,
  ...indexingGolden.rows,
  ...linalgGolden.rows,
  ...fftGolden.rows,
};

interface Bound {
  inputs: Tensor[];
  feeds: Map<Tensor, HostArray>;
  output: Tensor;
}

/** A row's graph over placeholders, with its inputs in f64. */
function build(row: OpRow): Bound {
  const inputs = row.inputs.map(({ shape, dtype }, position) => placeholder(shape, dtype, { position }));
  const feeds = new Map(inputs.map((input, k) => [input, valuesOf(row.inputs[k], k, 'f64')]));
  return { inputs, feeds, output: row.call(...inputs) };
}

const run = (tensor: Tensor, feeds?: Map<Tensor, HostArray>): HostArray => interpret([tensor], { mode: 'f64', feeds })[0];

function expectClose(row: OpRow, actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number, absolute: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Object.is(actual[i], expected[i]) ? 0 : Math.abs(actual[i] - expected[i]);
    // Of infinity no distance is small: it is met or not.
    const allowed = Number.isFinite(expected[i]) ? absolute + relative * Math.abs(expected[i]) : 0;
    noteError(familyOf(row), row.name, error, allowed);
    if (!(error <= allowed)) expect.fail(`element ${i}: ${actual[i]} instead of ${expected[i]}`);
  }
}

test('every exported op has a row, and every row tests an exported op', () => {
  const tested = new Set(opRows.map(functionOf));
  const notOps = ['setSeed'];
  const exported = Object.keys(ops).filter((name) => !notOps.includes(name));
  expect(exported.filter((name) => !tested.has(name))).toEqual([]);
  expect([...tested].filter((name) => !exported.includes(name))).toEqual([]);
  const methodsOfRandom = new Set(opRows.filter((row) => functionOf(row) === 'random').map((row) => row.name.split(' ')[1]));
  expect(Object.keys(ops.random).filter((name) => !methodsOfRandom.has(name))).toEqual([]);
});

test('row names are unique, and golden rows belong to rows', () => {
  const names = opRows.map((row) => row.name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  expect(Object.keys(goldenRows).filter((name) => !names.includes(name))).toEqual([]);
});

describe('values', () => {
  test.each(opRows.map((row) => [row.name, row] as const))('%s', (name, row) => {
    const { output, feeds } = build(row);
    const actual = run(output, feeds);
    expect(actual.length).toBe(sizeOf(output.shape));
    if (row.random) {
      expect(Array.from(actual).every(Number.isFinite)).toBe(true);
      const again = build(row);
      expect(Array.from(run(again.output, again.feeds))).toEqual(Array.from(actual));
      return;
    }
    if (row.expected) {
      expect(output.shape).toEqual(row.expected.shape);
      expectClose(row, actual, row.expected.value, 0, 1e-12);
      return;
    }
    const expected = goldenRows[name];
    if (!expected) throw new Error(`${name}: neither an expected value nor a golden row; add one to scripts/golden/ops.py`);
    expect(row.inputs.map(({ shape, low, high, dtype }) => ({ shape, low, high, whole: !isFloat(dtype) }))).toEqual(expected.inputs);
    expect(output.shape).toEqual(expected.shape);
    const wanted = expected.value.map(Number);
    expectClose(row, actual, wanted, 1e-11, 1e-12);
    const rounded = new Map([...feeds].map(([input, data]) => [input, data instanceof Float64Array ? Float32Array.from(data) : data]));
    noteDifference(`${goldenFamilyOf(row)}, f64`, name, actual, wanted);
    noteDifference(`${goldenFamilyOf(row)}, f32`, name, interpret([output], { mode: 'f32', feeds: rounded })[0], wanted);
    noteVectors(1);
  });
});

/** Fixed weights that make a scalar of any output without symmetries that could hide an error. */
function weigh(y: Tensor, k: number): Tensor {
  const data = valuesOf({ shape: y.shape, low: 0.5, high: 1.5, dtype: 'f32' }, k, 'f64');
  return ops.sum(ops.mul(y, hostTensor({ shape: y.shape, dtype: 'f32' }, data)));
}

/** Compares the gradients of a scalar with central differences, element by element. */
function checkGradient(row: OpRow, scalar: Tensor, wrt: Tensor[], analytic: Tensor[], feeds: Map<Tensor, HostArray>): void {
  const eps = 1e-6;
  const found = interpret(analytic, { mode: 'f64', feeds });
  wrt.forEach((x, k) => {
    const values = feeds.get(x)!;
    const numeric = Float64Array.from(values, (value, i) => {
      const at = (moved: number): number => {
        const data = Float64Array.from(values);
        data[i] = moved;
        return run(scalar, new Map(feeds).set(x, data))[0];
      };
      return (at(value + eps) - at(value - eps)) / (2 * eps);
    });
    expect(analytic[k].shape).toEqual(x.shape);
    expectClose(row, found[k], numeric, 1e-3, 1e-5);
  });
  noteGradients(wrt.length);
}

describe('gradients', () => {
  test.each(opRows.filter((row) => row.gradient !== 'none').map((row) => [row.name, row] as const))('%s', (_, row) => {
    const { inputs, feeds, output } = build(row);
    const wrt = inputs.filter((x) => isFloat(x.dtype));
    const scalar = weigh(output, 5);
    const first = gradients(scalar, wrt);
    checkGradient(row, scalar, wrt, first, feeds);
    if (row.gradient !== 'twice') return;
    const ofGradients = first.map((g, k) => weigh(g, 7 + k)).reduce((a, b) => ops.add(a, b));
    checkGradient(row, ofGradients, wrt, gradients(ofGradients, wrt), feeds);
  });
});

describe('elementwise ops take awkward shapes', () => {
  const shapes = [[0], [1], [7], [2, 0, 3], [1, 1], [13, 1, 3], []];
  const fit = new Set(['prelu', 'clip', 'where']);
  const rows = elementwiseRows.filter(
    (row) => row.inputs.length === 1 && !/softmax|Softmax|glu/.test(row.name) && !fit.has(functionOf(row)),
  );
  test.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    for (const shape of shapes) {
      const x = placeholder(shape, row.inputs[0].dtype, { position: 0 });
      const data = valuesOf({ ...row.inputs[0], shape }, 0, 'f64');
      const y = row.call(x);
      expect(y.shape).toEqual(shape);
      const one = placeholder([], x.dtype, { position: 0 });
      const ofOne = row.call(one);
      const each = Array.from(data, (value) => run(ofOne, new Map([[one, data.slice().fill(value).slice(0, 1)]]))[0]);
      expect(Array.from(run(y, new Map([[x, data]])))).toEqual(each);
    }
  });

  const pairs: [number[], number[], number[]][] = [
    [[0], [1], [0]],
    [
      [3, 1],
      [1, 7],
      [3, 7],
    ],
    [[], [2, 3], [2, 3]],
    [
      [2, 1, 3],
      [5, 1],
      [2, 5, 3],
    ],
    [
      [1, 0],
      [4, 1],
      [4, 0],
    ],
  ];
  const binaryRows = elementwiseRows.filter(
    (row) => row.inputs.length === 2 && functionOf(row) !== 'prelu' && !row.name.includes('negative base'),
  );
  test.each(binaryRows.map((row) => [row.name, row] as const))('%s broadcasts', (_, row) => {
    for (const [left, right, result] of pairs) {
      const specs = [left, right].map((shape, k) => ({ ...row.inputs[k], shape }));
      const [a, b] = specs.map(({ shape, dtype }, k) => hostTensor({ shape, dtype }, valuesOf({ ...specs[k], shape }, k, 'f64')));
      const y = row.call(a, b);
      expect(y.shape).toEqual(result);
      const spread = [a, b].map((t) => hostTensor({ shape: result, dtype: t.dtype }, run(ops.broadcastTo(t, result))));
      expect(Array.from(run(y))).toEqual(Array.from(run(row.call(...spread))));
    }
  });
});
