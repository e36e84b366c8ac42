// Colours that people with colour vision deficiencies can distinguish.

export type Rgb = readonly [red: number, green: number, blue: number];

/** Colours of categories (M. Okabe, K. Ito, Color Universal Design, 2008), without yellow and black, which one of the themes hides. */
const categories = {
  light: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c6bb1'],
  dark: ['#56b4e9', '#ff8c42', '#2dc39b', '#f0a6ca', '#f2c14e', '#a8c8ff', '#b8a1e3'],
};

/** Shapes of points. A second property beside the colour. */
const symbols = ['circle', 'triangle', 'rect', 'diamond', 'path://M-1-3H1V-1H3V1H1V3H-1V1H-3V-1H-1Z'];

export const colourOf = (category: number, theme: keyof typeof categories): string =>
  categories[theme][category % categories[theme].length];

export const symbolOf = (category: number): string => symbols[category % symbols.length];

/** Colours of numbers, from small to large. */
const scales = {
  /** From dark blue to yellow (N. Smith, S. van der Walt, 2015). */
  viridis: ['#440154', '#482878', '#3e4989', '#31688e', '#26828e', '#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'],
  /** From blue over white to red, for numbers of both signs (C. Brewer). */
  diverging: ['#2166ac', '#67a9cf', '#d1e5f0', '#f7f7f7', '#fddbc7', '#ef8a62', '#b2182b'],
  gray: ['#000000', '#ffffff'],
} as const satisfies Record<string, readonly string[]>;

export type ColourScale = keyof typeof scales;

export const coloursOf = (scale: ColourScale): string[] => [...scales[scale]];

const parse = (colour: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as unknown as Rgb;

/** 256 colours of a scale. */
export function paletteOf(scale: ColourScale): Rgb[] {
  const stops = scales[scale].map(parse);
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    return stops[below].map((value, k) => Math.round(value + (stops[below + 1][k] - value) * (at - below))) as unknown as Rgb;
  });
}

/** Colour of text that is legible on a colour of a scale at a share from 0 to 1. */
export function textOn(palette: readonly Rgb[], share: number): string {
  const [red, green, blue] = palette[Math.round(Math.min(1, Math.max(0, share)) * 255)];
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? '#000000' : '#ffffff';
}
