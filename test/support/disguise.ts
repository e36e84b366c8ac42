// Hides that an adapter is implemented in software. The library then compiles the kernels and tiles for GPUs on it.

export interface Disguise {
  /** `gpu` hides that the adapter is software. */
  readonly plan: string;
  /** `none` removes the subgroups. A number requires subgroups of that size. */
  readonly subgroups: string;
}

/** Changes the properties that the adapters of this process or page report. */
export function disguise(gpu: { readonly prototype: GPU }, { plan, subgroups }: Disguise): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
  const { requestAdapter } = gpu.prototype;
  gpu.prototype.requestAdapter = async function (options) {
    const adapter = await requestAdapter.call(this, options);
    if (!adapter) return null;
    const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = adapter.info as GPUAdapterInfo & SubgroupSizes;
    if (plan === 'gpu') {
      // A separate name, so that choices timed on it are stored separately.
      const names = {
        vendor: 'disguised',
        architecture: 'gpu',
        device: '',
        description: letters(vendor + architecture + device + description),
      };
      Object.defineProperty(adapter, 'info', { value: { ...names, subgroupMinSize, subgroupMaxSize } });
    }
    if (subgroups === 'none') {
      Object.defineProperty(adapter, 'features', { value: new Set([...adapter.features].filter((feature) => feature !== 'subgroups')) });
    } else if (subgroups && !(Number(subgroups) === subgroupMinSize && subgroupMinSize === subgroupMaxSize)) {
      throw new Error(`subgroups of ${subgroups} are required; this adapter has ${subgroupMinSize} to ${subgroupMaxSize}`);
    }
    return adapter;
  };
}

interface SubgroupSizes {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
}

/** A text without the name of a software adapter. */
const letters = (text: string): string => [...text.replace(/\W/g, '')].reverse().join('');
