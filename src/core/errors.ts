// All errors that a user can see. A message names the op or argument, the received value, the rule and the fix.
import { nameBatchSizes } from './batchAxis.ts';
import { didYouMean } from './nearest.ts';
import { shown } from './shown.ts';

/** Base of all errors thrown by ombre, so that `error instanceof OmbreError` separates them from bugs elsewhere. */
export class OmbreError extends Error {
  override name = 'OmbreError';

  constructor(message?: string, options?: ErrorOptions) {
    super(message && nameBatchSizes(message), options);
  }
}

/** Shapes, ranks, sizes or axes that do not fit the op. */
export class ShapeError extends OmbreError {
  override name = 'ShapeError';
}

/** A dtype that the op or the device does not support. */
export class DtypeError extends OmbreError {
  override name = 'DtypeError';
}

/** An option name or value that the function does not accept. */
export class ArgumentError extends OmbreError {
  override name = 'ArgumentError';
}

/** Data that cannot be trained on: empty, NaN, labels out of range. */
export class DataError extends OmbreError {
  override name = 'DataError';
}

/** A file that does not keep to its format, or that holds other weights than a model. */
export class FormatError extends OmbreError {
  override name = 'FormatError';
}

/** A place that cannot be written: it is full, read-only or does not exist. `cause` is the error of the system. */
export class FileError extends OmbreError {
  override name = 'FileError';
}

/** No such device, a device without the requested feature or size, or tensors of two devices in one evaluation. */
export class DeviceError extends OmbreError {
  override name = 'DeviceError';
}

/** The GPU was lost (driver reset, sleep, crash). The tensors stored on it are lost too. */
export class DeviceLostError extends DeviceError {
  override name = 'DeviceLostError';
}

/** A value was read while a function is being traced, or a tracer was used outside its trace. */
export class TraceError extends OmbreError {
  override name = 'TraceError';
}

/** A kernel that did not compile. The message has the WGSL with line numbers. */
export class ShaderError extends OmbreError {
  override name = 'ShaderError';
  /** Ops of the kernel and the layer they belong to, such as `dense_1: matmul + add + relu`. */
  readonly kernel: string;
  /** Its text, without line numbers. */
  readonly wgsl: string;

  /** `report` is the text of the WGSL compiler. */
  constructor(kernel: string, wgsl: string, report: string, options?: ErrorOptions) {
    const numbered = wgsl.split('\n').map((line, i) => `${String(i + 1).padStart(4)}  ${line}`);
    super(`${kernel}: the kernel does not compile\n${report}\n${numbered.join('\n')}`, options);
    this.kernel = kernel;
    this.wgsl = wgsl;
  }
}

/** A tensor used after a compiled function reused its memory, or after dispose(). */
export class DonatedError extends OmbreError {
  override name = 'DonatedError';
}

/** A value as a message shows it: JSON, with NaN and the infinities as names. */
export function asText(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return Array.isArray(value) ? `[${value.map(asText).join(',')}]` : String(JSON.stringify(value));
}

/**
 * Throws an ArgumentError unless `options` is undefined or one object whose names are all in `known`, because a misspelt option must not be
 * ignored. `example` is a call that works.
 */
export function checkOptions(where: string, options: unknown, known: readonly string[], example?: string): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const form = example ?? (known.length ? `{ ${known[0]}: … }` : '{}');
    throw new ArgumentError(`${where}: options come as one object, such as ${form}; got ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const list = known.length ? `it takes ${known.join(', ')}` : 'it takes no options';
    throw new ArgumentError(`${where}: unknown option '${name}'; ${list}${didYouMean(name, known)}`);
  }
}

/** @throws ArgumentError unless a value is a function. */
export function requireFunction(where: string, value: unknown, example: string): void {
  if (typeof value === 'function') return;
  throw new ArgumentError(`${where}: takes a function, got ${value === null ? 'null' : typeof value}; write ${example}`);
}
