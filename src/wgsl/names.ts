// Errors of kernel texts: they name the kernel, the wrong name and the known ones.
import { nearestName } from '../core/nearest.ts';

const plurals = { param: 'params', constant: 'constants', alias: 'aliases', block: 'blocks', binding: 'bindings' } as const;

/** Throws an error about a kernel's text. Such errors are mistakes of this library, not of its users. */
export function complain(kernel: string, problem: string): never {
  throw new Error(`kernel '${kernel}': ${problem}`);
}

/** Throws an error that lists the known names and suggests the nearest one. */
export function unknownName(kernel: string, what: keyof typeof plurals, name: string, known: readonly string[]): never {
  const list = known.length > 0 ? `its ${plurals[what]} are ${known.join(', ')}` : `it has no ${plurals[what]}`;
  const nearest = nearestName(name, known);
  complain(kernel, `unknown ${what} '${name}'; ${nearest ? `did you mean '${nearest}'? ` : ''}${list}`);
}
