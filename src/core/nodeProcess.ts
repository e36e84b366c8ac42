/** Node's process object. Undefined in a browser, also with a bundler's replacement of it. */
export function nodeProcess(): NodeJS.Process | undefined {
  const { process } = globalThis as { process?: NodeJS.Process };
  return process?.versions?.node && typeof process.getBuiltinModule === 'function' ? process : undefined;
}
