// Products and convolutions: every tile for every shape. Some elements are checked. Speeds are relative to the peak of the arithmetic.
import { gradients } from '../../src/autodiff/index.ts';
import { type Shape, type StridedView, contiguousView, sizeOf } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { KernelContext, KernelPlan, Target, TensorType } from '../../src/graph/op.ts';
import { conv2d, sum } from '../../src/ops/index.ts';
import { planMatmul } from '../../src/ops/matmul/plan.ts';
import { type TileQuery, candidateTiles, tileName } from '../../src/ops/matmul/tiles.ts';
import type { SharedTile } from '../../src/ops/matmul/tiled.ts';
import { type Timed, timePlan, valueOf } from './timing.ts';

export interface ProductFigure {
  readonly shape: string;
  readonly kernel: string;
  /** Whether it is the kernel that runs without tuning. */
  readonly isFirst: boolean;
  readonly workgroups: number;
  readonly milliseconds: number;
  readonly teraflops: number;
}

interface Shapes {
  readonly rows: number;
  readonly k: number;
  readonly columns: number;
  /** Which of the factors is transposed in memory: 'a' in gradients of weights, 'b' in gradients of inputs. */
  readonly transposed?: 'a' | 'b';
}

const squares: readonly Shapes[] = [256, 512, 1024, 2048, 4096].map((n) => ({ rows: n, k: n, columns: n }));
const others: readonly Shapes[] = [
  { rows: 8192, k: 8192, columns: 8192 },
  { rows: 1024, k: 1024, columns: 1024, transposed: 'a' },
  { rows: 1024, k: 1024, columns: 1024, transposed: 'b' },
  // Forward, gradient of the weights and of the input of dense layers.
  { rows: 128, k: 784, columns: 512 },
  { rows: 784, k: 128, columns: 512, transposed: 'a' },
  { rows: 128, k: 512, columns: 512 },
  { rows: 512, k: 128, columns: 512, transposed: 'a' },
  { rows: 128, k: 512, columns: 512, transposed: 'b' },
  { rows: 512, k: 512, columns: 384 },
  { rows: 128, k: 512, columns: 512, transposed: 'a' },
  { rows: 128, k: 4096, columns: 128, transposed: 'a' },
  { rows: 768, k: 8192, columns: 768, transposed: 'a' },
  { rows: 1, k: 4096, columns: 4096 },
  { rows: 8, k: 4096, columns: 4096 },
  { rows: 65536, k: 3, columns: 3 },
  { rows: 32, k: 16, columns: 10 },
];

/** Products whose second factor is transposed, as in gradients of inputs. */
const transposedSquares = [512, 1024, 2048, 4096].map((n): Shapes => ({ rows: n, k: n, columns: n, transposed: 'b' }));

/** Rows and columns of sums, workgroup size, depth. Each tile exists with and without loads ahead of the arithmetic. */
const tiles: readonly SharedTile[] = (
  [
    [4, 4, 8, 8, 16],
    [4, 4, 8, 8, 32],
    [4, 4, 16, 8, 16],
    [4, 4, 16, 16, 16],
    [8, 4, 16, 16, 16],
    [4, 8, 16, 16, 16],
    [8, 8, 8, 8, 16],
    [8, 8, 16, 16, 8],
  ] as const
).flatMap(([rows, columns, width, height, depth]) =>
  [true, false].map((ahead): SharedTile => ({ kind: 'tiled', rows, columns, width, height, depth, ahead })),
);

/** For b transposed: 128 bytes of each column at once. */
const transposedTiles: readonly SharedTile[] = [
  { kind: 'tiled', rows: 4, columns: 4, width: 16, height: 8, depth: 32, ahead: true },
  { kind: 'tiled', rows: 4, columns: 4, width: 8, height: 16, depth: 32, ahead: true },
];

const labelOf = ({ rows, k, columns, transposed }: Shapes): string =>
  `${rows} x ${k} x ${columns}${transposed ? `, ${transposed} transposed` : ''}`;

/** The product as the planner receives it: operands as they are stored, f32. */
function contextOf({ rows, k, columns, transposed }: Shapes, target: Target): KernelContext<object> {
  const view = (height: number, width: number, isTransposed: boolean): StridedView => ({
    ...contiguousView([height, width]),
    ...(isTransposed && { strides: [1, height] }),
  });
  const views = [view(rows, k, transposed === 'a'), view(k, columns, transposed === 'b')];
  const inputs = views.map(({ shape }): TensorType => ({ shape, dtype: 'f32' }));
  return { inputs, views, outputs: [{ shape: [rows, columns], dtype: 'f32' }], attributes: {}, target };
}

const places = (size: number): number[] => Array.from({ length: 16 }, (_, i) => Math.floor((i * 0.618034 * size) % size));

/** @throws Error if the error of an element is larger than rounding: k 2^-23 times the sum of |terms|. A wrong kernel is not timed. */
function check(label: string, { values }: Timed, expected: readonly (readonly [value: number, terms: number])[], k: number): void {
  values.forEach((value, i) => {
    const [wanted, terms] = expected[i];
    if (!(Math.abs(value - wanted) <= k * 2 ** -23 * terms + 1e-30))
      throw new Error(`${label}: element ${i} is ${value}, expected ${wanted}`);
  });
}

export const measureProducts = (device: GPUDevice, target: Target, isShort: boolean): AsyncGenerator<ProductFigure> =>
  measure(device, target, isShort ? squares.slice(0, 3) : [...squares, ...others], tiles);

/** Products of square matrices by the kernels that the library would try. */
export const measureSquares = (device: GPUDevice, target: Target, sizes: readonly number[]): AsyncGenerator<ProductFigure> =>
  measure(
    device,
    target,
    sizes.map((n) => ({ rows: n, k: n, columns: n })),
    [],
  );

/** Products whose second factor is transposed, and 1,024 without a transpose for comparison. */
export const measureTransposed = (device: GPUDevice, target: Target): AsyncGenerator<ProductFigure> =>
  measure(device, target, [squares[2], ...transposedSquares], transposedTiles);

async function* measure(
  device: GPUDevice,
  target: Target,
  all: readonly Shapes[],
  tiles: readonly SharedTile[],
): AsyncGenerator<ProductFigure> {
  for (const shapes of all) {
    const { rows, k, columns } = shapes;
    const context = contextOf(shapes, target);
    const { views, inputs } = context;
    const [output] = context.outputs;
    const at = (index: number, row: number, column: number): number =>
      valueOf(index, row * views[index].strides[0] + column * views[index].strides[1]);
    const picked = places(rows * columns);
    const expected = picked.map((place) => {
      const [row, column] = [Math.floor(place / columns), place % columns];
      let [total, terms] = [0, 0];
      for (let i = 0; i < k; i++) {
        const term = at(0, row, i) * at(1, i, column);
        total += term;
        terms += Math.abs(term);
      }
      return [total, terms] as const;
    });
    // The first choice, its candidates, and every other tile.
    let own: string[] = [];
    const remember: typeof candidateTiles = (device, query) => {
      const found = candidateTiles(device, query);
      own = found.map(tileName);
      return found;
    };
    planMatmul(context, { tilesFor: remember });
    const everyTile = (device: Target, query: TileQuery) => {
      const found = candidateTiles(device, query);
      const names = found.map(tileName);
      return [...found, ...tiles.filter((tile) => !names.includes(tileName(tile)))];
    };
    const plan = planMatmul(context, { tilesFor: everyTile });
    const [main, ...rest] = plan.dispatches;
    const count = 1 + (main.alternatives?.names.length ?? 0);
    for (let i = 0; i < count; i++) {
      const variant = i === 0 ? main : main.alternatives!.variant(i - 1);
      const timed = await timePlan(device, { ...plan, dispatches: [{ ...main, ...variant }, ...rest] }, inputs, output, picked);
      const name = i === 0 ? own[0] : variant.name.replace(/^matmul_/, '');
      check(`${labelOf(shapes)}, ${name}`, timed, expected, k);
      yield {
        shape: labelOf(shapes),
        kernel: `${name}${rest.length ? ' split' : ''}${own.includes(name) ? '' : ' (no candidate)'}`,
        isFirst: i === 0,
        workgroups: variant.workgroups.reduce((a, b) => a * b),
        milliseconds: timed.milliseconds,
        teraflops: (2 * rows * k * columns) / timed.milliseconds / 1e9,
      };
      // A run takes tens of milliseconds, so only two kernels are timed.
      if (rows * k * columns > 2 ** 38 && i === 1) break;
    }
  }
}

/** Long k with few results: the first choice with k cut into parts. A second kernel adds the sums of the parts. */
export async function* measureSplits(device: GPUDevice, target: Target): AsyncGenerator<ProductFigure> {
  for (const shapes of others.filter(({ rows, k, columns }) => k >= 512 && rows > 8 && rows * columns <= 768 * 768)) {
    const { rows, k, columns } = shapes;
    const context = contextOf(shapes, target);
    for (const splits of [1, 2, 4, 8, 16, 32].filter((splits) => k / splits >= 64)) {
      for (const tile of tiles.filter(({ ahead, columns, rows }) => ahead && columns === 4 && rows === 4)) {
        const plan = planMatmul(context, { tilesFor: () => [tile], splits });
        const { milliseconds } = await timePlan(device, plan, context.inputs, context.outputs[0], [0]);
        yield {
          shape: labelOf(shapes),
          kernel: `${tileName(tile)}, ${splits} parts`,
          isFirst: splits === 1 && tile === tiles[0],
          workgroups: plan.dispatches[0].workgroups.reduce((a, b) => a * b),
          milliseconds,
          teraflops: (2 * rows * k * columns) / milliseconds / 1e9,
        };
      }
    }
  }
}

/** Images, filter and strides. */
export type ConvolutionLayer = readonly [x: Shape, filter: Shape, strides: number];

/** Three layers of a ResNet, and a first layer. */
const layers: readonly ConvolutionLayer[] = [
  [[64, 56, 56, 64], [3, 3, 64, 64], 1],
  [[64, 28, 28, 128], [3, 3, 128, 128], 1],
  [[64, 56, 56, 64], [3, 3, 64, 128], 2],
  [[64, 16, 16, 128], [3, 3, 128, 128], 1],
  [[64, 112, 112, 3], [3, 3, 3, 32], 1],
];

/** Strided layers besides the one above: a shortcut of a ResNet and its first layer. */
const stridedLayers: typeof layers = [
  [[64, 56, 56, 64], [1, 1, 64, 128], 2],
  [[64, 224, 224, 3], [7, 7, 3, 64], 2],
];

/** `isShort`: the three layers of a ResNet and strided ones. The three best kernels of each direction. */
export const measureConvolutions = (device: GPUDevice, target: Target, isShort: boolean): AsyncGenerator<ProductFigure> =>
  measureLayers(device, target, [...(isShort ? layers.slice(0, 3) : layers), ...stridedLayers], isShort ? 3 : Infinity);

/** All directions of convolution layers, by at most `maxKernels` kernels each. */
export async function* measureLayers(
  device: GPUDevice,
  target: Target,
  layers: readonly ConvolutionLayer[],
  maxKernels: number,
): AsyncGenerator<ProductFigure> {
  for (const [x, filter, strides] of layers) {
    const operands = [x, filter].map((shape, position) => placeholder(shape, 'f32', { position }));
    const y = conv2d(operands[0], operands[1], { strides, padding: 'same' });
    const nodes = topological([y, ...gradients(sum(y), operands)]).filter(({ op }) => op.name.startsWith('conv2d'));
    for (const { op, inputs, types, attributes } of nodes) {
      if (op.lowering.kind !== 'kernel') continue;
      const views = inputs.map(({ shape }) => contiguousView(shape));
      const plan: KernelPlan = op.lowering.plan({ inputs, views, outputs: types, attributes, target });
      const [main, ...rest] = plan.dispatches;
      const flops = 2 * sizeOf(y.shape) * filter[0] * filter[1] * filter[2];
      const variants = [undefined, ...(main.alternatives?.names ?? [])].slice(0, maxKernels);
      for (const i of variants.keys()) {
        const variant = i === 0 ? main : main.alternatives!.variant(i - 1);
        const { milliseconds } = await timePlan(device, { ...plan, dispatches: [{ ...main, ...variant }, ...rest] }, inputs, types[0], [0]);
        yield {
          shape: `${op.name} ${x.join('x')}, ${filter.join('x')}, stride ${strides}`,
          kernel: variant.name.replace(/^conv2d\w*?_(?=direct|tiled)/, '') + (rest.length ? ' split' : ''),
          isFirst: i === 0,
          workgroups: variant.workgroups.reduce((a, b) => a * b),
          milliseconds,
          teraflops: flops / milliseconds / 1e9,
        };
      }
    }
  }
}
