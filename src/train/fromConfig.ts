// Objects from their configs. This file reaches every factory: leave it out, and a bundler drops those that are not used.
import type { Config } from '../core/config.ts';
import { type ConfigMakers, makeFromConfig } from '../core/registry.ts';
import {
  type Layer,
  chainFromConfig,
  formedFromConfig,
  graphFromConfig,
  networkOf,
  reverseFromConfig,
  sharedFromConfig,
} from '../nn/index.ts';
import { factories, knowNames } from './factories.ts';
import { Model } from './model.ts';

/** Makers for one config: layers that occur several times in it are made once. */
function networkMakers(): ConfigMakers {
  const made = new Map<number, Layer>();
  return {
    sequential: (options, make) => new Model(networkOf(chainFromConfig(options, make))),
    createModel: (options, make) => new Model(networkOf(graphFromConfig(options, make))),
    reverseEmbedding: reverseFromConfig,
    formed: formedFromConfig,
    shared: (options, make) => sharedFromConfig(options, made, make),
  };
}

/**
 * Makes what a config describes: the reverse of `.config` of models, layers, losses, optimizers, schedules, metrics, initializers and callbacks.
 * Kinds are those of the library, and those given to `register`. A layer gets new weights.
 *
 *     const config = JSON.stringify(layers.dense({ units: 8 }).config);
 *     const layer = fromConfig<Layer>(JSON.parse(config));
 *
 * @throws ArgumentError for data that are no config, an unknown kind, or options that the factory refuses.
 */
export function fromConfig<Made = unknown>(config: Config): Made {
  // Configs hold names of activations, and the options of compile() names of losses.
  knowNames();
  return makeFromConfig(config, factories, networkMakers()) as Made;
}
