/**
 * `node --import tsx scripts/onnx/launch.ts nodes [folder]` runs the node tests of ONNX on the CPU. Debian's libonnx-testdata has them. It
 * prints how many pass, and why others do not. It writes test/golden/onnxNodes.json, and onnxNodes.bin with the data of a subset.
 */
import { writeFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { setDevice } from '../../src/index.ts';
import { ModelSchema } from '../../src/onnx/format/schema.ts';
import { type NodeCase, readCases, runCase } from './cases.ts';
import { packCases } from './packedCases.ts';

/** Size of the cases that one op type has in the subset, and size of a case. */
const [casesPerOp, maxBytes] = [2, 6000];

const opsOf = ({ model }: NodeCase): string[] => {
  const ops = fromBinary(ModelSchema, model, { readUnknownFields: false }).graph?.node.map(({ opType }) => opType) ?? [];
  return [...new Set(ops)];
};

const sizeOf = ({ model, inputs, outputs }: NodeCase): number =>
  [model, ...inputs, ...outputs].reduce((sum, { length }) => sum + length, 0);

/** A few small cases for each op type. */
function subset(cases: readonly NodeCase[]): NodeCase[] {
  const counts = new Map<string, number>();
  const order = [...cases].sort((a, b) => sizeOf(a) - sizeOf(b));
  const chosen = order.filter((one) => {
    const ops = opsOf(one);
    if (ops.length > 1 && !ops.some((op) => ['If', 'Loop', 'Scan'].includes(op))) return false;
    const isNeeded = ops.some((op) => (counts.get(op) ?? 0) < casesPerOp);
    if (!isNeeded || sizeOf(one) > maxBytes * (ops.some((op) => !counts.has(op)) ? 10 : 1)) return false;
    for (const op of ops) counts.set(op, (counts.get(op) ?? 0) + 1);
    return true;
  });
  return chosen.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function nodeTests(folder = '/usr/share/libonnx-testdata/data/node', isWriting = true): Promise<void> {
  await setDevice('cpu');
  const cases = readCases(folder);
  const passed: NodeCase[] = [];
  const others: Record<string, string[]> = {};
  for (const one of cases) {
    const outcome = await runCase(one);
    if (outcome.passed) passed.push(one);
    else {
      (others[outcome.reason] ??= []).push(one.name.replace(/^test_/, ''));
      if (['refused', 'wrong result'].includes(outcome.reason)) console.log(`${outcome.reason}: ${outcome.message}`);
    }
  }
  console.log(`${passed.length} of ${cases.length} pass`);
  for (const [reason, names] of Object.entries(others)) console.log(`${names.length}: ${reason}`);
  if (!isWriting) return;
  const kept = subset(passed);
  const packed = packCases(kept);
  const golden = { source: 'ONNX 1.12 backend node tests', passed: passed.length, all: cases.length, notPassed: others };
  writeFileSync('test/golden/onnxNodes.json', `${JSON.stringify(golden, undefined, 1)}\n`);
  writeFileSync('test/golden/onnxNodes.bin', packed);
  console.log(`${kept.length} cases in the subset, ${packed.length} bytes`);
}
