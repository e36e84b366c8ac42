/** Comments of all options: the sentence from the source, the accepted values, and the default. Vite loads this file. */
import { declarations, docsOf } from '../../test/support/declarations.ts';

/** Comments by factory, such as `layers.dense`, and by option. */
export type OptionComments = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Rules that the type of the option expresses already. */
const isInType = /^(one of |'|true or false$|a function$|a number$)/;

export function optionComments(): OptionComments {
  const entries = [...declarations.values()].map(({ factory, options }) => {
    const docs = docsOf(factory);
    const comments = Object.entries(options).map(([name, { kind }]) => {
      const { sentence, standard } = docs.get(name)!;
      const isKnown = isInType.test(kind.rule) || sentence.includes(kind.rule.replace(/^an? \w+ /, ''));
      const values = isKnown ? [] : [`Must be ${kind.rule}.`];
      return [name, [sentence, ...values, ...(standard === undefined ? [] : [`@default ${standard}`])].join(' ')];
    });
    return [factory, Object.fromEntries(comments) as Record<string, string>];
  });
  return Object.fromEntries(entries) as OptionComments;
}
