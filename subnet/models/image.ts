import { loadImage, type Image } from '@napi-rs/canvas';
import { imageSize } from 'image-size';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';

/** A page scanned at 600 dpi is 35 megapixels; decoding takes 4 bytes each, so a file cannot ask for gigabytes. */
const MAX_PIXELS = 40_000_000;

/**
 * Decodes an untrusted PNG or JPEG. Other formats are refused by their first bytes, whatever the file is called: the
 * decoder would also take SVG, which can refer to other files.
 */
export async function readImage(file: Uint8Array): Promise<Outcome<Image, 'UNREADABLE'>> {
  const png = file[0] === 0x89 && file[1] === 0x50 && file[2] === 0x4e && file[3] === 0x47;
  const jpeg = file[0] === 0xff && file[1] === 0xd8 && file[2] === 0xff;
  if (!png && !jpeg) return fail('UNREADABLE', 'neither a PNG nor a JPEG image');
  try {
    const { width, height } = imageSize(file);
    if (!(width * height <= MAX_PIXELS))
      return fail('UNREADABLE', `${width}×${height} pixels; at most ${MAX_PIXELS} are taken`);
    const image = await loadImage(Buffer.from(file));
    if (image.width === 0 || image.height === 0) return fail('UNREADABLE', 'an image without pixels');
    return ok(image);
  } catch (error) {
    return fail('UNREADABLE', `the image cannot be decoded: ${errorText(error)}`);
  }
}
