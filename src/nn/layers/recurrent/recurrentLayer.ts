// Layers that run a built-in cell over the steps of sequences, and parts of theirs that rnn has too.
import { batchAxis } from '../../../core/batchAxis.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import type { Shape } from '../../../core/shape.ts';
import { Tensor } from '../../../graph/tensor.ts';
import { cast, dropout, expandDims, flip, notEqual, ones, where, zeros } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRank } from '../../inputChecks.ts';
import type { Layer, LayerOptions, Masks } from '../../layer.ts';
import type { Regularizer } from '../../regularizers.ts';
import { type Shapes, type Tensors, formatBatch, formatBatches, isShape } from '../../spec.ts';
import { allSteps } from './allSteps.ts';
import { type Cell, cellRules } from './cells.ts';

/** Settings of the steps. */
export interface SequenceSettings extends LayerOptions {
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly stateful: boolean;
  readonly batchSize: number | undefined;
  readonly zeroOutputForMask: boolean;
}

/** A layer over the steps of sequences. */
export interface RecurrentLayer extends Layer {
  /** Properties for layers that contain it, such as bidirectional. */
  readonly steps: {
    readonly settings: SequenceSettings;
    readonly stateSize: readonly number[];
    /** A new layer with the same options that reads the steps in the other direction. Undefined if its cell has no config. */
    readonly reversed: () => RecurrentLayer | undefined;
  };
  /** Sets the states of a stateful layer to 0, such as at the begin of new sequences. */
  resetState(): void;
}

const list = 'takes a sequence [batch, time, features], or a list of it and the initial states';

/**
 * The sequence and the initial states among the inputs of a layer, as shapes without the batch axis.
 * @throws ShapeError for other inputs.
 */
export function checkSequence(where: string, shapes: Shapes, stateSize: readonly number[]): Shape {
  const isList = Array.isArray(shapes) && !isShape(shapes);
  const given = (isList ? shapes : [shapes]) as readonly Shapes[];
  const [sequence, ...states] = given;
  if (!given.every(isShape)) throw new ShapeError(`${where}: ${list}; got ${formatBatches(shapes)}`);
  checkRank(where, sequence as Shape, 2, '[batch, time, features]');
  const fits =
    states.length === stateSize.length && states.every((state, i) => (state as Shape).length === 1 && (state as Shape)[0] === stateSize[i]);
  if (isList && !fits) {
    const wanted = stateSize.map((size) => formatBatch([size])).join(', ');
    throw new ShapeError(`${where}: ${list}; got ${formatBatches(shapes)}, and the initial states are ${wanted}`);
  }
  return sequence as Shape;
}

/** Shapes of the results, without the batch axis. */
export function shapesOfSteps(time: number, output: Shape, states: readonly Shape[], settings: SequenceSettings): Shapes {
  const shape = settings.returnSequences ? [time, ...output] : output;
  return settings.returnState ? [shape, ...states] : shape;
}

export const stateName = (i: number): string => `state${i}`;

/** Fresh states of a stateful layer. */
export const freshState = (batchSize: number, stateSize: readonly number[]): Record<string, Tensor> =>
  Object.fromEntries(stateSize.map((size, i) => [stateName(i), zeros([batchSize, size])]));

/** The inputs of a batch: the sequence, and the states before its first step. */
export function beginOf(
  where: string,
  inputs: Tensors,
  state: Readonly<Record<string, Tensor>>,
  stateSize: readonly number[],
  { stateful, batchSize }: SequenceSettings,
): { readonly x: Tensor; readonly initial: readonly Tensor[] } {
  if (!(inputs instanceof Tensor)) {
    const [x, ...initial] = inputs as readonly Tensor[];
    return { x, initial };
  }
  const [batch] = inputs.shape;
  // Shapes are tried out with a stand-in of the batch size.
  if (!stateful || batch === batchAxis) return { x: inputs, initial: stateSize.map((size) => zeros([batch, size], inputs.dtype)) };
  if (batch !== batchSize) {
    throw new ShapeError(
      `${where}: is stateful with batchSize ${batchSize}, got a batch of ${batch}; all batches need this size, so leave out the rest of the data`,
    );
  }
  return { x: inputs, initial: stateSize.map((_, i) => cast(state[stateName(i)], inputs.dtype)) };
}

/** The mask of the sequence, bool [batch, time]. */
export function maskOfSequence(mask: Masks): Tensor | undefined {
  const found: unknown = Array.isArray(mask) ? mask[0] : mask;
  return found instanceof Tensor ? (found.dtype === 'bool' ? found : notEqual(found, 0)) : undefined;
}

/** Results of a layer, from the outputs of all steps or the last one, and the last states. */
export function resultOfSteps(
  outputs: Tensor,
  last: readonly Tensor[],
  mask: Tensor | undefined,
  { returnSequences, returnState, stateful, zeroOutputForMask }: SequenceSettings,
): { readonly outputs: Tensors; readonly mask: Masks; readonly state?: Record<string, Tensor> } {
  const cleared = returnSequences && zeroOutputForMask && mask ? where(expandDims(mask, -1), outputs, 0) : outputs;
  const passed = returnSequences ? mask : undefined;
  return {
    outputs: returnState ? [cleared, ...last] : cleared,
    mask: returnState && passed ? [passed, ...last.map(() => undefined)] : passed,
    ...(stateful && { state: Object.fromEntries(last.map((state, i) => [stateName(i), state])) }),
  };
}

/** A mask of dropout that is the same in all steps, [batch, size]; undefined if nothing is dropped. */
export const dropoutMask = (rate: number, shape: Shape, training: boolean): Tensor | undefined =>
  training && rate > 0 ? dropout(ones(shape), { rate }) : undefined;

interface LayerSettings extends SequenceSettings {
  readonly activityRegularizer: Regularizer | undefined;
}

/** A layer of a built-in cell. */
export function recurrentLayer(kind: string, cell: Cell, settings: LayerSettings, reversed: () => RecurrentLayer): RecurrentLayer {
  const { goBackwards, returnSequences, stateful, batchSize } = settings;
  const { stateSize } = cell;
  const { units } = cell.settings;
  const label = settings.name ?? kind;
  const layer = defineLayer<Tensors, Tensors>({
    kind,
    options: settings,
    takes: 'tree',
    precision: 'f32',
    ...cellRules(cell.settings),
    activityRegularizer: settings.activityRegularizer,
    outputShape(shapes, where) {
      const [time] = checkSequence(where, shapes, stateSize);
      return shapesOfSteps(
        time,
        [units],
        stateSize.map((size) => [size]),
        settings,
      );
    },
    build(shapes, random) {
      const [, features] = checkSequence(label, shapes, stateSize);
      return { parameters: cell.build(features, random), ...(stateful && { state: freshState(batchSize!, stateSize) }) };
    },
    apply({ parameters, state }, inputs, { training, mask: given }) {
      const { x, initial } = beginOf(label, inputs, state, stateSize, settings);
      const [batch, , features] = x.shape;
      const dropped = dropoutMask(cell.settings.dropout, [batch, features], training);
      const scale = dropoutMask(cell.settings.recurrentDropout, [batch, units], training);
      const turned = (t: Tensor): Tensor => (goBackwards ? flip(t, 1) : t);
      const sequenceMask = maskOfSequence(given);
      const mask = sequenceMask && turned(sequenceMask);
      const { outputs, last } = allSteps(cell, parameters, { x: turned(x), initial, mask, dropped, scale });
      return resultOfSteps(returnSequences ? outputs : last[0], last, mask, settings);
    },
  });
  return Object.assign(layer, {
    steps: { settings, stateSize, reversed },
    resetState: () => resetState(layer, settings, stateSize),
  });
}

/** Sets the states of a stateful layer to 0, if it is built. */
export function resetState({ variables }: Layer, { stateful, batchSize }: SequenceSettings, stateSize: readonly number[]): void {
  if (variables.value && stateful) variables.value = { ...variables.value, state: freshState(batchSize!, stateSize) };
}

/** Checks options of the steps that depend on each other. */
export function checkStateful({ stateful, batchSize }: SequenceSettings, where: string): void {
  if (stateful && batchSize === undefined) {
    throw new ArgumentError(
      `${where}: stateful needs batchSize, the number of sequences in a batch, such as { stateful: true, batchSize: 32 }`,
    );
  }
}
