import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CERTIFICATE_FILE, givenCertificate, selfMadeCertificate } from './certificate.ts';
import { certificateName } from './names.ts';
import { DAY_MS } from './self-made.ts';

let dir: string;
let said: string[];
const notices = { warn: (m: string) => void said.push(`warn: ${m}`), info: (m: string) => void said.push(m) };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gridtab-tls-'));
  said = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('selfMadeCertificate', () => {
  it('covers this machine and the names given, and is kept', async () => {
    const made = await selfMadeCertificate({
      dir,
      names: ['Bücher.example', '203.0.113.7', '[2001:db8::1]'],
      notices,
    });
    const certificate = new X509Certificate(made.cert);
    for (const name of ['localhost', 'xn--bcher-kva.example']) expect(certificate.checkHost(name)).toBe(name);
    for (const ip of ['127.0.0.1', '::1', '203.0.113.7', '2001:db8::1'])
      expect(certificate.checkIP(ip)).toBe(ip);
    expect(certificate.checkHost('elsewhere.example')).toBeUndefined();
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(certificate.ca).toBe(false);
    expect(made.selfMade).toBe(true);
    expect(made.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect((await stat(join(dir, CERTIFICATE_FILE))).mode & 0o777).toBe(0o600);

    const again = await selfMadeCertificate({ dir, names: ['203.0.113.7'], notices });
    expect(again.fingerprint).toBe(made.fingerprint);
    expect(said).toEqual([]);
  });

  it('serves TLS to a client that trusts it, under a name it covers', async () => {
    await selfMadeCertificate({ dir, notices });
    const { cert, key } = await selfMadeCertificate({ dir, notices }); // from disk
    const server = createServer({ cert, key }, (_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const body = await new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port, ca: cert }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      }).on('error', reject);
    });
    expect(body).toBe('hello');
    server.close();
  });

  it('is renewed 30 days before it runs out, and when a name is new', async () => {
    const nowMs = Date.now();
    const made = await selfMadeCertificate({ dir, notices, nowMs });
    const later = await selfMadeCertificate({ dir, notices, nowMs: nowMs + 334 * DAY_MS });
    expect(later.fingerprint).toBe(made.fingerprint);
    const renewed = await selfMadeCertificate({ dir, notices, nowMs: nowMs + 336 * DAY_MS });
    expect(renewed.fingerprint).not.toBe(made.fingerprint);
    expect(renewed.notAfterMs).toBeGreaterThan(nowMs + 600 * DAY_MS);
    expect(said).toEqual(['renewing the self-made certificate: it runs out soon']);

    const named = await selfMadeCertificate({
      dir,
      notices,
      nowMs: nowMs + 336 * DAY_MS,
      names: ['new.example'],
    });
    expect(named.fingerprint).not.toBe(renewed.fingerprint);
    expect(said[1]).toBe('renewing the self-made certificate: it does not cover new.example');
  });

  it('refuses a damaged file, leaving it, and a name that is none', async () => {
    await selfMadeCertificate({ dir, notices });
    const path = join(dir, CERTIFICATE_FILE);
    const damaged = (await readFile(path, 'utf8')).slice(0, 300);
    await writeFile(path, damaged);
    await expect(selfMadeCertificate({ dir, notices })).rejects.toThrow(/tls\.pem: holds no certificate/);
    expect(await readFile(path, 'utf8')).toBe(damaged);
    await expect(selfMadeCertificate({ dir, notices, names: ['a b'] })).rejects.toThrow(RangeError);
  });
});

describe('givenCertificate', () => {
  const put = async (name: string, text: string) => {
    await writeFile(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };

  it('takes a matching pair and warns of what a person should know', async () => {
    const { cert, key, fingerprint } = await selfMadeCertificate({ dir, notices });
    const files = [await put('cert.pem', cert), await put('key.pem', key)] as const;
    expect(await givenCertificate(...files, notices)).toMatchObject({ selfMade: false, fingerprint });
    expect(said).toEqual([]);
    await givenCertificate(...files, notices, Date.now() + 350 * DAY_MS);
    expect(said[0]).toMatch(/^warn: .*cert\.pem expires on/);
    await expect(givenCertificate(...files, notices, Date.now() + 370 * DAY_MS)).rejects.toThrow(
      /expired on/,
    );
  });

  it('refuses files that are missing, unreadable or of different pairs', async () => {
    const first = await selfMadeCertificate({ dir, notices });
    await rm(join(dir, CERTIFICATE_FILE));
    const second = await selfMadeCertificate({ dir, notices });
    const cert = await put('cert.pem', first.cert);
    await expect(givenCertificate(cert, join(dir, 'none.pem'), notices)).rejects.toThrow(
      /none\.pem: does not exist/,
    );
    await expect(givenCertificate(cert, await put('bad.pem', 'x'), notices)).rejects.toThrow(
      /bad\.pem: holds no private key/,
    );
    await expect(givenCertificate(cert, await put('key.pem', second.key), notices)).rejects.toThrow(
      /is not the key of/,
    );
  });
});

describe('certificateName', () => {
  it.each([
    ['LOCALHOST', 'localhost'],
    ['[::1]', '::1'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['-bad', null],
    ['a..b', null],
    ['x'.repeat(64), null],
    ['', null],
    ['evil.example, DNS:other', null],
  ])('%s → %s', (name, expected) => expect(certificateName(name)).toBe(expected));
});
