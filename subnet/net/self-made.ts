// First, since the dependency injection inside @peculiar/x509 looks for it as it loads.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';

export const DAY_MS = 86_400_000;
/** Apple's systems refuse a server certificate of more than 825 days; a year also bounds a stolen key. */
export const LIFETIME_MS = 365 * DAY_MS;
/** A clock that is a little behind must not find the certificate to be from the future. */
const BACKDATE_MS = DAY_MS;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A fresh ECDSA P-256 key and a certificate over it that vouches for `names`, for itself: both as PEM. */
export async function makeCertificate(
  names: readonly string[],
  nowMs: number,
): Promise<{ cert: string; key: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive and of full length in DER (RFC 5280, 4.1.2.2)
  // Its own provider is named: libp2p's WebRTC sets another one for the whole process.
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial.toString('hex'),
      name: 'CN=Gridtab node, O=Gridtab (self-made)',
      notBefore: new Date(nowMs - BACKDATE_MS),
      notAfter: new Date(nowMs + LIFETIME_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}
