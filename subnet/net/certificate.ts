import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { errorText } from '../../protocol/outcome.ts';
import { readSecret, replaceSecret, SecretFileError } from '../keys/secret-file.ts';
import type { KeyNotices } from '../keys/key-file.ts';
import { certificateName, hostNames } from './names.ts';
import { DAY_MS, makeCertificate } from './self-made.ts';

/** What the HTTP server needs for TLS, and what people need to recognise it. */
export type TlsMaterial = {
  /** PEM; a given certificate may bring its chain. */
  cert: string;
  /** PEM, unencrypted. */
  key: string;
  selfMade: boolean;
  /** SHA-256 of the certificate as browsers show it: `AB:CD:…`. */
  fingerprint: string;
  notAfterMs: number;
};

/** Key and certificate of the self-made pair: one file, so that they are replaced as one. */
export const CERTIFICATE_FILE = 'tls.pem';
/** A node that restarts about monthly never serves an expired certificate. */
const RENEW_BEFORE_MS = 30 * DAY_MS;

export type CertificateOptions = {
  /** Folder of the self-made certificate. */
  dir: string;
  /** Further host names and addresses the self-made certificate must cover. */
  names?: readonly string[];
  nowMs?: number;
  notices: KeyNotices;
};

/**
 * The self-made certificate of `dir`, renewed when it runs out within 30 days or misses a name the machine goes by.
 * Throws SecretFileError on a file that is damaged (it is not replaced: people may have accepted it) and RangeError on
 * a name no certificate can carry.
 */
export async function selfMadeCertificate(options: CertificateOptions): Promise<TlsMaterial> {
  const nowMs = options.nowMs ?? Date.now();
  const path = join(options.dir, CERTIFICATE_FILE);
  const { required, also } = hostNames((options.names ?? []).map(checkedName));
  const pem = await readSecret(path, (message) => options.notices.warn(message));
  if (pem !== null) {
    const { certificate } = openPair(path, pem, path, pem);
    const missing = required.filter((name) => !covers(certificate, name));
    const leftMs = certificate.validToDate.getTime() - nowMs;
    if (leftMs > RENEW_BEFORE_MS && missing.length === 0) return material(certificate, pem, pem, true);
    const why = missing.length > 0 ? `it does not cover ${missing.join(', ')}` : 'it runs out soon';
    options.notices.info(`renewing the self-made certificate: ${why}`);
  }
  const { cert, key } = await makeCertificate([...required, ...also], nowMs);
  await replaceSecret(path, `${cert}\n${key}\n`);
  return material(new X509Certificate(cert), cert, key, true);
}

/** A certificate (with its chain) and its key from PEM files. Throws SecretFileError where they cannot serve. */
export async function givenCertificate(
  certFile: string,
  keyFile: string,
  notices: KeyNotices,
  nowMs: number = Date.now(),
): Promise<TlsMaterial> {
  // A certificate is public: only the key's mode matters.
  const cert = await readSecret(certFile, () => undefined);
  const key = await readSecret(keyFile, (message) => notices.warn(message));
  if (cert === null) throw new SecretFileError(certFile, 'does not exist');
  if (key === null) throw new SecretFileError(keyFile, 'does not exist');
  const { certificate } = openPair(certFile, cert, keyFile, key);
  const notAfterMs = certificate.validToDate.getTime();
  if (notAfterMs <= nowMs) throw new SecretFileError(certFile, `expired on ${certificate.validTo}`);
  if (notAfterMs - nowMs < RENEW_BEFORE_MS) notices.warn(`${certFile} expires on ${certificate.validTo}`);
  return material(certificate, cert, key, false);
}

function checkedName(name: string): string {
  const checked = certificateName(name);
  if (checked === null) throw new RangeError(`"${name}" is neither a host name nor an IP address`);
  return checked;
}

const covers = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;

const material = (
  certificate: X509Certificate,
  cert: string,
  key: string,
  selfMade: boolean,
): TlsMaterial => ({
  cert,
  key,
  selfMade,
  fingerprint: certificate.fingerprint256,
  notAfterMs: certificate.validToDate.getTime(),
});

function openPair(
  certPath: string,
  cert: string,
  keyPath: string,
  key: string,
): { certificate: X509Certificate } {
  const certificate = attempt(
    certPath,
    'holds no certificate that can be read (PEM)',
    () => new X509Certificate(cert),
  );
  const privateKey: KeyObject = attempt(
    keyPath,
    'holds no private key that can be read (PEM, unencrypted)',
    () => createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey))
    throw new SecretFileError(keyPath, `is not the key of ${certPath}`);
  return { certificate };
}

function attempt<T>(path: string, problem: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SecretFileError(path, `${problem}: ${errorText(error)}`, error);
  }
}
