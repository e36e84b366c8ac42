// Losses of boxes, for detection. Targets and predictions [n, ..., 4]: one box each on the last axis.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { number, oneOf } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, nameOf, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  atan2,
  div,
  equal,
  logicalAnd,
  maximum,
  minimum,
  mul,
  relu,
  reshape,
  square,
  stopGradient,
  sub,
  where,
} from '../ops/index.ts';
import { sliceAxis } from '../ops/shape/slice.ts';
import { alignEqual } from './align.ts';
import { type Loss, lossOptions, makeLoss } from './loss.ts';

const boxTable = {
  /**
   * Order of the four numbers: corners [x1, y1, x2, y2] ('xyxy') or [y1, x1, y2, x2] ('yxyx'), or a corner ('xywh') or the centre ('centerXywh')
   * with width and height. @default 'xyxy'
   */
  boxFormat: /* @__PURE__ */ optional(oneOf('xyxy', 'yxyx', 'xywh', 'centerXywh'), 'xyxy'),
  /** Summand of the denominators. @default 1e-7 */
  epsilon: /* @__PURE__ */ optional(number('above 0'), 1e-7),
  ...lossOptions,
};
type BoxSettings = SettingsOf<Declaration<typeof boxTable>>;

/** Borders of boxes, each [n, ...]. */
interface Box {
  readonly x1: Tensor;
  readonly y1: Tensor;
  readonly x2: Tensor;
  readonly y2: Tensor;
}

function boxOf(x: Tensor, format: BoxSettings['boxFormat']): Box {
  const [a, b, c, d] = [0, 1, 2, 3].map((at) => reshape(sliceAxis(x, x.rank - 1, at, 1), x.shape.slice(0, -1)));
  if (format === 'xyxy') return { x1: a, y1: b, x2: c, y2: d };
  if (format === 'yxyx') return { x1: b, y1: a, x2: d, y2: c };
  if (format === 'xywh') return { x1: a, y1: b, x2: add(a, c), y2: add(b, d) };
  const [halfWidth, halfHeight] = [mul(c, 0.5), mul(d, 0.5)];
  return { x1: sub(a, halfWidth), y1: sub(b, halfHeight), x2: add(a, halfWidth), y2: add(b, halfHeight) };
}

const width = ({ x1, x2 }: Box): Tensor => sub(x2, x1);
const height = ({ y1, y2 }: Box): Tensor => sub(y2, y1);
const area = (box: Box): Tensor => mul(width(box), height(box));

/** Intersection over union, the union, and the smallest box around both. */
function overlap(t: Box, p: Box, epsilon: number): { iou: Tensor; union: Tensor; around: Box } {
  const inner = { x1: maximum(t.x1, p.x1), y1: maximum(t.y1, p.y1), x2: minimum(t.x2, p.x2), y2: minimum(t.y2, p.y2) };
  const around = { x1: minimum(t.x1, p.x1), y1: minimum(t.y1, p.y1), x2: maximum(t.x2, p.x2), y2: maximum(t.y2, p.y2) };
  const both = mul(relu(width(inner)), relu(height(inner)));
  const union = sub(add(area(t), area(p)), both);
  return { iou: div(both, add(union, epsilon)), union, around };
}

/** A loss with one value for each pair of boxes. */
function makeBoxLoss<T extends OptionTable & typeof boxTable>(
  declaration: Declaration<T>,
  settings: SettingsOf<Declaration<T>>,
  value: (targets: Box, predictions: Box, epsilon: number) => Tensor,
): Configured<Loss> {
  const name = nameOf(declaration);
  const { boxFormat, epsilon } = settings as BoxSettings;
  return makeLoss(declaration, settings, {
    targetKind: 'numbers',
    terms(targets, predictions) {
      const pair = alignEqual(name, targets, predictions);
      if (pair.predictions.shape[pair.predictions.rank - 1] !== 4) {
        throw new ShapeError(
          `${name}: predictions ${formatShape(predictions.shape)} are no boxes; the last axis must hold the 4 numbers of a box: give the last ` +
            'layer 4 units, or reshape its outputs to [n, boxes, 4]',
        );
      }
      return { terms: value(boxOf(pair.targets, boxFormat), boxOf(pair.predictions, boxFormat), epsilon) };
    },
  });
}

export const giouOptions = declareOptions('losses.giou', boxTable);
export type BoxLossOptions = OptionsOf<typeof giouOptions>;

/**
 * Generalized IoU loss of boxes, 1 - IoU + (C - U) / C, with the area U of the union and the area C of the smallest box around both. From 0
 * for equal boxes to 2. Both [n, ..., 4]. Rezatofighi et al., Generalized Intersection over Union, 2019.
 *
 *     losses.giou({ boxFormat: 'xyxy' })(boxes, predictedBoxes)
 *
 * @throws ShapeError if the shapes differ, or the last axis is not 4.
 */
export const giou = (options: BoxLossOptions = {}): Configured<Loss> =>
  makeBoxLoss(giouOptions, giouOptions.read(options), (t, p, epsilon) => {
    const { iou, union, around } = overlap(t, p, epsilon);
    const whole = area(around);
    return add(sub(1, iou), div(sub(whole, union), add(whole, epsilon)));
  });

export const ciouOptions = declareOptions('losses.ciou', boxTable);

/**
 * Complete IoU loss of boxes, 1 - IoU + d^2 / c^2 + a v, with the distance d of the centres, the diagonal c of the smallest box around both,
 * v = (4 / pi^2) (atan(w_t / h_t) - atan(w_p / h_p))^2 and a = v / (1 - IoU + v), which has no gradient. Both [n, ..., 4]. Zheng et al.,
 * Distance-IoU Loss, 2020.
 *
 *     losses.ciou()(boxes, predictedBoxes)
 *
 * @throws ShapeError if the shapes differ, or the last axis is not 4.
 */
export const ciou = (options: BoxLossOptions = {}): Configured<Loss> =>
  makeBoxLoss(ciouOptions, ciouOptions.read(options), (t, p, epsilon) => {
    const { iou, around } = overlap(t, p, epsilon);
    const distance = add(square(mul(sub(add(t.x1, t.x2), add(p.x1, p.x2)), 0.5)), square(mul(sub(add(t.y1, t.y2), add(p.y1, p.y2)), 0.5)));
    const diagonal = add(add(square(width(around)), square(height(around))), epsilon);
    const v = mul(square(sub(aspect(t), aspect(p))), 4 / Math.PI ** 2);
    const factor = stopGradient(div(v, add(add(sub(1, iou), v), epsilon)));
    return add(add(sub(1, iou), div(distance, diagonal)), mul(factor, v));
  });

/** atan(width / height); that of a square for a box of no extent. */
function aspect(box: Box): Tensor {
  const [w, h] = [width(box), height(box)];
  const isPoint = logicalAnd(equal(w, 0), equal(h, 0));
  return atan2(where(isPoint, 1, w), where(isPoint, 1, h));
}
