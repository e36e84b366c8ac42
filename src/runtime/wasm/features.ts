// The features of WebAssembly on this host. Each test validates a module with one instruction.

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module with one function `() -> v128` of these instructions. */
function isValid(...code: readonly number[]): boolean {
  if (typeof WebAssembly !== 'object') return false;
  const body = [0, ...code, 0x0b];
  const module = [...header, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, body.length + 2, 1, body.length, ...body];
  return WebAssembly.validate(Uint8Array.from(module));
}

const zeros = [0xfd, 12, ...new Array<number>(16).fill(0)];

/** The reason why the page may not compile modules, or undefined. A Content-Security-Policy limits compilation, and not validation. */
export function refusalToCompile(): string | undefined {
  try {
    new WebAssembly.Module(Uint8Array.from(header));
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Vectors of 128 bits. */
export const hasSimd = (): boolean => isValid(...zeros);

/** Fused multiplication and addition: f32x4.relaxed_madd. */
export const hasRelaxedSimd = (): boolean => isValid(...zeros, ...zeros, ...zeros, 0xfd, 0x85, 0x02);
