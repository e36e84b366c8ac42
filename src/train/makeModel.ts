// Models of chains and graphs of layers.
import { type GraphOptions, type HasLayer, type Layer, chain, graph, networkOf } from '../nn/index.ts';
import { Model } from './model.ts';

/**
 * A model of layers in a chain. With an inputShape on the first layer its shapes are checked now, else when data come.
 *
 *     const model = sequential([layers.dense({ units: 128, activation: 'relu', inputShape: [784] }), layers.dense({ units: 10 })]);
 *
 * @throws ArgumentError for an empty list. ShapeError if a layer does not take what the one before it gives.
 */
export const sequential = (layers: readonly (Layer | HasLayer)[]): Model => new Model(networkOf(chain(layers)));

/**
 * A model of symbolic tensors: everything that leads from its inputs to its outputs.
 *
 *     const x = input({ shape: [784] });
 *     const h = layers.dense({ units: 128, activation: 'relu' }).apply(x);
 *     const model = createModel({ inputs: x, outputs: layers.dense({ units: 10 }).apply(h) });
 *
 * @throws ArgumentError for tensors that are not symbolic, an output that no input reaches or that needs another input, and an unused input.
 */
export const createModel = (options: GraphOptions): Model => new Model(networkOf(graph(options)));
