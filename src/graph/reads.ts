// Refuses reads inside functions that only build a graph. No value exists while compile, grad or vmap runs the user's function, and a
// promise hides the mistake: `x.item() > 0` is false. Each read is therefore recorded. After the function has returned or thrown, the
// transform throws the error of the first read.
import { TraceError } from '../core/errors.ts';
import { leavesOf } from '../core/tree.ts';

/** A running function that builds a graph. */
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
 * @throws TraceError if it read a value or returned a promise, even if it caught the error of the read itself.
 */
export function building<T>(name: string, fn: () => T): T {
  const result = withoutReads(name, fn);
  if (disown(result)) throw new TraceError(`${name} is async or returns a promise; ${asyncRemedy}`);
  return result;
}

/** Like building(), for a function whose result the caller checks. Rejections of promises in the result are ignored. */
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

/** Records the error of a read for all functions that are running now. */
function note(message: string): TraceError {
  const error = new TraceError(message);
  for (let frame = current; frame; frame = frame.outer) frame.error ??= error;
  return error;
}

/** A promise that never settles. Continuations that the user attaches neither run nor cause an unhandled rejection. */
const never = (): Promise<never> => new Promise<never>(() => undefined);

/**
 * Refuses the read `what`, such as `x.item()`, inside a function that builds a graph. Returns a promise that never settles; the function's
 * caller gets a TraceError. Returns undefined outside of such functions.
 */
export function refuseRead(what: string): Promise<never> | undefined {
  if (!current) return undefined;
  note(`${current.name}: ${what} was called inside the function; ${remedy}`);
  return never();
}

/** The error of a coercion to a plain value. It is recorded, because the user's function may catch it. */
export const coercionError = (what: string): TraceError =>
  note(
    `${current ? `${current.name}: ` : ''}${what} used as a plain value; use its ops (x.add(1)) or await x.item() outside of traced functions`,
  );

/** Reads after the traced function has returned, by promises that it did not await. */
export interface LateReads {
  /** True until the first run begins. A read before then fails the call. */
  isOpen: boolean;
  error: TraceError | undefined;
}

/** Refuses a read of a traced tensor whose call has not run yet. The call fails. Returns undefined if the call cannot fail any more. */
export function refuseLateRead(late: LateReads | undefined, name: string, what: string): Promise<never> | undefined {
  if (!late?.isOpen) return undefined;
  late.error ??= new TraceError(`${name}: ${what} was called by a promise that the function did not await; ${remedy}`);
  return never();
}

/** Warnings given so far. A mistake that a loop repeats gives one warning. */
const warned = new Set<string>();

/**
 * Refuses a read of a traced tensor whose call has finished, or that was never in a call. No call is left that could fail, and a rejection
 * would end a Node process. It therefore warns with the stack, and returns a promise that never settles.
 */
export function refuseStrayRead(name: string, what: string): Promise<never> {
  const error = new TraceError(
    `${name}: ${what} was called after the function had returned, and never settles; the tensor is an argument of that function or was made from one: ${remedy}`,
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
