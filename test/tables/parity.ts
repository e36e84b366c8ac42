// Names that the library has to have, by family and by the library whose definition and defaults they follow. `npm run parity` counts them.

/** Reference: a library, or 'papers' for a name that has its paper in its docstring. */
export type Reference = 'Keras' | 'PyTorch' | 'optax' | 'torchmetrics' | 'scikit-learn' | 'TensorFlow' | 'torchvision' | 'papers' | 'ombre';

export type NamesByReference = Readonly<Partial<Record<Reference, readonly string[]>>>;

/* prettier-ignore */
export const parity: Readonly<Record<string, NamesByReference>> = {
  losses: {
    Keras: [
      'meanSquaredError', 'meanAbsoluteError', 'meanAbsolutePercentageError', 'meanSquaredLogarithmicError', 'huber', 'logCosh',
      'cosineSimilarity', 'poisson', 'binaryCrossentropy', 'categoricalCrossentropy', 'sparseCategoricalCrossentropy',
      'binaryFocalCrossentropy', 'categoricalFocalCrossentropy', 'categoricalGeneralizedCrossEntropy', 'hinge', 'squaredHinge',
      'categoricalHinge', 'klDivergence', 'ctc', 'circle', 'dice', 'tversky',
    ],
    PyTorch: [
      'smoothL1', 'poissonNll', 'gaussianNll', 'linearCrossEntropy', 'nll', 'multiMargin', 'multiLabelMargin', 'multiLabelSoftMargin',
      'softMargin', 'tripletMargin', 'tripletMarginWithDistance', 'marginRanking', 'hingeEmbedding', 'cosineEmbedding', 'wasserstein',
    ],
    papers: [
      'charbonnier', 'quantile', 'tukeyBiweight', 'infoNce', 'ntXent', 'barlowTwins', 'vicReg', 'focalTversky', 'distillation',
    ],
    optax: [
      'polyLoss', 'rankingSoftmax',
    ],
    TensorFlow: [
      'contrastive', 'pairwiseLogistic',
    ],
    torchvision: [
      'giou', 'ciou',
    ],
  },
  optimizers: {
    Keras: [
      'sgd', 'adagrad', 'adadelta', 'rmsprop', 'adam', 'adamW', 'adamax', 'nadam', 'adafactor', 'ftrl', 'lion', 'lamb', 'muon',
    ],
    optax: [
      'nadamW', 'lars', 'adabelief', 'adan', 'prodigy', 'signum', 'lookahead',
    ],
    PyTorch: [
      'radam', 'asgd', 'rprop', 'lbfgs', 'swa',
    ],
    papers: [
      'scheduleFreeAdamW', 'sam', 'dpSgd',
    ],
    TensorFlow: [
      'multiOptimizer',
    ],
  },
  schedules: {
    PyTorch: [
      'constant', 'step', 'multiStep', 'multiplicative', 'linear', 'cyclic', 'oneCycle', 'sequential', 'chained', 'lambda',
    ],
    Keras: [
      'exponentialDecay', 'piecewiseConstantDecay', 'polynomialDecay', 'inverseTimeDecay', 'cosineDecay', 'cosineDecayRestarts',
    ],
    optax: [
      'piecewiseInterpolate', 'warmup', 'warmupStableDecay',
    ],
    papers: [
      'inverseSqrt',
    ],
  },
  metrics: {
    Keras: [
      'accuracy', 'binaryAccuracy', 'categoricalAccuracy', 'sparseCategoricalAccuracy', 'topKCategoricalAccuracy',
      'sparseTopKCategoricalAccuracy', 'truePositives', 'trueNegatives', 'falsePositives', 'falseNegatives', 'precision', 'recall',
      'f1Score', 'fBetaScore', 'sensitivityAtSpecificity', 'specificityAtSensitivity', 'precisionAtRecall', 'recallAtPrecision',
      'meanSquaredError', 'rootMeanSquaredError', 'meanAbsoluteError', 'meanAbsolutePercentageError', 'meanSquaredLogarithmicError',
      'r2Score', 'cosineSimilarity', 'logCoshError', 'pearsonCorrelation', 'concordanceCorrelation', 'iou', 'binaryIoU', 'meanIoU',
      'oneHotIoU', 'oneHotMeanIoU', 'binaryCrossentropy', 'categoricalCrossentropy', 'sparseCategoricalCrossentropy', 'klDivergence',
      'poisson', 'hinge', 'squaredHinge', 'categoricalHinge', 'mean', 'sum',
    ],
    'scikit-learn': [
      'balancedAccuracy', 'auc', 'rocCurve', 'precisionRecallCurve', 'confusionMatrix', 'classificationReport', 'cohenKappa', 'matthews',
      'explainedVariance',
    ],
    torchmetrics: [
      'exactMatch', 'hammingDistance', 'specificity', 'negativePredictiveValue', 'calibrationError',
      'symmetricMeanAbsolutePercentageError', 'weightedMeanAbsolutePercentageError', 'spearmanCorrelation', 'psnr', 'ssim', 'ndcg',
      'meanReciprocalRank', 'hitRate', 'perplexity', 'editDistance', 'wordErrorRate', 'charErrorRate', 'min', 'max',
    ],
  },
  layers: {
    Keras: [
      'dense', 'einsumDense', 'embedding', 'reversibleEmbedding', 'activation', 'identity', 'lambda', 'masking', 'flatten', 'reshape',
      'permute', 'repeatVector', 'timeDistributed', 'activityRegularization', 'conv1d', 'conv2d', 'conv3d', 'conv1dTranspose',
      'conv2dTranspose', 'conv3dTranspose', 'depthwiseConv1d', 'depthwiseConv2d', 'separableConv1d', 'separableConv2d', 'maxPooling1d',
      'maxPooling2d', 'maxPooling3d', 'averagePooling1d', 'averagePooling2d', 'averagePooling3d', 'globalMaxPooling1d',
      'globalMaxPooling2d', 'globalMaxPooling3d', 'globalAveragePooling1d', 'globalAveragePooling2d', 'globalAveragePooling3d',
      'adaptiveAveragePooling', 'adaptiveMaxPooling', 'upSampling1d', 'upSampling2d', 'upSampling3d', 'zeroPadding1d', 'zeroPadding2d',
      'zeroPadding3d', 'cropping1d', 'cropping2d', 'cropping3d', 'resizing', 'centerCrop', 'batchNormalization', 'layerNormalization',
      'groupNormalization', 'rmsNormalization', 'unitNormalization', 'spectralNormalization', 'rnn', 'simpleRnn', 'lstm', 'gru',
      'simpleRnnCell', 'lstmCell', 'gruCell', 'stackedRnnCells', 'bidirectional', 'attention', 'additiveAttention', 'multiHeadAttention',
      'groupQueryAttention', 'positionEmbedding', 'rotaryEmbedding', 'sinusoidal', 'transformerEncoder', 'transformerDecoder', 'add',
      'subtract', 'multiply', 'average', 'maximum', 'minimum', 'concatenate', 'dot', 'leakyRelu', 'prelu', 'elu', 'relu', 'softmax',
      'dropout', 'spatialDropout1d', 'spatialDropout2d', 'spatialDropout3d', 'gaussianNoise', 'gaussianDropout', 'alphaDropout',
      'normalization', 'rescaling', 'categoryEncoding', 'stringLookup', 'integerLookup', 'discretization', 'textVectorization',
      'randomFlip', 'randomTranslation', 'randomRotation', 'randomZoom', 'randomShear', 'randomBrightness', 'randomContrast',
      'randomErasing', 'gaussianBlur', 'mixUp', 'cutMix',
    ],
    PyTorch: [
      'pixelShuffle', 'instanceNormalization', 'weightNormalization', 'randomCrop', 'colorJitter', 'grayscale',
    ],
    papers: [
      'alibi', 'uncertaintyWeighting',
    ],
  },
  callbacks: {
    Keras: [
      'earlyStopping', 'modelCheckpoint', 'backupAndRestore', 'csvLogger', 'lambda', 'learningRateScheduler', 'reduceLROnPlateau',
      'swapEmaWeights', 'tensorBoard', 'terminateOnNaN',
    ],
    ombre: [
      'history', 'progress', 'timeLimit', 'liveChart', 'sample',
    ],
    papers: [
      'learningRateFinder',
    ],
  },
  initializers: {
    Keras: [
      'zeros', 'ones', 'constant', 'randomNormal', 'randomUniform', 'truncatedNormal', 'varianceScaling', 'glorotNormal', 'glorotUniform',
      'heNormal', 'heUniform', 'lecunNormal', 'lecunUniform', 'orthogonal', 'identity',
    ],
  },
  regularizers: {
    Keras: [
      'l1', 'l2', 'l1l2', 'orthogonal',
    ],
  },
  constraints: {
    Keras: [
      'maxNorm', 'minMaxNorm', 'nonNeg', 'unitNorm',
    ],
  },
  activations: {
    Keras: [
      'relu', 'relu6', 'leakyRelu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'sigmoid', 'hardSigmoid', 'softmax',
      'logSoftmax', 'squareplus', 'sparsePlus', 'sparseSigmoid', 'sparsemax', 'linear',
    ],
    PyTorch: [
      'celu', 'mish', 'logSigmoid', 'hardSwish', 'hardTanh', 'tanhShrink', 'glu', 'hardShrink', 'softShrink', 'threshold',
    ],
  },
  random: {
    Keras: [
      'normal', 'uniform', 'truncatedNormal', 'categorical',
    ],
    PyTorch: [
      'bernoulli', 'permutation', 'gumbel', 'randint', 'gamma', 'beta', 'exponential',
    ],
  },
  adversarial: {
    papers: [
      'fgsm', 'pgd',
    ],
  },
  functions: {
    papers: [
      'gradientPenalty', 'gradNorm', 'pcGrad',
    ],
    ombre: [
      'jointLoss', 'generate',
    ],
  },
};

/** Names that are delivered under another one, or as an option: the place, and the test file that proves it. */
export const deliveredAs: Readonly<Record<string, { readonly as: string; readonly test: string }>> = {
  'schedules.reduceOnPlateau': { as: 'callbacks.reduceLROnPlateau', test: 'unit/callbacks.test.ts' },
  'optimizers.ema': { as: 'the option emaDecay of every optimizer', test: 'unit/optim.test.ts' },
  'optimizers.lossScale': { as: "compile({ dtypePolicy: 'mixedFloat16' })", test: 'unit/mixedPrecision.test.ts' },
  'losses.addLoss': { as: 'losses that a layer returns', test: 'unit/penalties.test.ts' },
  'layers.input': { as: 'the function input', test: 'unit/functional.test.ts' },
};

/** Names that are not delivered yet. A name leaves this list when its factory comes. */
export const awaited: readonly string[] = [];
