// All classes of Keras that the library supports.
import { addConverters } from '../converter.ts';
import { activationRows, denseRows, mergeRows, noiseRows, shapeRows } from './core.ts';
import { augmentationRows, normRows, preprocessingRows } from './norms.ts';
import { attentionRows, recurrentRows, wrapperRows } from './sequences.ts';
import { convolutionRows, poolRows, sizeRows } from './windows.ts';

export const rows = [
  ...[...denseRows, ...activationRows, ...mergeRows, ...shapeRows, ...noiseRows],
  ...[...convolutionRows, ...poolRows, ...sizeRows],
  ...[...normRows, ...preprocessingRows, ...augmentationRows],
  ...[...recurrentRows, ...wrapperRows, ...attentionRows],
];

addConverters(rows);
