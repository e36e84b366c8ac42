// The part of a file of weights that describes LoRA: the rank and alpha of each layer whose A and B the file has.
import { ArgumentError, FormatError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { type Network, adapterNames } from '../nn/index.ts';

/** The metadata of files that hold A and B only. */
export const adapterKey = 'ombreLora';

type Ranks = Readonly<Record<string, { readonly rank: number; readonly alpha: number }>>;

/** Layers with LoRA, by path. */
const withLora = ({ owners }: Network): Network['owners'] => owners.filter(({ layer }) => layer.lora);

/** Whether a path of variables() is that of an A or B. */
export function adapterPaths(network: Network): ReadonlySet<string> {
  return new Set(withLora(network).flatMap(({ name, layer }) => adapterNames(layer.loraAxes!).map((parameter) => `${name}/${parameter}`)));
}

/** Metadata of a file with A and B only. @throws ArgumentError if no layer has LoRA. */
export function adapterMetadata(network: Network): Record<string, string> {
  const ranks = withLora(network).map(({ name, layer }) => [name, { rank: layer.lora!.rank, alpha: layer.lora!.alpha }] as const);
  if (ranks.length === 0) {
    throw new ArgumentError("saveWeights: only is 'lora', and no layer has LoRA; call model.enableLora({ rank }) first");
  }
  return { [adapterKey]: JSON.stringify({ version: 1, layers: Object.fromEntries(ranks) }) };
}

/** @throws FormatError if the file was made for layers without LoRA here, or with another alpha. */
export function checkAdapters(network: Network, text: string, file: string): void {
  const refuse = (rule: string): never => {
    throw new FormatError(`loadWeights: ${file}: ${rule}`);
  };
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    refuse('the description of LoRA is no JSON');
  }
  const { version, layers } = (typeof data === 'object' && data !== null ? data : {}) as { version?: unknown; layers?: Ranks };
  if (version !== 1 || typeof layers !== 'object' || (layers as unknown) === null) {
    return refuse(`the description of LoRA has the version ${shown(version)}; this library reads version 1`);
  }
  const own = new Map(withLora(network).map(({ name, layer }) => [name, layer.lora!]));
  const lacking = Object.keys(layers).filter((name) => !own.has(name));
  if (lacking.length > 0) refuse(`no LoRA is enabled for ${lacking.join(', ')}; call enableLora({ rank, alpha }) on these layers first`);
  for (const [name, { rank, alpha }] of own) {
    const given = Object.hasOwn(layers, name) ? layers[name] : undefined;
    if (!given || (given.rank === rank && given.alpha === alpha)) continue;
    refuse(`'${name}' has rank ${shown(given.rank)} and alpha ${shown(given.alpha)} in the file, and rank ${rank} and alpha ${alpha} here; enable LoRA with those of the file`); // prettier-ignore
  }
}
