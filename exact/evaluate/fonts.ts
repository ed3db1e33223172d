import { GlobalFonts } from '@napi-rs/canvas';
import { packageFile } from './package-file.ts';

/** Fonts of npm's registry, so that a seed gives the same picture on every machine. */

/** Of @fontsource: package, weight and style of its Latin file. */
const LATIN = [
  ['roboto', '400-normal'],
  ['roboto', '700-italic'],
  ['lora', '400-normal'],
  ['lora', '700-italic'],
  ['merriweather', '400-normal'],
  ['merriweather', '700-normal'],
  ['oswald', '400-normal'],
  ['inconsolata', '400-normal'],
  ['playfair-display', '400-italic'],
  ['playfair-display', '700-normal'],
  ['caveat', '700-normal'],
] as const;

/** Of dejavu-fonts-ttf. */
const DEJAVU = ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSansCondensed', 'DejaVuSerif', 'DejaVuSansMono'];

/** Of @fontsource: their files of simplified Chinese. */
const CHINESE = ['zcool-xiaowei', 'zcool-qingke-huangyou'];

/** A name that no font of the machine answers to. */
const family = (font: string): string => `Gridtab evaluation ${font}`;

export const LATIN_FAMILIES = [
  ...LATIN.map(([font, cut]) => family(`${font} ${cut}`)),
  ...DEJAVU.map(family),
];
export const CHINESE_FAMILIES = CHINESE.map(family);

let registered = false;

/** Makes the families known to every canvas of this process. Throws Error when a file is missing or no font. */
export function registerFonts(): void {
  if (registered) return;
  const files = [
    ...LATIN.map(([font, cut]) => ({
      package: `@fontsource/${font}`,
      path: `files/${font}-latin-${cut}.woff2`,
      name: family(`${font} ${cut}`),
    })),
    ...DEJAVU.map((font) => ({ package: 'dejavu-fonts-ttf', path: `ttf/${font}.ttf`, name: family(font) })),
    ...CHINESE.map((font) => ({
      package: `@fontsource/${font}`,
      path: `files/${font}-chinese-simplified-400-normal.woff2`,
      name: family(font),
    })),
  ];
  for (const file of files)
    if (GlobalFonts.registerFromPath(packageFile(file.package, file.path), file.name) === null)
      throw new Error(`${file.package}/${file.path}: not a font`);
  registered = true;
}
