import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readImage } from '../../subnet/models/image.ts';
import { fitted, pixelsOf, type Pixels } from '../evaluate/pixels.ts';

/**
 * The PNG and JPEG files of a folder in the order of their names, as [channels, height, width]: scaled to the height, and cut
 * or filled to the width, where their size is another. Rejects on a picture that cannot be decoded, naming it.
 */
export async function* folderImages(
  folder: string,
  [channels = 3, height = 1, width = 1]: readonly number[],
): AsyncGenerator<Pixels> {
  const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g)$/i.test(name)).sort();
  if (names.length === 0) throw new Error(`${folder}: there are no PNG or JPEG files`);
  for (const name of names) {
    const image = await readImage(await readFile(join(folder, name)));
    if (!image.ok) throw new Error(`${name}: ${image.message}`);
    const pixels = pixelsOf(fitted(image.value, height, width));
    // Grey models take one plane; those of a grey picture are all the same.
    yield { ...pixels, planes: pixels.planes.slice(0, channels * height * width) };
  }
}
