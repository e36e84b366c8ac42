// Every optimizer. A namespace and no table: a bundler keeps only the optimizers that are used.
export { sgd } from './rules/sgd.ts';
export { asgd } from './rules/asgd.ts';
export { adagrad, adadelta, rmsprop } from './rules/adaptive.ts';
export { adam, adamW } from './rules/adam.ts';
export { adamax, nadam, nadamW, radam, adabelief, adan } from './rules/adamFamily.ts';
export { adafactor } from './rules/adafactor.ts';
export { ftrl } from './rules/ftrl.ts';
export { lion, signum, rprop } from './rules/signs.ts';
export { lamb, lars } from './rules/layerwise.ts';
export { muon } from './rules/muon.ts';
export { prodigy } from './rules/prodigy.ts';
export { scheduleFreeAdamW } from './rules/scheduleFree.ts';
export { lbfgs } from './rules/lbfgs.ts';
export { dpSgd } from './wrappers/dpSgd.ts';
export { lookahead } from './wrappers/lookahead.ts';
export { multiOptimizer } from './wrappers/multiOptimizer.ts';
export { sam } from './wrappers/sam.ts';
export { swa } from './wrappers/swa.ts';
