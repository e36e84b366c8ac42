// Errors of losses that are called directly. Errors of model.fit before that are in badInput.test.ts.
import { describe, expect, test } from 'vitest';
import { ArgumentError, ShapeError } from '../../src/core/errors.ts';
import { type Loss, outputLosses } from '../../src/losses/index.ts';
import { tensor } from '../../src/ops/index.ts';
import { noTensors } from '../tables/errors.ts';

const names = Object.keys(outputLosses) as (keyof typeof outputLosses)[];
const x = tensor([[0.2, 0.8], [0.5, 0.5]]); // prettier-ignore

describe.each(names)('%s', (name) => {
  const loss: Loss = outputLosses[name]();

  test.each(noTensors.map(([value, shown]) => [shown, value] as const))('%s in the place of a tensor', (shown, value) => {
    for (const [role, call] of [
      ['targets', () => loss(value as never, x)],
      ['predictions', () => loss(x, value as never)],
      ['sampleWeight', () => loss(x, x, value as never)],
    ] as const) {
      // A weight may be left out.
      if (role === 'sampleWeight' && value === undefined) continue;
      expect(call).toThrow(ArgumentError);
      expect(call).toThrow(`${name}: ${role} is ${shown}; it must be a tensor: `);
    }
  });

  test('shapes that do not fit, options that do not exist', () => {
    expect(() => loss(tensor([1, 0, 1, 0, 1]), x)).toThrow(ShapeError);
    expect(() => loss(tensor([1, 0, 1, 0, 1]), x)).toThrow(`${name}: targets [5] do not fit predictions [2,2]`);
    expect(() => outputLosses[name]({ other: 1 } as never)).toThrow(`losses.${name}: unknown option 'other'; it takes `);
    expect(() => outputLosses[name]({ reduction: 'batch' } as never)).toThrow(
      `losses.${name}: reduction is 'batch'; it must be 'mean', 'sum', 'none' or 'meanWithSampleWeight'`,
    );
    expect(() => outputLosses[name](1 as never)).toThrow(`losses.${name}: options come as one object, such as losses.${name}({ `);
  });
});
