// Values between the nodes of a graph that is read.
import type { HostArray } from '../../core/dtype.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { topological } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { hostTensor } from '../../graph/tensor.ts';
import { interpret } from '../../runtime/cpu.ts';
import { type ElementName, elementOf, elementOfDtype, toHostArray } from '../format/elements.ts';

/** A value: a tensor, or the elements of a constant. Constants are known on the host, and shapes are computed from them. */
export class Value {
  readonly type: ElementName;
  readonly shape: Shape;
  /** Elements of a constant. */
  readonly constant: ArrayLike<number> | undefined;
  private made: Tensor | undefined;

  private constructor(type: ElementName, shape: Shape, constant: ArrayLike<number> | undefined, made: Tensor | undefined) {
    this.type = type;
    this.shape = shape;
    this.constant = constant;
    this.made = made;
  }

  static ofTensor(tensor: Tensor, type: ElementName = elementOfDtype[tensor.dtype]): Value {
    return new Value(type, tensor.shape, undefined, tensor);
  }

  static ofElements(type: ElementName, shape: Shape, data: ArrayLike<number>): Value {
    return new Value(type, shape, data, undefined);
  }

  /** Integers, such as a shape. */
  static ofIntegers(numbers: readonly number[]): Value {
    return Value.ofElements('INT64', [numbers.length], numbers);
  }

  /** The value as a tensor. */
  get tensor(): Tensor {
    const { dtype } = elementOf(this.type);
    this.made ??= hostTensor({ shape: this.shape, dtype }, toHostArray(dtype, this.constant!));
    return this.made;
  }

  /** The elements, if the host can know them now: those of constants and of tensors that are computed from values on the host. */
  elements(): ArrayLike<number> | undefined {
    if (this.constant) return this.constant;
    const tensor = this.tensor;
    if (tensor.value) return tensor.value.kind === 'host' ? tensor.value.data : undefined;
    return computed(tensor);
  }

  toString(): string {
    return `${this.type}${formatShape(this.shape)}`;
  }
}

/** Largest number of elements that are computed on the host while a graph is built. */
const maxOnHost = 2 ** 20;

function computed(tensor: Tensor): HostArray | undefined {
  if (!tensor.node || tensor.node.placeholder) return undefined;
  for (const { inputs, op, types } of topological([tensor])) {
    const isKnown = (input: Tensor): boolean => input.node !== undefined || input.value?.kind === 'host';
    if (op.name === 'layerCall' || !inputs.every(isKnown)) return undefined;
    if (types.some(({ shape }) => shape.reduce((a, b) => a * b, 1) > maxOnHost)) return undefined;
  }
  return interpret([tensor])[0];
}
