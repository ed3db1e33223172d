import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { SignedManifest } from '../protocol/manifest.ts';
import { subnetIdOf } from '../protocol/manifest.ts';
import type { AccountId } from '../protocol/ids.ts';
import { accountIdOf, keyPair } from '../protocol/sign.ts';
import { MECHANISMS, policyOf, type NodeConfig } from './config.ts';
import { openCore } from './core.ts';
import { createFaults } from './faults.ts';
import { createHttpServer } from './http/server.ts';
import { createKinds } from './kinds/registry.ts';
import { loadOrCreateSeed } from './keys/key-file.ts';
import { loadOrCreateKeys } from './keys/keys.ts';
import { createMetrics } from './metrics/metrics.ts';
import { readGauges } from './metrics/gauges.ts';
import { publishManifest } from './manifest/publish.ts';
import { catalogueFile } from './models/catalogue-files.ts';
import { openCatalogue } from './models/catalogue.ts';
import { givenCertificate, selfMadeCertificate } from './net/certificate.ts';
import { createNet, tabAddresses } from './net/libp2p.ts';
import { serveTabs } from './net/serve.ts';
import { tabBursts } from './net/tab-bursts.ts';
import { webRtcCertificate } from './net/webrtc-certificate.ts';
import { Spending } from './spending/spending.ts';
import type { SettlementOptions } from './settlement/settlement.ts';
import { startSettling } from './settling.ts';
import { Store } from './store/store.ts';
import { databaseTarget } from './store/target.ts';

/** The built page, where `npm run build` puts it. */
export const DIST_DIR = new URL('../dist/', import.meta.url).pathname;

export type Validator = {
  /** Where the page is. */
  url: string;
  manifest: () => SignedManifest;
  /** Stops taking work, waits for what is being judged, closes everything. Leases stay valid for the next start. */
  stop(): Promise<void>;
};

/** What tests of validators that are not honest put in the place of what a validator does. */
export type Hooks = Pick<SettlementOptions, 'weigh'>;

/** Starts a validator: ledger, kinds, libp2p, HTTP. Rejects with a reason when something it needs is not there. */
export async function startValidator(
  config: NodeConfig,
  logger: Logger,
  crashAt?: string,
  hooks: Hooks = {},
): Promise<Validator> {
  const undo: (() => Promise<unknown> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await compose(config, logger, crashAt, hooks, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compose(
  config: NodeConfig,
  logger: Logger,
  crashAt: string | undefined,
  hooks: Hooks,
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

  const target = databaseTarget({ data: dataDir, database: config.databaseUrl });
  const store = await Store.open(target, { claim: `validator ${keys.validatorPeer}` });
  undo.push(() => store.close());
  logger.info(store.durability, 'ledger opened');

  const catalogue = await openCatalogue({ dataDir, file: catalogueFile(config.catalogue), warn });
  if (!catalogue.ok) throw new Error(catalogue.message);
  const models = catalogue.value.models;

  const ownAccount = accountIdOf(keyPair(keys.ownerSeed).publicKey);
  const owner = (config.owner ?? ownAccount) as AccountId;
  // A node that validates for another's subnet has a key of an owner too, which is nothing there.
  const ownerSeed = owner === ownAccount ? keys.ownerSeed : null;
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
    ownerSeed,
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

  const settling = await startSettling({
    config,
    store,
    ledger,
    tabs,
    secret: auditSecret,
    faults,
    logger,
    ...(hooks.weigh === undefined ? {} : { weigh: hooks.weigh }),
  });
  undo.push(() => settling.stop());
  endsInMs = () => settling.endsInMs();
  rechecks.start();
  core.crossAudits.start();
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

  const manifest = await publishManifest({
    store,
    content: { name: config.name, owner, mechanisms: MECHANISMS, models, policy },
    validator: { validator: keys.validatorPeer, validatorSeed: keys.validatorSeed },
    addresses: tabAddresses(net),
    ownerSeed,
    epoch: () => ledger.current.epoch,
    logger,
  });
  undo.push(() => manifest.stop());

  let ready = true;
  const http = await createHttpServer({
    host: config.host,
    port: config.httpPort,
    ...(tls === undefined ? {} : { tls }),
    distDir: DIST_DIR,
    manifest: manifest.current,
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
  return { url: http.url, manifest: manifest.current, stop };
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
