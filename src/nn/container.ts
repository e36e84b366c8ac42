// Layers that are made of other layers only: chains and graphs.
import type { Config } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { BasicLayer } from './basicLayer.ts';
import { Builder, type Container, type Layer, type LayerResult, type LayerUse, type NamedLayer, type Variables } from './layer.ts';
import { networkConfig } from './networkConfig.ts';
import { type Shapes, type Specs, shapesOf, specsFor } from './spec.ts';

export abstract class BasicContainer extends BasicLayer implements Container {
  readonly ownsVariables = false;
  abstract readonly calls: readonly LayerUse[];
  abstract callSpecs(inputs: Specs): Specs[];

  get sublayers(): Readonly<Record<string, Layer>> {
    return Object.fromEntries(this.calls.map(({ name, layer }) => [name, layer]));
  }

  /** Everything but the weights. @throws ArgumentError for layers and functions of one's own without a config. */
  get config(): Config {
    return networkConfig(this);
  }

  /** True if any layer is trainable. Setting it sets all of them. */
  get trainable(): boolean {
    return Object.values(this.sublayers).some((layer) => layer.trainable);
  }

  set trainable(trainable: boolean) {
    for (const layer of Object.values(this.sublayers)) layer.trainable = trainable;
  }

  outputShape(shapes: Shapes, where = ''): Shapes {
    return shapesOf(this.draft(new Builder(undefined), specsFor(shapes, this.inputDtype), where));
  }

  build(): Variables {
    return { parameters: {}, state: {} };
  }

  call(): LayerResult {
    throw new ArgumentError(`${this.kind}: the variables of a container belong to its layers; use layer.apply(x), or make a model of it`);
  }
}

/**
 * Names for the layers of a list. Layers without a name become `dense_1`, `dense_2`, ... in the order of the list, so the same list gets the same
 * names every time. A name that two layers were given gets a number the second time. A layer that occurs twice has one name.
 */
export function nameLayers(list: readonly Layer[]): NamedLayer[] {
  const given = new Set(list.flatMap(({ name }) => name ?? []));
  const taken = new Set<string>();
  const named = new Map<Layer, NamedLayer>();
  for (const layer of new Set(list)) {
    let name = layer.name;
    const isFree = (candidate: string): boolean => !taken.has(candidate) && !given.has(candidate);
    if (name === undefined || taken.has(name)) {
      const stem = name ?? layer.kind;
      for (let n = 1; name === undefined || taken.has(name); n++) if (isFree(`${stem}_${n}`)) name = `${stem}_${n}`;
    }
    taken.add(name);
    named.set(layer, { name, layer });
  }
  return list.map((layer) => named.get(layer)!);
}
