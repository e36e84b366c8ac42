// Fourier transforms. Complex numbers are pairs along the last axis, which has size 1 for real ones.
import type { Tensor } from '../../../graph/tensor.ts';
import { concat, expandDims, fft, gather, ifft, mul, rfft, slice, squeeze, tensor, zerosLike } from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';

/** Tables of a transform are made on the host. */
const maxLength = 2 ** 22;

/** The axis is an attribute in opset 17, and an input from opset 20 on. */
function transformed(call: Call): Tensor {
  const x = call.tensor(0);
  const given = call.opset >= 20 ? (call.has(2) ? call.number(2, 'axis') : -2) : call.int('axis', 1);
  const axis = call.axis(given, x.rank);
  const n = call.has(1) ? call.number(1, 'dft_length') : x.shape[axis];
  if (!(n >= 1 && n <= maxLength)) call.fail(`dft_length is ${n}; lengths from 1 to ${maxLength} are computed`);
  const complex = x.shape[x.rank - 1] === 2 ? x : concat([x, zerosLike(x)], -1);
  const y = (call.flag('inverse') ? ifft : fft)(complex, { axis, n });
  if (!call.flag('onesided')) return y;
  return slice(
    y,
    [],
    y.shape.map((size, i) => (i === axis ? Math.floor(n / 2) + 1 : size)),
  );
}

/** Transforms of windows of a signal [batch, length, 1 or 2], [batch, frames, bins, 2]. */
function shortTime(call: Call): Tensor {
  call.checkRank(0, 2, 3);
  const given = call.tensor(0);
  const signal = given.rank === 2 ? expandDims(given, -1) : given;
  const step = call.number(1, 'frame_step');
  const window = call.optional(2);
  const length = call.has(3) ? call.number(3, 'frame_length') : (window?.size ?? call.fail('frame_length and window are missing'));
  const frames = Math.floor((signal.shape[1] - length) / step) + 1;
  if (!(step >= 1 && length >= 1 && frames >= 1 && frames * length <= maxLength))
    call.fail(`frames of ${length} in steps of ${step} do not fit ${signal.shape[1]} samples`);
  const places = Int32Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * step + (i % length));
  const cut = gather(signal, tensor(places, [frames, length], 'i32'), { axis: 1 });
  const shaped = window ? mul(cut, expandDims(window, -1)) : cut;
  const isReal = signal.shape[2] === 1;
  if (call.flag('onesided', 1) && isReal) return rfft(squeeze(shaped, -1), { axis: 2 });
  return fft(isReal ? concat([shaped, zerosLike(shaped)], -1) : shaped, { axis: 2 });
}

export const signalRules: RuleTable = {
  DFT: { run: transformed, hostInputs: [1, 2] },
  STFT: { run: shortTime, hostInputs: [1, 3] },
};
