// Cells as layers: one step of a recurrence, for layers.rnn and for loops of one's own.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { type Kind, kindOf, listOf } from '../../../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, required } from '../../../core/options.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { mul } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { type Layer, type TensorRecord, layerOf } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Shapes, type Tensors, formatBatch, formatBatches, isShape } from '../../spec.ts';
import { allSteps } from './allSteps.ts';
import { type Cell, type CellSettings, cellRules, gruCell as gruMath, lstmCell as lstmMath, simpleCell } from './cells.ts';
import { cellOptions, forgetOptions, resetOptions } from './options.ts';
import { dropoutMask, maskOfSequence } from './recurrentLayer.ts';

/** A dropout mask [batch, size] that all steps of a sequence share. */
export interface SharedMask {
  readonly rate: number;
  readonly size: number;
}

/**
 * A layer that computes one step: it takes a list [x, ...states] and returns a list [output, ...next states]. A cell of your own is a layer
 * with `stateSize`.
 */
export interface CellLayer extends Layer {
  /** Size of each state [batch, size]. The first state is the output of the step before. */
  readonly stateSize: readonly number[];
  /** Size of the output. The size of the first state if this is absent. */
  readonly outputSize?: number;
  /** Masks that follow the states in the list when an rnn trains the cell. Without them in the list, the cell draws its own. */
  readonly sharedMasks?: (features: number) => readonly SharedMask[];
  /** True if the cell takes sequences [batch, time, features] for x too, and returns the outputs of all steps and the last states. */
  readonly takesSequences?: boolean;
  /** A new cell with the same options. */
  readonly copy?: () => CellLayer;
}

const isCell = (value: unknown): value is CellLayer => {
  const { stateSize } = (layerOf(value) ?? {}) as Partial<CellLayer>;
  return (
    Array.isArray(stateSize) && stateSize.length > 0 && stateSize.every((size: unknown) => Number.isInteger(size) && (size as number) > 0)
  );
};

/** A cell. */
export const cellKind: Kind<CellLayer> = /* @__PURE__ */ kindOf({
  rule: 'a cell, such as layers.lstmCell({ units: 64 }), or a layer of your own with stateSize: [sizes of the states]',
  accepts: isCell,
});

/** Parts of the list that a cell takes, as shapes without the batch axis. x may have a time axis. */
function checkStep(where: string, shapes: Shapes, stateSize: readonly number[]): { readonly x: Shape; readonly states: readonly Shape[] } {
  const given = (Array.isArray(shapes) && !isShape(shapes) ? shapes : []) as readonly Shapes[];
  const [x, ...rest] = given.filter(isShape);
  const states = rest.slice(0, stateSize.length);
  const fits =
    (x?.length === 1 || x?.length === 2) &&
    states.length === stateSize.length &&
    states.every((s, i) => s.length === 1 && s[0] === stateSize[i]);
  if (fits && given.every(isShape)) return { x, states };
  const wanted = stateSize.map((size) => formatBatch([size])).join(', ');
  throw new ShapeError(
    `${where}: takes a list of x [batch,features] and the states ${wanted}, got ${formatBatches(shapes)}; ` +
      'for sequences, use layers.rnn({ cell })',
  );
}

interface BuiltIn<T extends OptionTable> {
  readonly kind: string;
  readonly cell: Cell;
  readonly declaration: Declaration<T>;
  readonly settings: SettingsOf<Declaration<T>> & CellSettings & { readonly name: string | undefined };
  readonly copy: () => CellLayer;
}

/** The layer of a built-in cell. */
function cellLayer<T extends OptionTable>({ kind, cell, declaration, settings, copy }: BuiltIn<T>): Configured<CellLayer> {
  const { units, dropout, recurrentDropout } = cell.settings;
  const { stateSize } = cell;
  const sharedMasks = (features: number): readonly SharedMask[] => [
    { rate: dropout, size: features },
    { rate: recurrentDropout, size: units },
  ];
  const layer = defineLayer<Tensors, Tensors>({
    kind,
    options: settings,
    takes: 'tree',
    precision: 'f32',
    ...cellRules(cell.settings),
    outputShape(shapes, where) {
      const { x, states } = checkStep(where, shapes, stateSize);
      return [[...x.slice(0, -1), units], ...states];
    },
    build: (shapes, random) => ({ parameters: cell.build(checkStep(settings.name ?? kind, shapes, stateSize).x.at(-1)!, random) }),
    apply({ parameters }, inputs, { training, mask: stepsThatCount }) {
      const [x, ...rest] = inputs as readonly Tensor[];
      const own = sharedMasks(x.shape[x.rank - 1]);
      const initial = rest.slice(0, stateSize.length);
      const given = rest.slice(stateSize.length);
      // An rnn gives only the masks that drop something.
      const [dropped, scale] = own.map(({ rate, size }) =>
        rate === 0 ? undefined : given.length > 0 ? given.shift() : dropoutMask(rate, [x.shape[0], size], training),
      );
      if (x.rank === 3) {
        const { outputs, last } = allSteps(cell, parameters, { x, initial, mask: maskOfSequence(stepsThatCount), dropped, scale });
        return [outputs, ...last];
      }
      const next = cell.step(parameters, cell.project(parameters, dropped ? mul(x, dropped) : x), initial, scale);
      return [next[0], ...next];
    },
  });
  return withLayerConfig(
    Object.assign(layer, { stateSize, outputSize: units, sharedMasks, takesSequences: true, copy }),
    declaration,
    settings,
  );
}

export const simpleRnnCellOptions = declareOptions('layers.simpleRnnCell', {
  ...cellOptions,
  ...layerOptions,
});
export type SimpleRnnCellOptions = OptionsOf<typeof simpleRnnCellOptions>;

/**
 * One step of layers.simpleRnn: h' = activation(x kernel + h recurrentKernel + bias).
 *
 * Takes a list of x [batch, features] and h [batch, units], and returns the list [h', h']: output and next state. Throws a ShapeError for
 * other inputs.
 *
 *     layers.rnn({ cell: layers.simpleRnnCell({ units: 32 }) })
 */
export function simpleRnnCell(options: SimpleRnnCellOptions): Configured<CellLayer> {
  const settings = simpleRnnCellOptions.read(options);
  const copy = (): CellLayer => simpleRnnCell(settings);
  return cellLayer({ kind: 'simpleRnnCell', cell: simpleCell(settings), declaration: simpleRnnCellOptions, settings, copy });
}

export const lstmCellOptions = declareOptions('layers.lstmCell', {
  ...cellOptions,
  ...forgetOptions,
  ...layerOptions,
});
export type LstmCellOptions = OptionsOf<typeof lstmCellOptions>;

/**
 * One step of layers.lstm, with its formula and its gates.
 *
 * Takes a list of x [batch, features], h and c [batch, units], and returns the list [h', h', c']: output and next states. Throws a ShapeError
 * for other inputs.
 *
 *     const [y, h2, c2] = layers.lstmCell({ units: 64 }).apply([x, h, c]);
 */
export function lstmCell(options: LstmCellOptions): Configured<CellLayer> {
  const settings = lstmCellOptions.read(options);
  const copy = (): CellLayer => lstmCell(settings);
  return cellLayer({ kind: 'lstmCell', cell: lstmMath(settings), declaration: lstmCellOptions, settings, copy });
}

export const gruCellOptions = declareOptions('layers.gruCell', {
  ...cellOptions,
  ...resetOptions,
  ...layerOptions,
});
export type GruCellOptions = OptionsOf<typeof gruCellOptions>;

/**
 * One step of layers.gru, with its formula and its gates.
 *
 * Takes a list of x [batch, features] and h [batch, units], and returns the list [h', h']: output and next state. Throws a ShapeError for
 * other inputs.
 *
 *     layers.rnn({ cell: layers.gruCell({ units: 64 }), returnSequences: true })
 */
export function gruCell(options: GruCellOptions): Configured<CellLayer> {
  const settings = gruCellOptions.read(options);
  const copy = (): CellLayer => gruCell(settings);
  return cellLayer({ kind: 'gruCell', cell: gruMath(settings), declaration: gruCellOptions, settings, copy });
}

export const stackedRnnCellsOptions = declareOptions('layers.stackedRnnCells', {
  /** Cells in order. Each takes the output of the one before. */
  cells: required(listOf(cellKind, 'cells', 1), [/* @__PURE__ */ gruCell({ units: 64 })]),
  ...layerOptions,
});
export type StackedRnnCellsOptions = OptionsOf<typeof stackedRnnCellsOptions>;

/**
 * Cells on top of each other as one cell. In each step, a cell takes the output of the one before.
 *
 * Takes a list of x [batch, features] and the states of all cells, in order. Returns the list of the last output and the next states. Throws
 * a ShapeError for other inputs, an ArgumentError for a cell that occurs twice.
 *
 *     layers.rnn({ cell: layers.stackedRnnCells({ cells: [layers.gruCell({ units: 64 }), layers.gruCell({ units: 32 })] }) })
 */
export function stackedRnnCells(options: StackedRnnCellsOptions): Configured<CellLayer> {
  const settings = stackedRnnCellsOptions.read(options);
  const { cells } = settings;
  if (new Set(cells).size < cells.length) {
    throw new ArgumentError('layers.stackedRnnCells: cells has one cell twice; make a cell for each place');
  }
  const names = cells.map((_, i) => `cell_${i + 1}`);
  const stateSize = cells.flatMap((cell) => cell.stateSize);
  const sizeOf = ({ outputSize, stateSize: [first] }: CellLayer): number => outputSize ?? first;
  /** Masks of each cell, by the size of its inputs. */
  const masksOf = (features: number): (readonly SharedMask[])[] =>
    cells.map((cell, i) => cell.sharedMasks?.(i === 0 ? features : sizeOf(cells[i - 1])) ?? []);
  const layer = defineLayer<Tensors, Tensors, TensorRecord, TensorRecord, Readonly<Record<string, CellLayer>>>({
    kind: 'stackedRnnCells',
    options: settings,
    takes: 'tree',
    layers: Object.fromEntries(cells.map((cell, i) => [names[i], cell])),
    apply({ layers }, inputs, { mask }) {
      const parts = inputs as readonly Tensor[];
      checkStep(settings.name ?? 'stackedRnnCells', Array.isArray(inputs) ? parts.map(({ shape }) => shape.slice(1)) : [], stateSize);
      let x = parts[0];
      const states = parts.slice(1, 1 + stateSize.length);
      const masks = parts.slice(1 + stateSize.length);
      const masked = masksOf(x.shape[x.rank - 1]).map((list) => list.filter(({ rate }) => rate > 0).length);
      const next: Tensor[] = [];
      cells.forEach((cell, i) => {
        const given = [...states.splice(0, cell.stateSize.length), ...(masks.length ? masks.splice(0, masked[i]) : [])];
        const [output, ...own] = layers[names[i]]([x, ...given], { mask }) as readonly Tensor[];
        x = output;
        next.push(...own);
      });
      return [x, ...next];
    },
  });
  const copies = (): CellLayer => stackedRnnCells({ ...settings, cells: cells.map((cell) => cell.copy!()) });
  const made: CellLayer = Object.assign(layer, {
    stateSize,
    outputSize: sizeOf(cells[cells.length - 1]),
    sharedMasks: (features: number) => masksOf(features).flat(),
    takesSequences: cells.every((cell) => cell.takesSequences === true),
    ...(cells.every(({ copy }) => copy) && { copy: copies }),
  });
  return withLayerConfig(made, stackedRnnCellsOptions, settings);
}
