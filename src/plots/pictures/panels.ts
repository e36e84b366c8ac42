// Several small charts in rows and columns.
import { type Chart, type Frame, themeOf, titleHeight } from './chart.ts';

/** Place of one chart in pixels, without its axes. */
export interface Panel {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Panels {
  readonly frame: Frame;
  readonly places: readonly Panel[];
  readonly columns: number;
}

interface PanelSettings {
  readonly width: number;
  readonly height: number | undefined;
  readonly title: string | undefined;
  readonly theme: Frame['theme'];
}

const margins = { left: 58, right: 16, top: 26, bottom: 44 };

/** Places for `count` charts. `top` is kept free under the title. */
export function panelsOf(settings: PanelSettings, count: number, { top = 0, least = 250, panelHeight = 200 } = {}): Panels {
  const columns = Math.max(1, Math.min(count, Math.floor(settings.width / least)));
  const rows = Math.max(1, Math.ceil(count / columns));
  const begin = titleHeight(settings) + top;
  const height = settings.height ?? begin + rows * panelHeight;
  const [cellWidth, cellHeight] = [settings.width / columns, (height - begin) / rows];
  const places = Array.from({ length: count }, (_, i) => ({
    left: (i % columns) * cellWidth + margins.left,
    top: begin + Math.floor(i / columns) * cellHeight + margins.top,
    width: Math.max(20, cellWidth - margins.left - margins.right),
    height: Math.max(20, cellHeight - margins.top - margins.bottom),
  }));
  return { frame: { ...settings, height }, places, columns };
}

/** Titles of a picture and of its charts. */
export function titlesOf({ frame, places }: Panels, names: readonly string[]): Chart[] {
  const { text } = themeOf(frame);
  const main =
    frame.title === undefined
      ? []
      : [{ text: frame.title, left: 'center', top: 8, textStyle: { color: text, fontSize: 15, fontWeight: 600 } }];
  const own = places.map(({ left, top, width }, i) => ({
    text: names[i],
    left: left + width / 2,
    top: top - 22,
    textAlign: 'center',
    textStyle: { color: text, fontSize: 12, fontWeight: 500, width, overflow: 'truncate' },
  }));
  return [...main, ...own];
}
