// Makes every loss, metric and optimizer known by its name, for `compile({ loss: 'huber' })`. A program that imports this file contains all of
// them.
import { provideNames } from '../core/names.ts';
import { losses } from '../losses/index.ts';
import { metrics } from '../metrics/index.ts';
import { optimizers } from '../optim/index.ts';

provideNames({ losses, metrics, optimizers });
