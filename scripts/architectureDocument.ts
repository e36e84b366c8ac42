/** Writes docs/architecture.md: the folders of the library, with a diagram of their imports, read from the source. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const root = fileURLToPath(new URL('../', import.meta.url));

/** One sentence for each folder of src. */
const contents: Readonly<Record<string, string>> = {
  core: 'Shapes, dtypes, trees, options, errors and counter-based random numbers.',
  graph: 'Tensors, the op contract, symbolic graphs and tracing.',
  wgsl: 'WGSL as text: kernel files whose parts are set by name.',
  formats: 'Readers of file formats.',
  ops: 'Every op once: shape rule, gradient, CPU reference and GPU lowering.',
  compiler: 'Turns a graph into a Program, which is plain data.',
  autodiff: 'Gradients and batching: graph in, graph out.',
  nn: 'Layers, models of layers as graphs, initializers, regularizers and constraints.',
  losses: 'Functions of targets and predictions.',
  optim: 'Optimizer rules, schedules and clipping.',
  data: 'Data sets and batches.',
  runtime: 'Runs graphs on a device: `webgpu/` and `wasm/` replay Programs, `cpu.ts` interprets graphs.',
  metrics: 'Metrics as sums that stay on the device.',
  callbacks: 'Listeners of `fit`.',
  engine: 'Traces functions, keeps their programs and evaluates tensors on a runtime.',
  train: 'Models: `compile`, `fit`, `evaluate`, `predict` and training steps.',
  tune: 'Search of hyperparameters: spaces, samplers, schedulers and trials.',
  exchange: 'Weights and models of other libraries: an optional entry.',
  inference: 'Models and functions as exporters take them.',
  onnx: 'Reads and writes ONNX: an optional entry.',
  standalone: 'Writes a model as one ES module that runs without the library: an optional entry.',
  tables: 'CSV tables, images and texts as data: an optional entry.',
  models: 'Base models with the names of public checkpoints.',
  plots: 'Data about training runs, models and data sets, and their pictures as SVG: an optional entry.',
};

/** Folders that each folder imports. */
function importsOfFolders(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const name of readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = name.replaceAll('\\', '/');
    const [folder, ...rest] = path.split('/');
    if (rest.length === 0 || !path.endsWith('.ts')) continue;
    const targets = found.get(folder) ?? new Set<string>();
    found.set(folder, targets);
    for (const { fileName } of ts.preProcessFile(readFileSync(`${root}src/${path}`, 'utf8')).importedFiles) {
      const [target, ...inside] = normalize(join(dirname(path), fileName)).split('/');
      if (target !== '..' && target !== folder && inside.length > 0) targets.add(target);
    }
  }
  return found;
}

/** Edges that are not implied by a longer path. Imports of folders have no cycles. */
function edges(imports: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const reaches = (from: string, to: string): boolean => [...imports.get(from)!].some((next) => next === to || reaches(next, to));
  return [...imports].flatMap(([from, targets]) =>
    [...targets]
      .filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)))
      .sort()
      .map((to) => `  ${from} --> ${to}`),
  );
}

/** The text of docs/architecture.md. @throws Error if a folder has no sentence. */
export async function architectureDocument(): Promise<string> {
  const imports = importsOfFolders();
  for (const folder of imports.keys())
    if (!contents[folder]) throw new Error(`src/${folder}: has no sentence in scripts/architectureDocument.ts`);
  const text = `# Architecture

\`npm run docs\` writes this page; a test fails when it is stale. An arrow means "imports". An arrow is left out if a longer path implies it.

\`\`\`mermaid
flowchart TD
${edges(imports).join('\n')}
\`\`\`

| folder | content |
| --- | --- |
${[...imports.keys()].map((folder) => `| \`src/${folder}/\` | ${contents[folder]} |`).join('\n')}

## From add() to a dispatch

1. \`add(a, b)\` (\`src/ops\`) checks shapes and makes a node (\`src/graph\`). Nothing is computed.
2. A read of a value calls the engine, which captures the pending nodes as a closed graph (\`src/engine/capture.ts\`).
3. The structure of the graph is the key of its program. A known key skips steps 4 and 5.
4. The compiler (\`src/compiler/compile.ts\`) simplifies, fuses, schedules, lowers and plans memory.
5. \`assemble.ts\` makes the Program: dispatches over slots.
6. \`src/runtime/webgpu\` builds the pipelines, binds buffers to the slots and submits the dispatches.

## From fit() to a program

1. \`src/train/fit.ts\` draws a batch and writes it into buffers.
2. \`src/train/steps.ts\` defines the step as a pure function: forward, loss, gradients, updates and totals.
3. \`src/train/compiledSteps.ts\` gives that function to \`compile\` of the engine. Its variables are donated.
4. \`src/engine/traceFunction.ts\` traces it once for each signature. The compiler makes one Program of the graph.
5. Each following batch replays the Program. Losses and metrics stay on the device as totals.

## Glossary

| word | meaning |
| --- | --- |
| anchor | Kernel node of a group. Elementwise nodes after it join its kernel. |
| candidate | One of several kernels with equal results that a trial times. |
| cell | Storage of a layer's variables. Models that share the layer share the cell. |
| donation | An input whose memory a result takes over. |
| group | Nodes that become one kernel, or the dispatches of one kernel family. |
| item | Elementwise node that is computed for every element that the reductions of its group read. |
| member | Elementwise node over the elements of the results of anchor or reductions. |
| owner | Layer with variables of its own inside a network. |
| pass | One stage of the compiler; also one forward pass through a network (\`ForwardPass\`). |
| path | Names from the root of a tree or a model to a leaf, such as \`dense_1/kernel\`. |
| plan | Offsets of all temporary values in memory. |
| scope | Path of layer and op names that a node was made in. |
| slot | Memory that dispatches bind; in an optimizer, a tensor stored beside each parameter. |
| source | Tensor that a node reads after views are resolved. |
| trial | One timing of the candidates of a dispatch. |
| view | Other indexing of the same memory, without a dispatch. |
`;
  return format(text, { ...(await resolveConfig('docs/architecture.md')), parser: 'markdown' });
}
