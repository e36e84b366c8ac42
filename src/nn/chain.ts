// A chain of layers: each layer takes the output of the one before it.
import type { Config } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import { BasicContainer, nameLayers } from './container.ts';
import {
  Builder,
  type Container,
  type Flow,
  type ForwardPass,
  type HasLayer,
  type Layer,
  type LayerUse,
  type Masks,
  type SymbolicCall,
  joinPath,
  layerOf,
  runNamed,
} from './layer.ts';
import { type Describable, type NetworkWriter, chainConfig } from './networkConfig.ts';
import type { Specs, TensorSpec, Tensors } from './spec.ts';
import { input } from './symbolic.ts';

export type Chain = Container;

const isList = (value: unknown): boolean => Array.isArray(value);

/**
 * @throws ArgumentError for an empty list and elements that are no layers, ShapeError if a layer does not take the output of the one before it.
 */
export function chain(list: readonly (Layer | HasLayer)[], name?: string): Chain {
  if (!isList(list)) throw new ArgumentError('sequential: takes a list of layers: sequential([layers.dense({ units: 1 })])');
  if (list.length === 0) throw new ArgumentError('sequential: the list of layers is empty; a model needs one layer or more');
  return new LayerChain(
    list.map((value, i) => {
      const layer = layerOf(value);
      if (layer) return layer;
      throw new ArgumentError(
        `sequential: element ${i} is not a layer; make layers with the factories, such as layers.dense({ units: 1 })`,
      );
    }),
    name,
  );
}

class LayerChain extends BasicContainer implements Describable {
  readonly calls: readonly LayerUse[];
  private own: Pick<SymbolicCall, 'inputs' | 'outputs'> | undefined;

  constructor(list: readonly Layer[], name: string | undefined) {
    const [{ inputShape, inputDtype }] = list;
    super('sequential', name, inputShape, inputDtype);
    const named = nameLayers(list);
    this.calls = named.map((use, i) => ({
      ...use,
      connections: [i === 0 ? 'input' : named[i - 1].name],
      sources: [i === 0 ? 'input' : i - 1],
    }));
    // A chain that does not fit is refused when it is made, not at its first batch.
    if (this.inputSpecs) this.walk(new Builder(undefined), this.inputSpecs, '');
  }

  override get inputSpecs(): Specs | undefined {
    return this.calls[0].layer.inputSpecs;
  }

  callSpecs(inputs: Specs): Specs[] {
    return this.walk(new Builder(undefined), inputs, '');
  }

  draft(builder: Builder, inputs: Specs, where: string): Specs {
    return this.walk(builder, inputs, where)[this.calls.length - 1];
  }

  run(pass: ForwardPass, inputs: Tensors, mask: Masks, where: string): Flow {
    return this.calls.reduce<Flow>((flow, call) => runNamed(pass, call, flow.outputs, flow.mask, where), { outputs: inputs, mask });
  }

  describe(writer: NetworkWriter, at: string): Config {
    return chainConfig(
      this.calls.map(({ name, layer }) => writer.config(layer, `${at}: ${name}`)),
      this.name,
    );
  }

  /** The chain's own symbolic input and output, if its input shape is known. They are made at first use. */
  protected override onlyCall(property: 'input' | 'output'): Pick<SymbolicCall, 'inputs' | 'outputs'> {
    const specs = this.inputSpecs;
    if (!specs) return super.onlyCall(property);
    if (!this.own) {
      const inputs = mapTree(specs, (spec) => {
        const { shape, dtype, name } = spec as TensorSpec;
        return input({ shape, dtype: dtype as 'f32' | 'i32', name });
      }) as Tensors;
      this.own = { inputs, outputs: this.calls.reduce<Tensors>((x, { layer }) => layer.apply(x), inputs) };
    }
    return this.own;
  }

  private walk(builder: Builder, inputs: Specs, where: string): Specs[] {
    let specs = inputs;
    return this.calls.map(({ name, layer }) => (specs = layer.draft(builder, specs, joinPath(where, name))));
  }
}
