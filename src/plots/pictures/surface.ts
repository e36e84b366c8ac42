// A function over a plane: colours, contour lines and a colour bar.
import { type Chart, type Frame, shortNumber, themeOf } from './chart.ts';
import { rangeOf, scalePixels } from './pixels.ts';
import { pngUrl } from './png.ts';

/** Values by row of y, then by column of x. */
export interface Grid {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly values: readonly (readonly number[])[];
}

export type ValueScale = 'auto' | 'linear' | 'logarithmic';

/** A monotone function of the values, and its inverse. */
export interface Transform {
  readonly forward: (value: number) => number;
  readonly inverse: (value: number) => number;
}

/**
 * Values as they are, or log(1 + (v - min) / s), with s a tenth of the first decile of v - min: steep and flat regions both get colours.
 * 'auto' chooses the logarithm if the largest v - min is above 20 times the first decile.
 */
export function transformOf(values: readonly number[], scale: ValueScale): Transform {
  const finite = values.filter((value) => Number.isFinite(value));
  const [least] = rangeOf(finite);
  const sorted = finite.map((value) => value - least).sort((a, b) => a - b);
  const decile = sorted[Math.floor(sorted.length / 10)] ?? 0;
  const most = sorted[sorted.length - 1] ?? 0;
  if (scale === 'linear' || (scale === 'auto' && most <= 20 * decile)) return { forward: (value) => value, inverse: (value) => value };
  const unit = decile / 10 || most / 1e4 || 1;
  return { forward: (value) => Math.log1p((value - least) / unit), inverse: (value) => least + unit * Math.expm1(value) };
}

/** Rectangle in pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Values between the points of a grid, at rows from the top to the bottom of a picture. */
function interpolated(rows: readonly (readonly number[])[], height: number, width: number): Float64Array {
  const [ny, nx] = [rows.length, rows[0].length];
  const place = (i: number, count: number, size: number): [number, number] => {
    const at = count > 1 ? (i / (count - 1)) * (size - 1) : 0;
    const below = Math.min(Math.floor(at), Math.max(0, size - 2));
    return [below, at - below];
  };
  const out = new Float64Array(height * width);
  for (let i = 0; i < height; i++) {
    const [row, dy] = place(height - 1 - i, height, ny);
    const [lower, upper] = [rows[row], rows[Math.min(row + 1, ny - 1)]];
    for (let j = 0; j < width; j++) {
      const [column, dx] = place(j, width, nx);
      const next = Math.min(column + 1, nx - 1);
      out[i * width + j] = (lower[column] * (1 - dx) + lower[next] * dx) * (1 - dy) + (upper[column] * (1 - dx) + upper[next] * dx) * dy;
    }
  }
  return out;
}

/** Segments of the line on which the values have a level, by marching squares. Coordinates are columns and rows of the grid. */
export function contourSegments(rows: readonly (readonly number[])[], level: number): [number, number, number, number][] {
  const segments: [number, number, number, number][] = [];
  for (let i = 0; i + 1 < rows.length; i++) {
    for (let j = 0; j + 1 < rows[i].length; j++) {
      // Corners in a circle: each edge joins a corner and the next one.
      const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]] as const; // prettier-ignore
      const values = corners.map(([column, row]) => rows[row][column]);
      if (!values.every((value) => Number.isFinite(value))) continue;
      const crossings = corners.flatMap(([column, row], k) => {
        const [nextColumn, nextRow] = corners[(k + 1) % 4];
        const [a, b] = [values[k], values[(k + 1) % 4]];
        if (a < level === b < level) return [];
        const share = (level - a) / (b - a);
        return [[column + (nextColumn - column) * share, row + (nextRow - row) * share] as const];
      });
      const isSaddle = crossings.length === 4;
      // At a saddle the mean of the corners decides which crossings belong together.
      const turned = isSaddle && values.reduce((sum, value) => sum + value, 0) / 4 < level !== values[0] < level;
      const order = turned ? [1, 2, 3, 0] : [0, 1, 2, 3];
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        const [from, to] = [crossings[order[k]], crossings[order[k + 1]]];
        segments.push([from[0], from[1], to[0], to[1]]);
      }
    }
  }
  return segments;
}

/** Parts of a picture: the colours of the grid and a colour bar at the right as elements, and the contour lines as a series. */
export function surfaceParts(
  frame: Frame,
  { x, y, values }: Grid,
  area: Area,
  transform: Transform,
): { readonly elements: Chart[]; readonly contours: Chart } {
  const rows = values.map((row) => row.map(transform.forward));
  const range = rangeOf(rows.flat());
  const size = { height: Math.min(240, Math.ceil(area.height)), width: Math.min(320, Math.ceil(area.width)) };
  const image = scalePixels(interpolated(rows, size.height, size.width), size.height, size.width, range, 'viridis');
  const levels = Array.from({ length: 14 }, (_, i) => range[0] + ((i + 1) / 15) * (range[1] - range[0]));
  const [ny, nx] = [rows.length, rows[0].length];
  const place = (column: number, row: number): string => {
    const x = area.left + (nx > 1 ? column / (nx - 1) : 0) * area.width;
    const y = area.top + area.height - (ny > 1 ? row / (ny - 1) : 0) * area.height;
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  };
  const pathOf = (level: number): string =>
    contourSegments(rows, level).map(([x1, y1, x2, y2]) => `M${place(x1, y1)}L${place(x2, y2)}`).join(''); // prettier-ignore
  const paths = levels.map(pathOf).filter((path) => path !== '');
  const style = { fill: 'none', stroke: '#ffffff', lineWidth: 0.7, opacity: 0.5 };
  return {
    elements: [
      {
        type: 'image',
        z: 0,
        silent: true,
        style: { image: pngUrl(image), x: area.left, y: area.top, width: area.width, height: area.height },
      },
      ...colourBar(frame, area, range, transform),
    ],
    contours: {
      type: 'custom',
      coordinateSystem: 'cartesian2d',
      silent: true,
      z: 2,
      data: paths.map(() => [x[0], y[0]]),
      renderItem: ({ dataIndex }: { dataIndex: number }) => ({ type: 'path', silent: true, shape: { pathData: paths[dataIndex] }, style }),
    },
  };
}

/** A bar of the colours with the values of some of them. */
function colourBar(frame: Frame, area: Area, [least, most]: readonly [number, number], { inverse }: Transform): Chart[] {
  const { text, line } = themeOf(frame);
  const left = area.left + area.width + 14;
  const bar = scalePixels(Float64Array.from({ length: 128 }, (_, i) => 127 - i), 128, 1, [0, 127], 'viridis'); // prettier-ignore
  const shares = [0, 0.2, 0.4, 0.6, 0.8, 1];
  return [
    { type: 'image', silent: true, style: { image: pngUrl(bar), x: left, y: area.top, width: 12, height: area.height } },
    ...shares.flatMap((share): Chart[] => {
      const y = area.top + area.height * (1 - share);
      const label = shortNumber(Number(inverse(least + share * (most - least)).toPrecision(3)));
      return [
        { type: 'line', silent: true, shape: { x1: left + 12, y1: y, x2: left + 16, y2: y }, style: { stroke: line, lineWidth: 1 } },
        { type: 'text', silent: true, style: { text: label, x: left + 19, y, textVerticalAlign: 'middle', fill: text, fontSize: 11 } },
      ];
    }),
  ];
}
