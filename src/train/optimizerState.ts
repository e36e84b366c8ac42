// The optimizers of a model and their state. State is made for the layers that are trained. The slots of a frozen layer are kept,
// and used again when the layer is trained again.
import { ArgumentError } from '../core/errors.ts';
import { type Engine, evaluate } from '../engine/index.ts';
import type { LayerTrees, Network } from '../nn/index.ts';
import { scalar } from '../ops/index.ts';
import type { Optimizer, OptimizerState } from '../optim/index.ts';
import { interpret } from '../runtime/cpu.ts';
import { isElsewhere, isLost, toHost } from './residence.ts';

/** One optimizer of a model. */
export interface OptimizerRecord {
  readonly optimizer: Optimizer;
  /** Undefined before the first step. */
  state: OptimizerState | undefined;
  /** Paths of the layers that the state was made for. */
  layers: readonly string[];
  /** Slots of layers that are not trained now, by slot name. */
  aside: Readonly<Record<string, LayerTrees>>;
  /** The parameters that the slots were made for. */
  born: Births;
  /** Learning rate that was set last. */
  learningRate: number | undefined;
  /** Number of calls of update() since the state began. */
  calls: number;
}

/** Versions in which parameters were made, by layer path and name. Slots belong to a parameter only if both versions are equal. */
export type Births = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The parameters that the layers of a network have now. */
export const birthsOf = ({ owners }: Network): Births =>
  Object.fromEntries(
    owners.map(({ name, layer: { variables } }) => {
      const names = Object.keys(variables.value?.parameters ?? {});
      return [name, Object.fromEntries(names.map((parameter) => [parameter, variables.born[parameter] ?? 0]))];
    }),
  );

/** The parts of trees whose parameters are still the same ones. Layers without any are left out. */
export function keepLiving(trees: LayerTrees, born: Births, now: Births): LayerTrees {
  const isLiving = (path: string, name: string): boolean => now[path]?.[name] !== undefined && born[path]?.[name] === now[path][name];
  return Object.fromEntries(
    Object.entries(trees).flatMap(([path, tree]) => {
      const kept = Object.entries(tree).filter(([name]) => isLiving(path, name));
      return kept.length > 0 || Object.keys(tree).length === 0 ? [[path, Object.fromEntries(kept)]] : [];
    }),
  );
}

/** The parts of a record before its first step. */
export const noState = { state: undefined, layers: [], aside: {}, born: {}, calls: 0 } as const satisfies Partial<OptimizerRecord>;

export type OptimizerRecords = Readonly<Record<string, OptimizerRecord>>;
export type OptimizerStates = Readonly<Record<string, OptimizerState>>;

export const recordsOf = (optimizers: Readonly<Record<string, Optimizer>>): OptimizerRecords =>
  Object.fromEntries(
    Object.entries(optimizers).map(([name, optimizer]): [string, OptimizerRecord] => [
      name,
      { optimizer, learningRate: undefined, ...noState },
    ]),
  );

/**
 * Name of one of several optimizers. `call` is the start of a call that names one, for the message.
 * @throws ArgumentError listing the names.
 */
export function chooseOptimizer(
  optimizers: Readonly<Record<string, unknown>>,
  name: string | undefined,
  where: string,
  call: string,
): string {
  const names = Object.keys(optimizers);
  if (name === undefined && names.length === 1) return names[0];
  if (name !== undefined && Object.hasOwn(optimizers, name)) return name;
  const asked = name === undefined ? 'the model has several optimizers' : `the model has no optimizer '${name}'`;
  throw new ArgumentError(`${where}: ${asked}; name one of ${names.join(', ')}: ${call}, { optimizer: '${names[0]}' })`);
}

/** Names in an OptimizerState that hold slots: trees by layer path. */
const isSlot = (value: unknown): value is LayerTrees =>
  typeof value === 'object' && value !== null && !('shape' in value && 'dtype' in value);

/**
 * State for parameters, of which new parts are not computed yet. Everything that the record has for them is kept. `now` are all parameters of
 * the model.
 */
export function draftState(record: OptimizerRecord, parameters: LayerTrees, now: Births): OptimizerState {
  const { optimizer, state, learningRate } = record;
  const previous = state && { ...state, ...livingSlots(record, now) };
  const drafted = optimizer.init(parameters, previous);
  return learningRate === undefined || isScheduled(optimizer) ? drafted : { ...drafted, learningRate: scalar(learningRate) };
}

/** Slots of a state, with those of layers that are not trained now. Slots of parameters that are gone are left out. */
const livingSlots = ({ state, aside, born }: OptimizerRecord, now: Births): Record<string, LayerTrees> =>
  Object.fromEntries(
    Object.entries(state ?? {}).flatMap(([slot, value]) =>
      isSlot(value) ? [[slot, keepLiving({ ...aside[slot], ...value }, born, now)]] : [],
    ),
  );

/** Slots of layers other than these. Slots of parameters that are gone are left out. */
export const slotsBeside = (record: OptimizerRecord, layers: readonly string[], now: Births): OptimizerRecord['aside'] =>
  Object.fromEntries(
    Object.entries(livingSlots(record, now)).map(([slot, known]) => [
      slot,
      Object.fromEntries(Object.entries(known).filter(([path]) => !layers.includes(path))),
    ]),
  );

/** Makes the state for parameters, and keeps the slots of layers that are no longer among them. */
export async function startState(record: OptimizerRecord, parameters: LayerTrees, now: Births, engine: Engine): Promise<void> {
  const state = await evaluate(draftState(record, parameters, now), { engine });
  record.aside = slotsBeside(record, Object.keys(parameters), now);
  record.born = now;
  record.state = state;
  record.layers = Object.keys(parameters);
}

/** Whether the state was made for exactly these layers, and for the parameters that they have now. */
export const isStateOf = (record: OptimizerRecord, layers: readonly string[], now: Births): boolean =>
  record.state !== undefined &&
  record.layers.join() === layers.join() &&
  layers.every((path) => sameNumbers(record.born[path] ?? {}, now[path] ?? {}));

const sameNumbers = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, value]) => b[name] === value);

/**
 * Brings the states to the host, from where any device takes them. A state that was lost with its device starts again, at the learning rate
 * that was set last.
 */
export async function bringToHost(records: OptimizerRecords, engine: Engine): Promise<void> {
  for (const record of Object.values(records)) {
    const held = [record.state, record.aside];
    if (!isElsewhere(held, engine)) continue;
    if (!isLost(held)) [record.state, record.aside] = (await toHost(held, engine)) as [OptimizerState, OptimizerRecord['aside']];
    else {
      Object.assign(record, noState);
      console.warn("ombre: the optimizer's state was lost with its device; its slots and its step count start again");
    }
  }
}

const isScheduled = ({ settings }: Optimizer): boolean => typeof settings?.learningRate === 'function';

/** The learning rate of the next update. */
export function currentRate({ optimizer, learningRate, calls }: OptimizerRecord): number {
  const { learningRate: rate, gradientAccumulationSteps = 1 } = optimizer.settings ?? { learningRate: NaN };
  if (typeof rate !== 'function') return learningRate ?? rate;
  const step = scalar(Math.floor(calls / gradientAccumulationSteps), 'i32');
  return interpret([rate(step)])[0][0];
}

/** @throws ArgumentError for a rate that is not positive within f32, and for optimizers with a schedule. */
export function checkSetRate({ optimizer }: OptimizerRecord, where: string, learningRate: number): void {
  if (typeof learningRate !== 'number' || !(Number.isFinite(Math.fround(learningRate)) && learningRate > 0)) {
    throw new ArgumentError(`${where}: the learning rate is ${String(learningRate)}; it must be a positive number within f32`);
  }
  if (!isScheduled(optimizer)) return;
  throw new ArgumentError(`${where}: the optimizer follows a schedule; compile it with a number as learningRate to set the rate by hand`);
}

/** Puts the learning rate that was set last into the state. No step may own the state meanwhile. */
export function applyRate(record: OptimizerRecord): void {
  const { state, learningRate } = record;
  if (state && learningRate !== undefined) record.state = { ...state, learningRate: scalar(learningRate) };
}
