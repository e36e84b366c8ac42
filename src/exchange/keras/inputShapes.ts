// The option of readers for inputs whose sizes a file leaves open.
import { type Kind, kindOf, shape } from '../../core/optionKinds.ts';
import type { Shape } from '../../core/shape.ts';
import { isRecord } from './place.ts';

export type InputShapes = Readonly<Record<string, Shape>>;

/** The option has its comment in each declaration, so that editors show it. */
export const inputShapesKind: Kind<InputShapes> = /* @__PURE__ */ kindOf({
  rule: 'a record of shapes by the names of inputs, such as { input_1: [20, 8] }, without the batch axis',
  accepts: (value): value is InputShapes => isRecord(value) && Object.values(value).every((one) => shape.accepts(one)),
});
