// Types of a written module, for TypeScript: `const module = (await import('./model.js')) as StandaloneModule`.
import type { Dtype } from '../core/dtype.ts';
import type { StandaloneInfo } from './moduleData.ts';

/** Typed arrays and nested lists of elements. */
export type StandaloneData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | number
  | boolean
  | readonly StandaloneData[];

/** Elements of one input. A typed array may leave out the shape: the batch size follows from its length. */
export type StandaloneInput = StandaloneData | { readonly data: StandaloneData; readonly shape: readonly number[] };

/** One input, or a list or record of them in the form of the model's inputs. A record of names fits every model. */
export type StandaloneInputs = StandaloneInput | readonly StandaloneInputs[] | { readonly [name: string]: StandaloneInputs };

/** f16 is given as f32, and bool as bytes. */
export interface StandaloneOutput {
  readonly data: Float32Array | Int32Array | Uint32Array | Uint8Array;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

/** One output, or a list or record of them in the form of the model's outputs. */
export type StandaloneOutputs = StandaloneOutput | readonly StandaloneOutputs[] | { readonly [name: string]: StandaloneOutputs };

export interface StandaloneSummary {
  readonly name: string;
  readonly inputs: readonly StandaloneInfo[];
  readonly outputs: readonly StandaloneInfo[];
  /** Batch sizes that the module was written for. Empty if no input has the axis `batch`. */
  readonly batchSizes: readonly number[];
  /** Features that a device must have, such as `shader-f16`. */
  readonly requiredFeatures: readonly string[];
  /** Limits that a device must reach, if they are above those of every device. */
  readonly requiredLimits: Readonly<Record<string, number>>;
}

/** An object like `navigator.gpu`: a `GPU` of the platform or of the package `webgpu`. */
export interface StandaloneGpu {
  requestAdapter(options?: object): Promise<object | null>;
}

/** A `GPUDevice`. */
export interface StandaloneDevice {
  readonly lost: Promise<unknown>;
  createBuffer(descriptor: never): unknown;
}

export interface StandaloneModel<O extends StandaloneOutputs = StandaloneOutput> {
  readonly info: StandaloneSummary;
  readonly device: StandaloneDevice;
  /**
   * Computes the outputs. Calls may overlap; they run in their order.
   * @throws Error called ArgumentError, ShapeError or DtypeError for other inputs, and DeviceError if the device is lost.
   */
  readonly run: (inputs: StandaloneInputs) => Promise<O>;
  /** Frees the memory, and the device if load() opened it. */
  readonly destroy: () => void;
}

/** Bytes of the separate file of weights, or its address. */
export type StandaloneWeights = ArrayBuffer | ArrayBufferView | URL | string;

/** Exports of a written module. */
export interface StandaloneModule {
  readonly info: StandaloneSummary;
  /**
   * Opens the model on a device: the given one, that of an object like `navigator.gpu`, or that of `navigator.gpu`.
   * @throws Error called DeviceError without WebGPU, or if the device lacks a feature or limit.
   */
  readonly load: <O extends StandaloneOutputs = StandaloneOutput>(
    gpu?: StandaloneGpu | StandaloneDevice,
    options?: { readonly weights?: StandaloneWeights },
  ) => Promise<StandaloneModel<O>>;
}
