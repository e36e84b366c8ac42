// Every op that has a form in ONNX, from the tables of the kinds of ops.
import type { ExportTable } from './call.ts';
import { contractionRules } from './rules/contraction.ts';
import { convolutionRules } from './rules/convolution.ts';
import { elementwiseRules } from './rules/elementwise.ts';
import { indexingRules } from './rules/indexing.ts';
import { type Recurrences, recurrentRules } from './rules/recurrent.ts';
import { resizeRules } from './rules/resize.ts';
import { structureRules } from './rules/structure.ts';

const tables = {
  ...contractionRules,
  ...convolutionRules,
  ...elementwiseRules,
  ...indexingRules,
  ...resizeRules,
  ...structureRules,
} satisfies ExportTable;

/** Rules by the name of the library's op. */
export const exportRules = (recurrences: Recurrences): ReadonlyMap<string, ExportTable[string]> =>
  new Map(Object.entries({ ...tables, ...recurrentRules(recurrences, structureRules.slice) }));

/** Names of the library's ops that are written. */
export const exportedOps: readonly string[] = [...Object.keys(tables), 'recurrence', 'broadcastTo', 'constant', 'placeholder'].sort();

/** Reasons why the other ops have no form in ONNX. */
export const unwritten: Readonly<Record<string, string>> = {
  bitsToUniform: 'random numbers of this library are no random numbers of ONNX; draw them outside and pass them as an input',
  randomBits: 'random numbers of this library are no random numbers of ONNX; draw them outside and pass them as an input',
};
