// Every row, and which exported names a row tests.
import { elementwiseRows } from './elementwise.ts';
import { contractionRows } from './contraction.ts';
import { indexingRows } from './indexing.ts';
import { fftRows } from './fft.ts';
import { linalgRows } from './linalg.ts';
import { numberRows } from './numbers.ts';
import { imageRows } from './images.ts';
import { normalizationRows } from './normalization.ts';
import { parity } from './parity.ts';
import type { OpRow } from './row.ts';
import { recurrentRows } from './recurrent.ts';
import { scanRows } from './scan.ts';
import { creationRows, kernelRows, reductionRows, shapeRows } from './structure.ts';
import { windowRows } from './windows.ts';

/** The rows by family of ops. */
const families: Readonly<Record<string, readonly OpRow[]>> = {
  elementwise: elementwiseRows,
  reductions: reductionRows,
  shapes: shapeRows,
  kernels: kernelRows,
  creation: creationRows,
  windows: windowRows,
  images: imageRows,
  contraction: contractionRows,
  normalization: normalizationRows,
  scans: scanRows,
  recurrences: recurrentRows,
  numbers: numberRows,
  indexing: indexingRows,
  linalg: linalgRows,
  fft: fftRows,
};

export const opRows: readonly OpRow[] = Object.values(families).flat();

/** Group of a row in the report of the tests. */
export const familyOf = (row: OpRow): string => Object.keys(families).find((name) => families[name].includes(row))!;

/** The exported function a row tests. */
export const functionOf = (row: OpRow): string => row.name.split(' ')[0];

const activations: ReadonlySet<string> = new Set(Object.values(parity.activations).flat());

/** Family of a row in docs/accuracy.md. */
export const goldenFamilyOf = (row: OpRow): string =>
  activations.has(functionOf(row)) ? 'activations' : row.random ? 'random' : 'other ops';
