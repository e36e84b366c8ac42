// Names of the parity list that the library exports, each with a test that proves it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as library from '../../src/index.ts';
import * as activations from '../../src/nn/activations.ts';
import { deliveredAs, parity } from '../tables/parity.ts';
import { declarations } from './declarations.ts';
import { calledIn, provenBy } from './provenBy.ts';

export interface ParityName {
  readonly family: string;
  readonly name: string;
  readonly isDelivered: boolean;
  readonly tests: readonly string[];
}

const tests = fileURLToPath(new URL('../', import.meta.url));

/** Whether the library has a name, by the declaration of its factory if it is one. */
function isDelivered(family: string, name: string): boolean {
  if (declarations.has(`${family}.${name}`)) return name in (library as unknown as Record<string, object>)[family];
  if (family === 'activations') return name in activations || name in library;
  if (family === 'functions') return name in library;
  return family === 'random' && name in library.random;
}

/** Functions and activations are called without a family. */
const testsOf = (family: string, name: string): string[] =>
  family === 'functions' || family === 'activations' ? calledIn(name) : provenBy(`${family}.${name}`);

/** Every name of the list. */
export const parityNames: readonly ParityName[] = [
  ...Object.entries(parity).flatMap(([family, groups]) =>
    Object.values(groups)
      .flat()
      .map((name) => ({ family, name, isDelivered: isDelivered(family, name), tests: testsOf(family, name) })),
  ),
  ...Object.entries(deliveredAs).map(([path, { test }]) => {
    const [family, name] = path.split('.');
    return { family, name, isDelivered: existsSync(tests + test), tests: [test] };
  }),
];
