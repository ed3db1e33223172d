import type { OutgoingHttpHeaders } from 'node:http';
import { sendBytes, type Exchange } from './exchange.ts';

/** Why a request is refused: RFC 9457 problem details, with a code for programs. */
export type Problem = {
  status: number;
  code: string;
  /** One sentence for people. */
  detail: string;
  headers?: OutgoingHttpHeaders;
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authorised',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  422: 'Not accepted',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
};

export const NOT_FOUND: Problem = { status: 404, code: 'NOT_FOUND', detail: 'There is nothing here.' };

/** Answers with the problem: as a small page where a person is looking, else as problem+json. */
export function sendProblem(exchange: Exchange, problem: Problem): Promise<void> {
  const { status, code, detail } = problem;
  const title = TITLES[status] ?? 'Error';
  const forPeople =
    exchange.request.headers.accept?.includes('text/html') === true && !exchange.path.startsWith('/api/');
  const body = forPeople
    ? `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
      `<title>${title} · Gridtab</title><h1>${title}</h1><p>${escapeHtml(detail)}</p></html>\n`
    : `${JSON.stringify({ type: 'about:blank', title, status, code, detail })}\n`;
  const headers = {
    'Content-Type': forPeople ? 'text/html; charset=utf-8' : 'application/problem+json',
    'Cache-Control': 'no-store',
    ...problem.headers,
  };
  return sendBytes(exchange, status, headers, Buffer.from(body));
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
