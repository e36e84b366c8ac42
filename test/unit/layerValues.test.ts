// Layers against PyTorch, in f64: outputs, and gradients of the input and of every parameter.
import '../../src/train/names.ts';
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteDifference, noteVectors } from '../support/findings.ts';
import { layerCases, makeCase, runCase, titleOf } from '../support/layerCases.ts';

const hostData = ({ value }: Tensor): HostArray => (value as { data: HostArray }).data;

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string, tolerance = 1e-10): void {
  expect(actual.length, what).toBe(expected.length);
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i] - value);
    // NaN is not within the tolerance.
    if (!(error <= tolerance * (1 + Math.abs(value)))) expect.fail(`${what}, element ${i}: ${actual[i]} for ${value}`);
  });
}

describe('against PyTorch, in f64', () => {
  test.each(layerCases.map((one) => [titleOf(one), one] as const))('%s', (_, one) => {
    const { layer, inputs: given, parameters, weights } = makeCase(one, Float64Array);
    const shapes = given.map(({ shape }) => shape.slice(1));
    const shape = shapes.length > 1 ? shapes : shapes[0];
    expect(layer.outputShape(shape)).toEqual(one.outputShape.slice(1));
    const built = layer.build(shape).parameters;
    expect(Object.fromEntries(Object.entries(built).map(([name, value]) => [name, value.shape]))).toEqual(one.parameters);
    // Placeholders: views of values on the host would be values again, without a path back.
    const inputs = [...given, ...Object.values(parameters)].map(({ shape }, position) => placeholder(shape, 'f32', { position }));
    const feeds = new Map(inputs.map((input, i) => [input, hostData([...given, ...Object.values(parameters)][i])]));
    const named = Object.fromEntries(Object.keys(parameters).map((name, i) => [name, inputs[given.length + i]]));
    const { output, total } = runCase(layer, one.training, inputs.slice(0, given.length), named, weights);
    expect(output.shape).toEqual(one.outputShape);
    const results = [output, ...gradients(total, inputs)];
    const [found, ...slopes] = interpret(results, { mode: 'f64', feeds });
    const rounded = new Map([...feeds].map(([input, data]) => [input, data instanceof Float64Array ? Float32Array.from(data) : data]));
    const inF32 = interpret(results, { mode: 'f32', feeds: rounded });
    [one.output, ...one.gradients].forEach((golden, i) => {
      noteDifference('layers, f64', one.name, [found, ...slopes][i], golden);
      noteDifference('layers, f32', one.name, inF32[i], golden);
    });
    expectClose(found, one.output, 'output', one.tolerance);
    one.gradients.forEach((gradient, i) =>
      expectClose(
        slopes[i],
        gradient,
        `gradient of ${[...given.map((_, k) => `input ${k}`), ...Object.keys(parameters)][i]}`,
        one.tolerance,
      ),
    );
    noteVectors(1 + one.gradients.length);
  });
});
