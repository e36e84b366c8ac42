// Checks of option values that optimizers and schedules share.
import { ArgumentError } from '../core/errors.ts';

const rules = {
  'above 0': (x: number) => x > 0,
  'at least 0': (x: number) => x >= 0,
  'in 0..1, without 1': (x: number) => x >= 0 && x < 1,
  'in 0..1': (x: number) => x >= 0 && x <= 1,
  'a whole number above 0': (x: number) => Number.isInteger(x) && x > 0,
  'a whole number of at least 0': (x: number) => Number.isInteger(x) && x >= 0,
} as const;

/**
 * Gives the number back when it keeps the rule.
 * @throws ArgumentError naming the option, the value and the rule.
 */
export function checkNumber(where: string, option: string, value: unknown, rule: keyof typeof rules): number {
  if (typeof value === 'number' && Number.isFinite(value) && rules[rule](value)) return value;
  const shown = typeof value === 'string' ? `'${value}'` : String(value);
  throw new ArgumentError(`${where}: ${option} is ${shown}; it must be ${rule.startsWith('a ') ? rule : `a number ${rule}`}`);
}
