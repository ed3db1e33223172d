import onnxProto from 'onnx-proto';

/** ONNX's protocol buffers. The package is CommonJS, whose names Node does not see one by one. */
export const { onnx } = onnxProto;
/** The same as types: `Onnx.ITensorProto` and so on. */
export type { onnx as Onnx } from 'onnx-proto';
