/** Every stage of the tests, and the sets of stages that commands name. */
import type { Need } from '../setup.ts';

export interface Stage {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  /** Tool without which the stage cannot run. */
  readonly needs?: Need;
  readonly env?: Readonly<Record<string, string>>;
  /** Name of its column in the report. Only stages that compute have one. */
  readonly stack?: string;
}

/** A set of stages under one name: `npm run test:NAME`. */
export interface StageSet {
  readonly stages: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A stack that is not on this machine is reported and is not a failure: the set contains all that exist. */
  readonly takesWhatIsThere?: boolean;
}

/** Kernels and tiles for GPUs, on disguised software adapters. See test/support/disguise.ts. */
const asGpu = { OMBRE_PLAN: 'gpu' };

const vitest = (project: string, ...filters: string[]): readonly string[][] => [['vitest', 'run', '--project', project, ...filters]];

/** The WebAssembly runtime in the place of WebGPU. It needs no driver. */
const onWasm = { OMBRE_PLAN: 'wasm' };

/** On another driver only the GPU tests run. The terminal trainer and the scripts of the README do not depend on the driver. */
const gpuOnly = ['--exclude', 'test/node/**'];

/**
 * Whole trainings with the kernels for GPUs take minutes on a software adapter: MNIST, the README's scripts, the terminal trainer. Only
 * `full` has them.
 */
const withoutTrainings = ['--exclude', 'test/gpu/mnist.test.ts', '--exclude', 'test/node/**'];

/** GPU tests in a disguised page: the kernels, the fuzzer and a whole training. Node runs all of them. */
const inBrowserToo = ['kernels', 'rows', 'reductions', 'scan', 'windows', 'fuzz', 'fit', 'guards'].map(
  (name) => `test/gpu/${name}.test.ts`,
);

/**
 * Every size of subgroups, and none. An adapter has one size, so the others are reported as missing. Only kernels for CPU-implemented
 * adapters use subgroups, so software adapters run those.
 */
const subgroupStages: readonly (readonly Stage[])[] = (['llvmpipe', 'swiftshader', 'hardware'] as const).flatMap((needs) =>
  ['none', '4', '8', '32'].map((size): Stage[] => {
    const env = { OMBRE_SUBGROUPS: size, ...(needs === 'hardware' && { OMBRE_PLAN: 'both' }) };
    const commands = vitest(
      'node-gpu',
      ...['kernels', 'productVariants', 'productSizes', 'fit', 'fuzz'].map((name) => `test/gpu/${name}.test.ts`),
    );
    return [{ name: `${needs}-subgroups-${size}`, stack: `${needs}, subgroups ${size}`, needs, env, commands }];
  }),
);

/**
 * Stages of one group run at the same time: each uses about one core. The software GPUs use every core, so their stages run one at a time.
 * The build comes first, because the others may read dist.
 */
export const stageGroups: readonly (readonly Stage[])[] = [
  [
    { name: 'unit', stack: 'CPU', commands: vitest('unit') },
    { name: 'build', commands: [['npm', 'run', '--silent', 'build']] },
  ],
  [
    { name: 'typecheck', commands: [['tsc', '--noEmit']] },
    { name: 'reference', commands: [['node', '--import', 'tsx', 'scripts/apiReference.ts']] },
    {
      name: 'lint',
      commands: [
        ['eslint', '.', '--max-warnings', '0'],
        ['prettier', '--check', '--log-level', 'warn', '.'],
      ],
    },
  ],
  [{ name: 'browser', stack: 'Chromium', needs: 'browser', commands: vitest('browser') }],
  [{ name: 'wasm', stack: 'Node/WebAssembly', env: onWasm, commands: vitest('node-gpu', ...withoutTrainings) }],
  [{ name: 'wasm-all', stack: 'Node/WebAssembly', env: onWasm, commands: vitest('node-gpu', ...gpuOnly) }],
  [{ name: 'node-gpu', stack: 'Node', needs: 'vulkan', commands: vitest('node-gpu') }],
  [{ name: 'gpu-plan', stack: 'Node as GPU', needs: 'vulkan', env: asGpu, commands: vitest('node-gpu', ...withoutTrainings) }],
  [{ name: 'browser-plan', stack: 'Chromium as GPU', needs: 'browser', env: asGpu, commands: vitest('browser', ...inBrowserToo) }],
  [{ name: 'hardware', stack: 'Node/hardware', needs: 'hardware', env: { OMBRE_PLAN: 'both' }, commands: vitest('node-gpu', ...gpuOnly) }],
  [{ name: 'llvmpipe', stack: 'Node/llvmpipe', needs: 'llvmpipe', commands: vitest('node-gpu', ...gpuOnly) }],
  [{ name: 'swiftshader', stack: 'Node/SwiftShader', needs: 'swiftshader', commands: vitest('node-gpu', ...gpuOnly) }],
  [{ name: 'llvmpipe-plan', stack: 'llvmpipe as GPU', needs: 'llvmpipe', env: asGpu, commands: vitest('node-gpu', ...gpuOnly) }],
  [{ name: 'swiftshader-plan', stack: 'SwiftShader as GPU', needs: 'swiftshader', env: asGpu, commands: vitest('node-gpu', ...gpuOnly) }],
  [{ name: 'browser-plan-all', stack: 'Chromium as GPU', needs: 'browser', env: asGpu, commands: vitest('browser') }],
  ...subgroupStages,
  [{ name: 'firefox', stack: 'Firefox', needs: 'firefox', commands: vitest('firefox') }],
  [{ name: 'node-plan', needs: 'vulkan', env: asGpu, commands: vitest('node-gpu', '--exclude', 'test/gpu/**') }],
  [{ name: 'node', needs: 'vulkan', commands: vitest('node-gpu', '--exclude', 'test/gpu/**') }],
  [{ name: 'e2e', needs: 'browser', commands: vitest('e2e') }],
];

export const stages = stageGroups.flat();

const checks = ['unit', 'build', 'typecheck', 'reference', 'lint'];
const gpuStacks = ['wasm-all', 'browser', 'hardware', 'llvmpipe', 'swiftshader', 'firefox'];
const gpuPlans = ['node-plan', 'llvmpipe-plan', 'swiftshader-plan', 'browser-plan-all', ...subgroupStages.flat().map(({ name }) => name)];

export const stageSets: Readonly<Record<string, StageSet>> = {
  default: { stages: [...checks, 'wasm', 'browser', 'node-gpu', 'gpu-plan', 'browser-plan', 'e2e'] },
  stacks: { stages: ['unit', ...gpuStacks], takesWhatIsThere: true },
  full: {
    stages: [...checks, ...gpuStacks, 'node', ...gpuPlans, 'e2e'],
    env: { OMBRE_GRAPHS: '10000', OMBRE_GPU_GRAPHS: '300' },
    takesWhatIsThere: true,
  },
};
