import { Command, Option } from 'commander';
import { DEFAULTS, type NodeConfig } from '../config.ts';
import { createLogger } from '../log.ts';
import { startValidator } from '../validator.ts';
import { databaseOption, dataOption, publicKey, wholeNumber } from './options.ts';

/** Time for connections to drain before the process leaves all the same. */
const FORCE_EXIT_MS = 10_000;

const port = wholeNumber(0, 65_535);

type NodeFlags = {
  data: string;
  database?: string;
  owner?: string;
  patienceMs: number;
  name: string;
  catalogue: string;
  host: string;
  httpPort: number;
  webrtcPort: number;
  wsPort: number;
  tlsCert?: string;
  tlsKey?: string;
  tlsSelf: boolean;
  announce: string[];
  maxConnections: number;
  relayReservations: number;
  epochSlots: number;
  slotMs: number;
  auditFloorPpm: number;
  verifyThreads: number;
  logLevel: NodeConfig['logLevel'];
};

export const nodeCommand = (): Command =>
  new Command('node')
    .description(
      'Run a validator: issues work, checks it, keeps the ledger, serves the page. Ends cleanly on SIGINT and SIGTERM.',
    )
    .addOption(dataOption())
    .addOption(databaseOption())
    .option(
      '--owner <key>',
      'public key of the subnet’s owner, for a validator that is not its own (gridtab validators)',
      publicKey,
    )
    .option(
      '--name <name>',
      'name of the subnet; with the owner key it is the identity of the subnet',
      DEFAULTS.name,
    )
    .option(
      '--catalogue <name>',
      'models of the subnet: default, ocr (the OCR chain, exact models only), or a file in the format of public/catalogue.json',
      DEFAULTS.catalogue,
    )
    .option('--host <ip>', 'IP address to listen on; 0.0.0.0 for every interface', DEFAULTS.host)
    .option(
      '--http-port <port>',
      'port of page, manifest, models and API; 0 for any free one',
      port,
      DEFAULTS.httpPort,
    )
    .option('--webrtc-port <port>', 'UDP port of WebRTC-Direct', port, DEFAULTS.webrtcPort)
    .option(
      '--ws-port <port>',
      'TCP port of WebSockets, for tabs whose network blocks UDP',
      port,
      DEFAULTS.wsPort,
    )
    .option('--tls-cert <file>', 'PEM certificate (with its chain) for HTTPS and WSS')
    .option('--tls-key <file>', 'PEM key of the certificate')
    .option('--tls-self', 'HTTPS and WSS with a self-made certificate, kept in the data folder', false)
    .option(
      '--announce <address...>',
      'multiaddrs to publish in place of the ones listened on',
      DEFAULTS.announce,
    )
    .option(
      '--max-connections <n>',
      'connections to admit, about 0.7 MB each',
      wholeNumber(1, 100_000),
      DEFAULTS.maxConnections,
    )
    .option(
      '--relay-reservations <n>',
      'tabs that may be reached through this relay',
      wholeNumber(0, 100_000),
      DEFAULTS.relayReservations,
    )
    .option('--epoch-slots <n>', 'slots of 12 s in an epoch', wholeNumber(1, 100_000), DEFAULTS.epochSlots)
    .addOption(
      new Option('--slot-ms <ms>', 'length of a slot; anything but 12000 is for tests')
        .argParser(wholeNumber(50, 60_000))
        .default(DEFAULTS.slotMs),
    )
    .option(
      '--patience-ms <ms>',
      'how long a validator in turn may be silent before the next one settles in its place',
      wholeNumber(100, 3_600_000),
      DEFAULTS.patienceMs,
    )
    .option(
      '--audit-floor-ppm <ppm>',
      'least probability of an audit, in parts per million; newcomers are audited more',
      wholeNumber(0, 1_000_000),
      DEFAULTS.auditFloorPpm,
    )
    .option(
      '--verify-threads <n>',
      'threads that recompute inference for audits',
      wholeNumber(1, 64),
      DEFAULTS.verifyThreads,
    )
    .addOption(
      new Option('--log-level <level>', 'least severe log lines to write')
        .choices(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default(DEFAULTS.logLevel)
        .env('GRIDTAB_LOG'),
    )
    .action(async (flags: NodeFlags) => {
      await runNode(configOf(flags));
    });

/** The configuration that flags ask for. Throws on flags that contradict each other. */
export function configOf(flags: NodeFlags): NodeConfig {
  const { data, database, owner, tlsCert, tlsKey, tlsSelf, ...rest } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new Error('--tls-cert and --tls-key go together.');
  if (tlsSelf && tlsCert !== undefined) throw new Error('--tls-self and --tls-cert exclude each other.');
  const tls: NodeConfig['tls'] =
    tlsCert !== undefined && tlsKey !== undefined
      ? { mode: 'given', certFile: tlsCert, keyFile: tlsKey }
      : { mode: tlsSelf ? 'self' : 'off' };
  return { ...rest, dataDir: data, databaseUrl: database ?? null, owner: owner ?? null, tls };
}

async function runNode(config: NodeConfig): Promise<void> {
  const logger = createLogger(config.logLevel);
  const validator = await startValidator(config, logger, process.env['GRIDTAB_CRASH_AT']);
  process.stdout.write(`${JSON.stringify({ event: 'ready', url: validator.url, pid: process.pid })}\n`);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  logger.info({ signal }, 'stopping');
  // A second signal, or a connection that will not drain, ends it at once: everything that counts is on disk.
  const force = (): never => process.exit(1);
  process.once('SIGINT', force);
  process.once('SIGTERM', force);
  setTimeout(force, FORCE_EXIT_MS).unref();
  await validator.stop();
  logger.info('stopped');
  process.exit(0);
}
