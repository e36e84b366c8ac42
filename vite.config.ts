import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { launchOptions } from './scripts/browser.ts';
import { firefox } from './scripts/firefox.ts';
import { mnistFiles } from './scripts/mnistPlugin.ts';
import unit from './scripts/unit.config.ts';
import { shortRuntime } from './scripts/runtimePlugin.ts';
import { strippedWgsl } from './scripts/wgslPlugin.ts';

/** Entries of the package: the library, and optional ones. */
const entries = {
  index: 'src/index.ts',
  lean: 'src/lean.ts',
  formats: 'src/exchange/index.ts',
  onnx: 'src/onnx/index.ts',
  models: 'src/models/index.ts',
  plots: 'src/plots/index.ts',
  standalone: 'src/standalone/index.ts',
  data: 'src/tables/index.ts',
};

/** What tests in a page cannot read from the environment themselves. */
const { OMBRE_GPU_GRAPHS = '30', OMBRE_PLAN = '', OMBRE_SUBGROUPS = '' } = process.env;
/** Whether only tests of certain names run. */
const isFiltered = process.argv.some((argument) => /^(-t$|--testNamePattern)/.test(argument));
const provide = { gpuGraphs: Number(OMBRE_GPU_GRAPHS), plan: OMBRE_PLAN, subgroups: OMBRE_SUBGROUPS, isFiltered };

declare module 'vitest' {
  interface ProvidedContext {
    /** How many random graphs a GPU stack takes. */
    gpuGraphs: number;
    /** `gpu` compiles the kernels of real GPUs on a software adapter. `wasm` runs the WebAssembly runtime in the place of WebGPU. */
    plan: string;
    /** `none`, or the size of subgroups that the adapter must have. */
    subgroups: string;
    /** Whether only tests of certain names run. */
    isFiltered: boolean;
  }
}

/** The library build, and the tests by where they run. The demo has a configuration of its own: scripts/demo.config.ts. */
export default defineConfig({
  plugins: [strippedWgsl(), shortRuntime()],
  build: {
    target: 'es2022',
    lib: { entry: entries, formats: ['es'], fileName: (_, name) => `${name}.js` },
    // Left readable: the user's bundler minifies, and a stack trace into a library should say something.
    minify: false,
    // Files of fixed names, which replace themselves: the declarations beside them stay when only the code is rebuilt.
    emptyOutDir: false,
    // Packages that optional entries need are installed beside the library.
    rolldownOptions: {
      external: [/^fflate$/, /^@bufbuild\/protobuf/, /^echarts\//, /^ml-matrix$/, /^papaparse$/],
      output: { chunkFileNames: 'shared-[name].js' },
    },
  },
  test: {
    watch: false,
    projects: [
      unit,
      {
        plugins: [mnistFiles()],
        test: {
          name: 'browser',
          provide,
          setupFiles: ['test/support/setupGpu.ts'],
          sequence: { groupOrder: 1 },
          include: ['test/gpu/**/*.test.ts'],
          // One file at a time: the software GPU already takes every core.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            // By number: a minimal container may not know the name localhost.
            api: { host: '127.0.0.1' },
            provider: playwright({ launchOptions: launchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        plugins: [mnistFiles()],
        test: {
          name: 'firefox',
          provide,
          setupFiles: ['test/support/setupGpu.ts'],
          sequence: { groupOrder: 4 },
          include: ['test/gpu/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 180_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            api: { host: '127.0.0.1' },
            provider: firefox(),
            instances: [{ browser: 'firefox' }],
          },
        },
      },
      {
        test: {
          name: 'node-gpu',
          experimental: { fsModuleCache: true },
          provide,
          setupFiles: ['test/support/setupGpu.ts'],
          sequence: { groupOrder: 2 },
          include: ['test/gpu/**/*.test.ts', 'test/node/**/*.test.ts'],
          // Dawn holds native threads: a process per file lets go of them for certain.
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 3 },
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
