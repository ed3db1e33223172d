import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import * as v from 'valibot';
import { subnetIdOf } from '../../protocol/manifest.ts';
import { accountIdOf, keyPair } from '../../protocol/sign.ts';
import {
  inSeatOrder,
  seatSchema,
  signValidatorSet,
  totalStake,
  type Seat,
} from '../../protocol/validators.ts';
import { DEFAULTS } from '../config.ts';
import { loadOrCreateKeys } from '../keys/keys.ts';
import { claimSubnet, firstBeacon, insertEpoch } from '../ledger/epoch-rows.ts';
import { installSeats, seatsAt } from '../ledger/seats.ts';
import { Store } from '../store/store.ts';
import { databaseTarget } from '../store/target.ts';
import { databaseOption, dataOption, jsonOption, printJson } from './options.ts';

type Flags = { data: string; database?: string; name: string; json: boolean };

export const validatorsCommand = (): Command =>
  new Command('validators')
    .description(
      'Who validates in a subnet, with what stake: set by its owner, whose key is in the data folder.',
    )
    .addCommand(
      common('set', 'Give seats; they are in force from the next epoch on, in a new ledger at once.')
        .requiredOption(
          '--seat <peer:account:stake>',
          'a validator’s peer id, the account its part of the emission goes to (gridtab keys shows both), and its stake; once for each',
          seat,
          [],
        )
        .action(async (flags: Flags & { seat: Seat[] }) => {
          const keys = await loadOrCreateKeys(join(flags.data, 'keys'));
          const owner = accountIdOf(keyPair(keys.ownerSeed).publicKey);
          const subnet = subnetIdOf({ name: flags.name, owner });
          const seats = inSeatOrder(flags.seat);
          await withStore(flags, async (store) => {
            const fromEpoch = await store.write(async (tx) => {
              await claimSubnet(tx, { subnet, owner });
              const open = await tx
                .selectFrom('epochs')
                .select('epoch')
                .where('sealed_at_ms', 'is', null)
                .executeTakeFirst();
              if (open === undefined) await insertEpoch(tx, 0, firstBeacon(subnet), Date.now());
              const known = await tx.selectFrom('validator_sets').select('from_epoch').executeTakeFirst();
              const from = known === undefined ? 0 : (open?.epoch ?? 0) + 1;
              await installSeats(
                tx,
                from,
                signValidatorSet({ subnet, fromEpoch: from, seats }, keys.ownerSeed),
              );
              return from;
            });
            if (flags.json) return printJson({ owner, fromEpoch, seats });
            process.stdout.write(
              `${lines(seats)}\nIn force from epoch ${fromEpoch}. Start each validator with --owner ${owner} and the same --database and --name; start those again that run already.\n`,
            );
          });
        }),
    )
    .addCommand(
      common('show', 'Print who validates in the open epoch.')
        .requiredOption('--owner <key>', 'public key of the subnet’s owner')
        .action(async (flags: Flags & { owner: string }) => {
          const subnet = subnetIdOf({ name: flags.name, owner: flags.owner });
          await withStore(flags, async (store) => {
            const open = await store.db
              .selectFrom('epochs')
              .select('epoch')
              .where('sealed_at_ms', 'is', null)
              .executeTakeFirst();
            const { seats, fromEpoch } = await seatsAt(store.db, open?.epoch ?? 0, {
              owner: flags.owner,
              subnet,
            });
            if (flags.json) return printJson({ fromEpoch, seats });
            process.stdout.write(`${lines(seats)}\nIn force since epoch ${fromEpoch}.\n`);
          });
        }),
    );

const common = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(dataOption())
    .addOption(databaseOption())
    .option('--name <name>', 'name of the subnet', DEFAULTS.name)
    .addOption(jsonOption());

/** Stakes are shares of a whole that the owner chooses; the manifest holds them as numbers. */
const MAX_STAKE = 2 ** 40;

function seat(text: string, before: Seat[]): Seat[] {
  const [validator, account, stake, ...rest] = text.split(':');
  const parsed = v.safeParse(seatSchema, { validator, account, stake: Number(stake) });
  if (
    !parsed.success ||
    rest.length > 0 ||
    parsed.output.stake < 1n ||
    parsed.output.stake > BigInt(MAX_STAKE)
  )
    throw new InvalidArgumentError(`Expected PEER:ACCOUNT:STAKE with a stake of 1 to ${MAX_STAKE}.`);
  if (before.some((other) => other.validator === parsed.output.validator))
    throw new InvalidArgumentError('Each validator has one seat.');
  return [...before, parsed.output];
}

const lines = (seats: readonly Seat[]): string =>
  seats
    .map(({ validator, stake, account }) => {
      const part = Number((stake * 1_000n) / totalStake(seats)) / 10;
      return `${validator}  ${part.toFixed(1).padStart(5)} %  pays ${account}`;
    })
    .join('\n');

async function withStore(flags: Flags, use: (store: Store) => Promise<void>): Promise<void> {
  const store = await Store.open(databaseTarget(flags));
  try {
    await use(store);
  } finally {
    await store.close();
  }
}
