// Pictures of an example: images on canvases, and drawings as SVG in the colours of the page.
import type { Pixels } from '../../examples/pixels.ts';

export interface Pictures {
  addImages(title: string, images: readonly Pixels[]): void;
  /** The style sheet shows the drawing of the page's colour scheme. */
  addDrawing(title: string, light: string, dark: string): void;
  clear(): void;
}

/** Pictures in `list`, in the card `container`, which is hidden while there are none. */
export function createPictures(container: HTMLElement, list: HTMLElement): Pictures {
  const add = (title: string, content: HTMLElement): void => {
    const figure = document.createElement('figure');
    figure.dataset.testid = 'picture';
    figure.dataset.title = title;
    const caption = document.createElement('figcaption');
    caption.textContent = title;
    figure.append(caption, content);
    list.append(figure);
    container.hidden = false;
  };
  return {
    addImages(title, images) {
      const grid = document.createElement('div');
      grid.className = 'images';
      grid.setAttribute('role', 'img');
      grid.setAttribute('aria-label', `${title}: ${images.length === 1 ? 'one image' : `${images.length} images`}`);
      const [{ width, height }] = images;
      // Few images are shown larger.
      const area = images.length === 1 ? 320 : images.length <= 8 ? 120 : 56;
      grid.style.setProperty('--width', `${Math.round(area * Math.min(3, Math.max(1, Math.sqrt(width / height))))}px`);
      grid.append(...images.map(canvasOf));
      add(title, grid);
    },
    addDrawing(title, light, dark) {
      const drawing = document.createElement('div');
      drawing.className = 'drawing';
      drawing.setAttribute('role', 'img');
      drawing.setAttribute('aria-label', title);
      // It scrolls on a narrow screen.
      drawing.tabIndex = 0;
      for (const [theme, svg] of Object.entries({ light, dark })) {
        const part = document.createElement('div');
        part.className = theme;
        part.innerHTML = svg;
        drawing.append(part);
      }
      add(title, drawing);
    },
    clear() {
      list.replaceChildren();
      container.hidden = true;
    },
  };
}

function canvasOf({ width, height, data }: Pixels): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}
