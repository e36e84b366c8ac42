// Pictures: well-formed SVG with the expected parts, equal for equal data, and errors.
import { inflateSync } from 'node:zlib';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { plots } from '../../src/plots/index.ts';
import { logarithmicAxis, roundNumbers, shortNumber } from '../../src/plots/pictures/chart.ts';
import { paletteOf, textOn } from '../../src/plots/pictures/colours.ts';
import { enlarged, pngOf } from '../../src/plots/pictures/png.ts';
import { contourSegments, transformOf } from '../../src/plots/pictures/surface.ts';
import type { SearchTrial } from '../../src/plots/index.ts';

const roc = { falsePositiveRate: [0, 0.5, 1], truePositiveRate: [0, 1, 1], thresholds: [Infinity, 0.5, 0.1], area: 0.75 };
const pr = { precision: [1, 0.5], recall: [0, 1], thresholds: [Infinity, 0.5], averagePrecision: 0.5, prevalence: 0.5 };
const bins = [{ from: 0, to: 0.5, weight: 3, confidence: 0.3, accuracy: 0.4 }, { from: 0.5, to: 1, weight: 0, confidence: undefined, accuracy: undefined }]; // prettier-ignore
const histogram = {
  path: 'dense_1/kernel',
  edges: [-1, 0, 1],
  counts: [2, 5],
  mean: 0,
  standardDeviation: 1,
  minimum: -1,
  maximum: 1,
  notFinite: 0,
};
const set = {
  name: 'conv2d_1/kernel',
  height: 2,
  width: 2,
  channels: 1,
  images: [Float32Array.of(0, 1, 2, 3), Float32Array.of(1, 1, 1, 1)],
} as const;
const pair = {
  images: { data: Float32Array.of(0, 1, 2, 3), shape: [1, 2, 2, 1] },
  maps: { data: Float32Array.of(0, -1, 0, 1), shape: [1, 2, 2] },
};
const grid = [[0, 1, 4], [1, 2, 5], [4, 5, 8]]; // prettier-ignore
const landscape = { x: [-1, 0, 1], y: [-1, 0, 1], loss: grid, path: [{ x: 1, y: 1 }, { x: 0, y: 0 }], explained: [0.9, 0.05] as const }; // prettier-ignore
const surface = { x: [-1, 0, 1], y: [-1, 0, 1], value: grid, minima: [[0, 0]] as const, paths: { adam: { x: [1, 0.5, NaN], y: [1, 0.5, 0], value: [8, 4, NaN] }, sgd: { x: [1], y: [1], value: [8] } } }; // prettier-ignore
const trials: SearchTrial[] = [0.001, 0.01, 0.1].map((learningRate, i) => ({ parameters: { learningRate, units: 16, optimizer: i ? 'adam' : 'sgd' }, value: i + 0.5 })); // prettier-ignore

type Frame = { readonly width?: number; readonly height?: number; readonly title?: string; readonly theme?: 'light' | 'dark' };

/** Every picture with data, and texts that it must show. */
const pictures: Readonly<Record<keyof typeof plots, readonly [draw: (frame: Frame) => string, ...texts: string[]]>> = {
  curves: [(frame) => plots.curves({ loss: [3, 2, NaN], val_loss: [4, 3, 2], accuracy: [0.1, 0.2, 0.3] }, frame), 'loss', 'accuracy', 'training', 'validation', 'epoch'], // prettier-ignore
  confusionMatrix: [(frame) => plots.confusionMatrix([[5, 1], [2, 40]], { labels: ['cat', 'dog'], ...frame }), 'cat', 'dog', '40', 'predicted class', 'true class'], // prettier-ignore
  roc: [(frame) => plots.roc({ 'class 1': roc, other: roc }, frame), 'class 1 (area 0.750)', 'true positive rate'],
  precisionRecall: [(frame) => plots.precisionRecall(pr, frame), 'model (AP 0.500)', 'recall', 'precision'],
  calibration: [
    (frame) => plots.calibration({ bins, expectedError: 0.1, maximumError: 0.1 }, frame),
    'model (ECE 0.100)',
    'mean confidence',
  ],
  histograms: [(frame) => plots.histograms([histogram, histogram, histogram], frame), 'dense_1/kernel', 'count', 'value'],
  filters: [(frame) => plots.filters(set, frame), 'conv2d_1/kernel, 2 x 2, values from 0 to 3, each image with its own range'],
  saliency: [(frame) => plots.saliency(pair, { overlay: true, labels: ['seven'], ...frame }), 'seven', 'image, map, both'],
  landscape: [(frame) => plots.landscape(landscape, frame), 'first direction (90 % of the path)', 'second direction (5 % of the path)'],
  optimizerPaths: [(frame) => plots.optimizerPaths(surface, frame), 'adam', 'sgd'],
  embedding: [(frame) => plots.embedding([[0, 1], [2, 3], [4, 4]], { labels: [7, 7, 9], axisNames: 'components', ...frame }), '7', '9', 'component 2'], // prettier-ignore
  parallelCoordinates: [(frame) => plots.parallelCoordinates(trials, { valueName: 'val_loss', ...frame }), 'learningRate', 'optimizer', 'val_loss', '0.01'], // prettier-ignore
  scatter: [(frame) => plots.scatter(trials, { valueName: 'val_loss', ...frame }), 'learningRate', 'optimizer', 'val_loss', '0.01'],
};

/** Complaints of a parser about a text as one element of JSX, which has the rules of XML for tags, attributes and quotes. */
function problemsOf(svg: string): string[] {
  const text = svg.replace(/<style[^>]*>[\s\S]*?<\/style>/g, '').replaceAll(/\bxmlns:xlink|xlink:href/g, 'xlink');
  const file = ts.createSourceFile('svg.tsx', `const picture = ${text};`, ts.ScriptTarget.Latest, false, ts.ScriptKind.TSX);
  return (file as unknown as { parseDiagnostics: { messageText: string }[] }).parseDiagnostics.map(({ messageText }) => messageText);
}

const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([\s\S]*?)<\/text>/g)].map(([, text]) => text.replace(/<[^>]+>/g, ''));

test('the parser finds what is not XML', () => {
  expect(problemsOf('<svg a="1"><g></g></svg>')).toEqual([]);
  expect(problemsOf('<svg a="b "c" d"></svg>')).not.toEqual([]);
  expect(problemsOf('<svg><g></svg>')).not.toEqual([]);
});

describe.each(Object.entries(pictures))('plots.%s', (_, [draw, ...texts]) => {
  test('is SVG with its texts, title and size', () => {
    const svg = draw({ title: 'a < b & "c"', width: 500, height: 450 });
    expect(svg).toMatch(/^<svg width="500" height="450" xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(problemsOf(svg)).toEqual([]);
    const shown = textsOf(svg);
    for (const text of texts) expect(shown.some((line) => line.includes(text)), `'${text}' in ${shown.join(' | ')}`).toBe(true); // prettier-ignore
    expect(shown.map((line) => line.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&'))).toContain('a < b & "c"');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('is equal for equal data, and has names of its own', () => {
    const [first, second] = [draw({}), draw({})];
    expect(first === second).toBe(true);
    expect(first).not.toMatch(/\bzr\d/);
    const idsOf = (svg: string): Set<string> => new Set([...svg.matchAll(/(?:\bid|class)="([^"]+)"/g)].map(([, id]) => id));
    const dark = draw({ theme: 'dark' });
    expect([...idsOf(dark)].filter((id) => idsOf(first).has(id))).toEqual([]);
    expect(dark).toContain('fill="#111418"');
  });
});

test('a scope without the name global, such as a worker, draws too', () => {
  const scope = globalThis as { global?: unknown };
  const { global } = scope;
  const expected = plots.roc({ a: roc });
  delete scope.global;
  try {
    expect(plots.roc({ a: roc })).toBe(expected);
    expect('global' in scope).toBe(false);
  } finally {
    scope.global = global;
  }
});

test('a log axis has marks at 1, 2 and 5', () => {
  const { min, max, axisLabel } = logarithmicAxis([0.12, 3]) as { min: number; max: number; axisLabel: { customValues: number[] } };
  expect(axisLabel.customValues).toEqual([0.2, 0.5, 1, 2]);
  expect([min < 0.12, max > 3]).toEqual([true, true]);
  expect(roundNumbers(-2, 2)).toEqual([-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]);
  expect([0.00012, 123456, 0.5, 2509.4, NaN].map(shortNumber)).toEqual(['1.2e-4', '1.2e5', '0.5', '2509.4', 'NaN']);
});

test('PNG files hold their pixels', () => {
  const palette = paletteOf('viridis');
  const pixels = { width: 2, height: 2, data: Uint8Array.of(0, 255, 128, 1), palette };
  const large = enlarged(pixels, 2);
  expect([...large.data]).toEqual([0, 0, 255, 255, 0, 0, 255, 255, 128, 128, 1, 1, 128, 128, 1, 1]);
  const png = Buffer.from(pngOf(large));
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const at = png.indexOf('IDAT');
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  expect([...rows.subarray(0, 5)]).toEqual([0, 0, 0, 255, 255]);
  expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([4, 4, 8, 3]);
  expect([textOn(palette, 0), textOn(palette, 1)]).toEqual(['#ffffff', '#000000']);
});

test('contour lines cross the edges at their level', () => {
  expect(contourSegments([[0, 1], [0, 1]], 0.25)).toEqual([[0.25, 0, 0.25, 1]]); // prettier-ignore
  expect(contourSegments([[0, 0], [0, 0]], 0.25)).toEqual([]); // prettier-ignore
  // A saddle has two lines: around the high corners if the middle is low, else around the low ones.
  const around = (high: number): string[] => contourSegments([[0, high], [high, 0]], 1).map((line) => line.map((x) => x.toFixed(2)).join(' ')); // prettier-ignore
  expect(around(1.5)).toEqual(['0.67 0.00 1.00 0.33', '0.33 1.00 0.00 0.67']);
  expect(around(3)).toEqual(['1.00 0.67 0.67 1.00', '0.00 0.33 0.33 0.00']);
  expect(contourSegments([[0, NaN], [3, 3]], 1)).toEqual([]); // prettier-ignore
});

test('colours are logarithmic if most values are near the smallest one', () => {
  const { forward, inverse } = transformOf([0, 0, 1, 1, 1e4], 'auto');
  expect(forward(1e4) / forward(1)).toBeLessThan(100);
  expect(inverse(forward(37))).toBeCloseTo(37, 8);
  expect(transformOf([1, 2, 3], 'auto').forward(2.5)).not.toBe(2.5);
  expect(transformOf([1, 2, 3], 'linear').forward(2.5)).toBe(2.5);
});

describe('errors', () => {
  test.each<[string, () => unknown, string]>([
    ['curves, name', () => plots.curves({ loss: [1] }, { names: ['los'] }), "plots.curves: names has 'los', but the history has loss"],
    [
      'confusionMatrix, not square',
      () => plots.confusionMatrix([[1, 2]]),
      'plots.confusionMatrix: the matrix must be a square list of lists',
    ],
    [
      'confusionMatrix, labels',
      () => plots.confusionMatrix([[1]], { labels: ['a', 'b'] }),
      'labels has 2 names, but the matrix has 1 classes',
    ],
    ['roc', () => plots.roc([] as never), 'plots.roc: takes the result of rocCurve(), or several by name'],
    ['histograms', () => plots.histograms([]), 'plots.histograms: takes the list of weightHistograms(model)'],
    ['filters', () => plots.filters({} as never), 'plots.filters: takes the result of filterImages(model)'],
    ['saliency, channels', () => plots.saliency({ ...pair, images: { data: new Float32Array(8), shape: [1, 2, 2, 2] } }), 'plots.saliency: images are [1,2,2,2]; give [n, height, width] with 1 or 3 channels'], // prettier-ignore
    ['saliency, sizes', () => plots.saliency({ ...pair, maps: { data: new Float32Array(1), shape: [1, 1, 1] } }), 'maps are [1,1,1], but images are [1,2,2,1]'], // prettier-ignore
    ['saliency, labels', () => plots.saliency(pair, { labels: ['a', 'b'] }), 'labels has 2 texts, but there are 1 images'],
    [
      'landscape',
      () => plots.landscape({ ...landscape, x: [0] }),
      'plots.landscape: takes the result of lossLandscape(), with two or more points',
    ],
    ['embedding, points', () => plots.embedding([[1]]), 'plots.embedding: points must be lists with the coordinates 0 and 1'],
    ['embedding, labels', () => plots.embedding([[1, 2]], { labels: [] }), 'labels has 0 entries, but there are 1 points'],
    ['search, trials', () => plots.scatter([{ value: 1 }] as never), 'plots.scatter: takes a list of trials'],
    ['search, values', () => plots.scatter([{ parameters: {}, value: NaN }]), 'plots.scatter: no trial has a finite value'],
    [
      'search, names',
      () => plots.parallelCoordinates(trials, { parameters: ['unit'] }),
      "parameters has 'unit', but the trials have learningRate",
    ],
    ['an option', () => plots.roc(roc, { with: 3 } as never), "plots.roc: unknown option 'with'; it takes width, height, title, theme; did you mean 'width'?"], // prettier-ignore
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
