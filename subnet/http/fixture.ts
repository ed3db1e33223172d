import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { BASE_MANIFEST } from './fixture-manifest.ts';
import type { JobsApi } from './jobs-api.ts';
import type { SpendingApi } from './spending-api.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './server.ts';

/** For tests: a real server over a temporary folder, and a client that sends exactly what it is told to. */
export type Fixture = HttpServer & {
  dist: string;
  model: { sha256: string; content: Buffer };
  /** Lines the server logged. */
  logged: string[];
  get(
    path: string,
    headers?: Record<string, string>,
    method?: string,
    body?: string | Uint8Array,
  ): Promise<Reply>;
  dispose(): Promise<void>;
};
export type Reply = { status: number; headers: IncomingHttpHeaders; body: Buffer };

export const TOKEN = 'token-token-token';
export const NO_JOBS: JobsApi = {
  submit: async () => ({ ok: false, code: 'UNKNOWN_MODEL', message: 'no models' }),
  get: async () => null,
  changed: async () => undefined,
};

const noSpending = () => Promise.reject(new Error('no ledger'));
const NO_SPENDING: SpendingApi = { submit: noSpending, account: noSpending, operations: noSpending };

export async function startFixture(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: Partial<HttpServerOptions> = {},
): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtab-http-'));
  const dist = join(folder, 'dist');
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dist, path)), { recursive: true });
    await writeFile(join(dist, path), content);
  }
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
  const sha256 = createHash('sha256').update(content).digest('hex');
  await writeFile(join(folder, 'model.onnx'), content);
  const logged: string[] = [];
  const server = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    distDir: dist,
    manifest: () => BASE_MANIFEST,
    models: {
      fileOf: (hash) =>
        hash === sha256 ? { path: join(folder, 'model.onnx'), bytes: content.length } : null,
    },
    ready: () => true,
    jobs: NO_JOBS,
    spending: NO_SPENDING,
    adminToken: TOKEN,
    logger: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    ...options,
  });
  return {
    ...server,
    dist,
    model: { sha256, content },
    logged,
    get: (path, headers, method, body) => fetchRaw(server, path, headers, method, body),
    dispose: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One request, its path and headers sent as they are, its body read as it comes. */
function fetchRaw(
  { url, port }: HttpServer,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string | Uint8Array,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false as const };
    const secure = url.startsWith('https:');
    const request = secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    request.on('error', reject).on('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece)).on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) });
      });
    });
    request.end(body);
  });
}

/** Sends `bytes` over a bare socket; gives all that comes back until the server ends the connection. */
export function rawSocket(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let got = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (piece: Buffer) => (got += piece.toString('latin1')));
    socket.on('error', () => undefined).on('close', () => resolve(got));
  });
}
