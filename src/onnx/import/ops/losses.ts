// Losses over classes. Scores are [batch, classes, ..axes], labels [batch, ..axes].
import type { Tensor } from '../../../graph/tensor.ts';
import {
  cast,
  clip,
  div,
  equal,
  expandDims,
  gather,
  logSoftmax,
  mul,
  neg,
  squeeze,
  sum,
  takeAlongAxis,
  where,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';

function negativeLogLikelihood(call: Call, logs: Tensor): Tensor {
  const labels = cast(call.tensor(1), 'i32');
  const weights = call.optional(2);
  const ignored = call.int('ignore_index');
  const classes = logs.shape[1];
  const safe = clip(labels, 0, classes - 1);
  const picked = squeeze(takeAlongAxis(logs, expandDims(safe, 1), { axis: 1 }), 1);
  const ofClass = weights ? gather(weights, safe) : where(equal(labels, labels), 1, 0);
  const weight = cast(ignored === undefined ? ofClass : where(equal(labels, ignored), 0, ofClass), logs.dtype);
  const losses = neg(mul(picked, weight));
  const reduction = call.text('reduction', 'mean');
  if (reduction === 'none') return losses;
  if (reduction === 'sum') return sum(losses);
  if (reduction !== 'mean') call.fail(`reduction is '${reduction}'; it must be none, sum or mean`);
  return div(sum(losses), sum(weight));
}

export const lossRules: RuleTable = {
  NegativeLogLikelihoodLoss: (call) => negativeLogLikelihood(call, call.tensor(0)),
  SoftmaxCrossEntropyLoss: (call) => {
    const logs = logSoftmax(call.tensor(0), { axis: 1 });
    return [negativeLogLikelihood(call, logs), logs];
  },
};
