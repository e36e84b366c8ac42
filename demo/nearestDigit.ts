// A custom metric of the page. For a regression, Keras's 'accuracy' compares outputs with 0.5, which is no measure for ten digits.
import { type Metric, type Tensor, abs, add, cast, div, less, reshape, scalar, sub, sum } from 'ombre';

/** The share of images whose digit is the nearest whole number to the output. */
export const nearestDigit: Metric<{ right: Tensor; count: Tensor }> = {
  name: 'accuracy',
  init: () => ({ right: scalar(0), count: scalar(0) }),
  update({ right, count }, targets, predictions) {
    const distance = abs(sub(reshape(predictions, [-1]), reshape(cast(targets, 'f32'), [-1])));
    return { right: add(right, sum(cast(less(distance, 0.5), 'f32'))), count: add(count, targets.size) };
  },
  result: ({ right, count }) => div(right, count),
};
