// Reads inside functions that only build a graph. No value exists while compile, grad or vmap runs the user's function, and a promise hides the
// mistake: `x.item() > 0` is false. Each read is therefore noted, and the transform throws it after the function, whatever the function did.
import { TraceError } from '../core/errors.ts';
import { leavesOf } from '../core/tree.ts';

/** A function that builds a graph and is running now. */
interface Frame {
  readonly name: string;
  readonly outer: Frame | undefined;
  error: TraceError | undefined;
}

let current: Frame | undefined;

const remedy =
  'it only builds a graph and no value exists yet: choose with where(condition, a, b), or return the tensor and read the result outside';

/**
 * Runs a user's function that must be synchronous and must not read values.
 * @throws TraceError when it read a value or returned a promise, also when it caught the error of the read itself.
 */
export function building<T>(name: string, fn: () => T): T {
  const result = withoutReads(name, fn);
  if (disown(result)) throw new TraceError(`${name} is async or returns a promise; ${asyncRemedy}`);
  return result;
}

/** The same for a function whose result the caller checks; promises in it are disowned. */
export function withoutReads<T>(name: string, fn: () => T): T {
  const frame: Frame = { name, outer: current, error: undefined };
  current = frame;
  let result: T;
  try {
    result = fn();
  } catch (error) {
    throw frame.error ?? error;
  } finally {
    current = frame.outer;
  }
  disown(result);
  if (frame.error) throw frame.error;
  return result;
}

const asyncRemedy =
  'write a synchronous function that builds its result from ops, and await values outside of it; call the plain function inside, not its compiled form';

/** Notes that a value was asked for, for all functions that are running now. */
function note(message: string): TraceError {
  const error = new TraceError(message);
  for (let frame = current; frame; frame = frame.outer) frame.error ??= error;
  return error;
}

/** A promise that never settles: what the user chains to it neither runs nor rejects unhandled. */
const never = (): Promise<never> => new Promise<never>(() => undefined);

/**
 * The answer to `what`, such as `x.item()`, inside a function that builds a graph: a promise that never settles, while the function's caller gets a
 * TraceError. Undefined outside of such functions.
 */
export function refuseRead(what: string): Promise<never> | undefined {
  if (!current) return undefined;
  note(`${current.name}: ${what} was called inside the function; ${remedy}`);
  return never();
}

/** The error of a coercion to a plain value, noted in case that the user's function catches it. */
export const coercionError = (what: string): TraceError =>
  note(
    `${current ? `${current.name}: ` : ''}${what} used as a plain value; use its ops (x.add(1)) or await x.item() outside of traced functions`,
  );

/** Reads that come after the traced function returned, from a promise of the user's that the function left running. */
export interface LateReads {
  /** True until the first run begins: until then a read fails the call. */
  isOpen: boolean;
  error: TraceError | undefined;
}

/** The answer to a read of a tracer whose call is still waiting to run: it fails the call. Undefined when it cannot. */
export function refuseLateRead(late: LateReads | undefined, name: string, what: string): Promise<never> | undefined {
  if (!late?.isOpen) return undefined;
  late.error ??= new TraceError(`${name}: ${what} was called by a promise that the function left behind; ${remedy}`);
  return never();
}

/** Warnings given so far. A loop that repeats one mistake warns once. */
const warned = new Set<string>();

/**
 * The answer to a read of a tracer whose call has finished, or never was one. No call is left to fail, and a rejection would end a Node process:
 * the warning has the stack, and the promise never settles.
 */
export function refuseStrayRead(name: string, what: string): Promise<never> {
  const error = new TraceError(
    `${name}: ${what} was called after the function had returned, and never settles; the tensor stands for an argument or was made from one: ${remedy}`,
  );
  if (!warned.has(error.message)) {
    warned.add(error.message);
    console.warn(`ombre: ${error.stack ?? error.message}`);
  }
  return never();
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';

/** Whether a tree holds promises. Nothing awaits them any more, so a rejection must not end the process. */
export function disown(tree: unknown): boolean {
  let found = false;
  for (const { value } of leavesOf(tree)) {
    if (!isThenable(value)) continue;
    found = true;
    value.then(undefined, () => undefined);
  }
  return found;
}
