/**
 * The second half of `npm run docs:api`: writes a reference of the public names into docs/api, from dist/index.d.ts. A warning is an error.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Comment, CommentTag, Converter, type DeclarationReflection, type ProjectReflection, ReflectionKind } from 'typedoc';
import type ts from 'typescript';
import { groupOrder, groupsOfExports } from './apiGroups.ts';
import { sourceProgram } from './declarations/programs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = join(root, 'dist/index.d.ts');
const output = join(root, 'docs/api');
const knownTags: readonly string[] = ['@category', '@default', '@param', '@returns', '@throws'];
if (!existsSync(entry)) throw new Error('dist/index.d.ts is missing; run `npm run build`');

const app = await Application.bootstrap(
  {
    name: 'ombre',
    logLevel: 'Warn',
    entryPoints: [entry],
    readme: join(root, 'README.md'),
    // Line numbers of dist/index.d.ts do not help readers.
    disableSources: true,
    excludeInternal: true,
    validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true, unusedMergeModuleWith: true },
    categorizeByGroup: false,
    categoryOrder: groupOrder,
    navigation: { includeCategories: true, includeGroups: false },
    searchInComments: true,
    hideGenerator: true,
  },
  [],
);
const options = { strict: true, types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], skipLibCheck: true };
app.options.setCompilerOptions([entry], options satisfies ts.CompilerOptions, undefined);

const source = sourceProgram('src/lean.ts');
const groups = groupsOfExports(source.file, source.checker);
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const reflection of project.children ?? []) categorize(reflection);
});

function categorize(reflection: DeclarationReflection): void {
  const category = groups.get(reflection.name);
  if (!category) throw new Error(`${reflection.name} is not exported by src/lean.ts; run \`npm run build\``);
  for (const holder of reflection.signatures ?? [reflection]) {
    holder.comment ??= new Comment();
    holder.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]));
  }
}

/** Typedoc checks no tags in declarations. The comments of Promise, which Prediction inherits, have tags too. */
function checkTags(project: ProjectReflection): void {
  for (const reflection of Object.values(project.reflections)) {
    const tags = [...(reflection.comment?.blockTags.map(({ tag }) => tag) ?? []), ...(reflection.comment?.modifierTags ?? [])];
    for (const tag of tags) if (!knownTags.includes(tag)) app.logger.warn(`${reflection.getFriendlyFullName()}: unknown tag ${tag}`);
  }
}

const project = await app.convert();
if (project) {
  checkTags(project);
  app.validate(project);
  if (!app.logger.hasWarnings() && !app.logger.hasErrors()) await app.generateDocs(project, output);
}
if (!project || app.logger.hasWarnings() || app.logger.hasErrors()) process.exitCode = 1;
else {
  const documented = project.getReflectionsByKind(ReflectionKind.SomeExport).length;
  console.log(`docs/api  ${documented} names in ${new Set(groups.values()).size} groups`);
}
