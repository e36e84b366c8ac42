// The entry `ombre`: the public names that lean.ts lists, the methods of tensors (x.add(1)), and names such as `loss: 'huber'`.
import './ops/methods.ts';
import './train/names.ts';

export * from './lean.ts';
