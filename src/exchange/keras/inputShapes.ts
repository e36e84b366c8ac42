// The option of readers for inputs whose sizes a file leaves open.
import { type Kind, kindOf, shape } from '../../core/optionKinds.ts';
import { optional } from '../../core/options.ts';
import type { Shape } from '../../core/shape.ts';
import { isRecord } from './place.ts';

export type InputShapes = Readonly<Record<string, Shape>>;

const kind: Kind<InputShapes> = /* @__PURE__ */ kindOf({
  rule: 'a record of shapes by the names of inputs, such as { input_1: [20, 8] }, without the batch axis',
  accepts: (value): value is InputShapes => isRecord(value) && Object.values(value).every((one) => shape.accepts(one)),
});

export const inputShapesOption = {
  /** Sizes of inputs that the file leaves open, without the batch axis, by the name of the input. @default {} */
  inputShapes: /* @__PURE__ */ optional(kind, {}),
};
