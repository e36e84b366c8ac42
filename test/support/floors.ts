// The floors of the library: a room imports only from lower floors. index.ts is the highest.

/** The floor of each room of src. */
export const floors: Readonly<Record<string, number>> = {
  core: 0,
  graph: 1,
  wgsl: 1,
  formats: 2,
  ops: 2,
  compiler: 3,
  autodiff: 3,
  nn: 4,
  losses: 4,
  optim: 4,
  data: 4,
  runtime: 4,
  metrics: 5,
  callbacks: 5,
  engine: 5,
  train: 6,
  exchange: 7,
  onnx: 7,
  models: 7,
  'optionTypes.ts': 7,
  'index.ts': 8,
};

/** Imports that go down and are still wrong: a layer or a loss describes mathematics and never how it is run. */
export const closedDoors: Readonly<Record<string, readonly string[]>> = {
  formats: ['graph', 'wgsl'],
  nn: ['compiler', 'runtime'],
  losses: ['compiler', 'runtime'],
  optim: ['compiler', 'runtime'],
  data: ['compiler', 'runtime'],
  metrics: ['compiler', 'runtime'],
  callbacks: ['compiler', 'runtime'],
};

/** Packages that the rooms of optional entries may import. All other rooms import none. */
export const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  exchange: ['fflate'],
  onnx: ['@bufbuild/protobuf', '@bufbuild/protobuf/codegenv2', '@bufbuild/protobuf/wire'],
};
