/**
 * What a trained model takes for pixels: (pixel − offset) · scale, by plane or one for all. `planes` is [batch, planes, height,
 * width] with `size` = height · width. Pure, for pages too.
 */
export type Normalisation = { readonly offset: readonly number[]; readonly scale: readonly number[] };

export function normalise(
  planes: Float32Array,
  size: number,
  { offset, scale }: Normalisation,
): Float32Array {
  const result = new Float32Array(planes.length);
  const count = Math.max(offset.length, scale.length);
  for (let at = 0, plane = 0; at < planes.length; at += size, plane = (plane + 1) % count) {
    const o = offset[offset.length === 1 ? 0 : plane] ?? NaN;
    const s = scale[scale.length === 1 ? 0 : plane] ?? NaN;
    for (let i = at; i < at + size; i++) result[i] = ((planes[i] ?? NaN) - o) * s;
  }
  return result;
}
