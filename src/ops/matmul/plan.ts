// Chooses the kernels and the launch of a product from shapes, strides and the kind of processor; nothing is timed. tiles.ts chooses the
// tiles. All tiles share the decisions made here: operands, splits of k, the order of every sum.
import type { StridedView } from '../../core/shape.ts';
import { collapse, sizeOf } from '../../core/shape.ts';
import type {
  Alternatives,
  KernelContext,
  KernelDispatch,
  KernelPlan,
  KernelVariant,
  Operand,
  Target,
  TensorType,
} from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import splitSumSource from '../../../shaders/splitSum.wgsl?raw';
import { type KernelFile, type ParamValues, fillKernel } from '../../wgsl/index.ts';
import { type ProductKernel, type Tile, emitProduct } from './emitter.ts';
import { type BatchLayout, type Factor, type MatrixLayout, accessOf, matrixFactor, matrixParams, packedFactor } from './factors.ts';
import { type Panels, packPanels, packsPanels, panelFactor, panelParams, panelSize, panelTile } from './panels.ts';
import { splitsOf } from './splits.ts';
import { type TileQuery, candidateTiles, extentOf, fewRows, isCheaper, tileName } from './tiles.ts';

const splitSumKernel: KernelFile = { name: 'splitSum', text: splitSumSource };

/** A product to launch, with all its sizes. */
export interface Product {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** Length of k, or of one segment of it. */
  readonly inner: number;
  /** Number of segments; undefined for a plain matrix. */
  readonly segments?: number;
  readonly batches: number;
  /** Size of the inner one of the two batch axes. */
  readonly batchInner: number;
  readonly element: 'f32' | 'f16';
  /** The factors, and the values of their `Params` fields. */
  readonly factors: { readonly a: Factor; readonly b: Factor; readonly params: Readonly<Record<string, number>> };
  readonly operands: readonly [a: Operand, b: Operand];
  /** Strides of rows, columns and batches in the result. */
  readonly result: { readonly row: number; readonly column: number; readonly batch: number };
  readonly outputSize: number;
  /** For batches of different k. `segments` is then that of the longest k. Only products with segments on a GPU may have it. */
  readonly layout?: BatchLayout;
}

/** Whether four columns of the result are adjacent and every four begin at a multiple of four. */
const storesQuads = ({ rows, columns, result, outputSize }: Product): boolean =>
  result.column === 1 && [columns, rows === 1 ? 0 : result.row, result.batch, outputSize].every((n) => n % 4 === 0);

/** Choices that a benchmark may override. */
export interface ProductChoice {
  /** Tiles, best first. @default candidateTiles */
  readonly tilesFor?: typeof candidateTiles;
  /** Number of parts of k. @default splitsOf */
  readonly splits?: number;
}

export function planProduct(product: Product, target: Target, choice: ProductChoice = {}): KernelPlan {
  const { name, rows, columns, inner, segments, batches, outputSize, element } = product;
  const k = inner * (segments ?? 1);
  const usesPanels = packsPanels(target, rows, product.factors.b);
  const {
    tilesFor = usesPanels ? () => [panelTile] : candidateTiles,
    splits: wanted = splitsOf(target, { rows, columns, k, matrices: batches }),
  } = choice;
  const { a } = product.factors;
  const panels: Panels = { columns, inner, segments: segments ?? 1, batches, batchInner: product.batchInner };
  const b = usesPanels ? panelFactor : product.factors.b;
  const given = { ...product.factors.params, ...panelParams(panels) };
  const params = usesPanels ? pick(given, [...a.fields, ...b.fields]) : product.factors.params;
  const query: TileQuery = { rows, columns, k, matrices: batches * wanted, segmented: segments !== undefined, b: b.access };
  const [tile, ...others] = tilesFor(target, query);
  // Unit of a split: segments if the core processes them one by one, otherwise k's. Multiples of the unit fit every stage depth.
  const length = segments !== undefined && tile.kind === 'direct' ? segments : k;
  const unit = segments !== undefined && tile.kind === 'direct' ? 1 : 32;
  // At least one unit: a k of length 0 is one part with sums of 0.
  const splitLength = Math.max(1, Math.ceil(length / wanted / unit)) * unit;
  const splits = Math.max(1, Math.ceil(length / splitLength));
  const output: Operand = { kind: 'output', index: 0 };
  const partials: Operand = { kind: 'temporary', index: 0 };
  const variant = (tile: Tile, name: string): KernelVariant => {
    const kernel: ProductKernel = {
      name,
      tile,
      element,
      result: splits > 1 ? 'f32' : element,
      a,
      b,
      segmented: segments !== undefined,
      tail: a.access !== 'inner4' && b.access !== 'inner4' && !(usesPanels && inner % 4 === 0),
      quads: storesQuads(product),
      layout: product.layout,
    };
    const [tileRows, tileColumns] = extentOf(tile);
    const rowTiles = Math.ceil(rows / tileRows);
    const columnTiles = Math.ceil(columns / tileColumns);
    const workgroups = gridOf(outputSize === 0 ? 0 : rowTiles * columnTiles * batches * splits, target);
    const values: ParamValues = {
      rows,
      columns,
      inner,
      rowTiles,
      columnTiles,
      gridWidth: workgroups[0],
      matrices: batches * splits,
      splits,
      splitLength,
      splitEnd: length,
      batchInner: product.batchInner,
      resultRow: product.result.row,
      resultColumn: product.result.column,
      resultBatch: product.result.batch,
      resultSplit: outputSize,
      ...params,
    };
    return { name, ...emitProduct(kernel, values), workgroups };
  };
  const powers = [rows, columns, inner, segments ?? 1, batches * splits].map((n) => 2 ** Math.ceil(Math.log2(Math.max(1, n))));
  const names = others.map((other) => `${name}_${tileName(other)}`);
  const alternatives: Alternatives = {
    bucket: `${name} ${powers.join('x')} ${a.access} ${b.access} ${element}${storesQuads(product) ? ' quads' : ''}`,
    names,
    variant: (n) => variant(others[n], names[n]),
  };
  const packed: Operand = { kind: 'temporary', index: splits > 1 ? 1 : 0 };
  const [left, right] = product.operands;
  const packing = usesPanels
    ? [
        packPanels(
          name,
          product.factors.b,
          pick(product.factors.params, product.factors.b.fields),
          panels,
          element,
          [right, packed],
          target,
        ),
      ]
    : [];
  const packedType: TensorType[] = usesPanels ? [{ shape: [panelSize(panels)], dtype: 'f32' }] : [];
  const main: KernelDispatch = {
    ...variant(tile, `${name}_${usesPanels ? 'panels' : tile.kind}`),
    operands: [left, usesPanels ? packed : right, splits > 1 ? partials : output],
    operations: 2 * rows * columns * k * batches,
    ...(others.length > 0 ? { alternatives } : {}),
  };
  if (splits === 1) return { dispatches: [...packing, main], temporaries: packedType };
  const sumGroups = gridOf(Math.ceil(outputSize / 64), target);
  const sum: KernelDispatch = {
    name: `${name}_split_sum`,
    ...fillKernel(splitSumKernel, { aliases: { Result: element }, params: { size: outputSize, splits, gridWidth: sumGroups[0] } }),
    operands: [partials, output],
    workgroups: sumGroups,
  };
  return { dispatches: [...packing, main, sum], temporaries: [{ shape: [splits, outputSize], dtype: 'f32' }, ...packedType] };
}

const pick = (values: Readonly<Record<string, number>>, names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, values[name]]));

/**
 * Whether the kernels can read these strides. The row or the column stride is 1; there are at most two batch axes, or one stride covers all
 * of them.
 */
export function acceptsMatrixView(view: StridedView): boolean {
  const rank = view.shape.length;
  if (rank < 2 || view.strides.some((stride) => stride < 0)) return false;
  const unit = [rank - 2, rank - 1].some((axis) => view.strides[axis] === 1 || view.shape[axis] === 1);
  return unit && (rank <= 4 || collapse(batchOf(view)).shape.length <= 1);
}

const batchOf = (view: StridedView): StridedView => ({ shape: view.shape.slice(0, -2), strides: view.strides.slice(0, -2), offset: 0 });

/** Strides of the kernels' two batch axes. Up to two axes keep their strides; more axes share one stride. */
function batchStrides(view: StridedView): [outer: number, inner: number] {
  const batch = batchOf(view);
  if (batch.shape.length <= 2) return [batch.strides[batch.shape.length - 2] ?? 0, batch.strides[batch.shape.length - 1] ?? 0];
  return [0, collapse(batch).strides[0] ?? 0];
}

/** The launch of [..B, M, K] x [..B, K, N]. */
export function planMatmul({ views, outputs: [c], target }: KernelContext<object>, choice?: ProductChoice): KernelPlan {
  const [m, n] = c.shape.slice(-2);
  const k = views[0].shape[views[0].shape.length - 1];
  const batch = c.shape.slice(0, -2);
  const layouts = views.map((view, i): MatrixLayout => {
    const [first, second] = view.strides.slice(-2);
    const [batchOuter, batchInner] = batchStrides(view);
    return { offset: view.offset, outer: i === 0 ? first : second, inner: i === 0 ? second : first, segment: 0, batchOuter, batchInner };
  });
  const upright: TileQuery = { rows: m, columns: n, k, matrices: 1, segmented: false, b: accessOf(layouts[1], n, k) };
  const onItsSide: TileQuery = { ...upright, rows: n, columns: m, b: accessOf(layouts[0], m, k) };
  const swap = target.processor === 'cpu' && target.compiler === undefined ? isCheaper(target, onItsSide, upright) : n <= fewRows && n < m;
  const [left, right] = swap ? [1, 0] : [0, 1];
  const [rows, columns] = swap ? [n, m] : [m, n];
  const product: Product = {
    name: 'matmul',
    rows,
    columns,
    inner: k,
    batches: sizeOf(batch),
    batchInner: Math.max(1, batch.length <= 2 ? (batch[batch.length - 1] ?? 1) : sizeOf(batch)),
    element: c.dtype === 'f16' ? 'f16' : 'f32',
    factors: {
      a: matrixFactor('a', accessOf(layouts[left], rows, k)),
      b: matrixFactor('b', accessOf(layouts[right], columns, k)),
      params: { ...matrixParams('a', layouts[left]), ...matrixParams('b', layouts[right]) },
    },
    operands: [
      { kind: 'input', index: left },
      { kind: 'input', index: right },
    ],
    result: { row: swap ? 1 : n, column: swap ? n : 1, batch: m * n },
    outputSize: sizeOf(c.shape),
  };
  return planProduct(product, target, choice);
}

/** The launch of [M, K] x packed [K, ceil(N / 4)]. Strides of b count words. */
export function planPacked({ views: [left, right], outputs: [c], target }: KernelContext<object>, choice?: ProductChoice): KernelPlan {
  const [m, n] = c.shape;
  const k = left.shape[1];
  const single = { segment: 0, batchOuter: 0, batchInner: 0 };
  const a: MatrixLayout = { offset: left.offset, outer: left.strides[0], inner: left.strides[1], ...single };
  const b: MatrixLayout = { offset: right.offset, outer: 1, inner: right.strides[0], ...single };
  const product: Product = {
    name: 'packed_matmul',
    rows: m,
    columns: n,
    inner: k,
    batches: 1,
    batchInner: 1,
    element: c.dtype === 'f16' ? 'f16' : 'f32',
    factors: {
      a: matrixFactor('a', accessOf(a, m, k)),
      b: packedFactor,
      params: { ...matrixParams('a', a), ...matrixParams('b', b) },
    },
    operands: [
      { kind: 'input', index: 0 },
      { kind: 'input', index: 1 },
    ],
    result: { row: n, column: 1, batch: m * n },
    outputSize: sizeOf(c.shape),
  };
  return planProduct(product, target, choice);
}
