// A line through noisy points. The loss, its gradient and the update are written by hand, without a model.
import { compile, losses, random, scalar, setSeed, valueAndGrad, zeros } from 'ombre';
import type { Figures, Run } from './example.ts';

/** Figures: the slope, near 3; the intercept, near 2; the mean squared error, near the variance of the noise, 0.01. */
export async function regression({ isSmall, print, plot }: Run): Promise<Figures> {
  setSeed(1);
  const samples = isSmall ? 64 : 1024;
  const x = random.uniform([samples, 1]);
  const y = x
    .mul(3)
    .add(2)
    .add(random.normal([samples, 1], { stddev: 0.1 }));

  const meanSquaredError = losses.meanSquaredError();
  const lossOf = ({ slope, intercept }: Line) => meanSquaredError(y, x.matmul(slope).add(intercept));
  // One program for loss, gradients and update. The line's memory is updated in place.
  const step = compile(
    (line: Line, rate: number) => {
      const [loss, gradients] = valueAndGrad(lossOf)(line);
      const next = {
        slope: line.slope.sub(gradients.slope.mul(rate)),
        intercept: line.intercept.sub(gradients.intercept.mul(rate)),
      };
      return { line: next, loss };
    },
    { donate: [0] },
  );

  let line: Line = { slope: zeros([1, 1]), intercept: zeros([1]) };
  let loss = scalar(0);
  for (let i = 1; i <= 300; i++) {
    ({ line, loss } = await step(line, 0.5));
    if (i % 20 > 0) continue;
    const value = await loss.item();
    plot('Loss', { step: i, loss: value });
    if (i % 100 === 0) print(`step ${i}: loss ${value.toFixed(4)}`);
  }
  const figures = { slope: await line.slope.item(), intercept: await line.intercept.item(), loss: await loss.item() };
  print(`y = ${figures.slope.toFixed(3)} x + ${figures.intercept.toFixed(3)}`);
  return figures;
}

type Line = { slope: ReturnType<typeof zeros>; intercept: ReturnType<typeof zeros> };
