// Before each file of GPU tests: guard zones behind all that kernels write, and the disguise that the environment asks for.
import { afterEach, inject } from 'vitest';
import { clampingFlag, debug } from '../../src/runtime/webgpu/debug.ts';
import { takeGuardReport } from '../../src/runtime/webgpu/guards.ts';
import { disguise } from './disguise.ts';
import { noteGuards } from './findings.ts';

debug.guardBytes = 1024;
debug.dawnFlags = [clampingFlag];

const wanted = { plan: inject('plan'), subgroups: inject('subgroups') };
// Candidates take a software adapter minutes to build. Tests of the tuner ask for it.
if (wanted.plan === 'gpu') debug.tuning = false;
if (wanted.plan === 'gpu' || wanted.subgroups) {
  const isNode = typeof process === 'object' && !!process.versions?.node;
  const specifier = 'webgpu'; // not a literal: the page's bundler must not look for it
  const { globals } = isNode ? ((await import(/* @vite-ignore */ specifier)) as { globals: object }) : { globals: globalThis };
  disguise((globals as { GPU: { prototype: GPU } }).GPU, wanted);
}

afterEach(async () => {
  const { checked, violations } = await takeGuardReport();
  if (checked > 0) noteGuards(checked, violations.length);
  if (violations.length > 0) throw new Error(`stores beyond the end:\n${violations.slice(0, 10).join('\n')}`);
});
