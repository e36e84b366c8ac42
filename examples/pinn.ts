// A physics-informed network solves the heat equation u_t = k u_xx on a rod with cold ends. Raissi et al., Physics-informed neural networks, 2019.
import { type Tensor, abs, add, concat, createModel, exp, grad, input, layers, linspace, max, mean, mul, norm, optimizers, random, schedules, setSeed, sin, split, square, sub, sum, zeros } from 'ombre'; // prettier-ignore
import type { Figures, Run } from './example.ts';

/** Diffusivity: at t = 1, the temperature of the middle is exp(-pi^2 k), which is 0.37. */
const k = 0.1;

/** The solution for u(x, 0) = sin(pi x) and u(0, t) = u(1, t) = 0. */
const exact = (x: Tensor, t: Tensor): Tensor => mul(sin(mul(x, Math.PI)), exp(mul(t, -(Math.PI ** 2) * k)));

/** Figures: |u - exact| / |exact| in the 2-norm over a grid in x and t, and the largest error. The largest exact value is 1. */
export async function pinn({ isSmall, print, show, watch }: Run): Promise<Figures> {
  setSeed(1);
  const [units, steps, epochs] = isSmall ? [16, 150, 4] : [32, 1000, 10];
  const [inside, edge] = isSmall ? [64, 16] : [512, 128];

  const place = input({ shape: [2] });
  let hidden: Tensor = place;
  for (let i = 0; i < 3; i++) hidden = layers.dense({ units, activation: 'tanh' }).apply(hidden);
  const model = createModel({ inputs: place, outputs: layers.dense({ units: 1 }).apply(hidden) });

  model.compile({
    optimizer: optimizers.adam({
      learningRate: schedules.cosineDecay({ initialLearningRate: 0.01, decaySteps: steps * epochs }),
    }),
    // The loss of points inside is the equation. The values are known for the ends of the rod, and for t = 0.
    trainStep(step) {
      const u = (x: Tensor, t: Tensor): Tensor => step.forward(concat([x, t], 1));
      const total = (x: Tensor, t: Tensor): Tensor => sum(u(x, t));
      const slope = (x: Tensor, t: Tensor): Tensor => sum(grad(total)(x, t));
      const draw = (count: number): Tensor => random.uniform([count, 1]);
      const [x, t] = split(step.x, 2, 1);
      const [start, later] = [draw(edge), draw(edge)];
      const { loss, gradients } = step.gradients(() => {
        const residual = sub(grad(total, { argnums: 1 })(x, t), mul(grad(slope)(x, t), k));
        const ends = add(square(u(zeros([edge, 1]), later)), square(u(zeros([edge, 1]).add(1), later)));
        const first = square(sub(u(start, zeros([edge, 1])), sin(mul(start, Math.PI))));
        return add(mean(square(residual)), mean(add(ends, first)));
      });
      step.update(gradients);
      return { loss };
    },
  });
  const points = random.uniform([steps * inside, 2]);
  await model.fit(points, undefined, { epochs, batchSize: inside, verbose: 0, callbacks: watch() });

  // A grid of 41 places and 41 times.
  const along = (shape: readonly number[]): Tensor => add(linspace(0, 1, 41).reshape(shape), zeros([41, 41])).reshape([-1, 1]);
  const [x, t] = [along([41, 1]), along([1, 41])];
  const solution = exact(x, t);
  const found = await model.predict(concat([x, t], 1));
  const error = sub(found, solution);
  const relative = norm(error).div(norm(solution));
  const figures = { relativeError: await relative.item(), largestError: await max(abs(error)).item() };
  await show('Temperature: places down, times to the right; network and solution', concat([found, solution], 1).transpose().reshape([2, 41, 41]).clip(0, 1)); // prettier-ignore
  print(`relative error ${figures.relativeError.toFixed(4)}, largest error ${figures.largestError.toFixed(4)}`);
  return figures;
}
