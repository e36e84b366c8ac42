// Attacks against their formulas, and adversarial training; the gradient penalty against central differences.
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { grad } from '../../src/autodiff/index.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import { add, mul, reshape, square, sub, sum, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { losses } from '../../src/losses/index.ts';
import { type Attack, type Model, type TrainStep, adversarial, gradientPenalty, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(5));

const { fgsm, pgd } = adversarial;
const read = (x: Tensor): number[] => Array.from(interpret([x], { mode: 'f64' })[0]);
const close = (actual: readonly number[], expected: readonly number[], digits = 6): void => {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value, `[${i}]`).toBeCloseTo(expected[i], digits));
};
const f64 = (values: number[][]): Tensor => hostTensor({ shape: [values.length, values[0].length], dtype: 'f32' }, Float64Array.from(values.flat())); // prettier-ignore

const points = [[0.2, 0.5, 0.9], [0.6, 0.1, 0.4]]; // prettier-ignore
const weights = [3, -4, 0];
/** Its gradient is `weights` for each sample. */
const linear = (x: Tensor): Tensor => sum(mul(x, tensor(weights)));

describe('fgsm', () => {
  test('changes x along the sign of the gradient, and against it for a target', () => {
    close(read(fgsm({ epsilon: 0.1 })(linear, f64(points))), [0.3, 0.4, 0.9, 0.7, 0, 0.4]);
    close(read(fgsm({ epsilon: 0.1, targeted: true })(linear, f64(points))), [0.1, 0.6, 0.9, 0.5, 0.2, 0.4]);
  });

  test('norm 2: along the gradient of each sample, for gradients of any size', () => {
    for (const size of [1, 1e-30, 1e30]) {
      const loss = (x: Tensor): Tensor => mul(linear(x), size);
      close(Array.from(interpret([fgsm({ epsilon: 0.5, norm: 2 })(loss, tensor(points))])[0]), [0.5, 0.1, 0.9, 0.9, -0.3, 0.4]);
    }
    close(read(fgsm({ epsilon: 0.5, norm: 2 })((x) => mul(sum(x), 0), f64(points))), points.flat());
  });

  test('clipRange, a loss for each sample, and trees with integers', () => {
    close(read(fgsm({ epsilon: 0.3, clipRange: [0, 0.8] })(linear, f64(points))), [0.5, 0.2, 0.8, 0.8, 0, 0.4]);
    close(read(fgsm({ epsilon: 0.1 })((x: Tensor) => sum(mul(x, tensor(weights)), { axis: 1 }), f64(points))), [0.3, 0.4, 0.9, 0.7, 0, 0.4]); // prettier-ignore
    const ids = tensor([1, 2], [2], 'i32');
    const made = fgsm({ epsilon: 0.1 })(({ image }) => linear(image), { image: f64(points), ids });
    expect(made.ids).toBe(ids);
    close(read(made.image), [0.3, 0.4, 0.9, 0.7, 0, 0.4]);
  });

  test('no gradient flows through the examples', () => {
    const loss = (x: Tensor): Tensor => sum(square(fgsm({ epsilon: 0.1 })((at) => sum(square(at)), x)));
    expect(read(grad(loss)(f64(points)))).toEqual(new Array(6).fill(0));
  });
});

describe('pgd', () => {
  test('one step of size epsilon from x is fgsm', () => {
    for (const norm of ['inf', 2] as const) {
      const loss = (x: Tensor): Tensor => sum(square(sub(x, 0.3)));
      const one = pgd({ epsilon: 0.2, norm, steps: 1, stepSize: 0.2, randomStart: false });
      close(read(one(loss, f64(points))), read(fgsm({ epsilon: 0.2, norm })(loss, f64(points))));
    }
  });

  test.each(['inf', 2] as const)('norm %s: stays in the ball and reaches its best point', (norm) => {
    const attack = pgd({ epsilon: 0.25, norm, steps: 8, stepSize: 0.1 });
    const changes = read(sub(attack(linear, f64(points)), f64(points)));
    for (const change of [changes.slice(0, 3), changes.slice(3)]) {
      const size = norm === 'inf' ? Math.max(...change.map(Math.abs)) : Math.hypot(...change);
      expect(size).toBeLessThanOrEqual(0.25 + 1e-9);
      if (norm === 'inf') close(change.slice(0, 2), [0.25, -0.25], 5);
      else close(change.slice(0, 2), [0.15, -0.2], 1);
    }
  });

  test.each(['inf', 2] as const)('norm %s: the random start fills the ball', (norm) => {
    const x = tensor(new Array(2000).fill(0), [1000, 2]);
    const start = read(pgd({ epsilon: 2, norm, steps: 1, stepSize: 1e-9, seed: 4 })((at) => mul(sum(at), 0), x));
    const sizes = Array.from({ length: 1000 }, (_, i) => (norm === 'inf' ? Math.max(Math.abs(start[2 * i]), Math.abs(start[2 * i + 1])) : Math.hypot(start[2 * i], start[2 * i + 1])) / 2); // prettier-ignore
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1 + 1e-6);
    // Half of the area is within sqrt(1/2) of the radius.
    expect(sizes.filter((size) => size < Math.SQRT1_2).length).toBeGreaterThan(450);
    expect(sizes.filter((size) => size < Math.SQRT1_2).length).toBeLessThan(550);
    expect(Math.abs(start.reduce((a, b) => a + b, 0)) / 2000).toBeLessThan(0.1);
  });

  test('a seed fixes the start, the step size follows epsilon, and clipRange holds at each step', () => {
    const attack = (options: object): number[] => read(pgd({ epsilon: 0.4, steps: 2, ...options })(linear, f64(points)));
    expect(attack({ seed: 1 })).toEqual(attack({ seed: 1 }));
    expect(attack({ seed: 1, steps: 1, stepSize: 1e-9 })).not.toEqual(attack({ seed: 2, steps: 1, stepSize: 1e-9 }));
    close(attack({ randomStart: false, steps: 5 }), [0.6, 0.1, 0.9, 1, -0.3, 0.4]);
    close(attack({ randomStart: false, steps: 5, epsilon: 0.2, targeted: true, clipRange: [0, 1] }), [0, 0.7, 0.9, 0.4, 0.3, 0.4]);
    close(attack({ randomStart: false, steps: 1, epsilon: 0.2, stepSize: 0.05 }), [0.25, 0.45, 0.9, 0.65, 0.05, 0.4]);
  });
});

/** Two classes whose first feature is large and noisy, and whose others are small, certain and easily changed. */
const count = 128;
const samples = Array.from({ length: count }, (_, i) => {
  const sign = i % 2 ? 1 : -1;
  const noise = (k: number): number => Math.sin(12.9898 * (i * 7 + k + 1));
  return [i % 10 === 9 ? -sign : sign, ...Array.from({ length: 6 }, (_, k) => 0.12 * sign + 0.02 * noise(k))];
});
const labels = samples.map((_, i) => i % 2);
const classifier = (options: { trainStep?: TrainStep } = {}): Model => {
  const model = sequential([layers.dense({ units: 2, inputShape: [7] })]);
  model.compile({ optimizer: 'adam', loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }), metrics: ['accuracy'], seed: 3, ...options }); // prettier-ignore
  model.setLearningRate(0.05);
  return model;
};
const quiet = { epochs: 25, batchSize: 32, verbose: 0 } as const;
const robustness = async (model: Model): Promise<{ clean: number; attacked: number }> => {
  const examples = pgd(model, samples, tensor(labels, [count], 'i32'), { epsilon: 0.25, steps: 5 });
  const accuracy = async (x: Tensor | number[][]): Promise<number> => (await model.evaluate(x, labels, { verbose: 0 })).accuracy;
  return { clean: await accuracy(samples), attacked: await accuracy(examples) };
};

describe('training', () => {
  test('on adversarial examples makes the attack fail; by fit and by a step of the user', async () => {
    const plain = classifier();
    await plain.fit(samples, labels, quiet);
    const before = await robustness(plain);
    expect(before.clean).toBeGreaterThan(0.97);
    expect(before.attacked).toBeLessThan(0.3);
    const attack = fgsm({ epsilon: 0.25 });
    const robust = classifier();
    await robust.fit(samples, labels, { ...quiet, adversarial: attack });
    const after = await robustness(robust);
    expect(after.attacked).toBeGreaterThan(0.8);
    const own = classifier({
      trainStep: (step) => {
        const x = attack((at) => step.loss(step.forward(at, { training: false })), step.x);
        const { loss, gradients } = step.gradients(() => step.loss(step.forward(x)));
        step.update(gradients);
        return { loss };
      },
    });
    await own.fit(samples, labels, quiet);
    expect(await robustness(own)).toEqual(after);
    const named = classifier();
    await named.fit(samples, labels, { ...quiet, adversarial: { method: 'fgsm', epsilon: 0.25 } });
    expect(await robustness(named)).toEqual(after);
  });

  test('the next fit without an attack is plain again', async () => {
    const model = classifier();
    let calls = 0;
    const attack: Attack = (_, x) => {
      calls++;
      return x;
    };
    const once = { ...quiet, epochs: 1 };
    await model.fit(samples, labels, { ...once, adversarial: attack });
    const before = calls;
    await model.fit(samples, labels, once);
    expect([before > 0, calls - before]).toEqual([true, 0]);
  });

  test('an attack on a model uses its weights and changes nothing', async () => {
    const model = classifier();
    await model.fit(samples, labels, { ...quiet, epochs: 1 });
    const made = fgsm(model, samples, labels, { epsilon: 0.1 });
    const loss = (x: Tensor): Tensor => losses.sparseCategoricalCrossentropy({ fromLogits: true })(tensor(labels, [count], 'i32'), model.apply(x)); // prettier-ignore
    expect(Array.from(await made.data())).toEqual(Array.from(await fgsm({ epsilon: 0.1 })(loss, tensor(samples)).data()));
  });
});

describe('gradientPenalty', () => {
  const [real, fake] = [f64([[1, 2], [0.5, -1], [0, 0.3]]), f64([[0.2, 0.1], [1, 1], [-0.4, 2]])]; // prettier-ignore

  test('is the mean squared distance of the norm to the target', () => {
    expect(read(gradientPenalty((x) => sum(mul(x, tensor([3, 4])), { axis: 1 }), real, fake))[0]).toBeCloseTo(16, 12);
    expect(read(gradientPenalty((x) => sum(mul(x, tensor([3, 4]))), real, fake, { target: 3 }))[0]).toBeCloseTo(4, 12);
  });

  test('is taken at uniform points between real and fake', () => {
    const half = (x: Tensor): Tensor => mul(sum(square(x), { axis: 1 }), 0.5);
    const same = gradientPenalty(half, f64([[3, 4], [0, 1]]), f64([[3, 4], [0, 1]])); // prettier-ignore
    expect(read(same)[0]).toBeCloseTo(8, 5);
    const ends = [0, 1].map((value) => tensor(new Array<number>(300).fill(value), [300, 1]));
    const meanSquare = read(gradientPenalty(half, ends[0], ends[1], { target: 0, seed: 2 }))[0];
    expect(Math.abs(meanSquare - 1 / 3)).toBeLessThan(0.05);
  });

  test('its gradient by the weights of the critic is that of central differences', () => {
    const penalty = (w: Tensor): Tensor =>
      gradientPenalty((x) => sum(mul(square(x), reshape(w, [1, 2])), { axis: 1 }), real, fake, { seed: 3 });
    const at = (w: number[]): number => read(penalty(f64([w])))[0];
    const w = [0.7, -0.4];
    const slope = read(grad(penalty)(f64([w])));
    w.forEach((_, i) => {
      const moved = (h: number): number => at(w.map((value, k) => (k === i ? value + h : value)));
      expect(slope[i]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 7);
    });
    expect(at(w)).not.toBe(read(gradientPenalty((x) => sum(mul(square(x), tensor([w]))), real, fake, { seed: 4 }))[0]);
  });

  test('a critic without a slope has the penalty target squared and a finite gradient', () => {
    const penalty = (w: Tensor): Tensor => gradientPenalty((x) => add(sum(mul(square(x), w)), 1), real, fake);
    expect(read(penalty(tensor(0)))[0]).toBe(1);
    expect(read(grad(penalty)(tensor(0))).every(Number.isFinite)).toBe(true);
  });
});

test.each([
  ['integers', () => fgsm({ epsilon: 1 })(linear, tensor([1, 2], [2], 'i32')), "adversarial.fgsm: x is i32[2]; an attack changes floats: cast(x, 'f32'), or attack the embeddings of ids"],
  ['a scalar', () => pgd({ epsilon: 1 })((x: Tensor) => x, tensor(1)), 'adversarial.pgd: x is a scalar; its first axis must be the batch'],
  ['a loss per element', () => fgsm({ epsilon: 1 })((x: Tensor) => x, f64(points)), 'adversarial.fgsm: the loss is a tensor [2,3]; it must be a scalar tensor, or one value per sample [2]'],
  ['no loss', () => fgsm({ epsilon: 1 })(1 as never, f64(points)), 'adversarial.fgsm'],
  ['no model', () => fgsm({} as never, points, [1], { epsilon: 1 }), 'adversarial.fgsm: takes options, or (model, x, y, options) with a compiled model'],
  ['a model without a loss', () => fgsm(sequential([layers.dense({ units: 1, inputShape: [3] })]), points, [1, 2], { epsilon: 1 }), 'adversarial.fgsm: the model is not compiled'],
  ['a range', () => fgsm({ epsilon: 1, clipRange: [1, 0] }), 'adversarial.fgsm: clipRange is [1,0]; it must be a list of two numbers'],
  ['no critic', () => gradientPenalty(1 as never, f64(points), f64(points)), 'gradientPenalty'],
  ['other shapes', () => gradientPenalty(linear, f64(points), f64([[1, 2, 3]])), 'gradientPenalty: real [2,3] and fake [1,3] must have one shape [n, ...]'],
] as [string, () => unknown, string][])('errors: %s', (_, fn, message) => { expect(fn).toThrow(message); }); // prettier-ignore

test('errors of fit', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const model = classifier({ trainStep: (step) => step.gradients(() => step.loss(step.forward(step.x))) });
  await expect(model.fit(samples, labels, { ...quiet, adversarial: fgsm({ epsilon: 1 }) })).rejects.toThrow(
    'fit: adversarial does not go with the trainStep of compile(); apply the attack in the step',
  );
  await expect(classifier().fit(samples, labels, { ...quiet, adversarial: { method: 'cw' } as unknown as Attack })).rejects.toThrow(
    "fit: adversarial is { method: 'cw' }; it must be an attack such as adversarial.fgsm({ epsilon: 0.1 }), or { method: 'fgsm' or 'pgd', epsilon: 0.1 }",
  );
});
