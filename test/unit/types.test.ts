/** Types of the transformations, of trees and of factories. `tsc` checks them; at run time only the calls are made. */
import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, test } from 'vitest';
import {
  type AdamOptions,
  type CompiledFunction,
  type DenseOptions,
  type Layer,
  type Loss,
  type Metric,
  type Optimizer,
  type Schedule,
  type StepTools,
  type Tensor,
  compile,
  grad,
  layers,
  losses,
  metrics,
  optimizers,
  scalar,
  schedules,
  sequential,
  sub,
  valueAndGrad,
} from '../../src/index.ts';

interface Line {
  readonly w: Tensor;
  readonly b: Tensor;
}
const loss = ({ w, b }: Line): Tensor => w.mul(b);
const line: Line = { w: scalar(2), b: scalar(3) };

test('grad gives a tree like its argument', () => {
  expectTypeOf(grad(loss)(line).w).toEqualTypeOf<Tensor>();
  // @ts-expect-error: the tree has no such branch
  void grad(loss)(line).slope;
});

test('valueAndGrad gives the value and a tree like its argument', () => {
  const [value, gradient] = valueAndGrad(loss)(line);
  expectTypeOf(value).toEqualTypeOf<Tensor>();
  expectTypeOf(gradient.b).toEqualTypeOf<Tensor>();
});

test('compile keeps the arguments and makes the result a promise', () => {
  const step = compile((x: Tensor, rate: Tensor): [Tensor, Tensor] => [x.mul(rate), x]);
  expectTypeOf(step).toEqualTypeOf<CompiledFunction<(x: Tensor, rate: Tensor) => [Tensor, Tensor]>>();
  expectTypeOf(step).returns.resolves.toEqualTypeOf<[Tensor, Tensor]>();
});

test('a list of results is a tuple, without `as const`', () => {
  const step = compile((x: Tensor) => [{ w: x }, x.sum()]);
  expectTypeOf(step).returns.resolves.toEqualTypeOf<[{ w: Tensor }, Tensor]>();
});

test('the README about gradients is TypeScript once its parameters have types', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const [, typed] = read('../support/readmeGradients.ts').split('// The README begins here.\n');
  const scripts = [...read('../../README.md').matchAll(/```js\nimport [^\n]*\n\n(.*?)```/gs)].map(([, code]) => code);
  expect(scripts).toContain(typed.replaceAll(/: (Tensor|Line|number)\b/g, ''));
});

test('factories give their contracts and take their options', () => {
  expectTypeOf(layers.dense({ units: 2 })).toExtend<Layer>();
  expectTypeOf<DenseOptions['units']>().toEqualTypeOf<number>();
  expectTypeOf(losses.huber()).toExtend<Loss>();
  expectTypeOf(optimizers.adam({ learningRate: 1 })).toExtend<Optimizer>();
  expectTypeOf<AdamOptions>().toHaveProperty('beta1');
  expectTypeOf(metrics.binaryAccuracy()).toExtend<Metric>();
  expectTypeOf(schedules.constant({ learningRate: 1 })).toExtend<Schedule>();
});

test('a trainStep declares the forms of its inputs and targets; predictions are a tensor unless a form is given', () => {
  const model = sequential([layers.dense({ units: 2, inputShape: [3] })]);
  model.compile({
    trainStep(step) {
      expectTypeOf(step.x).toEqualTypeOf<Tensor>();
      return { loss: step.gradients(() => step.forward(step.x).sum()).loss };
    },
  });
  const images = () => model.compile({ trainStep: (step: StepTools<{ image: Tensor }>) => step.gradients(() => step.x.image.sum()) });
  expect(images).not.toThrow();
  const difference = async () => sub(await model.predict([[1, 2, 3]]), 1);
  expectTypeOf(difference).returns.resolves.toEqualTypeOf<Tensor>();
  const named = async () => (await model.predict<Record<string, Tensor>>([[1, 2, 3]])).digit;
  expectTypeOf(named).returns.resolves.toEqualTypeOf<Tensor>();
});
