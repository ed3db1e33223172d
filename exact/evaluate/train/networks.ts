/** Two small classifiers, written once over what can be done to a value: training and export bring their own meaning of it. */

export interface Operations<V> {
  /** A square kernel of `size`, padded by half of it, without bias; then batch normalisation. */
  convolution(
    x: V,
    name: string,
    options: { out: number; size: number; stride?: number; depthwise?: boolean },
  ): V;
  /** With bias, over the channels of [n, c, 1, 1]. */
  dense(x: V, name: string, out: number): V;
  /** The same, as the last step: logits of the classes. */
  classify(x: V, name: string, classes: number): V;
  relu(x: V): V;
  hardSwish(x: V): V;
  hardSigmoid(x: V): V;
  add(a: V, b: V): V;
  gate(x: V, gate: V): V;
  globalAverage(x: V): V;
}

export type Network = <V>(op: Operations<V>, x: V) => V;

const CLASSES = 10;

/** Residual blocks as in He et al., "Deep Residual Learning for Image Recognition", 2015, Figure 2, for 28×28 pixels. */
export const residualNetwork: Network = (op, x) => {
  const block = (input: typeof x, name: string, out: number, stride: number): typeof x => {
    const inner = op.relu(op.convolution(input, `${name}.1`, { out, size: 3, stride }));
    const branch = op.convolution(inner, `${name}.2`, { out, size: 3 });
    const past = stride === 1 ? input : op.convolution(input, `${name}.past`, { out, size: 1, stride });
    return op.relu(op.add(branch, past));
  };
  let y = op.relu(op.convolution(x, 'stem', { out: 12, size: 3, stride: 2 }));
  y = block(y, 'block1', 12, 1);
  y = block(y, 'block2', 24, 2);
  y = block(y, 'block3', 24, 1);
  y = block(y, 'block4', 48, 2);
  return op.classify(op.globalAverage(y), 'head', CLASSES);
};

/** Inverted residuals with gates as in Howard et al., "Searching for MobileNetV3", 2019, Figure 4 and Table 2, made small. */
export const mobileNetwork: Network = (op, x) => {
  let width = 8;
  const bottleneck = (
    input: typeof x,
    name: string,
    {
      expand,
      out,
      size,
      stride,
      gated,
    }: { expand: number; out: number; size: number; stride: number; gated: boolean },
  ): typeof x => {
    let y = op.hardSwish(op.convolution(input, `${name}.expand`, { out: expand, size: 1 }));
    y = op.hardSwish(op.convolution(y, `${name}.depthwise`, { out: expand, size, stride, depthwise: true }));
    if (gated) {
      const squeezed = op.relu(op.dense(op.globalAverage(y), `${name}.squeeze`, Math.ceil(expand / 4)));
      y = op.gate(y, op.hardSigmoid(op.dense(squeezed, `${name}.excite`, expand)));
    }
    y = op.convolution(y, `${name}.project`, { out, size: 1 });
    const residual = stride === 1 && out === width;
    width = out;
    return residual ? op.add(y, input) : y;
  };
  let y = op.hardSwish(op.convolution(x, 'stem', { out: 8, size: 3, stride: 2 }));
  y = bottleneck(y, 'block1', { expand: 24, out: 12, size: 3, stride: 1, gated: false });
  y = bottleneck(y, 'block2', { expand: 48, out: 16, size: 5, stride: 2, gated: true });
  y = bottleneck(y, 'block3', { expand: 64, out: 16, size: 5, stride: 1, gated: true });
  y = bottleneck(y, 'block4', { expand: 64, out: 24, size: 3, stride: 2, gated: true });
  y = op.hardSwish(op.convolution(y, 'last', { out: 96, size: 1 }));
  return op.classify(op.globalAverage(y), 'head', CLASSES);
};
