// Scans on the GPU: each line is scanned at once, or cut into chunks whose totals are scanned first. The same two kernels serve every
// level.
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { KernelDispatch, KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import scanSource from '../../../shaders/scan.wgsl?raw';
import headSource from '../../../shaders/scanHead.wgsl?raw';
import totalsSource from '../../../shaders/scanTotals.wgsl?raw';
import { type FilledKernel, type KernelFile, computeType, fillKernel, storageType } from '../../wgsl/index.ts';

const scanKernel: KernelFile = { name: 'scan', text: `${headSource}\n${scanSource}` };
const totalsKernel: KernelFile = { name: 'scanTotals', text: `${headSource}\n${totalsSource}` };

/** Step of the state: state + b, state * a, or a * state + b. The numbers are the kernels' codes. */
export const scanModes = { sum: 0, product: 1, recurrence: 2 } as const;
export type ScanMode = keyof typeof scanModes;

export interface ScanAttributes {
  readonly axis: number;
  /** Whether to scan from the last item to the first. */
  readonly reverse: boolean;
  /** Whether to return the state before each step instead of after it. */
  readonly exclusive: boolean;
  /** For recurrences: whether a step uses the a of the previous step. */
  readonly lagged: boolean;
}

/** A tensor split at the scanned axis: [outer, length, inner]. */
export interface ScanGeometry {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

export const scanGeometry = (shape: Shape, axis: number): ScanGeometry => ({
  outer: sizeOf(shape.slice(0, axis)),
  length: shape[axis],
  inner: sizeOf(shape.slice(axis + 1)),
});

/**
 * Items per invocation. A GPU needs many short chunks unless there are many lines; a CPU-implemented device needs at most thousands of
 * invocations.
 */
function chunkOf({ outer, length, inner }: ScanGeometry, { processor }: Target): number {
  const lines = outer * inner;
  if (processor === 'gpu') return lines >= 65536 || length <= 128 ? length : 32;
  return lines >= 1024 || length <= 512 ? length : Math.max(256, Math.ceil((lines * length) / 4096));
}

/** Chunks per invocation of a CPU-implemented device, so that a short line does not cost a whole invocation. */
const chunksPerInvocation = (chunks: number, chunk: number, { processor }: Target): number =>
  processor === 'gpu' ? 1 : Math.ceil(Math.max(64, (chunks * chunk) / 4096) / chunk);

/** Products of integers wrap around. */
const wrappingProduct = `alias Product = Value;
fn one() -> Product { return Value(1); }
fn times(p: Product, q: Product) -> Product { return p * q; }
fn valueOf(p: Product) -> Value { return p; }
fn firstWord(p: Product) -> Value { return p; }
fn secondWord(p: Product) -> Value { return p; }
fn fromWords(first: Value, second: Value) -> Product { return first; }
fn factorAt(at: u32) -> Product { return Value(a[at]); }`;

interface Level {
  readonly geometry: ScanGeometry;
  readonly mode: ScanMode;
  readonly reverse: boolean;
  readonly exclusive: boolean;
  readonly lagged: boolean;
  /** Whether the level below stores products of floats in two words each. */
  readonly packed: boolean;
  readonly source: { readonly element: string; readonly a: Operand; readonly b: Operand };
  readonly result: Operand;
}

/** The scan of inputs [a, b] into output 0. Modes with one input get it twice. */
export function planScan(
  type: TensorType,
  mode: ScanMode,
  operands: { readonly a: Operand; readonly b: Operand },
  { axis, reverse, exclusive, lagged }: ScanAttributes,
  target: Target,
): KernelPlan {
  const temporaries: TensorType[] = [];
  const value = computeType(type.dtype);
  const temporary = (shape: Shape): Operand => ({ kind: 'temporary', index: temporaries.push({ shape, dtype: value }) - 1 });

  function scan(level: Level): KernelDispatch[] {
    const { geometry, source, result } = level;
    const { outer, length, inner } = geometry;
    const chunk = chunkOf(geometry, target);
    const chunks = Math.ceil(length / chunk);
    const size = outer * chunks * inner;
    const run = chunksPerInvocation(size, chunk, target);
    const workgroups = gridOf(Math.ceil(size / (run * 64)), target);
    // Read only if there are chunks; otherwise any buffer may be bound.
    const pairs = level.mode === 'product' && value === 'f32';
    const carry = chunks > 1 ? temporary([pairs ? 2 : 1, outer, chunks, inner]) : source.b;
    const fill = (kernel: KernelFile): FilledKernel =>
      fillKernel(kernel, {
        aliases: { Element: source.element, Value: value },
        blocks: value === 'f32' ? {} : { product: wrappingProduct },
        params: {
          ...{ size, run, length, inner, chunk, chunks, mode: scanModes[level.mode] },
          ...{ lagged: level.lagged, reverse: level.reverse, exclusive: level.exclusive },
          ...{ initial: level.mode === 'product', carried: chunks > 1, total: outer * length * inner, pairs, packed: level.packed },
        },
      });
    const dispatches: KernelDispatch[] = [];
    if (chunks > 1) {
      const shape = [outer, chunks, inner];
      const a = temporary(level.mode === 'sum' ? [1] : shape);
      const b = temporary(level.mode === 'product' && !pairs ? [1] : shape);
      dispatches.push({
        name: 'scan_totals',
        ...fill(totalsKernel),
        operands: [source.a, source.b, a, b],
        workgroups,
      });
      const above = {
        geometry: { outer, length: chunks, inner },
        mode: level.mode,
        reverse: false,
        exclusive: true,
        lagged: false,
        packed: pairs,
      };
      dispatches.push(...scan({ ...above, source: { element: value, a, b }, result: carry }));
    }
    dispatches.push({
      name: 'scan',
      ...fill(scanKernel),
      operands: [source.a, source.b, carry, result],
      workgroups,
    });
    return dispatches;
  }

  const dispatches = scan({
    geometry: scanGeometry(type.shape, axis),
    mode,
    reverse,
    exclusive,
    lagged,
    packed: false,
    source: { element: storageType(type.dtype), ...operands },
    result: { kind: 'output', index: 0 },
  });
  return { dispatches, temporaries };
}
