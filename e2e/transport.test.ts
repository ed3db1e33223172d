import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { multiaddr } from '@multiformats/multiaddr';
import type { Manifest } from '../protocol/manifest.ts';
import { addressOf, Client } from './testing/client.ts';
import { Computer } from './testing/compute.ts';
import { Desk } from './testing/desk.ts';
import { identityOf } from './testing/identity.ts';
import { freePorts, TestValidator } from './testing/validator.ts';

/** Ends what a test started, also when it failed. */
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function startValidator(flags: readonly string[] = [], fixedPorts = false): Promise<TestValidator> {
  const node = await TestValidator.create(flags, fixedPorts ? await freePorts() : undefined);
  cleanup.push(() => node.dispose());
  await node.start();
  return node;
}

async function newClient(label: string, manifest: Manifest, listen: string[] = []): Promise<Client> {
  const client = await Client.create(await identityOf(label), manifest, { listen });
  cleanup.push(() => client.close());
  return client;
}

describe.each(['webrtc-direct', 'websocket'] as const)('%s', (transport) => {
  it('carries a tab from its hello to its receipts', async () => {
    const node = await startValidator();
    const manifest = await node.manifest();
    const computer = new Computer(node.url, manifest);
    cleanup.push(() => computer.close());
    const client = await newClient('tab', manifest);
    const connection = await client.dial(transport);
    expect(connection.remoteAddr.toString()).toContain(transport === 'websocket' ? '/ws' : '/webrtc-direct');
    expect(connection.remotePeer.toString()).toBe(manifest.validators[0]?.peer);
    const infer = { kind: 'infer' as const, providers: ['wasm' as const] };
    await client.joined({ hello: { kinds: [infer] } });
    const desk = await Desk.open(client);
    await desk.wire.send({ type: 'ready', n: 2 });
    // Inputs of both models, the larger of them in many frames.
    for (let i = 0; i < 6; i++) {
      expect(await desk.submit(await computer.run(await desk.lease()))).toMatchObject({ type: 'accepted' });
    }
    expect(await client.receipts(2)).toHaveLength(7);
    expect((await client.balance()).pendingUnits).toBe(7);
  });
});

describe('the relay', () => {
  it('lets tabs reach each other, up to its number of reservations', async () => {
    const node = await startValidator(['--relay-reservations', '1']);
    const manifest = await node.manifest();
    const relay = `${addressOf(manifest, 'websocket')}/p2p-circuit`;
    const alice = await newClient('alice', manifest, [relay]);
    const reachable = (client: Client): string[] =>
      client.node
        .getMultiaddrs()
        .map(String)
        .filter((address) => address.includes('/ws/') && address.includes('/p2p-circuit'));
    await expect.poll(() => reachable(alice), { timeout: 10_000 }).toHaveLength(1);

    const bob = await newClient('bob', manifest);
    const connection = await bob.node.dial(multiaddr(reachable(alice)[0]));
    expect(connection.remotePeer.toString()).toBe(alice.identity.peer);
    expect(connection.limits).toBeDefined();

    // The one reservation is taken.
    await expect(newClient('carol', manifest, [relay])).rejects.toThrow(
      /RESERVATION_REFUSED|reservation|listen/i,
    );
    expect(reachable(alice)).toHaveLength(1);
  });
});

describe('a restart', () => {
  it('keeps peer id, addresses and certificate hash', async () => {
    const node = await startValidator([], true);
    const before = await node.manifest();
    const addresses = (manifest: Manifest) =>
      manifest.validators.map(({ peer, addresses }) => [peer, addresses.map(({ address }) => address)]);
    expect(JSON.stringify(addresses(before))).toMatch(
      /\/webrtc-direct\/certhash\/uEi[\w-]{40,}\/p2p\/12D3Koo/,
    );
    const client = await newClient('back again', before);
    await client.dial('webrtc-direct');
    const first = await client.joined();
    expect(first.receipt).toBeDefined();

    expect(await node.stop()).toBe(0);
    await node.start();
    const after = await node.manifest();
    expect(addresses(after)).toEqual(addresses(before));
    expect(after.owner).toBe(before.owner);
    expect(after.sequence).toBeGreaterThanOrEqual(before.sequence);
    // A tab that kept the old manifest finds the node, and is still registered.
    const again = await newClient('back again', before);
    await again.dial('webrtc-direct');
    expect((await again.joined()).receipt).toBeUndefined();
  });
});

describe('SIGTERM', () => {
  it('ends the node within 5 s, with tabs at work on it', async () => {
    const node = await startValidator();
    const manifest = await node.manifest();
    const desks: Desk[] = [];
    for (const transport of ['websocket', 'webrtc-direct'] as const) {
      const client = await newClient(transport, manifest);
      await client.dial(transport);
      await client.joined();
      const desk = await Desk.open(client);
      await desk.wire.send({ type: 'ready', n: 2 });
      await desk.lease();
      desks.push(desk);
    }
    const startedAt = performance.now();
    expect(await node.stop()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(node.logged('stopped')).toHaveLength(1);
    expect(node.log.filter(({ level }) => level >= 50)).toEqual([]);
    // Tabs notice: their streams end.
    await Promise.all(desks.map((desk) => desk.ended));
  });
});

describe('a self-made certificate', () => {
  it('serves HTTPS and secure WebSockets to those who trust it, and to nobody else', async () => {
    const node = await startValidator(['--tls-self']);
    expect(node.url).toMatch(/^https:/);
    const caFile = join(node.dataDir, 'keys', 'tls.pem');
    const ca = await readFile(caFile, 'utf8');
    const body = await fetchText(new URL('subnet.json', node.url), ca);
    await expect(fetchText(new URL('subnet.json', node.url), undefined)).rejects.toThrow(
      /self-signed|certificate/,
    );
    const file = join(node.dataDir, 'manifest.json');
    await writeFile(file, body);

    const joinOnce = async (env: Record<string, string>): Promise<unknown> => {
      const script = new URL('testing/join-once.ts', import.meta.url).pathname;
      const { stdout } = await promisify(execFile)(process.execPath, [script, file], {
        env: { ...process.env, ...env },
      });
      return JSON.parse(stdout);
    };
    expect(await joinOnce({ NODE_EXTRA_CA_CERTS: caFile })).toEqual({
      reply: 'terms',
      address: expect.stringMatching(/\/tls\/ws/),
    });
    expect(await joinOnce({})).toEqual({ error: expect.any(String) });
  });
});

/** The body of an HTTPS answer, trusting `ca` alone where it is given. */
const fetchText = (url: URL, ca: string | undefined): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, ca === undefined ? {} : { ca }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
