// The text of a module: a head, the data, the weights and the runtime.
import type { ModuleData, StandaloneInfo } from './moduleData.ts';
import { runtimeText } from './runtimeText.ts';

/** Inline weights, or the name of their file, which is beside the module. */
export type WeightsText = { readonly base64: string } | { readonly file: string };

const listed = (infos: readonly StandaloneInfo[]): string =>
  infos.map(({ name, shape, dtype }) => `${JSON.stringify(name)} ${dtype}[${shape.join(',')}]`).join(', ');

/** Bundlers find files in the form `new URL('...', import.meta.url)`. It is a function because a module of a data URL has no folder. */
const weightsText = (weights: WeightsText): string =>
  'base64' in weights
    ? JSON.stringify(weights.base64)
    : `() => new URL(${JSON.stringify(`./${encodeURIComponent(weights.file)}`)}, import.meta.url)`;

export const moduleText = (data: ModuleData, weights: WeightsText): string =>
  `// A model written by exportStandalone() of ombre. const model = await load(); const outputs = await model.run(inputs);
// Inputs: ${listed(data.inputs)}. Outputs: ${listed(data.outputs)}.
const ombreModel = ${JSON.stringify(data)};
const ombreWeights = ${weightsText(weights)};
${runtimeText.trim()}
`;
