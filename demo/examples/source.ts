// The text of the chosen example, and of the files beside it that it imports.
import hljs from 'highlight.js/lib/core';
import typescript from 'highlight.js/lib/languages/typescript';

hljs.registerLanguage('typescript', typescript);

/** Texts of the files of the folder examples, each in a chunk of its own. */
const files = import.meta.glob<string>('../../examples/*.ts', { query: '?raw', import: 'default' });

const textOf = (file: string): Promise<string> => files[`../../examples/${file}`]();

/** Names of the files beside an example that its text imports, such as `characterText.ts`. */
const importsOf = (text: string): string[] => [...text.matchAll(/from '\.\/(\w+\.ts)'/g)].map(([, file]) => file);

export interface SourcePanel {
  show(example: string): Promise<void>;
}

export function createSourcePanel(tabs: HTMLElement, code: HTMLElement): SourcePanel {
  let shown = '';
  const showFile = async (file: string): Promise<void> => {
    shown = file;
    for (const tab of tabs.children) tab.setAttribute('aria-pressed', String(tab.textContent === file));
    const text = await textOf(file);
    if (shown !== file) return;
    code.innerHTML = hljs.highlight(text, { language: 'typescript' }).value;
    code.dataset.file = file;
    code.parentElement!.scrollTo(0, 0);
  };
  return {
    async show(example) {
      const main = `${example}.ts`;
      shown = main;
      const text = await textOf(main);
      if (shown !== main) return;
      tabs.replaceChildren(
        ...[main, ...importsOf(text)].map((file) => {
          const tab = document.createElement('button');
          tab.type = 'button';
          tab.textContent = file;
          tab.addEventListener('click', () => void showFile(file));
          return tab;
        }),
      );
      await showFile(main);
    },
  };
}
