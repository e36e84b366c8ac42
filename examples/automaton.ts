// A neural cellular automaton grows a picture from one cell, and keeps it. Mordvintsev et al., Growing Neural Cellular Automata, Distill, 2020.
import { type Tensor, compile, concat, depthwiseConv2d, greater, logicalAnd, maxPool2d, mean, mul, optimizers, pad, random, relu, repeat, setSeed, square, sub, tensor, tile, valueAndGrad, where, zeros } from 'ombre'; // prettier-ignore
import type { Figures, Run } from './example.ts';

const picture = ['..gg....', '...gg...', '.rrrrrr.', 'rrwrrrrr', 'rwrrrrrr', 'rrrrrrrr', '.rrrrrr.', '..rrrr..'];
// Red, green and blue, multiplied by the opacity, and the opacity.
const colors: Readonly<Record<string, readonly number[]>> = {
  '.': [0, 0, 0, 0],
  r: [0.9, 0.1, 0.1, 1],
  g: [0.1, 0.7, 0.2, 1],
  w: [1, 1, 1, 1],
};

type Rules = { readonly hidden: Tensor; readonly bias: Tensor; readonly change: Tensor };

/** Cells exist next to a cell whose opacity is above 0.1. */
const alive = (cells: Tensor): Tensor =>
  greater(maxPool2d(cells.slice([0, 0, 0, 3], [...cells.shape.slice(0, 3), 4]), { poolSize: 3, strides: 1, padding: 'same' }), 0.1);

/** The cell itself, and the slopes to the right and down by Sobel's filters: [3, 3, 1, 3]. */
const views = tensor([
  [[[0, -1, -1]], [[0, 0, -2]], [[0, 1, -1]]],
  [[[0, -2, 0]], [[8, 0, 0]], [[0, 2, 0]]],
  [[[0, -1, 1]], [[0, 0, 2]], [[0, 1, 1]]],
]).div(8); // prettier-ignore

/** One step of all cells [n, height, width, channels]: each one sees its neighbours, and half of the cells change. */
function advance(cells: Tensor, { hidden, bias, change }: Rules): Tensor {
  const [n, height, width, channels] = cells.shape;
  const seen = depthwiseConv2d(cells, tile(views, [1, 1, channels, 1]), { padding: 'same' }).reshape([-1, 3 * channels]);
  const changes = relu(seen.matmul(hidden).add(bias)).matmul(change).reshape(cells.shape);
  const next = cells.add(mul(changes, random.bernoulli([n, height, width, 1]).cast('f32')));
  return where(logicalAnd(alive(cells), alive(next)), next, 0);
}

function advanceBy(steps: number, cells: Tensor, rules: Rules): Tensor {
  for (let i = 0; i < steps; i++) cells = advance(cells, rules);
  return cells;
}

/** Figures: the mean squared error of the picture after as many steps as one round of the training has, after eight times as many, and without cells. */
export async function automaton({ isSmall, isLarge = false, print, plot, show }: Run): Promise<Figures> {
  setSeed(1);
  const [scale, border, channels, units, states, steps, rounds] = isSmall
    ? [1, 1, 12, 32, 3, 10, 260]
    : isLarge
      ? [3, 8, 16, 128, 8, 48, 3000]
      : [2, 4, 16, 64, 4, 20, 600];
  const edge: [number, number] = [border, border];
  const large = repeat(repeat(tensor(picture.map((row) => Array.from(row, (name) => [...colors[name]]))), scale, 0), scale, 1);
  const target = pad(large, [edge, edge, [0, 0]]);
  const [size] = target.shape;

  // One cell in the middle. All its channels are 1, except the colors.
  const middle = Math.floor(size / 2);
  const around: [number, number] = [middle, size - middle - 1];
  const seed = pad(tensor([[[Array.from({ length: channels }, (_, i) => (i < 3 ? 0 : 1))]]]), [[0, 0], around, around, [0, 0]]);

  const error = (cells: Tensor): Tensor => mean(square(sub(cells.slice([0, 0, 0, 0], [...cells.shape.slice(0, 3), 4]), target)));
  const adam = optimizers.adam({ learningRate: isSmall ? 1e-2 : isLarge ? 2e-3 : 5e-3, globalClipNorm: 1 });
  const round = compile(
    (rules: Rules, state: ReturnType<typeof adam.init>, before: Tensor) => {
      // The oldest state leaves, and a new cell enters. The automaton learns to keep the picture because the others go on.
      const start = concat([seed, before.slice([0], [states - 1])], 0);
      const [[loss, cells], gradients] = valueAndGrad(
        (at: Rules): [Tensor, Tensor] => {
          const grown = advanceBy(steps, start, at);
          return [error(grown), grown];
        },
        { hasAux: true },
      )(rules);
      return { ...adam.update(gradients, state, rules), loss, cells };
    },
    { donate: [0, 1, 2] },
  );

  let parameters: Rules = {
    hidden: random.normal([3 * channels, units], { stddev: (3 * channels) ** -0.5 }),
    bias: zeros([units]),
    change: zeros([units, channels]),
  };
  let [state, cells] = [adam.init(parameters), tile(seed, [states, 1, 1, 1])];
  for (let i = 1; i <= rounds; i++) {
    const result = await round(parameters, state, cells);
    ({ parameters, state, cells } = result);
    if (i % (rounds / 20) > 0) continue;
    const loss = await result.loss.item();
    plot('Loss', { round: i, loss });
    if (i % (rounds / 5) === 0) print(`round ${i}: loss ${loss.toFixed(4)}`);
  }

  const grow = compile((start: Tensor, rules: Rules) => advanceBy(steps, start, rules));
  const grown = await grow(tile(seed, [states, 1, 1, 1]), parameters);
  let later = grown;
  for (let i = 1; i < 8; i++) later = await grow(later, parameters);
  // The colors are multiplied by the opacity.
  const shown = concat([target.expandDims(0), ...[grown, later].map((cells) => cells.slice([0], [1, size, size, 4]))], 0).clip(0, 1);
  const opacity = shown.slice([0, 0, 0, 3], [3, size, size, 4]);
  const inner = shown.slice([0, 0, 0, 0], [3, size, size, 3]).div(opacity.add(1e-3)).clip(0, 1);
  await show('The picture, after one round, and after eight', concat([inner, opacity], 3));
  return { error: await error(grown).item(), later: await error(later).item(), empty: await mean(square(target)).item() };
}
