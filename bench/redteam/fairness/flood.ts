/**
 * A process of flooding clients: node flood.ts MANIFEST_URL COUNT SEED. Each joins, then sends messages without end, says hello without
 * end, sends what is no message, and leaves messages unfinished; whenever it is cut off it comes back. Ends with its parent's signal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../e2e/testing/client.ts';
import { encodeMessage } from '../../../protocol/codec.ts';
import { encodeFrame } from '../../../protocol/frame.ts';
import { JOIN_PROTOCOL, PROTOCOL_VERSION, WORK_PROTOCOL } from '../../../protocol/limits.ts';
import { openManifest } from '../../../protocol/manifest.ts';
import { identityOf } from '../world/identities.ts';

const [url = '', count = '1', seed = ''] = process.argv.slice(2);
const json: unknown = await (await fetch(new URL('subnet.json', url))).json();
const manifest = openManifest(json, { nowMs: Date.now(), version: PROTOCOL_VERSION });
if (!manifest.ok) throw new Error(manifest.message);
const subnet = manifest.value;

const NOT_YET = { type: 'ready', n: 0 };
const READY = encodeFrame(encodeMessage(NOT_YET));
const NONSENSE = encodeFrame(new Uint8Array(200).fill(0xff));
/** Between two bursts: the flood is bounded by the node and not by this process. */
const BREATH_MS = 5;

async function flood(index: number): Promise<never> {
  const identity = await identityOf(seed, `flooder-${index}`);
  for (;;) {
    let client: Client | null = null;
    try {
      client = await Client.connect(identity, subnet);
      await client.join();
      for (let i = 0; ; i++) {
        const stream = await client.rawStream(i % 3 === 1 ? JOIN_PROTOCOL : WORK_PROTOCOL);
        if (i % 3 === 0) {
          for (let n = 0; n < 300 && stream.status === 'open'; n++) stream.send(READY);
        } else if (i % 3 === 1) {
          stream.send(encodeFrame(encodeMessage(client.hello())));
        } else {
          stream.send(i % 2 === 0 ? NONSENSE : NONSENSE.subarray(0, 50));
        }
        await sleep(BREATH_MS);
      }
    } catch {
      // Cut off, or refused: again.
      await sleep(BREATH_MS * 10);
    }
    await client?.close();
  }
}

process.stdout.write('ready\n');
await Promise.all(Array.from({ length: Number(count) }, (_, i) => flood(i)));
