import Negotiator from 'negotiator';
import type { Asset, AssetFolder } from './asset.ts';
import type { CompressionCache, Encoding } from './compression.ts';
import { ifNoneMatch } from './conditional.ts';
import { sendBytes, sendEmpty, sendStream, type Exchange } from './exchange.ts';
import { NOT_FOUND, sendProblem } from './problem.ts';
import type { Handler } from './router.ts';
import { staticHeaders } from './security-headers.ts';

/** What compresses well. Images, fonts and models are compressed already or do not compress. */
const COMPRESSIBLE = /^(text\/.*|application\/(wasm|json|manifest\+json|xml)|image\/svg\+xml)$/;

const NOT_BUILT = {
  status: 503,
  code: 'NOT_BUILT',
  detail: 'The page has not been built yet. Run "npm run build" where the node runs, then reload.',
};

/** Serves the built page: hashed assets for ever, everything else checked with the node each time. */
export const staticFiles =
  (folder: AssetFolder, compressed: CompressionCache): Handler =>
  async (exchange) => {
    const asset = await folder.open(exchange.path);
    if (asset === null) return sendProblem(exchange, exchange.path === '/' ? NOT_BUILT : NOT_FOUND);
    try {
      await sendAsset(exchange, asset, compressed);
    } finally {
      await asset.file.close();
    }
  };

async function sendAsset(exchange: Exchange, asset: Asset, compressed: CompressionCache): Promise<void> {
  const compressible = COMPRESSIBLE.test(asset.mediaType);
  // Weak, since one tag stands for the content in every encoding.
  const etag = `W/"${asset.hash.slice(0, 32)}"`;
  const headers = {
    ...staticHeaders(asset.mediaType),
    'Content-Type': asset.mediaType.startsWith('text/')
      ? `${asset.mediaType}; charset=utf-8`
      : asset.mediaType,
    'Cache-Control': asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: etag,
    ...(compressible ? { Vary: 'Accept-Encoding' } : {}),
  };
  if (ifNoneMatch(exchange.request.headers['if-none-match'], etag)) return sendEmpty(exchange, 304, headers);
  const encoding = compressible ? acceptedEncoding(exchange) : null;
  if (encoding !== null) {
    const body = await compressed.get(asset.hash, asset.bytes, encoding, asset.reread);
    if (body !== null) return sendBytes(exchange, 200, { ...headers, 'Content-Encoding': encoding }, body);
  }
  await sendStream(
    exchange,
    200,
    headers,
    asset.file.createReadStream({ start: 0, autoClose: false }),
    asset.bytes,
  );
}

/** The smaller encoding of those the client takes, or null for none. RFC 9110, 12.5.3. */
function acceptedEncoding({ request }: Exchange): Encoding | null {
  // Browsers weigh them all the same, so that the list's own order would mean gzip.
  const accepted = new Negotiator(request).encodings(['br', 'gzip']);
  return accepted.includes('br') ? 'br' : accepted.includes('gzip') ? 'gzip' : null;
}
