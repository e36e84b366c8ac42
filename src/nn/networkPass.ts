// Forward passes of a network, or of layers inside it. A training step runs several and changes the variables between them.
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { castFloats } from './castFloats.ts';
import type { Decoding } from './decoding.ts';
import { ForwardPass, type Layer, type LayerObserver, type Variables } from './layer.ts';
import { type LayerTrees, type Network, type NetworkResult, type NetworkVariables, treesOf } from './network.ts';
import type { Tensors } from './spec.ts';

export class NetworkPass {
  private readonly network: Network;
  private readonly inF16: boolean;
  private readonly values: Map<Layer, Variables>;

  /** @param inF16 computes in f16; the outputs are f32 again */
  constructor(network: Network, { parameters, state }: NetworkVariables, inF16 = false) {
    this.network = network;
    this.inF16 = inF16;
    this.values = new Map(network.owners.map(({ name, layer }) => [layer, { parameters: parameters[name], state: state[name] }]));
  }

  /** Outputs of the network. Its new state is the state of later runs. */
  run(x: Tensors, training: boolean, decoding?: Decoding, observe?: LayerObserver): NetworkResult {
    const { root, path } = this.network;
    return this.apply(root, path, x, training, decoding, observe);
  }

  /** Outputs of a layer at a path inside the network. */
  runLayer(layer: Layer, path: string, x: Tensors, training: boolean): NetworkResult {
    return building(`layer '${path}'`, () => withScope(path, () => this.apply(layer, path, x, training)));
  }

  private apply(layer: Layer, path: string, x: Tensors, training: boolean, decoding?: Decoding, observe?: LayerObserver): NetworkResult {
    const pass = new ForwardPass(training, this.values, [], this.inF16, decoding, undefined, undefined, observe);
    const { outputs: found, mask } = layer.run(pass, x, undefined, path);
    const outputs = this.inF16 ? castFloats(found, 'f32') : found;
    return { outputs, state: this.variables().state, mask, losses: pass.losses };
  }

  /** The variables as they are now. */
  variables(): NetworkVariables {
    return treesOf(this.network.owners, (layer) => this.values.get(layer)!);
  }

  /** Replaces the parameters of some layers, by path. */
  setParameters(parameters: LayerTrees): void {
    for (const { name, layer } of this.network.owners) {
      if (name in parameters) this.values.set(layer, { parameters: parameters[name], state: this.values.get(layer)!.state });
    }
  }

  /** Runs fn with other parameters. State that fn changes stays changed. */
  withParameters<T>(parameters: LayerTrees, fn: () => T): T {
    const { parameters: before } = this.variables();
    this.setParameters(parameters);
    try {
      return fn();
    } finally {
      this.setParameters(before);
    }
  }
}
