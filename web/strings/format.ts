/**
 * Numbers for people, through Intl, so that a second language needs no second set of rules. Everything that changes
 * while the page runs keeps its width: three significant digits, and the unit apart from the figure.
 */

export type Quantity = { value: string; unit: string };

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** Three significant digits with a metric prefix: 12 345 678 and `H/s` give `12.3` and `MH/s`. */
export function metric(amount: number, unit: string, locale: string): Quantity {
  if (!Number.isFinite(amount) || amount <= 0) return { value: '0', unit };
  // 999.5 already rounds to 1000 at three digits, so it belongs to the next prefix.
  let scaled = amount;
  let step = 0;
  while (scaled >= 999.5 && step < PREFIXES.length - 1) {
    scaled /= 1000;
    step += 1;
  }
  return {
    value: numbers(locale, ...threeDigits(scaled)).format(scaled),
    unit: `${PREFIXES[step]}${unit}`,
  };
}

/** Work is a decimal string that may exceed 2^53; three digits of it are enough for people. */
export const workAmount = (work: string, unit: string, locale: string): Quantity =>
  /^\d{1,40}$/.test(work) ? metric(Number(work), unit, locale) : { value: '–', unit: '' };

export const integer = (n: number, locale: string): string => numbers(locale, 0, 3).format(n);

/** Parts per million as a percentage: `98.4 %`, and `100 %` only where nothing is missing. */
export function percent(ppm: number, locale: string): string {
  if (!Number.isFinite(ppm) || ppm <= 0) return withUnit(0, '%', 0, locale);
  const fraction = ppm >= 1_000_000 ? 0 : 1;
  // 99.96 % would round to a certainty that nobody claimed.
  return withUnit(fraction === 0 ? 100 : Math.min(99.9, ppm / 10_000), '%', fraction, locale);
}

/** A small number for people: `3.2e-5`. */
export const scientific = (n: number): string => (Number.isFinite(n) ? n.toExponential(1) : '–');

/** `840 KB`, `27.1 MB`: decimal megabytes, as browsers show downloads. */
export function byteSize(bytes: number, locale: string): string {
  const { value, unit } = metric(bytes, 'B', locale);
  return `${value} ${unit === 'kB' ? 'KB' : unit}`;
}

/** `0.4 ms`, `128 ms`, `3.1 s`, `4 min`. */
export function duration(ms: number, locale: string): string {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  if (ms < 1000) return withUnit(ms, 'ms', ms < 10 ? 1 : 0, locale);
  if (ms < 60_000) return withUnit(ms / 1000, 's', 1, locale);
  return withUnit(ms / 60_000, 'min', 0, locale);
}

/** Whole seconds, or minutes and seconds past 90 s, or hours: `12 s`, `4:05`, `2:04:05`. */
export function countdown(ms: number, locale: string): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds <= 90) return withUnit(seconds, 's', 0, locale);
  const two = (n: number): string => String(n % 60).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds)}`;
  return `${integer(Math.floor(minutes / 60), locale)}:${two(minutes)}:${two(seconds)}`;
}

export const clockTime = (atMs: number, locale: string): string => times(locale).format(atMs);

/** `12 May 2026, 09:30`: when something was that may be long ago. */
export const dayAndTime = (atMs: number, locale: string): string =>
  Number.isFinite(atMs) && Math.abs(atMs) < MAX_TIME_MS ? days(locale, 0, 0).format(atMs) : '–';

/** Dates end there (ECMA-262, 21.4.1.1). */
const MAX_TIME_MS = 8.64e15;

/** The exact amount in two parts, so that the last digits can be shown small: `1,204.2513` and `60274`. */
export function creditDigits(decimal: string, locale: string): { head: string; tail: string } {
  const format = numbers(locale, 4, 9);
  let head = '';
  let tail = '';
  for (const part of format.formatToParts(decimal as Intl.StringNumericLiteral)) {
    head += part.type === 'fraction' ? part.value.slice(0, 4) : part.value;
    if (part.type === 'fraction') tail = part.value.slice(4);
  }
  return { head, tail };
}

/** The ends of a long identifier: `12D3KooWQf…9a41`. */
export const shortId = (id: string, lead = 8, end = 4): string =>
  id.length <= lead + end + 1 ? id : `${id.slice(0, lead)}…${id.slice(-end)}`;

/** Longest text of a peer that is shown: twice the longest sentence of our own. */
const MAX_PEER_TEXT = 400;

/**
 * Text that a peer, a manifest or a driver chose, fit to stand beside our own: control and direction characters,
 * which could reorder or hide what follows them, become a visible mark, and the end of a long one is cut off.
 */
export function peerText(text: string): string {
  const shown = text.length > MAX_PEER_TEXT ? `${text.slice(0, MAX_PEER_TEXT)}…` : text;
  return shown.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

const threeDigits = (n: number): [min: number, max: number] => {
  const fraction = n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return [fraction, fraction];
};

/** Unit symbols are the same in every language (SI); the space before them does not break. */
const withUnit = (n: number, unit: string, fraction: number, locale: string): string =>
  `${numbers(locale, fraction, fraction).format(n)}\u00a0${unit}`;

/** Making a formatter takes longer than drawing a row, and a table asks for a hundred: each is made once. */
function once<T>(make: (...key: [string, number, number]) => T): (...key: [string, number, number]) => T {
  const made = new Map<string, T>();
  return (...key) => {
    const name = key.join();
    const formatter = made.get(name) ?? make(...key);
    made.set(name, formatter);
    return formatter;
  };
}

/** A number format with so many fraction digits, at least and at most. */
const numbers = once(
  (locale, min, max) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: min, maximumFractionDigits: max }),
);

const timesOnce = once(
  (locale) =>
    new Intl.DateTimeFormat(locale, {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    }),
);
const times = (locale: string): Intl.DateTimeFormat => timesOnce(locale, 0, 0);

const days = once(
  (locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }),
);

/**
 * The first formatter of a kind makes the browser read its language data, tens of milliseconds on a slow machine. Each of
 * these pays for one ahead of the first screen full of figures; to be run in tasks of their own.
 */
export const warmUps = (locale: string): (() => unknown)[] => [
  () => integer(0, locale),
  () => creditDigits('0', locale),
  () => clockTime(0, locale),
  () => dayAndTime(0, locale),
];
