// Runs before each file of GPU tests. Sets guard zones after all ranges that kernels write, and the disguise that the environment requires.
import { type RunnerTask, afterAll, afterEach, beforeAll, inject } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { clampingFlag, debug } from '../../src/runtime/debug.ts';
import { takeGuardReport, zonesCompared } from '../../src/runtime/guardReport.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { disguise } from './disguise.ts';
import { noteGuards } from './findings.ts';

debug.guardBytes = 1024;
debug.dawnFlags = [clampingFlag];

const wanted = { plan: inject('plan'), subgroups: inject('subgroups') };
// The same tests on WebAssembly, on machines without a Vulkan driver. Tests of WebGPU itself skip themselves: see planDevice.ts.
if (wanted.plan === 'wasm') WebGpuRuntime.open = async () => (await WasmRuntime.open()) as unknown as WebGpuRuntime;
// A software adapter needs minutes to build candidates. Tests of the tuner switch tuning on.
if (wanted.plan === 'gpu') debug.tuning = false;
if (wanted.plan === 'gpu' || wanted.subgroups) {
  const isNode = typeof process === 'object' && !!process.versions?.node;
  const specifier = 'webgpu'; // not a literal: the page's bundler must not look for it
  const { globals } = isNode ? ((await import(/* @vite-ignore */ specifier)) as { globals: object }) : { globals: globalThis };
  disguise((globals as { GPU: { prototype: GPU } }).GPU, wanted);
}

// 'auto' would choose WebAssembly on a machine without a GPU.
beforeAll(() => setDevice('webgpu'));

function requireNone(violations: readonly string[]): void {
  if (violations.length > 0) throw new Error(`guard zones:\n${violations.slice(0, 10).join('\n')}`);
}

afterEach(async () => {
  const { checked, violations } = await takeGuardReport();
  if (checked > 0) noteGuards(checked, violations.length);
  requireNone(violations);
});

/** Files whose tests run the library in separate processes. */
const withoutDispatches = /(readme|train-cli)\.test\.ts$/;

/** Whether a test ran that was not skipped. */
const hasRun = (task: RunnerTask): boolean => (task.type === 'suite' ? task.tasks.some(hasRun) : task.result?.state === 'pass');

// Hooks of the file may dispatch after its last test. This hook runs after them.
// eslint-disable-next-line no-empty-pattern -- vitest reads the pattern
afterAll(async ({}, file) => {
  requireNone((await takeGuardReport()).violations);
  if (zonesCompared() > 0 || inject('isFiltered') || withoutDispatches.test(file.name) || !hasRun(file)) return;
  throw new Error('no guard zone was compared in this file: its stores are not checked');
});
