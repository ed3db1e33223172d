import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { base64url } from 'multiformats/bases/base64';
import { create as createDigest } from 'multiformats/hashes/digest';
import { sha256 } from '../../protocol/bytes.ts';
import type { KeyNotices } from '../keys/key-file.ts';
import { readSecret, replaceSecret, SecretFileError } from '../keys/secret-file.ts';
import { DAY_MS, makeCertificate } from './self-made.ts';

export const WEBRTC_CERTIFICATE_FILE = 'webrtc.pem';
/** The certificate's hash is part of the node's address: it is renewed at a start, and only when this little is left. */
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** Multihash code of SHA-256. */
const SHA2_256 = 0x12;

export type WebRtcCertificate = {
  /** PEM. */
  privateKey: string;
  pem: string;
  /** Multibase base64url of the multihash of the DER certificate, as `/certhash/…` in addresses. */
  certhash: string;
  notAfterMs: number;
};

/**
 * The DTLS certificate of `dir`, made for a year (ECDSA P-256) where there is none. libp2p can keep one itself, but plans
 * its renewal with a timer that a year overflows. Throws SecretFileError on a damaged file.
 */
export async function webRtcCertificate(
  dir: string,
  notices: KeyNotices,
  nowMs: number = Date.now(),
): Promise<WebRtcCertificate> {
  const path = join(dir, WEBRTC_CERTIFICATE_FILE);
  const stored = await readSecret(path, (message) => notices.warn(message));
  if (stored !== null) {
    const certificate = open(path, stored);
    if (certificate.notAfterMs - nowMs > RENEW_BEFORE_MS) return certificate;
    notices.warn(
      'renewing the WebRTC certificate: addresses change, tabs read the new ones from the manifest',
    );
  }
  const { cert, key } = await makeCertificate(['gridtab.invalid'], nowMs);
  const file = `${cert}\n${key}\n`;
  await replaceSecret(path, file);
  return open(path, file);
}

function open(path: string, file: string): WebRtcCertificate {
  const pem = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/.exec(file)?.[0];
  const privateKey = /-----BEGIN PRIVATE KEY-----[^]+?-----END PRIVATE KEY-----/.exec(file)?.[0];
  if (pem === undefined || privateKey === undefined) {
    throw new SecretFileError(path, 'does not hold a certificate and its key');
  }
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new SecretFileError(path, 'holds a certificate that cannot be read');
  }
  const certhash = base64url.encode(createDigest(SHA2_256, sha256(certificate.raw)).bytes);
  return { privateKey, pem, certhash, notAfterMs: certificate.validToDate.getTime() };
}
