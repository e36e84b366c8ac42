// Models, losses and optimizers that can be chosen, on the page and by `npm run train`, and their valid combinations. The models are in
// models.ts, because the page's own script does not load the library.

export type ModelName = 'mlp' | 'cnn' | 'linear';
export const lossNames = [
  'sparseCategoricalCrossentropy',
  'categoricalCrossentropy',
  'binaryCrossentropy',
  'meanSquaredError',
  'meanAbsoluteError',
] as const;
export type LossName = (typeof lossNames)[number];
export type OptimizerName = 'sgd' | 'adagrad' | 'adadelta' | 'rmsprop' | 'adam';

export const classes = 10;

export interface Recipe {
  readonly title: string;
  readonly description: string;
  /** Ten class probabilities, or the digit itself as one number. */
  readonly output: 'probabilities' | 'value';
  /** The losses that are valid for its output. */
  readonly losses: readonly LossName[];
  readonly defaults: {
    readonly loss: LossName;
    readonly optimizer: OptimizerName;
    /** Step size of that optimizer. Any other starts with its own default. */
    readonly learningRate: number;
    readonly batchSize: number;
  };
}

export const recipes: Readonly<Record<ModelName, Recipe>> = {
  mlp: {
    title: 'Multilayer perceptron',
    description: 'Dense 128 ReLU, dense 10 softmax',
    output: 'probabilities',
    losses: lossNames,
    defaults: { loss: 'sparseCategoricalCrossentropy', optimizer: 'adam', learningRate: 0.003, batchSize: 128 },
  },
  cnn: {
    title: 'Convolutional network',
    description: 'Two 3×3 convolutions with pooling, dense 128 ReLU, dense 10 softmax',
    output: 'probabilities',
    losses: lossNames,
    defaults: { loss: 'sparseCategoricalCrossentropy', optimizer: 'adam', learningRate: 0.001, batchSize: 32 },
  },
  linear: {
    title: 'First regression',
    description: 'Dense 128 ReLU, dense 1 linear: the digit as one number, right when within 0.5',
    output: 'value',
    losses: ['meanSquaredError', 'meanAbsoluteError'],
    defaults: { loss: 'meanSquaredError', optimizer: 'sgd', learningRate: 0.01, batchSize: 128 },
  },
};

/** Keras's defaults. */
export const learningRates: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.01,
  adagrad: 0.001,
  adadelta: 0.001,
  rmsprop: 0.001,
  adam: 0.001,
};

/** The initial step size: the recipe's for its own optimizer, else the optimizer's default. */
export function learningRateFor(model: ModelName, optimizer: OptimizerName): number {
  const { defaults } = recipes[model];
  return optimizer === defaults.optimizer ? defaults.learningRate : learningRates[optimizer];
}

/** Whether the loss compares ten probabilities with a one-hot row instead of a class number. */
export const wantsOneHot = (model: ModelName, loss: LossName): boolean =>
  recipes[model].output === 'probabilities' && loss !== 'sparseCategoricalCrossentropy';

/** Row-major [labels, 10]. */
export function oneHotRows(labels: ArrayLike<number>): Float32Array {
  const rows = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) rows[i * classes + labels[i]] = 1;
  return rows;
}
