// Types of layers and functional models, checked by the compiler.
import { expect, expectTypeOf, test } from 'vitest';
import type { Shape } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type SublayerCall, type Tensors, defineLayer, input, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { ones } from '../../src/ops/index.ts';
import { type Model, createModel } from '../../src/train/index.ts';

test('apply gives a tensor for a tensor, and a tree for a tree', () => {
  const x = input({ shape: [2] });
  expectTypeOf(x).toEqualTypeOf<Tensor>();
  expectTypeOf(layers.dense({ units: 1 }).apply(x)).toEqualTypeOf<Tensor>();
  expectTypeOf(layers.add().apply([x, x])).toEqualTypeOf<Tensors>();
  expectTypeOf(layers.add().apply<Tensor>([x, x])).toEqualTypeOf<Tensor>();
  const model = createModel({ inputs: { x }, outputs: { y: x.add(1) } });
  expectTypeOf(model).toEqualTypeOf<Model>();
  expectTypeOf(model.apply({ x })).toEqualTypeOf<Tensors>();
  expectTypeOf<ReturnType<Model['getLayer']>>().toEqualTypeOf<Layer>();
  expect(model.layers).toEqual([]);
});

test('options are checked', () => {
  // @ts-expect-error shape is missing
  expect(() => input({})).toThrow('shape is missing');
  // @ts-expect-error f16 is no dtype of inputs
  expect(() => input({ shape: [1], dtype: 'f16' })).toThrow("dtype is 'f16'");
  // @ts-expect-error units is missing
  expect(() => layers.dense({})).toThrow('units is missing');
  // @ts-expect-error there is no such regularizer
  expect(() => layers.dense({ units: 1, kernelRegularizer: 'l3' })).toThrow("kernelRegularizer is 'l3'");
});

test('definitions have the types of their parameters, state, sublayers and inputs', () => {
  const layer = defineLayer<readonly [Tensor, Tensor], Tensor, { scale: Tensor }, { calls: Tensor }, { inner: Layer }>({
    takes: 'tree',
    kind: 'pair',
    options: {},
    layers: { inner: layers.dense({ units: 2 }) },
    build(shapes) {
      expectTypeOf(shapes).toEqualTypeOf<readonly [Shape, Shape]>();
      return { parameters: { scale: ones([2]) }, state: { calls: ones([]) } };
    },
    apply({ parameters, state, layers: { inner } }, [a, b], { training }) {
      expectTypeOf(parameters).toEqualTypeOf<{ scale: Tensor }>();
      expectTypeOf(state).toEqualTypeOf<{ calls: Tensor }>();
      expectTypeOf(inner).toEqualTypeOf<SublayerCall>();
      expectTypeOf(training).toEqualTypeOf<boolean>();
      return inner(a.mul(parameters.scale)).add(b);
    },
  });
  expect(layer.outputShape([[2], [2]])).toEqual([2]);
});
