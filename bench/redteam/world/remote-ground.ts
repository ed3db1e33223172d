import type { PeerId } from '../../../protocol/ids.ts';
import { subnetIdOf, type Manifest } from '../../../protocol/manifest.ts';
import { Client, type TransportName } from '../../../e2e/testing/client.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';
import { TestValidator } from '../../../e2e/testing/validator.ts';
import type { Ground, Line, Lot } from './ground.ts';
import { RedTab, type Hello } from './tab.ts';
import type { Workbench } from './workbench.ts';

/**
 * A node in a process of its own, reached over a real transport. Its clock is its own: deadlines of a minute and vesting are not waited
 * for here, so rewards are not compared.
 */
export class RemoteGround implements Ground {
  readonly epoch = 0;
  readonly #node: TestValidator;
  readonly #manifest: Manifest;
  readonly #bench: Workbench;
  readonly #transport: TransportName;
  readonly #clients: Promise<Client>[] = [];
  readonly #tabs = new Map<PeerId, RedTab>();

  private constructor(node: TestValidator, manifest: Manifest, bench: Workbench, transport: TransportName) {
    this.#node = node;
    this.#manifest = manifest;
    this.#bench = bench;
    this.#transport = transport;
  }

  static async open(bench: Workbench, transport: TransportName): Promise<RemoteGround> {
    const node = await TestValidator.create();
    await node.start();
    return new RemoteGround(node, await node.manifest(), bench, transport);
  }

  connect(identity: Identity, hello: Partial<Hello> = {}): Line {
    let client: Promise<Client> | null = null;
    const reach = (): Promise<Client> => {
      if (client === null) {
        client = Client.connect(identity, this.#manifest, this.#transport);
        this.#clients.push(client);
      }
      return client;
    };
    const tab = new RedTab({
      identity,
      subnet: subnetIdOf(this.#manifest),
      models: this.#bench.catalogue.models,
      hello,
      dial: async (protocol) => (await reach()).rawStream(protocol),
    });
    this.#tabs.set(identity.peer, tab);
    return { tab, hangUp: () => undefined };
  }

  pass(): void {
    // Its clock runs by itself.
  }

  closeEpoch(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  expire(): Promise<void> {
    return Promise.resolve();
  }

  /** As the validator tells the tab itself. */
  async provenIn(peer: PeerId): Promise<number | null> {
    const standing = await this.#tabs.get(peer)?.ask({ type: 'standing' });
    if (standing?.type !== 'standing') return null;
    return standing.punishedUntilEpoch > 0 ? standing.epoch : null;
  }

  revokedOf(): Promise<number> {
    return Promise.resolve(0);
  }

  lotsOf(): Promise<Map<number, Lot>> {
    return Promise.resolve(new Map<number, Lot>());
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(async (client) => (await client).close()));
    await this.#node.stop();
    await this.#node.dispose();
  }
}
