import { createCanvas, type Canvas, type Image } from '@napi-rs/canvas';

/**
 * Pixels as compiled models take them: planes of whole numbers from 0 to 255 as f32, in OpenCV's order blue, green, red,
 * [3, height, width].
 */
export type Pixels = { planes: Float32Array; height: number; width: number };

/** The middle of the range: what PaddleOCR pads with after its normalisation, to the nearest whole pixel. */
const PADDING = 128;

/** Scaled to `height`, keeping the ratio, squeezed to `width` where it is longer, grey to its right where it is shorter. */
export function fitted(image: Canvas | Image, height: number, width: number): Canvas {
  const used = Math.min(width, Math.ceil((height * image.width) / image.height));
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'medium';
  context.drawImage(image, 0, 0, used, height);
  context.fillStyle = `rgb(${PADDING},${PADDING},${PADDING})`;
  context.fillRect(used, 0, width - used, height);
  return canvas;
}

export function pixelsOf(canvas: Canvas): Pixels {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const size = width * height;
  const planes = new Float32Array(3 * size);
  for (let i = 0; i < size; i++)
    for (let plane = 0; plane < 3; plane++) planes[plane * size + i] = data[4 * i + 2 - plane] ?? 0;
  return { planes, height, width };
}

/** The inverse of pixelsOf: three planes blue, green, red, or one of grey. */
export function canvasOf({ planes, height, width }: Pixels): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const size = width * height;
  const grey = planes.length === size;
  for (let i = 0; i < size; i++) {
    for (let plane = 0; plane < 3; plane++)
      image.data[4 * i + 2 - plane] = planes[grey ? i : plane * size + i] ?? 0;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
