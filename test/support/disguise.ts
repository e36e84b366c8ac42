// Hides that an adapter is software: ombre then compiles the kernels and tiles of real GPUs for it.

export interface Disguise {
  /** `gpu` hides that the adapter is software. */
  readonly plan: string;
  /** `none` takes the subgroups away. A number asks for subgroups of that size. */
  readonly subgroups: string;
}

/** Changes what the adapters of this process or page say of themselves. */
export function disguise(gpu: { readonly prototype: GPU }, { plan, subgroups }: Disguise): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
  const { requestAdapter } = gpu.prototype;
  gpu.prototype.requestAdapter = async function (options) {
    const adapter = await requestAdapter.call(this, options);
    if (!adapter) return null;
    const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = adapter.info as GPUAdapterInfo & SubgroupSizes;
    if (plan === 'gpu') {
      // Its own name makes what is timed on it a choice of its own.
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
      throw new Error(`subgroups of ${subgroups} are wanted; this adapter has ${subgroupMinSize} to ${subgroupMaxSize}`);
    }
    return adapter;
  };
}

interface SubgroupSizes {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
}

/** The text, so that no name of a software adapter is found in it. */
const letters = (text: string): string => [...text.replace(/\W/g, '')].reverse().join('');
