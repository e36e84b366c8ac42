// ONNX: models as files of onnx.proto, written and read. An entry of its own, because it needs a protobuf library.
export { type ExportOnnxOptions, exportOnnx } from './export/exportOnnx.ts';
export type { ExportInput } from '../inference/index.ts';
export { type ImportOnnxOptions, type OnnxModel, type OnnxTensorInfo, type TensorsByName, importOnnx } from './import/importOnnx.ts';
