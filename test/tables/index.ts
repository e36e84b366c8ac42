// Every row, and which exported names a row tests.
import { elementwiseRows } from './elementwise.ts';
import { contractionRows } from './contraction.ts';
import { normalizationRows } from './normalization.ts';
import type { OpRow } from './row.ts';
import { scanRows } from './scan.ts';
import { creationRows, kernelRows, reductionRows, shapeRows } from './structure.ts';
import { windowRows } from './windows.ts';

export const opRows: readonly OpRow[] = [
  ...elementwiseRows,
  ...reductionRows,
  ...shapeRows,
  ...kernelRows,
  ...creationRows,
  ...windowRows,
  ...contractionRows,
  ...normalizationRows,
  ...scanRows,
];

/** The exported function a row tests. */
export const functionOf = (row: OpRow): string => row.name.split(' ')[0];
