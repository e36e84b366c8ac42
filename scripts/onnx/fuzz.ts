/**
 * `node --import tsx scripts/onnx/launch.ts fuzz 100000` reads that many damaged files with the importer. Each must be refused by a FormatError,
 * or be read; a model that is read is run, which may throw errors of the library only.
 */
import fc from 'fast-check';
import { FormatError, OmbreError, type Tensor, setDevice, zeros } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';

/** Changes of a file: bytes that are replaced, removed or inserted, and a cut of its end. */
const changes = fc.record({
  file: fc.nat(),
  edits: fc.array(fc.record({ at: fc.nat(), kind: fc.constantFrom('set', 'flip', 'drop', 'insert', 'copy'), byte: fc.nat(255) }), {
    maxLength: 4,
  }),
  cut: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat() }),
});

type Change = typeof changes extends fc.Arbitrary<infer T> ? T : never;

function damaged(files: readonly Uint8Array[], { file, edits, cut }: Change): Uint8Array {
  let bytes = [...files[file % files.length]];
  for (const { at, kind, byte } of edits) {
    const i = at % Math.max(1, bytes.length);
    if (kind === 'set') bytes[i] = byte;
    else if (kind === 'flip') bytes[i] ^= 1 << (byte % 8);
    else if (kind === 'drop') bytes.splice(i, 1 + (byte % 8));
    else if (kind === 'insert') bytes.splice(i, 0, ...new Array<number>(1 + (byte % 4)).fill(byte));
    else bytes.splice(i, 0, ...bytes.slice(i, i + byte));
  }
  if (cut !== null) bytes = bytes.slice(0, cut % Math.max(1, bytes.length));
  return Uint8Array.from(bytes);
}

export interface FuzzCounts {
  refused: number;
  read: number;
  run: number;
}

/** Inputs of zeros in the shapes that a model declares; undefined if they would be large. */
function inputsFor(model: ReturnType<typeof importOnnx>): Record<string, Tensor> | undefined {
  const entries = model.inputs.map(
    ({ name, shape, dtype }) => [name, (shape ?? []).map((n) => (typeof n === 'number' ? n : 2)), dtype ?? 'f32'] as const,
  );
  if (entries.some(([, shape]) => shape.reduce((a, b) => a * b, 1) > 10_000)) return undefined;
  return Object.fromEntries(entries.map(([name, shape, dtype]) => [name, zeros(shape, dtype)]));
}

/** @throws an error of fast-check with the smallest file that breaks the rule. */
export function fuzzImport(files: readonly Uint8Array[], runs: number, seed: number): FuzzCounts {
  const counts: FuzzCounts = { refused: 0, read: 0, run: 0 };
  fc.assert(
    fc.property(changes, (change) => {
      const bytes = damaged(files, change);
      let model: ReturnType<typeof importOnnx>;
      try {
        model = importOnnx(bytes, { name: 'damaged.onnx' });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        if (!error.message.startsWith('damaged.onnx: ')) throw new Error(`no file is named: ${error.message}`, { cause: error });
        counts.refused++;
        return;
      }
      counts.read++;
      const inputs = inputsFor(model);
      if (!inputs) return;
      try {
        model.run(inputs);
        counts.run++;
      } catch (error) {
        if (!(error instanceof OmbreError)) throw error;
      }
    }),
    { numRuns: runs, seed },
  );
  return counts;
}

export async function fuzz(files: readonly Uint8Array[], runs: number): Promise<void> {
  await setDevice('cpu');
  const { refused, read, run } = fuzzImport(files, runs, 1);
  console.log(`${runs} damaged files: ${refused} refused, ${read} read, ${run} of them run`);
}
