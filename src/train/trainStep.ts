// The replaceable training step: a pure function of a batch, made of the pieces that it is given here. All of it becomes one compiled program,
// however many forward passes, gradients and updates it has.
import { valueAndGrad } from '../autodiff/index.ts';
import { ArgumentError, ShapeError, requireFunction } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { leavesOf, variablePath } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import {
  type HasLayer,
  type Layer,
  type LayerTrees,
  type Network,
  type NetworkResult,
  NetworkPass,
  type Tensors,
  layerOf,
} from '../nn/index.ts';
import { logicalAnd, mul } from '../ops/index.ts';
import { isZero } from '../ops/operands/knownValue.ts';
import type { LossAndGradients, Optimizer, UpdateOptions } from '../optim/index.ts';
import { type LossScale, allFinite, chooseTree, nextLossScale, unscale } from './lossScale.ts';
import { type OptimizerStates, chooseOptimizer } from './optimizerState.ts';
import { type TargetsAndWeights, gradientsOfSamples, requireSameState } from './sampleGradients.ts';
import { type TaskGradients, gradientsByTask } from './taskGradients.ts';

/** Layers whose parameters gradients are taken of. */
export type LayersOf = Layer | HasLayer | readonly (Layer | HasLayer)[];

/** Gradients of parameters, by layer path. They have the form of the parameters. */
export type StepGradients = LayerTrees;

/** Results of a training step. */
export interface StepResult {
  /** Scalar that the logs report as `loss`. */
  readonly loss: Tensor;
  /** Outputs of the model, from which the metrics of compile() are computed. Without them there are no metrics while training. */
  readonly outputs?: Tensors;
  /** More scalars for the logs, by name. Their epoch values are means, weighted by batch size. */
  readonly logs?: Readonly<Record<string, Tensor>>;
}

/** Tools of a step. X and Y are the forms of inputs and targets: a tensor, a list or a record. */
export interface StepTools<X = Tensor, Y = Tensor> {
  /** Inputs of the batch, in the form that fit() was given. */
  readonly x: X;
  /** Targets of the batch; undefined at run time if fit() was given none. */
  readonly y: Y;
  readonly sampleWeight: Tensors | undefined;
  /** Number of samples in the batch. */
  readonly batchSize: number;
  /** Outputs of the model, with its parameters as they are at this point of the step. */
  forward(x: Tensors, options?: { training?: boolean }): Tensor;
  forward<O extends Tensors>(x: Tensors, options?: { training?: boolean }): O;
  /** Outputs of one layer of the model, or of a model inside it. */
  apply(layer: Layer | HasLayer, x: Tensors, options?: { training?: boolean }): Tensor;
  apply<O extends Tensors>(layer: Layer | HasLayer, x: Tensors, options?: { training?: boolean }): O;
  /**
   * The losses of compile() for outputs of forward(), with lossWeights, sampleWeight, masks and the penalties of layers.
   * @param y targets; those of the batch if absent
   */
  loss(outputs: Tensors, y?: Tensors): Tensor;
  /** The loss of each output by its name, without lossWeights and penalties. @param y targets; those of the batch if absent */
  losses(outputs: Tensors, y?: Tensors): Record<string, Tensor>;
  /**
   * Losses of several tasks, and the gradients of each. The forward pass is computed once.
   *
   *     const { losses, gradients } = step.taskGradients(() => step.losses(step.forward(step.x)));
   */
  taskGradients(losses: () => Readonly<Record<string, Tensor>>, options?: { of?: LayersOf }): TaskGradients;
  /**
   * A loss and its gradients with respect to the trainable parameters of some layers, or of all.
   *
   *     const { loss, gradients } = step.gradients(() => step.loss(step.forward(step.x)));
   */
  gradients(loss: () => Tensor, options?: { of?: LayersOf }): StepLoss;
  /** Updates parameters. The rest of the step uses the new ones. `optimizer` names one of several optimizers. */
  update(gradients: StepGradients, options?: { optimizer?: string }): void;
}

export interface StepLoss {
  readonly loss: Tensor;
  readonly gradients: StepGradients;
}

/**
 * A training step: `compile({ trainStep })` takes one. It is traced like a function of compile(): it builds a graph from ops and reads no values.
 *
 *     const mixup = (step) => {
 *       const x = step.x.mul(0.7).add(flip(step.x, 0).mul(0.3));
 *       const { loss, gradients } = step.gradients(() => {
 *         const outputs = step.forward(x);
 *         return step.loss(outputs).mul(0.7).add(step.loss(outputs, flip(step.y, 0)).mul(0.3));
 *       });
 *       step.update(gradients);
 *       return { loss };
 *     };
 */
export type TrainStep<X = Tensor, Y = Tensor> = (step: StepTools<X, Y>) => StepResult;

/** Forward, loss, gradients, update: the step of models that were compiled without one. */
export const standardStep: TrainStep<Tensors, Tensors> = (step) => {
  let outputs: Tensors | undefined;
  const { loss, gradients } = step.gradients(() => {
    outputs = step.forward<Tensors>(step.x);
    return step.loss(outputs);
  });
  // An optimizer that evaluates the loss again makes other outputs.
  const found = outputs;
  step.update(gradients);
  return { loss, outputs: found };
};

export interface SessionOptions {
  readonly network: Network;
  readonly optimizers: Readonly<Record<string, Optimizer>>;
  readonly trainable: LayerTrees;
  readonly frozen: LayerTrees;
  readonly state: LayerTrees;
  /** Undefined while the step is traced only to find out its updates. */
  readonly optimizerStates: OptimizerStates | undefined;
  /** Loss scale of mixed precision; undefined if the step computes in f32. */
  readonly lossScale: LossScale | undefined;
  readonly batch: { readonly x: Tensors; readonly y?: Tensors; readonly sampleWeight?: Tensors };
  /** Loss of results of the network, by the objectives of compile(). */
  readonly lossOf: (result: NetworkResult, supervision: TargetsAndWeights) => Tensor;
  /** Loss of each output by its name. */
  readonly lossesOf: (result: NetworkResult, supervision: TargetsAndWeights) => Record<string, Tensor>;
  /** The losses of compile() as messages name them. */
  readonly lossName: string;
}

/** Updates of one optimizer in one step. */
export interface OptimizerUpdates {
  /** Paths of the layers whose parameters it updates. */
  readonly layers: readonly string[];
  readonly count: number;
}

/** Everything that a step gives back. */
export interface StepEnd {
  readonly trainable: LayerTrees;
  readonly frozen: LayerTrees;
  readonly state: LayerTrees;
  readonly optimizerStates: OptimizerStates;
  readonly lossScale?: LossScale;
}

/** The tools of one step, and the variables as the step changes them. */
export class StepSession implements StepTools<Tensors, Tensors> {
  x: Tensors;
  y: Tensors;
  sampleWeight: Tensors | undefined;
  /** Updates of each optimizer so far, by its name. */
  readonly updates = new Map<string, OptimizerUpdates>();
  private readonly options: SessionOptions;
  private pass: NetworkPass;
  private states: OptimizerStates;
  /** Whether all gradients so far are finite, under mixed precision. */
  private finite: Tensor | undefined;
  /** Results of forward(), by their outputs. */
  private readonly results = new WeakMap<object, NetworkResult>();
  /** The losses that gradients were taken of, for optimizers that evaluate them again. */
  private readonly origins = new WeakMap<StepGradients, UpdateOptions>();

  constructor(options: SessionOptions) {
    const { network, trainable, frozen, state, optimizerStates, batch } = options;
    this.options = options;
    this.pass = new NetworkPass(network, { parameters: { ...trainable, ...frozen }, state }, options.lossScale !== undefined);
    this.states = optimizerStates ?? {};
    ({ x: this.x, sampleWeight: this.sampleWeight } = batch);
    this.y = batch.y as Tensors;
  }

  get batchSize(): number {
    const first = leavesOf(this.x).find(({ value }) => value instanceof Tensor)!.value as Tensor;
    return first.shape[0];
  }

  forward(x: Tensors, options?: { training?: boolean }): Tensor;
  forward<O extends Tensors>(x: Tensors, options?: { training?: boolean }): O;
  forward(x: Tensors, { training = true }: { training?: boolean } = {}): Tensors {
    const result = this.pass.run(x, training);
    this.results.set(result.outputs, result);
    return result.outputs;
  }

  apply(layer: Layer | HasLayer, x: Tensors, options?: { training?: boolean }): Tensor;
  apply<O extends Tensors>(layer: Layer | HasLayer, x: Tensors, options?: { training?: boolean }): O;
  apply(layer: Layer | HasLayer, x: Tensors, { training = true }: { training?: boolean } = {}): Tensors {
    const { path, found } = this.find(layer, 'step.apply');
    return (path === '' ? this.pass.run(x, training) : this.pass.runLayer(found, path, x, training)).outputs;
  }

  loss(outputs: Tensors, y: Tensors | undefined = this.y): Tensor {
    return this.options.lossOf(this.resultOf(outputs), this.supervisionOf(y));
  }

  losses(outputs: Tensors, y: Tensors | undefined = this.y): Record<string, Tensor> {
    return this.options.lossesOf(this.resultOf(outputs), this.supervisionOf(y));
  }

  private supervisionOf(y: Tensors | undefined): TargetsAndWeights {
    const { sampleWeight } = this;
    return { ...(y !== undefined && { y }), ...(sampleWeight !== undefined && { sampleWeight }) };
  }

  /** The result that outputs belong to. Outputs of the step's own have no masks and no penalties. */
  resultOf(outputs: Tensors): NetworkResult {
    return this.results.get(outputs) ?? { outputs, state: {}, mask: undefined, losses: [] };
  }

  gradients(loss: () => Tensor, { of }: { of?: LayersOf } = {}): StepLoss {
    requireFunction('step.gradients', loss, 'step.gradients(() => step.loss(step.forward(step.x)))');
    const parameters = this.parametersOf(of, 'step.gradients');
    if (leavesOf(parameters).length === 0) return { loss: scalarLoss(loss()), gradients: {} };
    // First, because the function may keep tensors for the step, such as outputs: those of the batch.
    const sampleGradients = this.needsSamples ? this.gradientsOfSamples(loss, parameters) : undefined;
    const found = this.gradientsAt(loss, parameters);
    requireConnected(found.gradients, this.options.lossName);
    const lossAndGradients: LossAndGradients = (at) => this.gradientsAt(loss, at as LayerTrees);
    this.origins.set(found.gradients, { lossAndGradients, ...(sampleGradients && { sampleGradients }) });
    return found;
  }

  private get needsSamples(): boolean {
    return Object.values(this.options.optimizers).some(({ needsSampleGradients }) => needsSampleGradients);
  }

  /** The gradients of each sample. Meanwhile the tools of the step are those of one sample. */
  private gradientsOfSamples(loss: () => Tensor, parameters: LayerTrees): LayerTrees {
    const { x, y, sampleWeight, pass, finite } = this;
    const { network, lossScale } = this.options;
    this.pass = new NetworkPass(network, pass.variables(), lossScale !== undefined);
    let found: LayerTrees;
    try {
      found = gradientsOfSamples({ x, y, sampleWeight }, (sample) => {
        Object.assign(this, sample);
        const ofSample = this.gradientsAt(loss, parameters);
        requireSameState(pass.variables().state, this.pass.variables().state);
        return ofSample;
      });
    } finally {
      Object.assign(this, { x, y, sampleWeight, pass, finite });
    }
    this.noteFinite(found);
    return found;
  }

  taskGradients(losses: () => Readonly<Record<string, Tensor>>, { of }: { of?: LayersOf } = {}): TaskGradients {
    requireFunction('step.taskGradients', losses, 'step.taskGradients(() => step.losses(step.forward(step.x)))');
    const found = gradientsByTask(this.parametersOf(of, 'step.taskGradients'), this.options.lossScale?.scale, (at) =>
      this.pass.withParameters(at, losses),
    );
    this.noteFinite(found.gradients);
    return found;
  }

  /** Trainable parameters of some layers, or of all. */
  private parametersOf(of: LayersOf | undefined, where: string): LayerTrees {
    return this.trainableOf(of === undefined ? undefined : [of].flat().map((layer) => this.find(layer as Layer, where).found));
  }

  /** Under mixed precision, a gradient that is not finite makes the step change nothing. */
  private noteFinite(gradients: unknown): void {
    const finite = this.options.lossScale && allFinite(gradients);
    if (finite) this.finite = this.finite ? logicalAnd(this.finite, finite) : finite;
  }

  /** With a loss scale, gradients of the scaled loss, divided again. */
  private gradientsAt(loss: () => Tensor, parameters: LayerTrees): StepLoss {
    const { lossScale } = this.options;
    let value!: Tensor;
    const lossAt = (at: LayerTrees): Tensor => {
      value = this.pass.withParameters(at, () => scalarLoss(loss()));
      return lossScale ? mul(value, lossScale.scale) : value;
    };
    const [, gradients] = valueAndGrad(lossAt)(parameters);
    if (!lossScale) return { loss: value, gradients };
    const found = unscale(gradients, lossScale.scale);
    this.noteFinite(found);
    return { loss: value, gradients: found };
  }

  update(gradients: StepGradients, { optimizer: name }: { optimizer?: string } = {}): void {
    if (typeof gradients !== 'object' || (gradients as unknown) === null) {
      throw new ArgumentError(
        `step.update: takes the gradients that step.gradients() gives; got ${gradients === null ? 'null' : typeof gradients}`,
      );
    }
    const chosen = chooseOptimizer(this.options.optimizers, name, 'step.update', 'step.update(gradients');
    const paths = Object.keys(gradients);
    const before = this.updates.get(chosen);
    if (before && before.layers.join() !== paths.join()) {
      throw new ArgumentError(
        `step.update: optimizer '${chosen}' updated ${before.layers.join(', ')} before, and now ${paths.join(', ')}; give each set of layers its own optimizer`,
      );
    }
    this.updates.set(chosen, { layers: paths, count: (before?.count ?? 0) + 1 });
    if (leavesOf(gradients).length === 0) return;
    const { optimizerStates, optimizers, network } = this.options;
    const { parameters } = this.pass.variables();
    const current = Object.fromEntries(paths.map((path) => [path, parameters[path]]));
    if (!optimizerStates) {
      // Only the paths matter, but gradients of a wrong form are refused now.
      optimizers[chosen].update(gradients, optimizers[chosen].init(current), current, this.origins.get(gradients));
      return;
    }
    const updated = optimizers[chosen].update(gradients, this.states[chosen], current, this.origins.get(gradients));
    this.pass.setParameters(network.constrain(updated.parameters));
    this.states = { ...this.states, [chosen]: updated.state };
  }

  /** Variables and optimizer states at the end of the step. */
  end(): StepEnd {
    const end = this.variablesAtEnd();
    const { lossScale, trainable, state, optimizerStates } = this.options;
    if (!lossScale) return end;
    const { finite } = this;
    if (!finite) return { ...end, lossScale };
    // A step with an overflow changes nothing but the scale.
    return {
      trainable: chooseTree(finite, end.trainable, trainable),
      frozen: end.frozen,
      state: chooseTree(finite, end.state, state),
      optimizerStates: chooseTree(finite, end.optimizerStates, optimizerStates!),
      lossScale: nextLossScale(lossScale, finite),
    };
  }

  private variablesAtEnd(): Omit<StepEnd, 'lossScale'> {
    const { parameters, state } = this.pass.variables();
    const pick = (like: LayerTrees): LayerTrees => Object.fromEntries(Object.keys(like).map((path) => [path, parameters[path]]));
    const { trainable, frozen } = this.options;
    return { trainable: pick(trainable), frozen: pick(frozen), state, optimizerStates: this.states };
  }

  /** A layer of the model and its path. */
  private find(given: Layer | HasLayer, where: string): { path: string; found: Layer } {
    const found = layerOf(given);
    if (!found) throw new ArgumentError(`${where}: takes a layer or a model; got ${given === null ? 'null' : typeof given}`);
    const path = pathOf(this.options.network.root, found, '');
    if (path !== undefined) return { path, found };
    throw new ArgumentError(
      `${where}: the layer '${found.name ?? found.kind}' is not part of the model that is trained; the model contains ${Object.keys(this.options.network.root.sublayers).join(', ')}`,
    );
  }

  /** Parameters that are trained, of all layers or of some with everything inside them, as they are now. */
  private trainableOf(chosen: readonly Layer[] | undefined): LayerTrees {
    const { network, trainable } = this.options;
    const { parameters } = this.pass.variables();
    const inside = chosen && new Set(chosen.flatMap(layersIn));
    const owners = network.owners.filter(({ name, layer }) => name in trainable && (!inside || inside.has(layer)));
    return Object.fromEntries(owners.map(({ name }) => [name, parameters[name]]));
  }
}

/** A layer and all layers inside it. */
const layersIn = (layer: Layer): Layer[] => [layer, ...Object.values(layer.sublayers).flatMap(layersIn)];

function pathOf(root: Layer, layer: Layer, outer: string): string | undefined {
  if (root === layer) return outer;
  for (const [name, sublayer] of Object.entries(root.sublayers)) {
    const found = pathOf(sublayer, layer, outer ? `${outer}/${name}` : name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function scalarLoss(value: unknown): Tensor {
  if (value instanceof Tensor && value.rank === 0) return value;
  const got = value instanceof Tensor ? `a tensor ${formatShape(value.shape)}` : typeof value;
  throw new ShapeError(`step.gradients: the loss is ${got}; it must be a scalar tensor: reduce it with sum() or mean()`);
}

/**
 * Refuses a loss that no weight has an effect on: the training would run and change nothing. Gradients that reach no weight are the constant 0.
 * @throws ArgumentError naming the weights.
 */
function requireConnected(gradients: StepGradients, lossName: string): void {
  const found = leavesOf(gradients).filter(({ value }) => value instanceof Tensor);
  if (found.some(({ value }) => !isZero(value as Tensor))) return;
  const names = found.map(({ path }) => variablePath(path));
  throw new ArgumentError(
    `${lossName} has no path to the weights (${names.join(', ')}): its gradient is 0 for any weights; compute it ` +
      'from the predictions, by ops that have a gradient (argMax, round, comparisons, casts to integers and stopGradient have none)',
  );
}
