// The primitive of resampling: the rows and columns of the result are weighted sums of the rows and columns of x. It is linear in x. Its
// gradient is the same op with transposed taps, so gradients of gradients work and no atomic additions are needed.
import { type Shape, sizeOf } from '../../core/shape.ts';
import { type KernelPlan, type OpDefinition, type Target, type TensorType, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { gridOf, runOf } from '../../graph/workgroups.ts';
import resampleSource from '../../../shaders/resample.wgsl?raw';
import { type KernelFile, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { reshape } from '../shape/shape.ts';
import { type AxisMap, type ResampleAttributes, exactWeights, identity, tapTables } from './taps.ts';

const resampleKernel: KernelFile = { name: 'resample', text: resampleSource };

const workgroupSize = 64;

function plan(x: Shape, y: TensorType, target: Target): KernelPlan {
  const lanes = x[3] % 4 === 0 ? 4 : 1;
  const [, height, width] = x;
  const [, outHeight, outWidth] = y.shape;
  const channels = x[3] / lanes;
  const size = sizeOf(y.shape) / lanes;
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  return {
    dispatches: [
      {
        name: 'resample',
        ...fillKernel(resampleKernel, {
          ...ofLanes(resampleKernel, lanes, storageType(y.dtype)),
          params: { size, gridWidth: workgroups[0], height, width, outHeight, outWidth, channels, run },
        }),
        operands: [
          { kind: 'input', index: 0 },
          { kind: 'input', index: 1 },
          { kind: 'input', index: 2 },
          { kind: 'output', index: 0 },
        ],
        workgroups,
      },
    ],
    temporaries: [],
  };
}

/** x [B, H, W, C], links, weights -> [B, OH, OW, C]: y[b, i, j, c] = Σ r[i, h] s[j, w] x[b, h, w, c], over the taps h of row i and w of column j */
const resampleOp: OpDefinition<ResampleAttributes> = defineOp<ResampleAttributes>({
  name: 'resample',
  infer: ([x], { rows, columns, transposed }) => {
    const size = transposed ? [rows.from, columns.from] : [rows.to, columns.to];
    return [{ shape: [x.shape[0], ...size, x.shape[3]], dtype: x.dtype }];
  },
  batch: ({ inputs: [x, ...tables], size, attributes, apply: again }) =>
    foldIntoBatch({ inputs: [x], mapped: [true], size, attributes, apply: ([folded], same) => again([folded, ...tables], same) }),
  // Linear in x: dx[b, h, w, c] = Σ r[i, h] s[j, w] dy[b, i, j, c]
  vjp: ({ cotangents: [g], attributes }) => [g && resampleBy(g, { ...attributes, transposed: !attributes.transposed })],
  reference: ({ inputs: [x, { data: links }, weights], outputs: [y], allocate }) => {
    const exact = exactWeights(weights.data);
    const [batch, height, width, channels] = x.shape;
    const [, outHeight, outWidth] = y.shape;
    const columnStarts = outHeight + 1;
    const places = columnStarts + outWidth + 1;
    const result = allocate(y.dtype, sizeOf(y.shape));
    const sums = new Float64Array(channels);
    let to = 0;
    for (let image = 0; image < batch; image++) {
      for (let row = 0; row < outHeight; row++) {
        for (let column = 0; column < outWidth; column++) {
          sums.fill(0);
          for (let t = links[row]; t < links[row + 1]; t++) {
            const line = (image * height + links[places + t]) * width;
            for (let s = links[columnStarts + column]; s < links[columnStarts + column + 1]; s++) {
              const weight = exact[t] * exact[s];
              const from = (line + links[places + s]) * channels;
              for (let c = 0; c < channels; c++) sums[c] += weight * x.data[from + c];
            }
          }
          for (let c = 0; c < channels; c++) result[to++] = sums[c];
        }
      }
    }
    return [result];
  },
  passesInfinities: true,
  lowering: { kind: 'kernel', plan: ({ inputs: [x], outputs: [y], target }) => plan(x.shape, y, target) },
});

function resampleBy(x: Tensor, attributes: ResampleAttributes): Tensor {
  const { links, weights } = tapTables(attributes);
  return apply(resampleOp, [x, links, weights], attributes);
}

/** Maximum number of taps of an element for one kernel. Above it, rows and columns are resampled one after the other. */
const maxTogether = 8;

/** Whether an axis is not resampled. */
const isUnchanged = ({ from, to, method, coordinates, step }: AxisMap): boolean =>
  method === 'identity' || (from === to && (method === 'area' || coordinates === 'alignCorners' || step === 1));

/** Resamples one axis of x, or two neighbours in one kernel, starting at `axis`. */
function along(x: Tensor, axis: number, maps: readonly AxisMap[]): Tensor {
  const [front, behind] = [x.shape.slice(0, axis), x.shape.slice(axis + maps.length)];
  const [rows, columns = identity(1)] = maps;
  const images = reshape(x, [sizeOf(front), rows.from, columns.from, sizeOf(behind)]);
  const y = resampleBy(images, { rows, columns, transposed: false });
  return reshape(y, [...front, ...maps.map(({ to }) => to), ...behind]);
}

/** Resamples x [B, ..axes, C] along each axis between batch and channels. */
export function resample(x: Tensor, maps: readonly AxisMap[]): Tensor {
  const last = maps.length - 1;
  const pair = maps.slice(-2);
  const isPair = pair.length === 2 && !pair.some(isUnchanged);
  const together = isPair && tapTables({ rows: pair[0], columns: pair[1], transposed: false }).most.reduce((a, b) => a * b) <= maxTogether;
  const passes = (together ? maps.slice(0, -2) : maps).flatMap((map, i) => (isUnchanged(map) ? [] : [{ axis: i + 1, maps: [map] }]));
  if (together) passes.push({ axis: last, maps: pair });
  // The axis that shrinks most comes first, so that the others have less work.
  const growth = ({ maps: own }: { maps: readonly AxisMap[] }): number => own.reduce((n, { from, to }) => (n * to) / from, 1);
  passes.sort((a, b) => growth(a) - growth(b));
  return passes.reduce((y, pass) => along(y, pass.axis, pass.maps), x);
}
