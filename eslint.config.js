import { existsSync } from 'node:fs';
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

// The bench is checked where its own dependencies are installed: without the peers' types every line of theirs would be a complaint.
const bench = existsSync(`${import.meta.dirname}/bench/node_modules`) ? [] : ['bench/'];

export default defineConfig(
  { ignores: ['**/dist/', '**/node_modules/', ...bench, 'coverage/', 'play.ts', 'docs/api/', '.gpu/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // A promise nobody awaits is how a GPU error gets lost.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Numbers belong in messages; arrays do not ("784,128" instead of [784,128]).
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // The CPU runtime fulfils asynchronous interfaces without waiting for anything.
      '@typescript-eslint/require-await': 'off',
      // The type-checker finds undefined names, and knows each file's globals.
      'no-undef': 'off',
      eqeqeq: 'error',
    },
  },
  {
    // The runtime of written modules. The type-checker finds undefined names.
    files: ['src/**/*.js'],
    rules: { 'no-undef': 'off', eqeqeq: 'error' },
  },
  {
    // The library runs in pages, workers and Node alike: an environment's own globals are reached through globalThis and tested for.
    files: ['src/**/*.ts', 'src/**/*.js'],
    rules: {
      'no-restricted-globals': ['error', 'window', 'document', 'self', 'process', 'Buffer', 'global', 'require', '__dirname', '__filename'],
    },
  },
);
