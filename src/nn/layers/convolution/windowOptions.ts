// Sizes of the windows of convolutions, as options of their layers.
import { sizes } from '../../../core/optionKinds.ts';
import { optional, required } from '../../../core/options.ts';
import { type SequencePadding, type WindowSizes, paddingKind, sequencePaddingKind } from '../../windows.ts';

/** Windows of sequences. */
export const stepWindowOptions = {
  /** Size of a filter in steps. */
  kernelSize: /* @__PURE__ */ required(/* @__PURE__ */ sizes(1), 3),
  /** Step of the filters in steps. @default 1 */
  strides: /* @__PURE__ */ optional(/* @__PURE__ */ sizes(1), 1),
  /**
   * 'same' pads with zeros, so that the output has the length of the input divided by the strides. 'causal' pads only before the first step: an
   * output then depends on no later step. @default 'valid'
   */
  padding: /* @__PURE__ */ optional(sequencePaddingKind, 'valid'),
  /** Distance between the steps that a filter reads. @default 1 */
  dilationRate: /* @__PURE__ */ optional(/* @__PURE__ */ sizes(1), 1),
};

/** Windows of images. */
export const pixelWindowOptions = {
  /** Size of a filter in pixels: [height, width], or one number for both. */
  kernelSize: /* @__PURE__ */ required(/* @__PURE__ */ sizes(2), 3),
  /** Step of the filters in pixels: [height, width], or one number for both. @default 1 */
  strides: /* @__PURE__ */ optional(/* @__PURE__ */ sizes(2), 1),
  /** 'same' pads with zeros, so that the output has the size of the input divided by the strides. @default 'valid' */
  padding: /* @__PURE__ */ optional(paddingKind, 'valid'),
  /** Distance between the pixels that a filter reads: [height, width], or one number for both. @default 1 */
  dilationRate: /* @__PURE__ */ optional(/* @__PURE__ */ sizes(2), 1),
};

/** Windows of volumes. */
export const voxelWindowOptions = {
  /** Size of a filter in voxels: [depth, height, width], or one number for all. */
  kernelSize: /* @__PURE__ */ required(/* @__PURE__ */ sizes(3), 3),
  /** Step of the filters in voxels: [depth, height, width], or one number for all. @default 1 */
  strides: /* @__PURE__ */ optional(/* @__PURE__ */ sizes(3), 1),
  /** 'same' pads with zeros, so that the output has the size of the input divided by the strides. @default 'valid' */
  padding: /* @__PURE__ */ optional(paddingKind, 'valid'),
  /** Distance between the voxels that a filter reads: [depth, height, width], or one number for all. @default 1 */
  dilationRate: /* @__PURE__ */ optional(/* @__PURE__ */ sizes(3), 1),
};

interface WindowSettings {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: SequencePadding;
  readonly dilationRate: readonly number[];
}

/** The windows that these options describe. */
export const windowsOf = ({ kernelSize, strides, padding, dilationRate }: WindowSettings): WindowSizes => ({
  size: kernelSize,
  strides,
  dilations: dilationRate,
  padding,
});
