import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';

/** `fatal` is not worth another attempt: the server said no. */
export type DownloadFailure = 'fatal' | 'retry';

/** A connection that brings nothing for this long is given up and made anew. */
const STALL_MS = 20_000;

export type RangeRequest = {
  url: string;
  /** Bytes `from` to `to` (exclusive) of the file. */
  from: number;
  to: number;
  fetch: typeof fetch;
  signal: AbortSignal;
  stallMs?: number;
  /**
   * Takes bytes as they come, with their place in the file. A server without ranges sends the file from its start.
   * False ends the download.
   */
  onBytes(bytes: Uint8Array, at: number): Promise<boolean>;
};

/** One request for a range of a file. Ok when the stream ended or `onBytes` had enough; never throws. */
export async function downloadRange(request: RangeRequest): Promise<Outcome<void, DownloadFailure>> {
  const stalled = new AbortController();
  const watch = () =>
    setTimeout(
      () => stalled.abort(new Error('the server sent nothing for too long')),
      request.stallMs ?? STALL_MS,
    );
  let timer = watch();
  try {
    const response = await request.fetch(request.url, {
      headers: { range: `bytes=${request.from}-${request.to - 1}` },
      // Chunks have their own store; the HTTP cache would keep them twice.
      cache: 'no-store',
      signal: AbortSignal.any([request.signal, stalled.signal]),
    });
    const start = startOf(response, request.from);
    if (!start.ok) {
      await response.body?.cancel();
      return start;
    }
    if (response.body === null) return fail('retry', 'the server sent no body');
    let at = start.value;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      // Only waiting for the server counts: checking and storing a chunk may take a busy machine a while.
      clearTimeout(timer);
      if (done) return ok(undefined);
      if (!(await request.onBytes(value, at))) {
        await reader.cancel();
        return ok(undefined);
      }
      timer = watch();
      at += value.length;
    }
  } catch (error) {
    return fail('retry', errorText(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Where in the file the body begins. */
function startOf(response: Response, from: number): Outcome<number, DownloadFailure> {
  if (response.status === 200) return ok(0);
  if (response.status === 206) {
    const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
    // Across origins the header may be hidden; the chunk hashes decide then.
    const start = match === null ? from : Number(match[1]);
    return start === from ? ok(from) : fail('retry', 'the server sent another range than asked for');
  }
  const passing = response.status >= 500 || response.status === 408 || response.status === 429;
  return fail(passing ? 'retry' : 'fatal', `the server answered ${response.status}`);
}
