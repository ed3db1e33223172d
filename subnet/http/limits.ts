import { MAX_OPERATION_BYTES, MAX_WORK_MESSAGE_BYTES } from '../../protocol/limits.ts';

/** Limits of the HTTP server, each with its reason. Durations in milliseconds. */
export const HTTP_LIMITS = {
  /** Request line and headers together; no browser sends more to a site without cookies. */
  headerBytes: 16 * 1024,
  /** A client that is real sends its headers in one go. */
  headersTimeoutMs: 10_000,
  /** Headers and body: the largest body at 150 kB/s. */
  requestTimeoutMs: 60_000,
  /** Between requests; a page comes back for its assets within seconds. */
  keepAliveMs: 15_000,
  /**
   * Silence in either direction: a client that stopped reading is let go. Above `longPollMs`. Node allows it twice where
   * an answer was under way, since the first time it sees that the socket took something in between.
   */
  idleMs: 45_000,
  /** Until a response is complete: 27 MB of wasm at 50 kB/s. Slower clients resume models by range. */
  responseMs: 600_000,
  /** All together. Each costs about 64 KiB of buffers when it reads slowly, so 64 MiB in all. */
  connections: 1024,
  /** From one address, so that one machine cannot take them all; a school behind one address still fits. */
  connectionsPerAddress: 256,
  /** A job: one work message, in base64 (4 bytes for 3) with its JSON around it. */
  bodyBytes: Math.ceil((MAX_WORK_MESSAGE_BYTES * 4) / 3) + 64 * 1024,
  /** Bodies being received at once: bounds memory to 8 of the above, about 64 MiB. */
  bodiesAtOnce: 8,
  /** A signed operation in base64 with its JSON around it. */
  operationBytes: Math.ceil((MAX_OPERATION_BYTES * 4) / 3) + 1024,
  /**
   * Operations from one address: each costs a signature check of some 2 ms and a write to disk. A requester with hundreds of jobs an
   * hour stays far below.
   */
  operationsPerSecond: 5,
  operationBurst: 60,
  /** Looks at accounts from one address: each reads up to a thousand rows. */
  looksPerSecond: 10,
  lookBurst: 100,
  /** Addresses whose rates are remembered, the latest ones; some hundred bytes each. */
  addressesRemembered: 10_000,
  /** Longest `wait` of a long poll; proxies commonly give up after 60 s. */
  longPollMs: 30_000,
  /** How long requests in flight may still take when the server closes. */
  closeMs: 5_000,
  /** Compressed files kept in memory: the built page and one runtime take about 8 MB in one encoding. */
  compressedBytes: 48 * 1024 * 1024,
  /** Compressing up to this takes about 20 ms: the first client waits for it. Larger files go out as they are until ready. */
  compressAtOnceBytes: 512 * 1024,
};

export type HttpLimits = typeof HTTP_LIMITS;
