// Numbers made on the host, equal for every engine. Layouts are those of ombre and TensorFlow.js: images [n, height, width, channels],
// filters [height, width, in, out]. A tensor names its layout if an engine with channels first has to permute it.

type Layout = 'image' | 'filter' | 'afterImage';

export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  readonly layout?: Layout;
  /** For 'afterImage', a dense kernel after a flattened image: [height, width, channels] of that image. */
  readonly image?: readonly [number, number, number];
  /** For integers: their exclusive upper bound. */
  readonly limit?: number;
}

/** The index-th integer of a seed, in 0..2^32: a hashed counter without state. */
const bits = (seed: number, index: number): number => {
  let h = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** Uniform in centre - radius .. centre + radius. */
export function uniform(shape: readonly number[], radius: number, seed: number, centre = 0): HostTensor {
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => centre + radius * (bits(seed, i) / 2 ** 31 - 1));
  return { shape, values };
}

/** Initial weights with variance 1 / fanIn. */
export function weights(shape: readonly number[], fanIn: number, seed: number, layout?: Layout, image?: HostTensor['image']): HostTensor {
  return { ...uniform(shape, Math.sqrt(3 / fanIn), seed), layout, image };
}

export const images = (shape: readonly number[], seed: number): HostTensor => ({ ...uniform(shape, 1, seed), layout: 'image' });

export const zeros = (shape: readonly number[]): HostTensor => ({ shape, values: new Float32Array(sizeOf(shape)) });
export const ones = (shape: readonly number[]): HostTensor => ({ shape, values: new Float32Array(sizeOf(shape)).fill(1) });

/** n integers in 0..limit, such as labels. */
export const integers = (n: number, limit: number, seed: number): HostTensor => ({
  shape: [n],
  values: Int32Array.from({ length: n }, (_, i) => bits(seed, i) % limit),
  limit,
});

/** The same tensor in the layout of an engine with channels first: images [n, c, h, w], filters [out, in, h, w]. */
export function channelsFirst(tensor: HostTensor): HostTensor {
  const { shape, values, layout, image } = tensor;
  if (layout === 'image') return permute(shape, values, [0, 3, 1, 2]);
  if (layout === 'filter') return permute(shape, values, [3, 2, 0, 1]);
  if (layout === 'afterImage' && image) return { ...permute([...image, shape[1]], values, [2, 0, 1, 3]), shape };
  return tensor;
}

function permute(shape: readonly number[], values: HostTensor['values'], order: readonly number[]): HostTensor {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const permuted = order.map((axis) => shape[axis]);
  const result = values.slice();
  for (let i = 0; i < result.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += (rest % permuted[axis]) * strides[order[axis]];
      rest = Math.floor(rest / permuted[axis]);
    }
    result[i] = values[from];
  }
  return { shape: permuted, values: result };
}
