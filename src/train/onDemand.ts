// Parts of a model that are loaded when the first of them is used: files, backups, snapshots, memory plans and attacks. They are one module,
// because each module that is loaded on its own divides the code that it shares with others into more files.
export { adversarialStep, attackKind } from './attacks.ts';
export { restoreBackup, saveBackup } from './backups.ts';
export { planMemory } from './memoryPlan.ts';
export { saveModel } from './saveModel.ts';
export { takeSnapshot } from './snapshot.ts';
export { loadWeights, saveWeights } from './weightFiles.ts';
