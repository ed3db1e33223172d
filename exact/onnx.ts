import onnxProto from 'onnx-proto';

/** ONNX's protocol buffers. The package is CommonJS, whose names Node does not see one by one. */
export const { onnx } = onnxProto;
