/**
 * Joins over WebSockets once and prints what the node answered. A process of its own, so that it can be given trust in a
 * self-made certificate (NODE_EXTRA_CA_CERTS) that no other has.
 *
 * Usage: node join-once.ts MANIFEST.json
 */
import { readFile } from 'node:fs/promises';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openManifest } from '../../protocol/manifest.ts';
import { errorText } from '../../protocol/outcome.ts';
import { Client } from './client.ts';
import { identityOf } from './identity.ts';

const json: unknown = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8'));
const manifest = openManifest(json, { nowMs: Date.now(), version: PROTOCOL_VERSION });
if (!manifest.ok) throw new Error(manifest.message);
const client = await Client.create(await identityOf('over tls'), manifest.value);
try {
  const connection = await client.dial('websocket');
  const reply = await client.join();
  process.stdout.write(
    `${JSON.stringify({ reply: reply?.type, address: connection.remoteAddr.toString() })}\n`,
  );
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: errorText(error) })}\n`);
}
process.exit(0);
