/** `node --import tsx scripts/onnx/launch.ts nodes`: tools of the ONNX entry. The sources import .wgsl files, so vite loads them. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import type * as NodeTests from './nodeTests.ts';
import type * as Fuzz from './fuzz.ts';
import type * as FuzzFiles from './fuzzFiles.ts';
import type * as Verify from './verify.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const load = async <Module>(file: string): Promise<Module> =>
  (await runnerImport<Module>(file, { root, configFile: false, logLevel: 'error' })).module;

const [command, ...rest] = process.argv.slice(2);
process.chdir(root);
if (command === 'nodes') await (await load<typeof NodeTests>('./scripts/onnx/nodeTests.ts')).nodeTests(rest[0], rest.length === 0);
else if (command === 'verify') await (await load<typeof Verify>('./scripts/onnx/verify.ts')).verify(rest[0]);
else if (command === 'fuzz') {
  const { fuzzFiles } = await load<typeof FuzzFiles>('./scripts/onnx/fuzzFiles.ts');
  await (await load<typeof Fuzz>('./scripts/onnx/fuzz.ts')).fuzz(await fuzzFiles(), Number(rest[0] ?? 100_000));
} else throw new Error(`unknown command '${command}'; the commands are nodes, verify and fuzz`);
