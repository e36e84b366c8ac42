// Base models: functional models with the architecture and the names of public checkpoints. They hold no weights; a file of the user does.
export type { BaseModel } from './baseModel.ts';
export { type BertOptions, bert } from './bert.ts';
export { type Gpt2Options, gpt2 } from './gpt2.ts';
export { type MobileNetV2Options, mobileNetV2 } from './mobileNetV2.ts';
export { type Resnet18Options, resnet18 } from './resnet18.ts';
