/** Programs of the TypeScript compiler: one over the sources, and one over the declarations of the bundle. */
import ts from 'typescript';

export interface CheckedFile {
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  readonly file: ts.SourceFile;
}

function checkedFile(program: ts.Program, path: string): CheckedFile {
  const file = program.getSourceFile(path);
  if (!file) throw new Error(`the compiler did not read ${path}`);
  return { program, checker: program.getTypeChecker(), file };
}

/** A source file with the settings of tsconfig.json. */
export function sourceProgram(path: string): CheckedFile {
  const { config } = ts.readConfigFile('tsconfig.json', (name) => ts.sys.readFile(name)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
  return checkedFile(ts.createProgram([path], options), path);
}

/** Only declarations, with strict settings. A user has neither our dependencies nor our settings. */
export function consumerProgram(path: string, text: string): CheckedFile {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  };
  const host = ts.createCompilerHost(options, true);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target, ...rest) =>
    name === path ? ts.createSourceFile(name, text, target, true) : read(name, target, ...rest);
  return checkedFile(ts.createProgram([path], options, host), path);
}
