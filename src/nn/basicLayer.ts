// Parts that every layer has: its cell, its symbolic applications, and `apply`.
import { ArgumentError, TraceError, checkOptions } from '../core/errors.ts';
import { RandomStream, globalStream } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import { currentTrace } from '../graph/trace.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  type ApplyOptions,
  type Builder,
  type CallOptions,
  type Flow,
  type ForwardPass,
  type Layer,
  type LayerResult,
  type Masks,
  type SymbolicCall,
  type TensorRecord,
  type Variables,
  VariableCell,
} from './layer.ts';
import { enableLora, mergeLora } from './lora.ts';
import type { Lora, LoraAxes, LoraOptions } from './loraOptions.ts';
import type { ScaleAxes } from './packedKernels.ts';
import { quantize } from './quantization.ts';
import { networkOf } from './network.ts';
import { NetworkPass } from './networkPass.ts';
import { type Shapes, type Specs, TensorSpec, type Tensors, specsOfBatch } from './spec.ts';
import { applySymbolic, isSymbolicTree } from './symbolic.ts';

export abstract class BasicLayer implements Layer {
  readonly kind: string;
  readonly name: string | undefined;
  readonly inputShape: Shape | undefined;
  readonly inputDtype: 'f32' | 'i32';
  readonly variables = new VariableCell();
  readonly symbolicCalls: SymbolicCall[] = [];
  abstract readonly ownsVariables: boolean;
  abstract readonly sublayers: Readonly<Record<string, Layer>>;
  abstract trainable: boolean;

  constructor(kind: string, name: string | undefined, inputShape: Shape | undefined, inputDtype: 'f32' | 'i32') {
    this.kind = kind;
    this.name = name;
    this.inputShape = inputShape;
    this.inputDtype = inputDtype;
  }

  get inputSpecs(): Specs | undefined {
    return this.inputShape && new TensorSpec(this.inputShape, this.inputDtype);
  }

  get input(): Tensors {
    return this.onlyCall('input').inputs;
  }

  get output(): Tensors {
    return this.onlyCall('output').outputs;
  }

  inputAt(call: number): Tensors {
    return this.callAt('inputAt', call).inputs;
  }

  outputAt(call: number): Tensors {
    return this.callAt('outputAt', call).outputs;
  }

  apply(x: Tensor, options?: CallOptions): Tensor;
  apply<O extends Tensors = Tensors>(x: Tensors, options?: CallOptions): O;
  apply(x: Tensors, options: CallOptions = {}): Tensors {
    const where = this.where;
    checkOptions(`${where}.apply`, options, ['training']);
    if (!isSymbolicTree(where, x)) return applyNow(this, x, options.training ?? false);
    const call = applySymbolic(this, x, options.training);
    this.symbolicCalls.push(call);
    return call.outputs;
  }

  abstract outputShape(inputShape: Shapes, where?: string): Shapes;
  abstract build(inputShape: Shapes, random?: RandomStream): Variables;
  abstract draft(builder: Builder, inputs: Specs, where: string): Specs;
  abstract call(variables: Variables, inputs: Tensors, options: ApplyOptions): LayerResult;
  abstract run(pass: ForwardPass, inputs: Tensors, mask: Masks, where: string): Flow;

  constrain(parameters: TensorRecord): TensorRecord {
    return parameters;
  }

  valuesOf({ parameters }: Variables): TensorRecord {
    return parameters;
  }

  get lora(): Lora | undefined {
    return undefined;
  }

  get loraAxes(): LoraAxes | undefined {
    return undefined;
  }

  get isQuantized(): boolean {
    return false;
  }

  get scaleAxes(): ScaleAxes | undefined {
    return undefined;
  }

  packKernels(): void {
    throw new ArgumentError(`${this.where}: the layer has no kernel of its own that can be quantized`);
  }

  quantize(mode: 'int8'): void {
    quantize(this, mode);
  }

  setLora(lora: Lora | undefined): void {
    throw new ArgumentError(`${this.where}: the layer has no kernel of its own, so no LoRA can be ${lora ? 'enabled' : 'merged'}`);
  }

  enableLora(options: LoraOptions): void {
    enableLora(this, options);
  }

  mergeLora(): void {
    mergeLora(this);
  }

  /** Name of the layer in messages, outside of a model. */
  protected get where(): string {
    return this.name ?? this.kind;
  }

  protected onlyCall(property: 'input' | 'output'): Pick<SymbolicCall, 'inputs' | 'outputs'> {
    const { length } = this.symbolicCalls;
    if (length > 1) {
      throw new ArgumentError(
        `${this.where}.${property}: the layer was applied ${length} times; choose one by ${property}At(i), i from 0 to ${length - 1}`,
      );
    }
    return this.callAt(property, 0);
  }

  private callAt(method: string, call: number): SymbolicCall {
    const found = this.symbolicCalls[call] as SymbolicCall | undefined;
    if (found) return found;
    const { length } = this.symbolicCalls;
    throw new ArgumentError(
      length === 0
        ? `${this.where}.${method}: the layer was not applied to symbolic tensors; call layer.apply(input({ shape })) first`
        : `${this.where}.${method}: there is no application ${String(call)}; use 0 to ${length - 1}`,
    );
  }
}

/** Applies a layer to tensors with values. State changes only in training. */
function applyNow(layer: Layer, x: Tensors, training: boolean): Tensors {
  const network = networkOf(layer);
  const specs = specsOfBatch(x);
  network.outputSpecs(specs);
  if (!network.current()) network.store(network.draft(specs, new RandomStream(globalStream().nextKey())), specs);
  const { parameters, state } = network.current()!;
  const result = new NetworkPass(network, { parameters, state }).run(x, training);
  if (!training || network.owners.every(({ name }) => result.state[name] === state[name])) return result.outputs;
  const trace = currentTrace();
  if (trace) {
    throw new TraceError(
      `${layer.name ?? layer.kind}.apply: the layer changes its state in training, which ${trace.name} cannot do while it is traced; ` +
        'pass training: false, or train by fit',
    );
  }
  network.store({ parameters, state: result.state });
  return result.outputs;
}
