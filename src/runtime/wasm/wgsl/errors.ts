// Errors of WGSL that cannot be compiled to WebAssembly.

/** A construct that the compiler does not know. compileKernel() turns it into a ShaderError with the kernel's name and text. */
export class UnknownConstruct extends Error {
  private readonly what: string;
  private line: number | undefined;

  constructor(what: string, line?: number) {
    super();
    this.what = what;
    this.line = line;
  }

  /** Sets the line, unless it is known. Statements call it from the inside out. */
  at(line: number | undefined): void {
    this.line ??= line;
  }

  override get message(): string {
    return `${this.line === undefined ? '' : `line ${this.line}: `}the compiler to WebAssembly does not know ${this.what}`;
  }
}

export function unknownConstruct(what: string, line?: number): never {
  throw new UnknownConstruct(what, line);
}

/** Runs what the text of a line needs. An UnknownConstruct gets the line. */
export function onLine<T>(line: number | undefined, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof UnknownConstruct) error.at(line);
    throw error;
  }
}
