import { createCanvas, type Canvas, type Image } from '@napi-rs/canvas';

/**
 * A line of text `height` pixels high, keeping the ratio, squeezed where it would be longer than `longest`: PaddleOCR's
 * `resize_norm_img` but for what it puts to the right of a shorter line. Transparent images are read as on paper.
 */
export function lineOnPaper(image: Canvas | Image, height: number, longest: number): Canvas {
  const width = Math.min(longest, Math.ceil((height * image.width) / image.height));
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'medium';
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return canvas;
}
