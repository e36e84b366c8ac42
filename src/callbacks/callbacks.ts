// Every callback. A namespace and no table: a bundler keeps only the callbacks that are used.
export { backupAndRestore } from './backupAndRestore.ts';
export { csvLogger } from './csvLogger.ts';
export { earlyStopping } from './earlyStopping.ts';
export { history } from './history.ts';
export { lambda } from './lambda.ts';
export { learningRateFinder } from './learningRateFinder.ts';
export { learningRateScheduler, reduceLROnPlateau } from './learningRates.ts';
export { liveChart } from './liveChart.ts';
export { modelCheckpoint } from './modelCheckpoint.ts';
export { progress } from './progress.ts';
export { sample } from './sample.ts';
export { sampleImages } from './sampleImages.ts';
export { sampleText } from './sampleText.ts';
export { swapEmaWeights } from './swapEmaWeights.ts';
export { tensorBoard } from './tensorBoard.ts';
export { terminateOnNaN, timeLimit } from './ending.ts';
