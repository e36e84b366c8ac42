// The levels of the folders of src. A folder imports only from folders of lower levels.

/** The level of each folder or file directly in src. */
export const levels: Readonly<Record<string, number>> = {
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
  inference: 7,
  models: 7,
  tables: 7,
  tune: 7,
  'optionTypes.ts': 8,
  plots: 8,
  onnx: 8,
  standalone: 8,
  'lean.ts': 9,
  'index.ts': 10,
};

/** Imports of lower levels that are forbidden. Layers, losses and the like describe mathematics and do not depend on how it is run. */
export const forbiddenImports: Readonly<Record<string, readonly string[]>> = {
  formats: ['graph', 'wgsl'],
  nn: ['compiler', 'runtime'],
  losses: ['compiler', 'runtime'],
  optim: ['compiler', 'runtime'],
  data: ['compiler', 'runtime'],
  metrics: ['compiler', 'runtime'],
  callbacks: ['compiler', 'runtime'],
};

/** Packages that the folders of optional entries may import. All other folders import none. */
export const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  exchange: ['fflate'],
  plots: ['echarts/charts', 'echarts/components', 'echarts/core', 'echarts/renderers', 'fflate', 'ml-matrix'],
  tables: ['papaparse'],
  onnx: ['@bufbuild/protobuf', '@bufbuild/protobuf/codegenv2', '@bufbuild/protobuf/wire'],
};
