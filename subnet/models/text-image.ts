import { createRequire } from 'node:module';
import { createCanvas, GlobalFonts, type Canvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from './random.ts';

/** Fonts of dejavu-fonts-ttf, registered under names that no font of the machine answers to: renders are the same everywhere. */
const FONTS = [
  'DejaVuSans',
  'DejaVuSans-Bold',
  'DejaVuSansCondensed',
  'DejaVuSerif',
  'DejaVuSerif-Italic',
  'DejaVuSansMono',
];
const familyOf = (font: string): string => `Gridtab ${font}`;
export const drawFamily = (random: Random): string => familyOf(random.pick(FONTS));

const WORDS = (
  'amount arrival batch before between bottle bridge carry change city clean company corner customer date delivery district door ' +
  'early east engine every factory field final first floor forest friday garden glass green harbour height house invoice ' +
  'island keep kitchen label large letter library light line little london machine market measure meeting metal morning north ' +
  'notice number office open order paper parcel payment people platform please pressure price product quality quantity ' +
  'railway receipt report return river road room safety sample school second server signal small south spring station ' +
  'street summer supply system table temperature ticket total train unit upper valley version village voltage warning ' +
  'water weather weight west window winter yellow zone'
).split(' ');

/** `mayTurn` turns half of the lines; `widest` has longer ones cut by words, in multiples of the size of the font. */
type TextImageOptions = { mayTurn: boolean; widest: number };
const ANY: TextImageOptions = { mayTurn: true, widest: Infinity };

export type TextImage = { canvas: Canvas; text: string; upsideDown: boolean };

let fontsRegistered = false;

/** Makes the families known to every canvas of this process. Throws Error when a file is missing or no font. */
export function registerFonts(): void {
  if (fontsRegistered) return;
  const { resolve } = createRequire(import.meta.url);
  for (const font of FONTS) {
    const path = resolve(`dejavu-fonts-ttf/ttf/${font}.ttf`);
    if (GlobalFonts.registerFromPath(path, familyOf(font)) === null)
      throw new Error(`${path}: not a font that can be read`);
  }
  fontsRegistered = true;
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** A line as labels, receipts and signs have them: words in some case, among them numbers, dates, prices and codes. */
export function drawText(random: Random): string {
  const parts: string[] = [];
  const length = 2 + random.below(3);
  const style = random.below(4);
  for (let i = 0; i < length; i++) {
    const word = random.pick(WORDS);
    parts.push(style === 0 ? word.toUpperCase() : style === 1 || i === 0 ? capital(word) : word);
  }
  const number = 1 + random.below(99_999);
  const extra = [
    `No. ${number}`,
    `${1 + random.below(28)}/${1 + random.below(12)}/20${10 + random.below(30)}`,
    `${(number / 100).toFixed(2)} EUR`,
    `${random.pick(['A', 'B', 'K', 'R', 'T'])}-${number}`,
  ];
  if (random.below(2) === 0) parts.splice(random.below(parts.length + 1), 0, random.pick(extra));
  return parts.join(' ');
}

/** Dark on light or light on dark, far enough apart to be read. */
export function drawColours(random: Random): { ink: string; paper: string } {
  const shade = (low: number, high: number): string =>
    `rgb(${[0, 1, 2].map(() => Math.round(random.between(low, high))).join(',')})`;
  const dark = shade(0, 90);
  const light = shade(175, 255);
  return random.below(4) === 0 ? { ink: light, paper: dark } : { ink: dark, paper: light };
}

/** Camera noise: one normal deviate per pixel, added to its three channels. */
function addNoise(
  context: SKRSContext2D,
  width: number,
  height: number,
  deviation: number,
  random: Random,
): void {
  const image = context.getImageData(0, 0, width, height);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) {
    const noise = random.normal() * deviation;
    // A clamped array: what leaves 0..255 is cut off, as in a sensor.
    for (let channel = i; channel < i + 3; channel++) data[channel] = (data[channel] ?? 0) + noise;
  }
  context.putImageData(image, 0, 0);
}

/**
 * Renders one line of text with a little slant and noise, upright or turned by 180 degrees: what a text detector cuts out
 * of a photograph. 28 to 44 pixels high, as wide as the text.
 */
export function drawTextImage(random: Random, { mayTurn, widest }: TextImageOptions = ANY): TextImage {
  registerFonts();
  let text = drawText(random);
  const fontPixels = 20 + random.below(9);
  const font = `${fontPixels}px "${drawFamily(random)}"`;
  const { ink, paper } = drawColours(random);
  const ruler = createCanvas(1, 1).getContext('2d');
  ruler.font = font;
  let textWidth = ruler.measureText(text).width;
  while (textWidth > widest * fontPixels && text.includes(' ')) {
    text = text.slice(0, text.lastIndexOf(' '));
    textWidth = ruler.measureText(text).width;
  }
  const width = Math.ceil(textWidth + random.between(6, 24));
  const height = Math.ceil(fontPixels * random.between(1.4, 1.55));
  const upsideDown = random.below(2) === 1 && mayTurn;

  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  context.translate(width / 2, height / 2);
  // A detector leaves about a degree: at these lengths more would cut letters off.
  context.rotate((upsideDown ? Math.PI : 0) + random.between(-0.01, 0.01));
  context.fillStyle = ink;
  context.font = font;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, 0, 0);
  addNoise(context, width, height, random.between(0, 12), random);
  return { canvas, text, upsideDown };
}
