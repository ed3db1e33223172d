import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { SignedManifest } from '../protocol/manifest.ts';
import { subnetIdOf } from '../protocol/manifest.ts';
import { errorText } from '../protocol/outcome.ts';
import { accountIdOf, keyPair } from '../protocol/sign.ts';
import { MECHANISMS, policyOf, type NodeConfig } from './config.ts';
import { openCore } from './core.ts';
import { createFaults } from './faults.ts';
import { createHttpServer } from './http/server.ts';
import { createKinds } from './kinds/registry.ts';
import { loadOrCreateSeed } from './keys/key-file.ts';
import { loadOrCreateKeys } from './keys/keys.ts';
import { startEpochClock } from './ledger/epoch-clock.ts';
import type { ClosedEpoch } from './ledger/close-epoch.ts';
import { createMetrics } from './metrics/metrics.ts';
import { readGauges } from './metrics/gauges.ts';
import { buildManifest } from './manifest/manifest.ts';
import { catalogueFile } from './models/catalogue-files.ts';
import { openCatalogue } from './models/catalogue.ts';
import { givenCertificate, selfMadeCertificate } from './net/certificate.ts';
import { createNet, tabAddresses } from './net/libp2p.ts';
import { serveTabs } from './net/serve.ts';
import { tabBursts } from './net/tab-bursts.ts';
import type { Tabs } from './net/tabs.ts';
import { webRtcCertificate } from './net/webrtc-certificate.ts';
import { Spending } from './spending/spending.ts';
import { prune } from './store/retention.ts';
import { Store } from './store/store.ts';

/** The built page, where `npm run build` puts it. */
export const DIST_DIR = new URL('../dist/', import.meta.url).pathname;
export const ledgerFile = (dataDir: string): string => join(dataDir, 'ledger.sqlite');

/** The manifest is signed anew this often, so that its expiry stays far away. */
const RENEW_MANIFEST_MS = 24 * 3600_000;

export type Validator = {
  /** Where the page is. */
  url: string;
  manifest: () => SignedManifest;
  /** Stops taking work, waits for what is being judged, closes everything. Leases stay valid for the next start. */
  stop(): Promise<void>;
};

/** Starts a validator: ledger, kinds, libp2p, HTTP. Rejects with a reason when something it needs is not there. */
export async function startValidator(
  config: NodeConfig,
  logger: Logger,
  crashAt?: string,
): Promise<Validator> {
  const undo: (() => Promise<unknown> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await compose(config, logger, crashAt, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  config: NodeConfig,
  logger: Logger,
  crashAt: string | undefined,
  undo: (() => Promise<unknown> | void)[],
  stop: () => Promise<void>,
): Promise<Validator> {
  const { dataDir } = config;
  const warn = (message: string): void => logger.warn(message);
  const info = (message: string): void => logger.info(message);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const keysDir = join(dataDir, 'keys');
  const keys = await loadOrCreateKeys(keysDir, { warn, info });
  const auditSecret = await loadOrCreateSeed(join(keysDir, 'audit.key'), { warn, info });
  const faults = createFaults(logger, crashAt);

  const store = await Store.open(ledgerFile(dataDir));
  undo.push(() => store.close());
  logger.info(store.durability, 'ledger opened');

  const catalogue = await openCatalogue({ dataDir, file: catalogueFile(config.catalogue), warn });
  if (!catalogue.ok) throw new Error(catalogue.message);
  const models = catalogue.value.models;

  const owner = accountIdOf(keyPair(keys.ownerSeed).publicKey);
  const subnet = subnetIdOf({ name: config.name, owner });
  const kinds = await createKinds({
    catalogue: catalogue.value,
    recompute: { threads: config.verifyThreads },
  });
  undo.push(async () => void (await Promise.all(Object.values(kinds).map((kind) => kind.close()))));
  const policy = policyOf(config);
  const metrics = createMetrics();
  let endsInMs = (): number => config.epochSlots * config.slotMs;
  const core = await openCore({
    store,
    subnet,
    owner,
    ownerSeed: keys.ownerSeed,
    validatorSeed: keys.validatorSeed,
    validatorPeer: keys.validatorPeer,
    validatorAccount: accountIdOf(keyPair(keys.validatorSeed).publicKey),
    auditSecret,
    kinds,
    models,
    mechanisms: MECHANISMS.map(({ kind, emissionPpm }) => ({ name: kind, emissionPpm })),
    policy,
    // One more than there are threads, so that none waits while a verdict is written.
    audits: config.verifyThreads + 1,
    endsInMs: () => endsInMs(),
    bursts: (parts) => tabBursts({ ...parts, subnet, validator: keys.validatorPeer, logger }),
    observer: metrics,
    faults,
    logger,
  });
  undo.push(() => core.close());
  const { ledger, jobs, tabs, rechecks, bursts } = core;
  metrics.observe(() => readGauges({ store, tabs, audits: core.audits, policy }));

  const clock = startEpochClock({
    ledger,
    slotMs: config.slotMs,
    epochSlots: config.epochSlots,
    logger,
    onClosed: (closed) => {
      tellEpoch(tabs, closed, clock.endsInMs());
      prune(store, closed.next.epoch).catch((error: unknown) =>
        logger.error({ error: errorText(error) }, 'old rows could not be deleted'),
      );
    },
  });
  undo.push(() => clock.stop());
  endsInMs = () => clock.endsInMs();
  rechecks.start();
  bursts.start();

  const tls = await tlsOf(config, { warn, info });
  if (tls?.selfMade === true) logger.info({ fingerprint: tls.fingerprint }, 'self-made certificate');
  const net = await createNet({
    key: keys.validatorKey,
    certificate: await webRtcCertificate(keysDir, { warn, info }),
    host: config.host,
    webrtcPort: config.webrtcPort,
    wsPort: config.wsPort,
    tls,
    announce: config.announce,
    maxConnections: config.maxConnections,
    relayReservations: config.relayReservations,
  });
  undo.push(() => net.stop());
  undo.push(() => core.stopping());
  await serveTabs(net, core.context);

  const build = (): Promise<SignedManifest> =>
    buildManifest(
      store,
      {
        name: config.name,
        owner,
        validator: keys.validatorPeer,
        addresses: tabAddresses(net),
        mechanisms: MECHANISMS,
        models,
        policy,
      },
      keys,
    );
  let manifest = await build();
  const renew = (): void => {
    build().then(
      (next) => (manifest = next),
      (error: unknown) => logger.error({ error: errorText(error) }, 'manifest could not be renewed'),
    );
  };
  const renewal = setInterval(renew, RENEW_MANIFEST_MS);
  undo.push(() => clearInterval(renewal));

  let ready = true;
  const http = await createHttpServer({
    host: config.host,
    port: config.httpPort,
    ...(tls === undefined ? {} : { tls }),
    distDir: DIST_DIR,
    manifest: () => manifest,
    models: catalogue.value,
    ready: () => ready,
    jobs,
    spending: new Spending({ store, subnet }),
    metrics,
    adminToken: keys.adminToken,
    logger,
  });
  undo.push(() => http.close());
  undo.push(() => void (ready = false));
  logger.info(
    { url: http.url, peer: keys.validatorPeer, addresses: tabAddresses(net), epoch: ledger.current.epoch },
    'validator is up',
  );
  return { url: http.url, manifest: () => manifest, stop };
}

async function tlsOf(config: NodeConfig, notices: { warn: (m: string) => void; info: (m: string) => void }) {
  switch (config.tls.mode) {
    case 'off':
      return undefined;
    case 'self':
      return await selfMadeCertificate({ dir: join(config.dataDir, 'keys'), notices });
    case 'given':
      return await givenCertificate(config.tls.certFile, config.tls.keyFile, notices);
  }
}

/** Tells every tab that an epoch has closed and what its account got. */
function tellEpoch(tabs: Tabs, closed: ClosedEpoch, endsInMs: number): void {
  const amounts = new Map<string, bigint>();
  // What the epoch paid for work; releases from escrow were paid by earlier ones.
  for (const { role, account, amount } of closed.lines)
    if (role !== 'release' && role !== 'forfeit') amounts.set(account, (amounts.get(account) ?? 0n) + amount);
  const { epoch, beacon } = closed.next;
  tabs.tellAll(({ account }) => ({
    type: 'epoch',
    epoch,
    beacon,
    endsInMs,
    settled: { epoch: closed.epoch, amount: amounts.get(account) ?? 0n },
  }));
}
