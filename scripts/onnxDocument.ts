/** docs/onnx.md: how models go to ONNX and come back, with the tables of ops from the rules. */
import { format, resolveConfig } from 'prettier';
import '../src/index.ts';
import { exportedOps } from '../src/onnx/export/rules.ts';
import { importRules } from '../src/onnx/import/rules.ts';
import verified from '../test/golden/onnxExport.json';
import nodes from '../test/golden/onnxNodes.json';

const names = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(' ');

/** The text of docs/onnx.md. */
export async function onnxDocument(): Promise<string> {
  const worst = Object.entries(verified.models).map(([name, { worst: error }]) => `| ${name} | ${error.toExponential(1)} |`);
  const others = Object.entries(nodes.notPassed).map(([reason, list]) => `| ${reason} | ${list.length} |`);
  const text = `# ONNX

\`npm run docs\` writes this page from the rules in \`src/onnx\`; a test fails when it is stale.

\`ombre/onnx\` writes models and functions of ops as ONNX files, and reads ONNX files as functions of ops. It is an entry of its own, because it
needs a protobuf library.

\`\`\`js
import { exportOnnx, importOnnx } from 'ombre/onnx';

const bytes = await exportOnnx(model);                     // the graph of inference, with a free batch size
const activation = await exportOnnx((x) => gelu(x), { inputs: [{ shape: ['batch', 10] }], opset: 18 });

const read = importOnnx(bytes);
const { output } = read.run({ input });                    // pure: grad, vmap and compile take it
const gradient = grad((weights) => loss(read.run({ input }, weights).output))(read.parameters);
const layer = read.toLayer();                              // a layer, whose weights fit trains
\`\`\`

## Export

- Opset 17 to 21. Weights are initializers with the paths of \`model.variables()\`, such as \`encoder/dense_1/kernel\`, in the library's layout.
- Images stay channels last; the file has transposes around convolutions, which engines remove or fold.
- LSTM, GRU and simple recurrent layers become ops of ONNX. With masks, each step is written as nodes.
- The library clamps an index outside of its axis. Other engines refuse it.
- Ops without a form in ONNX are errors that name the op and its layer: random numbers, \`lgamma\`, \`digamma\`, \`erfInv\`, linear solvers.
- Bit operations, and scatters with minimum or maximum, need opset 18. Files above 2 GiB are refused.

Differences from the CPU, in ${verified.engine}, opset 17 and 21, as |a - b| / (1 + |b|):

| model | worst difference |
| --- | --- |
${worst.join('\n')}

${verified.rows.verified} of the ${verified.rows.all} rows in \`test/tables\` are written and agree, worst ${verified.rows.worst.toExponential(1)}. Fourier transforms
of lengths that are no power of two are less accurate in that engine (5e-4).

Ops of the library that are written: ${names(exportedOps)}.

## Import

- Opset 1 to 21, dense tensors of numbers and bools. Doubles become f32, and 64-bit integers i32.
- Float initializers are parameters. Moving statistics of BatchNormalization, and the state of own files, are state. Integers, and numbers that
  an op reads while the graph is built, such as scales of Resize, are constants.
- Shapes are computed on the host. Loops, branches and scans are unrolled; their counts and conditions must not depend on the data.
- NonZero, Compress, Unique and NonMaxSuppression need inputs that are known on the host. Compiled functions do not have them.
- Functions of the model are read: nested, with attributes by reference and default values, and with an opset of their own. Each call is replaced by
  the nodes of the function.
- Integers of 8 and 16 bits are i32. Products of quantized integers are exact, up to 65,536 terms in a sum. QuantizeLinear and DequantizeLinear take
  an axis or blocks. Types of 4 bits and floats of 8 bits are not read.
- Data in other files are passed as \`importOnnx(bytes, { externalData: { 'weights.bin': bytes } })\`.
- Damaged files give a FormatError with the name of the file, the place and the rule.

${nodes.passed} of the ${nodes.all} node tests of ONNX 1.12 pass on the CPU. The others are out of scope:

| reason | tests |
| --- | --- |
${others.join('\n')}

Op types that are read: ${names([...importRules.keys()].sort())}.
`;
  return format(text, { ...(await resolveConfig('docs/onnx.md')), parser: 'markdown' });
}
