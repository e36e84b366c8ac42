// The frame of every picture: size, title, theme and axes. ECharts draws it to SVG without a document.
import { BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import {
  GraphicComponent,
  GridComponent,
  LegendComponent,
  ParallelComponent,
  TitleComponent,
  VisualMapComponent,
} from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { oneOf, positiveInteger, text } from '../../core/optionKinds.ts';
import { optional } from '../../core/options.ts';

/** Options of every picture. */
export const pictureOptions = {
  /** Width in pixels. @default 640 */
  width: /* @__PURE__ */ optional(positiveInteger, 640),
  /** Height in pixels. @default 400 */
  height: /* @__PURE__ */ optional(positiveInteger, 400),
  /** Title above the picture. */
  title: /* @__PURE__ */ optional(text),
  /** 'light': dark lines on white. 'dark': light lines on black. @default 'light' */
  theme: /* @__PURE__ */ optional(oneOf('light', 'dark'), 'light'),
};

/** Options of pictures whose height follows from their parts. */
export const panelOptions = {
  /** Width in pixels. @default 640 */
  width: /* @__PURE__ */ optional(positiveInteger, 640),
  /** Height in pixels. The default is that of the parts. */
  height: /* @__PURE__ */ optional(positiveInteger),
  /** Title above the picture. */
  title: /* @__PURE__ */ optional(text),
  /** 'light': dark lines on white. 'dark': light lines on black. @default 'light' */
  theme: /* @__PURE__ */ optional(oneOf('light', 'dark'), 'light'),
};

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly title: string | undefined;
  readonly theme: 'light' | 'dark';
}

/** Options of a chart, as ECharts takes them. */
export type Chart = Readonly<Record<string, unknown>>;

interface Theme {
  readonly background: string;
  readonly text: string;
  readonly line: string;
  readonly grid: string;
}

const themes: Readonly<Record<Frame['theme'], Theme>> = {
  light: { background: '#ffffff', text: '#222222', line: '#666666', grid: '#e3e3e3' },
  dark: { background: '#111418', text: '#e8e8e8', line: '#9a9a9a', grid: '#30353c' },
};

export const themeOf = ({ theme }: Pick<Frame, 'theme'>): Theme => themes[theme];

const font = 'system-ui, Roboto, Helvetica, Arial, sans-serif';

/** Height of the title, with its margin. */
export const titleHeight = ({ title }: Pick<Frame, 'title'>): number => (title === undefined ? 0 : 28);

/** A short text for a number on an axis or in a cell. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(1).replace(/\.0e/, 'e').replace('e+', 'e');
  return String(Number(value.toPrecision(size >= 1000 ? 5 : 3)));
}

/** About `count` round numbers between two numbers: multiples of 1, 2 or 5 times a power of 10. */
export function roundNumbers(from: number, to: number, count = 5): number[] {
  const raw = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * (raw / power >= 5 ? 5 : raw / power >= 2 ? 2 : 1);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Marks of an axis at given numbers only. */
export const ticksAt = (customValues: readonly number[]): Chart => ({
  axisTick: { show: true, customValues },
  axisLabel: { customValues, showMinLabel: null, showMaxLabel: null },
});

/** A logarithmic axis around numbers above 0, with marks at 1, 2 and 5 times the powers of 10, or at the powers only. */
export function logarithmicAxis(values: readonly number[]): Chart {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [min, max] = least === most ? [least / 2, most * 2] : [least / 1.05, most * 1.05];
  const [low, high] = [Math.floor(Math.log10(min)), Math.ceil(Math.log10(max))];
  const factors = high - low > 3 ? [1] : [1, 2, 5];
  const marks = Array.from({ length: high - low + 1 }, (_, i) => factors.map((factor) => Number((factor * 10 ** (low + i)).toPrecision(6)))).flat(); // prettier-ignore
  return { type: 'log', min, max, scale: true, splitLine: { show: false }, ...ticksAt(marks.filter((mark) => mark >= min && mark <= max)) };
}

/** An axis with its name in the middle. */
export function axisOf(frame: Frame, name: string, more: Chart = {}): Chart {
  const { text, line, grid } = themeOf(frame);
  const { axisLabel, axisTick, ...rest } = more as { axisLabel?: Chart; axisTick?: Chart };
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: 30,
    nameTextStyle: { color: text, fontSize: 12 },
    axisLine: { show: true, onZero: false, lineStyle: { color: line } },
    axisTick: { show: true, lineStyle: { color: line }, ...axisTick },
    axisLabel: { color: text, fontSize: 11, hideOverlap: true, formatter: (value: unknown) => (typeof value === 'number' ? shortNumber(value) : value), ...axisLabel }, // prettier-ignore
    splitLine: { lineStyle: { color: grid } },
    ...rest,
  };
}

/** A legend in one row under the title. */
export const legendOf = (frame: Frame, names: readonly string[], more: Chart = {}): Chart => ({
  show: names.length > 1,
  data: names,
  top: titleHeight(frame) + 6,
  left: 'center',
  textStyle: { color: themeOf(frame).text, fontSize: 11 },
  itemGap: 24,
  itemWidth: 18,
  itemHeight: 9,
  ...more,
});

let isReady = false;

/** Registers the used parts of ECharts once. */
function prepare(): void {
  if (isReady) return;
  use([BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart]);
  use([GraphicComponent, GridComponent, LegendComponent, ParallelComponent, TitleComponent, VisualMapComponent, SVGRenderer]);
  isReady = true;
}

/** FNV-1a hash of a text. */
function hashOf(value: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** Calls a function while the name `global` exists. The development build of ECharts reads it, and a worker does not have it. */
function withGlobal<Result>(call: () => Result): Result {
  const scope = globalThis as { global?: unknown };
  if ('global' in scope) return call();
  scope.global = scope;
  try {
    return call();
  } finally {
    delete scope.global;
  }
}

/**
 * Draws a chart as the text of an SVG file. Equal charts give equal texts. Names inside the text begin with its hash, so that a page may hold
 * several pictures.
 */
export function draw(frame: Frame, chart: Chart): string {
  prepare();
  const { background, text } = themeOf(frame);
  const { width, height } = frame;
  const drawing = withGlobal(() => init(null, null, { renderer: 'svg', ssr: true, width, height }));
  try {
    drawing.setOption({
      animation: false,
      backgroundColor: background,
      textStyle: { fontFamily: font, color: text },
      ...(frame.title !== undefined && {
        title: { text: frame.title, left: 'center', top: 8, textStyle: { color: text, fontSize: 15, fontWeight: 600 } },
      }),
      ...chart,
    });
    // ECharts numbers its names over all pictures of a program. Here they begin at 0 in each picture.
    const names = new Map<string, string>();
    const numbered = drawing.renderToSVGString().replace(/\bzr\d+-[\w-]+/g, (name) => {
      if (!names.has(name)) names.set(name, `zr-${names.size}`);
      return names.get(name)!;
    });
    // Images fill their rectangle.
    const svg = numbered.replaceAll('<image ', '<image preserveAspectRatio="none" ');
    return svg.replaceAll('zr-', `o${hashOf(svg)}-`);
  } finally {
    drawing.dispose();
  }
}
