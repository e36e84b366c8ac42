// Graphs during decoding. Tensors that depend on the tokens are computed for the steps of a pass; those of the other inputs are computed once,
// in the pass over the prompt.
import { batchAxis, dependsOnBatch } from '../core/batchAxis.ts';
import type { Shape } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import { type Node, type Tensor, applyAll } from '../graph/tensor.ts';
import { iota } from '../ops/create/create.ts';
import { add, broadcastTo, expandDims, gather, mul, reshape, slice } from '../ops/index.ts';
import { Decoding } from './decoding.ts';
import type { Layer } from './layer.ts';
import { type GraphParts, Replay } from './replay.ts';
import type { Tensors } from './spec.ts';
import { callOf } from './symbolic.ts';

export const tensorsIn = (tree: Tensors): Tensor[] => leavesOf(tree).map(({ value }) => value as Tensor);

/** Layers whose outputs at a step depend on the inputs at that step. */
const stepwise = /* @__PURE__ */ new Set(
  (
    'dense embedding reversibleEmbedding dropout spatialDropout1d gaussianNoise gaussianDropout alphaDropout activation identity activityRegularization ' +
    'add subtract multiply average maximum minimum concatenate relu leakyRelu elu softmax layerNormalization rmsNormalization unitNormalization ' +
    'batchNormalization positionEmbedding sinusoidal rotaryEmbedding'
  ).split(' '),
);

export const isStepwiseKind = ({ kind }: Layer): boolean => stepwise.has(kind);

/** Which tensors of a graph depend on inputs for which `isStep` is true. */
export class StepTensors {
  private readonly changing = new Map<Node, readonly boolean[]>();

  constructor({ order, inputs }: GraphParts, isStep: readonly boolean[]) {
    tensorsIn(inputs).forEach(({ node, index }, i) => {
      this.changing.set(node!, Object.assign([...(this.changing.get(node!) ?? [])], { [index]: isStep[i] }));
    });
    for (const node of order) {
      if (node.inputs.some((tensor) => this.has(tensor))) this.changing.set(node, new Array<boolean>(node.types.length).fill(true));
    }
  }

  has({ node, index }: Tensor): boolean {
    return (node && this.changing.get(node)?.[index]) ?? false;
  }

  hasNode(node: Node): boolean {
    return this.changing.get(node)?.every(Boolean) ?? false;
  }
}

/** Number of first axes that the batch and the steps take: 2 for [batch, time, …], 1 for [batch * time, …]. Undefined for other shapes. */
export function stepAxes(shape: Shape, time: number): 1 | 2 | undefined {
  if (shape[0] === batchAxis && shape[1] === time) return 2;
  return shape[0] === batchAxis * time ? 1 : undefined;
}

/** Value that each sample and step has in common, if a node only repeats it along them. */
function repeated(tensor: Tensor, axes: number): Tensor | undefined {
  const { node, rank } = tensor;
  if (node?.op.name !== 'broadcastTo') return undefined;
  const [source] = node.inputs;
  const lead = Math.max(0, source.rank - rank + axes);
  return source.shape.slice(0, lead).every((n) => n === 1) ? source : undefined;
}

/** Whether an op can be computed for single steps. Some input of it is in `steps`; each of those is [batch, time, …] or [batch * time, …]. */
export function isStepwise(
  { op, attributes, inputs, types }: Node,
  time: number,
  steps: StepTensors,
  isConstant: (tensor: Tensor) => boolean,
): boolean {
  const axes = stepAxes(inputs.find((tensor) => steps.has(tensor))!.shape, time);
  const { axis, begin, size, strides } = attributes as { readonly axis?: number } & Partial<
    Record<'begin' | 'size' | 'strides', readonly number[]>
  >;
  if (axes === undefined || types.some(({ shape }) => stepAxes(shape, time) === undefined)) return false;
  const others = inputs.filter((tensor) => !steps.has(tensor));
  const isAligned = others.every(
    (tensor) => stepAxes(tensor.shape, time) === axes && (axes === 2 || (isConstant(tensor) && repeated(tensor, axes))),
  );
  switch (op.name) {
    case 'reshape':
    case 'stopGradient':
      return true;
    case 'broadcastTo':
      return inputs[0].rank === types[0].shape.length;
    case 'slice':
      return begin!.slice(0, axes).every((n, k) => n === 0 && size![k] === inputs[0].shape[k] && strides![k] === 1);
    case 'concat':
      return axis! >= axes && isAligned;
    case 'matmul':
      return steps.has(inputs[0]) && inputs[0].rank === 2 && axes === 1 && others.length === 1 && !others[0].shape.some(dependsOnBatch);
    default:
      return op.lowering.kind === 'reduction'
        ? op.lowering.axes(attributes).every((one) => one >= axes)
        : op.lowering.kind === 'elementwise' && isAligned;
  }
}

/** A replay of a graph for the steps of one pass. */
export class StepReplay extends Replay {
  private readonly decoding: Decoding;
  private readonly steps: StepTensors;
  /** Tensors that depend on inputs other than the tokens. */
  private readonly remembered: StepTensors;
  /** Those of them that steps read. */
  private readonly read = new Map<Node, Set<number>>();
  /** Number of steps of the model's inputs, and of this pass. */
  private readonly time: number;
  private readonly now: number;

  constructor(decoding: Decoding, parts: GraphParts, values: readonly Tensor[]) {
    super(values[0].shape[0]);
    this.decoding = decoding;
    const isStep = values.map((value) => !decoding.isMemory(value));
    this.steps = new StepTensors(parts, isStep);
    this.remembered = new StepTensors(parts, isStep.map((one) => !one)); // prettier-ignore
    const first = isStep.indexOf(true);
    [, this.time] = tensorsIn(parts.inputs)[first].shape;
    [, this.now] = values[first].shape;
    for (const tensor of [
      ...parts.order.filter((node) => this.steps.hasNode(node)).flatMap(({ inputs }) => inputs),
      ...tensorsIn(parts.outputs),
    ]) {
      if (tensor.node && this.isRemembered(tensor)) this.read.set(tensor.node, (this.read.get(tensor.node) ?? new Set()).add(tensor.index));
    }
  }

  private isRemembered(tensor: Tensor): boolean {
    return this.remembered.has(tensor) && !this.steps.has(tensor);
  }

  override isStill(node: Node): boolean {
    return !this.steps.hasNode(node);
  }

  /** After a step's pass has begun, takes the values that steps read from the pass over the prompt. */
  override recall(node: Node): boolean {
    if (!this.decoding.position || this.steps.hasNode(node) || !this.remembered.hasNode(node)) return false;
    this.keep(node);
    return true;
  }

  /** Stores the outputs of a node that steps read, with their masks. */
  override keep(node: Node): void {
    if (this.steps.hasNode(node) || !this.remembered.hasNode(node)) return;
    for (const index of [...(this.read.get(node) ?? [])].sort((a, b) => a - b)) {
      const found = this.decoding.keep(() => {
        const mask = this.maskOf({ node, index });
        return { value: this.valueOf({ node, index })!, ...(mask && { mask }) };
      });
      this.put({ node, index }, found.value);
      if (found.mask) this.setMask({ node, index }, found.mask);
    }
  }

  override inputOf(tensor: Tensor, node: Node): Tensor {
    const value = this.get(tensor);
    return this.isBeside(tensor, node) ? this.atSteps(tensor, value) : value;
  }

  override maskFor(tensor: Tensor, node: Node): Tensor | undefined {
    const mask = this.maskOf(tensor);
    return mask && this.isBeside(tensor, node) ? this.rowsOf(mask) : mask;
  }

  override compute(node: Node): void {
    if (!this.steps.hasNode(node)) return super.compute(node);
    const { op, attributes, inputs, types } = node;
    const values = inputs.map((tensor) => this.inputOf(tensor, node));
    const sizes = this.sizesAt(types[0].shape);
    const changed = op.name === 'slice' ? { size: sizes } : 'shape' in attributes ? { shape: sizes } : undefined;
    applyAll(op, values, { ...attributes, ...changed }).forEach((output, index) => this.put({ node, index }, output));
  }

  /** Whether a node that works on single steps reads a tensor with a value for each step that does not depend on the tokens. */
  private isBeside(tensor: Tensor, node: Node): boolean {
    if (!this.steps.hasNode(node) || this.steps.has(tensor) || stepAxes(tensor.shape, this.time) === undefined) return false;
    const call = callOf(node);
    return !call || isStepwiseKind(call.layer);
  }

  private sizesAt(shape: Shape): Shape {
    const axes = stepAxes(shape, this.time)!;
    return [...(axes === 2 ? [this.batch, this.now] : [this.batch * this.now]), ...shape.slice(axes)];
  }

  private atSteps(tensor: Tensor, value: Tensor): Tensor {
    const source = this.isRemembered(tensor) ? undefined : repeated(tensor, stepAxes(tensor.shape, this.time)!);
    return source ? broadcastTo(this.get(source), this.sizesAt(tensor.shape)) : this.rowsOf(value);
  }

  /** The steps of this pass of a tensor [batch, time, …]. */
  private rowsOf(value: Tensor): Tensor {
    const { position } = this.decoding;
    const [batch, time, ...rest] = value.shape;
    if (!position) return slice(value, value.shape.map(() => 0), [batch, this.now, ...rest]); // prettier-ignore
    return expandDims(gather(reshape(value, [batch * time, ...rest]), add(mul(iota(batch), time), position)), 1);
  }
}

/** Caches of one forward pass of a network. */
export class StepDecoding extends Decoding {
  override replay(parts: GraphParts, inputs: readonly Tensor[]): StepReplay {
    return new StepReplay(this, parts, inputs);
  }
}
