import { createCanvas } from '@napi-rs/canvas';
import { describe, expect, it } from 'vitest';
import { readImage } from './image.ts';

const canvas = createCanvas(60, 20);
const messageOf = async (file: Uint8Array): Promise<string> => {
  const read = await readImage(file);
  return read.ok ? 'OK' : `${read.code} ${read.message}`;
};

describe('readImage', () => {
  it.each(['image/png', 'image/jpeg'] as const)('reads %s', async (type) => {
    const read = await readImage(type === 'image/png' ? canvas.toBuffer(type) : canvas.toBuffer(type));
    expect(read.ok && [read.value.width, read.value.height]).toEqual([60, 20]);
  });

  it('takes no other format, whatever the decoder can do', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>';
    for (const file of [new TextEncoder().encode(svg), canvas.toBuffer('image/webp'), new Uint8Array()]) {
      expect(await messageOf(file)).toMatch(/UNREADABLE neither a PNG nor a JPEG/);
    }
  });

  it('refuses by its header an image that would take gigabytes', async () => {
    const file = Uint8Array.from(canvas.toBuffer('image/png'));
    new DataView(file.buffer).setUint32(16, 60_000);
    new DataView(file.buffer).setUint32(20, 60_000);
    expect(await messageOf(file)).toMatch(/UNREADABLE 60000×60000 pixels/);
  });

  it('refuses what is cut off or damaged', async () => {
    const png = Uint8Array.from(canvas.toBuffer('image/png'));
    expect(await messageOf(png.slice(0, 12))).toMatch(/UNREADABLE/);
    expect(await messageOf(png.slice(0, 33))).toMatch(/UNREADABLE/);
    expect(await messageOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 1))).toMatch(/UNREADABLE/);
  });
});
