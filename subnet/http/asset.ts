import { createHash } from 'node:crypto';
import { open, readFile, realpath, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { lookup } from 'mrmime';

/** An open file of the built page. Whoever gets one closes it. */
export type Asset = {
  file: FileHandle;
  bytes: number;
  /** Without parameters: `text/html`. */
  mediaType: string;
  /** Hex SHA-256 of the content. */
  hash: string;
  /** Whether its name changes with its content. */
  immutable: boolean;
  /** The content again, after `file` is closed. Throws when it is no longer what `hash` says. */
  reread: () => Promise<Uint8Array>;
};

/** Vite puts a hash of the content into every name under assets/. */
const HASHED = /^\/assets\/.*-[\w-]{8,}\.\w+$/;
/** No hidden files, no way up, nothing that means something to a file system. `..` begins with a dot. */
const SEGMENT = /^[^.\\/:\0][^\\/:\0]*$/;
/** Hashes that are remembered; a build has some twenty files. */
const MAX_HASHES = 1024;

/** Finds files of `root` by request path, and nothing outside of it. */
export class AssetFolder {
  readonly #root: string;
  /** By identity of the file's content: path, inode, size and times. */
  readonly #hashes = new Map<string, Promise<string>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The file for a decoded request path (`/` is `/index.html`), or null when there is none. */
  async open(requestPath: string): Promise<Asset | null> {
    const path = requestPath === '/' ? '/index.html' : requestPath;
    const segments = path.slice(1).split('/');
    if (!segments.every((segment) => SEGMENT.test(segment))) return null;
    let file: FileHandle | undefined;
    try {
      const root = await realpath(this.#root);
      const real = await realpath(join(root, ...segments));
      if (!real.startsWith(root + sep)) return null; // a link that leads out
      file = await open(real, 'r');
      const stat = await file.stat();
      if (stat.isFile()) {
        const identity = [real, stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(':');
        const mediaType = lookup(path) ?? 'application/octet-stream';
        const hash = await this.#hash(identity, file);
        const reread = () => readUnchanged(real, hash);
        return { file, bytes: stat.size, mediaType, hash, immutable: HASHED.test(path), reread };
      }
    } catch {
      // Missing, unreadable or a name too long: to a client these are the same.
    }
    await file?.close();
    return null;
  }

  /** Made once, also for clients that come while it is being made. */
  #hash(identity: string, file: FileHandle): Promise<string> {
    const known = this.#hashes.get(identity);
    if (known !== undefined) return known;
    if (this.#hashes.size >= MAX_HASHES) this.#hashes.clear();
    const hash = hashOf(file);
    this.#hashes.set(identity, hash);
    hash.catch(() => this.#hashes.delete(identity));
    return hash;
  }
}

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of file.createReadStream({ start: 0, autoClose: false }))
    hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function readUnchanged(path: string, hash: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== hash) throw new Error(`${path} has changed`);
  return bytes;
}
