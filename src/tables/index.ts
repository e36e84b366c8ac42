// Files as data: CSV tables, images and texts. An optional entry: only it needs a package for CSV.
export { csvDataset, readCsv } from './csv.ts';
export type { ColumnType, CsvDatasetOptions, Missing, ReadCsvOptions } from './csvOptions.ts';
export type { NumberColumn, Table, TableArrays, TableColumn, TextColumn, ToArraysOptions } from './table.ts';
export { type TextDatasetOptions, textDataset } from './text.ts';
export { type FolderHandle, type ImageFolder, type ImageFolderOptions, imageFolder } from './imageFolder.ts';
