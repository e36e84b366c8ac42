// Reports of a custom training step: its loss, its logs, and the metrics of compile() if it returns outputs.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { repeatedName } from '../core/names.ts';
import { formatShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import type { NetworkResult } from '../nn/index.ts';
import type { Supervision } from './batchLoss.ts';
import type { Objectives } from './objectives.ts';
import { type Totals, addMean, addMetrics } from './totals.ts';
import type { StepResult } from './trainStep.ts';

/** @throws ArgumentError or ShapeError for a result of another form. */
export function checkResult(result: unknown): StepResult {
  const { loss, logs = {} } = (result ?? {}) as Partial<StepResult>;
  if (!(loss instanceof Tensor)) {
    throw new ArgumentError('trainStep: the step must return { loss }, with a scalar tensor as loss, and may add outputs and logs');
  }
  for (const [name, value] of Object.entries({ loss, ...logs })) {
    if (value instanceof Tensor && value.rank === 0) continue;
    const got = (value as unknown) instanceof Tensor ? `a tensor ${formatShape(value.shape)}` : typeof value;
    throw new ShapeError(`trainStep: ${name} is ${got}; it must be a scalar tensor: reduce it with mean() or sum()`);
  }
  return result as StepResult;
}

/**
 * The objectives that such a step reports: its logs after `loss`, then metrics.
 * @throws ArgumentError for two values of one name.
 */
export function reportedObjectives(objectives: Objectives, { logs = {}, outputs }: StepResult): Objectives {
  const reported = outputs === undefined ? [] : objectives.outputs;
  const logNames = Object.keys(logs);
  const names = ['loss', ...logNames, ...reported.flatMap(({ metrics }) => metrics.map(({ name }) => name))];
  const twice = repeatedName(names);
  if (twice !== undefined) {
    throw new ArgumentError(`trainStep: two values would be called '${twice}' in the logs; give the entry of logs another name`);
  }
  return { outputs: reported, joint: undefined, parts: [], logs: logNames, names };
}

/** Adds the report of a batch to the sums. */
export function addReport(
  objectives: Objectives,
  totals: Totals,
  { loss, logs = {} }: StepResult,
  result: NetworkResult,
  batch: Supervision,
  size: number,
): Totals {
  return withScope('metrics', () => ({
    losses: [loss, ...objectives.logs.map((name) => logs[name])].map((value, i) => addMean(totals.losses[i], value, size)),
    metrics: addMetrics(objectives, totals, result, batch),
  }));
}
