import { expect, test } from 'vitest';
import { complaint } from '../../scripts/checkSubjects.ts';

test.each([
  'nn: let blocks own a variable',
  'nn, train: pass masks to losses',
  'README: embed the figures',
  'ops/conv: process strides first',
  `core: ${'a'.repeat(66)}`,
])('accepts %s', (subject) => expect(complaint(subject)).toBeUndefined());

test.each([
  [`core: ${'a'.repeat(67)}`, 'has 73 characters'],
  ['Let models own their variables', 'does not start with an area'],
  ['nn: added masks', "'added' is not an imperative"],
  ['nn: adding masks', "'adding' is not an imperative"],
  ['nn: adds masks', "'adds' is not an imperative"],
  ['nn: add masks.', 'ends with a full stop'],
])('refuses %s', (subject, text) => expect(complaint(subject)).toContain(text));
