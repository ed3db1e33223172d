import { open } from 'node:fs/promises';
import { ifNoneMatch, ifRange } from './conditional.ts';
import { sendEmpty, sendStream, type Exchange } from './exchange.ts';
import { NOT_FOUND, sendProblem } from './problem.ts';
import { parseRange } from './range.ts';
import type { Route } from './router.ts';
import { SHARED } from './security-headers.ts';

/** Where a model of the catalogue lies, by the SHA-256 of its file (64 lower-case hex digits). */
export type ModelFiles = { fileOf(sha256: string): { path: string; bytes: number } | null };

/** GET /models/<sha256>: whole or one range, cached for ever since its name is its content. Open to every origin. */
export const modelsRoute = (models: ModelFiles): Route => ({
  pattern: /^\/models\/(?<sha256>[0-9a-f]{64})$/,
  shared: true,
  headers: SHARED,
  GET: (exchange) => sendModel(exchange, models),
});

async function sendModel(exchange: Exchange, models: ModelFiles): Promise<void> {
  const { request, params } = exchange;
  const sha256 = params['sha256'] ?? '';
  const model = models.fileOf(sha256);
  if (model === null) return sendProblem(exchange, NOT_FOUND);
  const etag = `"${sha256}"`;
  const headers = {
    ETag: etag,
    // A proxy must not recompress it: ranges and chunk hashes are over these bytes.
    'Cache-Control': 'public, max-age=31536000, immutable, no-transform',
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
  };
  if (ifNoneMatch(request.headers['if-none-match'], etag)) return sendEmpty(exchange, 304, headers);
  const asked =
    request.method === 'GET' && ifRange(request.headers['if-range']?.toString(), etag)
      ? request.headers.range
      : undefined;
  const range = parseRange(asked, model.bytes);
  if (range === 'unsatisfiable') {
    const detail = 'The range lies outside of the model.';
    const beyond = { 'Content-Range': `bytes */${model.bytes}` };
    return sendProblem(exchange, { status: 416, code: 'RANGE', detail, headers: beyond });
  }
  await using file = await open(model.path, 'r');
  if ((await file.stat()).size !== model.bytes)
    throw new Error(`${model.path} is not the ${model.bytes} bytes it should be`);
  const { first, last } = range === 'whole' ? { first: 0, last: model.bytes - 1 } : range;
  const source = file.createReadStream({ start: first, end: last, autoClose: false });
  if (range === 'whole') return await sendStream(exchange, 200, headers, source, model.bytes);
  const part = { ...headers, 'Content-Range': `bytes ${first}-${last}/${model.bytes}` };
  await sendStream(exchange, 206, part, source, last - first + 1);
}
