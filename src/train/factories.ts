// The library's factories. This file imports every one: leave it out, and a bundler drops those that are not used.
import { provideNames } from '../core/names.ts';
import type { FactoryTables } from '../core/registry.ts';
import { callbacks } from '../callbacks/index.ts';
import { losses } from '../losses/index.ts';
import { metrics } from '../metrics/index.ts';
import { activations, constraints, initializers, layers, regularizers } from '../nn/index.ts';
import { optimizers, schedules } from '../optim/index.ts';
import { fgsm, pgd } from './attacks.ts';

/** Factories by the kinds that configs have. */
export const factories: FactoryTables = {
  ...{ layers, losses, initializers, regularizers, constraints, optimizers, schedules, metrics, callbacks },
  adversarial: { fgsm, pgd },
};

/** Makes losses, metrics, optimizers and activations known by their names, for `compile({ loss: 'huber' })` and configs. */
export const knowNames = (): void => provideNames({ losses, metrics, optimizers, activations });
