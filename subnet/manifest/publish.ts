import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { PeerId } from '../../protocol/ids.ts';
import { subnetIdOf, type SignedManifest } from '../../protocol/manifest.ts';
import { errorText } from '../../protocol/outcome.ts';
import { seatsAt } from '../ledger/seats.ts';
import type { Store } from '../store/store.ts';
import { buildManifest, keptManifest, publishAddresses, type ManifestContent } from './manifest.ts';

/** Addresses of other validators come and go; tabs fetch the manifest before they dial again. */
const REFRESH_MS = 5_000;
/** The owner's node signs it anew this often, so that its expiry stays far away. */
const RENEW_MS = 24 * 3600_000;
/** A validator that is not the owner's waits so long for the first manifest, */
const WAIT_MS = 60_000;
/** and so long for one that names its addresses: the owner's node may be down. */
const WAIT_FOR_OWN_MS = 3 * REFRESH_MS;

const RETRY_MS = 500;

export type PublishedManifest = { current: () => SignedManifest; stop: () => void };

type Publisher = {
  store: Store;
  content: Omit<ManifestContent, 'seats'>;
  validator: { validator: PeerId; validatorSeed: Uint8Array };
  addresses: readonly string[];
  /** Null where another node holds it. */
  ownerSeed: Uint8Array | null;
  epoch: () => number;
  logger: Logger;
};

/**
 * Publishes this validator's addresses and keeps the manifest up to date: made and signed here where the owner's key is here, read
 * from the database otherwise. Throws where no owner's node has made one.
 */
export async function publishManifest(publisher: Publisher): Promise<PublishedManifest> {
  const { store, content, validator, addresses, ownerSeed, logger } = publisher;
  const { name, owner } = content;
  const subnet = subnetIdOf(content);
  await publishAddresses(store, subnet, validator, addresses);
  const build = async (seed: Uint8Array): Promise<SignedManifest> => {
    const { seats } = await seatsAt(store.db, publisher.epoch(), { owner, subnet });
    return await buildManifest(store, { ...content, seats }, seed);
  };
  let current = ownerSeed === null ? await waitForManifest(publisher) : await build(ownerSeed);
  let signedAtMs = Date.now();
  let known = await addressesOf(store);
  const refresh = async (): Promise<void> => {
    if (ownerSeed === null) {
      current = (await keptManifest(store, name, owner)) ?? current;
      return;
    }
    const now = await addressesOf(store);
    if (now === known && Date.now() - signedAtMs < RENEW_MS) return;
    [current, known, signedAtMs] = [await build(ownerSeed), now, Date.now()];
  };
  const timer = setInterval(() => {
    refresh().catch((error: unknown) =>
      logger.error({ error: errorText(error) }, 'the manifest could not be renewed'),
    );
  }, REFRESH_MS);
  return { current: () => current, stop: () => clearInterval(timer) };
}

async function addressesOf(store: Store): Promise<string> {
  const rows = await store.db.selectFrom('addresses').select('address').orderBy('address').execute();
  const sets = await store.db.selectFrom('validator_sets').select('from_epoch').execute();
  return `${sets.length} ${rows.map(({ address }) => address).join(' ')}`;
}

async function waitForManifest({ store, content, validator, addresses }: Publisher): Promise<SignedManifest> {
  const { name, owner } = content;
  const namesOwn = ({ manifest }: SignedManifest): boolean => {
    const own = manifest.validators.find(({ peer }) => peer === validator.validator);
    return addresses.every((each) => own?.addresses.some(({ address }) => address === each) === true);
  };
  const beganMs = performance.now();
  for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs = performance.now() - beganMs) {
    const kept = await keptManifest(store, name, owner);
    if (kept !== null && (namesOwn(kept) || waitedMs > WAIT_FOR_OWN_MS)) return kept;
    await sleep(RETRY_MS);
  }
  throw new Error(
    `There is no manifest of ${name} by ${owner} in the database: the owner's node has to run once with these models, name and key.`,
  );
}
