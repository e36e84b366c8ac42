// One node that is computed: its inputs and attributes, as the rules of the ops read them.
import { FormatError } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { shown } from '../../core/shown.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type ElementName, elementOf } from '../format/elements.ts';
import type { StoredElements } from '../format/readTensor.ts';
import type { Attribute, PlannedGraph, PlannedNode } from './plan.ts';
import { Value } from './value.ts';

export type Result = Tensor | Value;
export type Run = (call: Call) => Result | readonly (Result | undefined)[];

/** How an op of ONNX is computed by ops of the library. */
export interface Rule {
  readonly run: Run;
  /** Inputs that are read on the host, such as sizes. Initializers that are used only there are constants. */
  readonly hostInputs?: readonly number[];
  /** Inputs that training does not change, such as moving statistics. */
  readonly stateInputs?: readonly number[];
  /** Number of inputs: at least, and at most. @default any */
  readonly arity?: readonly [least: number, most: number];
}

/** Rules by op type. A function is a rule without special inputs. */
export type RuleTable = Readonly<Record<string, Run | Rule>>;

/** Computes a graph of an If, Loop or Scan in the scope of its node. */
export type RunGraph = (graph: PlannedGraph, inputs: readonly Value[]) => Value[];

export class Call {
  readonly opset: number;
  readonly outputs: number;
  readonly runGraph: RunGraph;
  private readonly node: PlannedNode;
  private readonly values: readonly (Value | undefined)[];
  private readonly file: string;

  constructor(node: PlannedNode, values: readonly (Value | undefined)[], opset: number, file: string, runGraph: RunGraph) {
    this.node = node;
    this.values = values;
    this.opset = opset;
    this.file = file;
    this.outputs = node.outputs.length;
    this.runGraph = runGraph;
  }

  /** The same node over other inputs. */
  over(values: readonly (Value | undefined)[]): Call {
    return new Call(this.node, values, this.opset, this.file, this.runGraph);
  }

  get op(): string {
    return this.node.op;
  }

  get where(): string {
    return `${this.file}: ${this.node.where}`;
  }

  fail(what: string): never {
    throw new FormatError(`${this.where}: ${what}`);
  }

  /** Number of inputs that are listed, absent ones included. */
  get count(): number {
    return this.values.length;
  }

  has(i: number): boolean {
    return this.values[i] !== undefined;
  }

  value(i: number): Value {
    return this.values[i] ?? this.fail(`input ${i} is missing; it has ${this.count} inputs`);
  }

  all(): Value[] {
    return this.values.map((_, i) => this.value(i));
  }

  tensor(i: number): Tensor {
    return this.value(i).tensor;
  }

  optional(i: number): Tensor | undefined {
    return this.values[i]?.tensor;
  }

  shape(i: number): Shape {
    return this.value(i).shape;
  }

  /** Numbers of an input that must be known on the host. */
  numbers(i: number, name: string): number[] {
    const value = this.value(i);
    const data = value.elements();
    if (data) return Array.from(data);
    return this.fail(
      `${name} (input ${i}, ${value.toString()}) depends on the data; it must be a constant, an initializer or computed from shapes`,
    );
  }

  number(i: number, name: string): number {
    const found = this.numbers(i, name);
    return found.length === 1 ? found[0] : this.fail(`${name} (input ${i}) has ${found.length} elements; it must be one number`);
  }

  /** A list that newer opsets have as an input, and older ones as an attribute. */
  list(i: number, name: string): number[] | undefined {
    if (this.has(i)) return this.numbers(i, name);
    return this.ints(name);
  }

  private attribute<T extends Attribute>(name: string, is: (value: Attribute) => value is T, rule: string): T | undefined {
    const value = this.node.attributes.get(name);
    if (value === undefined || is(value)) return value;
    return this.fail(`attribute '${name}' is ${typeof value === 'object' ? 'a list, tensor or graph' : shown(value)}; it must be ${rule}`);
  }

  hasAttribute(name: string): boolean {
    return this.node.attributes.has(name);
  }

  float(name: string): number | undefined;
  float(name: string, standard: number): number;
  float(name: string, standard?: number): number | undefined {
    return this.attribute(name, (x): x is number => typeof x === 'number', 'a number') ?? standard;
  }

  int(name: string): number | undefined;
  int(name: string, standard: number): number;
  int(name: string, standard?: number): number | undefined {
    return this.attribute(name, (x): x is number => Number.isInteger(x), 'an integer') ?? standard;
  }

  flag(name: string, standard = 0): boolean {
    return this.int(name, standard) !== 0;
  }

  text(name: string, standard: string): string {
    return this.attribute(name, (x): x is string => typeof x === 'string', 'a text') ?? standard;
  }

  ints(name: string): number[] | undefined {
    const found = this.attribute(name, isNumbers, 'a list of integers');
    if (found?.some((x) => !Number.isInteger(x))) this.fail(`attribute '${name}' is ${shown(found)}; it must be a list of integers`);
    return found && [...found];
  }

  floats(name: string): number[] | undefined {
    const found = this.attribute(name, isNumbers, 'a list of numbers');
    return found && [...found];
  }

  texts(name: string): string[] | undefined {
    const isTexts = (x: Attribute): x is readonly string[] => Array.isArray(x) && (x as unknown[]).every((e) => typeof e === 'string');
    const found = this.attribute(name, isTexts, 'a list of texts');
    return found && [...found];
  }

  elements(name: string): StoredElements | undefined {
    const isTensor = (x: Attribute): x is StoredElements => typeof x === 'object' && 'data' in x;
    return this.attribute(name, isTensor, 'a tensor');
  }

  graph(name: string): PlannedGraph {
    const isGraph = (x: Attribute): x is PlannedGraph => typeof x === 'object' && 'kind' in x;
    return this.attribute(name, isGraph, 'a graph') ?? this.fail(`attribute '${name}' is missing; it must be a graph`);
  }

  /** An axis from 0 on. */
  axis(axis: number, rank: number): number {
    if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
    return this.fail(`axis is ${axis}; input ${formatShape(this.shape(0))} has axes ${-rank} to ${rank - 1}`);
  }

  axes(axes: readonly number[], rank: number): number[] {
    const found = axes.map((axis) => this.axis(axis, rank));
    return new Set(found).size === found.length ? found : this.fail(`axes are ${formatShape(axes)}; each axis may occur once`);
  }

  /** @throws FormatError unless an input has one of the ranks. */
  checkRank(i: number, least: number, most = least): void {
    const { length } = this.shape(i);
    if (length >= least && length <= most) return;
    this.fail(`input ${i} is ${formatShape(this.shape(i))}; it must have ${least === most ? least : `${least} to ${most}`} axes`);
  }
}

const isNumbers = (x: Attribute): x is readonly number[] => Array.isArray(x) && (x as unknown[]).every((e) => typeof e === 'number');

/** Type of a result: that of an input with its dtype, or the usual one of the dtype. */
export function typeOfResult(tensor: Tensor, inputs: readonly (Value | undefined)[]): ElementName {
  const alike = inputs.find((value) => value && elementOf(value.type).dtype === tensor.dtype);
  return alike ? alike.type : ({ f32: 'FLOAT', f16: 'FLOAT16', i32: 'INT64', u32: 'UINT32', bool: 'BOOL' } as const)[tensor.dtype];
}

export const asValue = (result: Result, inputs: readonly (Value | undefined)[]): Value =>
  result instanceof Value ? result : Value.ofTensor(result, typeOfResult(result, inputs));
