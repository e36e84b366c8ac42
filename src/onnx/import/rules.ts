// Every op type that is read, from the tables of the kinds of ops.
import type { Rule, RuleTable } from './call.ts';
import { activationRules } from './ops/activations.ts';
import { contractionRules } from './ops/contraction.ts';
import { controlRules } from './ops/control.ts';
import { convolutionRules } from './ops/convolution.ts';
import { createRules } from './ops/create.ts';
import { dynamicRules } from './ops/dynamic.ts';
import { elementwiseRules } from './ops/elementwise.ts';
import { indexingRules } from './ops/indexing.ts';
import { lossRules } from './ops/losses.ts';
import { normalizationRules } from './ops/normalization.ts';
import { poolingRules } from './ops/pooling.ts';
import { quantizationRules } from './ops/quantization.ts';
import { recurrentRules } from './ops/recurrent.ts';
import { reduceRules } from './ops/reduce.ts';
import { resizeRules } from './ops/resize.ts';
import { shapeRules } from './ops/shape.ts';
import { signalRules } from './ops/signal.ts';
import { windowRules } from './ops/windows.ts';

const tables: readonly RuleTable[] = [
  ...[activationRules, contractionRules, controlRules, convolutionRules, createRules, dynamicRules, elementwiseRules, indexingRules],
  ...[
    lossRules,
    normalizationRules,
    poolingRules,
    quantizationRules,
    recurrentRules,
    reduceRules,
    resizeRules,
    shapeRules,
    signalRules,
    windowRules,
  ],
];

/** Rules by op type. */
export const importRules: ReadonlyMap<string, Rule> = new Map(
  tables.flatMap((table) =>
    Object.entries(table).map(([op, rule]): [string, Rule] => [op, typeof rule === 'function' ? { run: rule } : rule]),
  ),
);
