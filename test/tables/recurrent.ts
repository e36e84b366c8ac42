// Rows of recurrences, and their bad input.
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, input } from './errorRow.ts';
import { type OpRow, f, row, w } from './row.ts';

const near = { gpu: { ulp: 8, absolute: 4e-6 } } as const;
const kernel = (gates: number, units = 3) => f([units, gates * units], -1, 1);

/** Everything that a recurrence takes. */
const all =
  (cell: o.CellName, more: Partial<o.RecurrenceOptions> = {}) =>
  (x: Tensor, u: Tensor, initialState: Tensor, mask: Tensor, recurrentScale: Tensor, recurrentBias: Tensor): Tensor =>
    o.recurrence(x, u, { cell, initialState, mask, recurrentScale, ...(cell === 'gru' && { recurrentBias }), ...more });
const others = (states: number) => [f([2, states, 3]), w([2, 4], -1, 2), f([2, 3], 0, 2), f([3])];

export const recurrentRows: readonly OpRow[] = [
  row('recurrence', [f([2, 4, 3]), kernel(1)], (x, u) => o.recurrence(x, u), near),
  row('recurrence lstm', [f([2, 4, 12]), kernel(4)], (x, u) => o.recurrence(x, u, { cell: 'lstm' }), near),
  row('recurrence gru', [f([2, 4, 9]), kernel(3)], (x, u) => o.recurrence(x, u, { cell: 'gru' }), near),
  row('recurrence simple all', [f([2, 4, 3]), kernel(1), ...others(1)], all('simple'), near),
  row('recurrence lstm all', [f([2, 4, 12]), kernel(4), ...others(2)], all('lstm'), near),
  row('recurrence gru all', [f([2, 4, 9]), kernel(3), ...others(1)], all('gru'), near),
  row('recurrence relu', [f([2, 4, 3]), kernel(1)], (x, u) => o.recurrence(x, u, { activation: 'relu' }), near),
  row('recurrence linear', [f([1, 3, 2]), kernel(1, 2)], (x, u) => o.recurrence(x, u, { activation: 'linear' }), near),
  row(
    'recurrence lstm hardSigmoid',
    [f([2, 3, 8]), kernel(4, 2)],
    (x, u) => o.recurrence(x, u, { cell: 'lstm', recurrentActivation: 'hardSigmoid' }),
    near,
  ),
  row('recurrence no steps', [f([2, 0, 3]), kernel(1)], (x, u) => o.recurrence(x, u), near),
];

const x = input([2, 5, 8]);
const u = input([2, 8]);

export const recurrentErrors: readonly ErrorRow[] = [
  bad('recurrence', 'rank', () => o.recurrence(input([5, 8]), u, { cell: 'lstm' }), "x is [5,8], recurrentKernel is [2,8]; 'lstm' takes x [batch, time, 4 units] and recurrentKernel [units, 4 units]"), // prettier-ignore
  bad('recurrence', 'size', () => o.recurrence(x, u, { cell: 'gru' }), "x is [2,5,8], recurrentKernel is [2,8]; 'gru' takes x [batch, time, 3 units]"), // prettier-ignore
  bad('recurrence', 'size', () => o.recurrence(x, input([2, 2])), "x is [2,5,8], recurrentKernel is [2,2]; 'simple' takes x [batch, time, 1 units]"), // prettier-ignore
  bad('recurrence', 'size', () => o.recurrence(x, u, { cell: 'lstm', mask: input([5]) }), 'mask is [5]; it must be [batch, time] = [2,5]'),
  bad('recurrence', 'size', () => o.recurrence(x, u, { cell: 'lstm', initialState: input([2, 2]) }), 'initialState is [2,2]; it must be [batch, states, units] = [2,2,2]'), // prettier-ignore
  bad('recurrence', 'size', () => o.recurrence(x, u, { cell: 'lstm', recurrentScale: input([2]) }), 'recurrentScale is [2]; it must be [batch, units] = [2,2]'), // prettier-ignore
  bad('recurrence', 'size', () => o.recurrence(x, u, { cell: 'lstm', recurrentBias: input([8]) }), 'recurrentBias is [8]; it must be [units] = [2]'), // prettier-ignore
  bad('recurrence', 'option', () => o.recurrence(x, u, { cell: 'lst' as never }), 'cell is the text "lst"; it must be one of simple, lstm, gru; did you mean \'lstm\'?'), // prettier-ignore
  bad('recurrence', 'option', () => o.recurrence(x, u, { activation: 'tan' as never }), 'activation is the text "tan"; it must be one of linear, tanh, sigmoid, relu, hardSigmoid'), // prettier-ignore
  bad('recurrence', 'option', () => o.recurrence(x, u, { recurrentActivation: 1 as never }), 'recurrentActivation is the number 1; it must be one of linear'), // prettier-ignore
];
