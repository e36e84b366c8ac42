// The node tests of ONNX that the importer passes, on the CPU: a subset with its data, and the count of all. scripts/onnx/launch.ts nodes makes both.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runCase } from '../../scripts/onnx/cases.ts';
import { unpackCases } from '../../scripts/onnx/packedCases.ts';
import { setDevice } from '../../src/index.ts';
import golden from '../golden/onnxNodes.json';

const cases = unpackCases(readFileSync(new URL('../golden/onnxNodes.bin', import.meta.url)));

describe('ONNX node tests', () => {
  test('the count of all node tests is complete, and each failure has a reason', () => {
    const others = Object.values(golden.notPassed).flat();
    expect(golden.passed + others.length).toBe(golden.all);
    expect(golden.passed).toBeGreaterThanOrEqual(854);
    expect(Object.keys(golden.notPassed)).not.toContain('refused');
    expect(Object.keys(golden.notPassed)).not.toContain('wrong result');
    const reasons = Object.entries(golden.notPassed).map(([reason, names]) => `${names.length} ${reason}`);
    console.log(`ONNX node tests: ${golden.passed} of ${golden.all} pass; out of scope: ${reasons.join('; ')}`);
  });

  test('the subset has cases', () => expect(cases.length).toBeGreaterThan(250));

  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    await setDevice('cpu');
    const outcome = await runCase(one);
    expect(outcome.passed ? '' : outcome.message).toBe('');
  });
});
