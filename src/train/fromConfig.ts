// The library's factories by kind, for configs. This file imports every factory: leave it out, and a bundler drops those that are not used.
import type { Config } from '../core/config.ts';
import { type ConfigMakers, type FactoryTables, makeFromConfig } from '../core/registry.ts';
import { callbacks } from '../callbacks/index.ts';
import { losses } from '../losses/index.ts';
import { metrics } from '../metrics/index.ts';
import {
  type Layer,
  chainFromConfig,
  constraints,
  formedFromConfig,
  graphFromConfig,
  initializers,
  layers,
  networkOf,
  regularizers,
  reverseFromConfig,
  sharedFromConfig,
} from '../nn/index.ts';
import { optimizers, schedules } from '../optim/index.ts';
import { fgsm, pgd } from './attacks.ts';
import { Model } from './model.ts';

const tables: FactoryTables = {
  ...{ layers, losses, initializers, regularizers, constraints, optimizers, schedules, metrics, callbacks },
  adversarial: { fgsm, pgd },
};

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
export const fromConfig = <Made = unknown>(config: Config): Made => makeFromConfig(config, tables, networkMakers()) as Made;
