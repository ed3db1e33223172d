import { en, type Strings } from './en.ts';

/** The language in use. A second language is chosen here. */
export const t: Strings = en;
