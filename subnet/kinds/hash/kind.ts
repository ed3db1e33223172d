import type { UnitOf } from '../../../protocol/kinds/registry.ts';
import { MAX_SHARES } from '../../../protocol/limits.ts';
import { ok } from '../../../protocol/outcome.ts';
import { hashesPerShare, targetFromBits } from '../../../protocol/target.ts';
import { WHOLE_PPM } from '../../trust/audit-rate.ts';
import type { NodeKind } from '../kind.ts';
import { auditRange, auditShares } from './audit.ts';
import { checkShares } from './check.ts';
import { Rescanner, type RescanOptions } from './rescan/rescanner.ts';
import { expectedShares, rescanDetection } from './range.ts';
import { type HashSize, sizeFor } from './size.ts';

export type HashKindOptions = {
  /** One size for every tab; without it, each tab's claimed rate decides. */
  size?: HashSize;
  /** Units whose whole range has to be searched, and is paid; worth it only at rates that a CPU can rescan. */
  exhaustive?: boolean;
  /** Nonces that the audit of such a unit searches again. */
  rescanNonces?: number;
  rescan?: RescanOptions;
};

/** A tenth of a second of a CPU; in a range of two seconds of plain JavaScript, a quarter of what there is. */
const RESCAN_NONCES = 2 ** 16;

/** Version field of the preimage: what Bitcoin's miners set since BIP 9, so that preimages look alike. */
const HEADER_VERSION = 0x2000_0000;
/** Hashes per second below which a tab is of no use: a tenth of plain JavaScript on a slow phone. */
const SLOWEST = 10_000;
/** Other leases of the tab come first: up to two, of which one may be a model on a software adapter. */
const WAIT_MS = 60_000;
/** A unit that takes longer than this is of the wrong size; it is better issued to someone else. */
const MAX_DEADLINE_MS = 15 * 60_000;

const unit = ({ bits, nonceCount }: HashSize, time: number, exhaustive: boolean): UnitOf<'hash'> => ({
  kind: 'hash',
  spec: { algorithm: 'sha256d', version: HEADER_VERSION, bits, ...(exhaustive ? { exhaustive } : {}) },
  input: { time, nonceStart: 0, nonceCount },
});

/** Throws RangeError on a size that would overflow MAX_SHARES or give no share at all. */
function assertSize({ bits, nonceCount }: HashSize): HashSize {
  const expected = nonceCount / Number(hashesPerShare(targetFromBits(bits)));
  // Three quarters of the limit is sixteen standard deviations below it.
  if (!(expected >= 1 && expected <= MAX_SHARES * 0.75)) {
    throw new RangeError(
      `hash units: ${expected} shares expected; choose bits and nonceCount for 1 to ${MAX_SHARES * 0.75}`,
    );
  }
  if (!Number.isInteger(nonceCount) || nonceCount > 2 ** 32)
    throw new RangeError('hash units: nonceCount leaves 32 bits');
  return { bits, nonceCount };
}

/** Standing hash work, and the check of every share it brings back. */
export function hashKindNode(options: HashKindOptions = {}): NodeKind<'hash'> {
  const fixed = options.size === undefined ? null : assertSize(options.size);
  const exhaustive = options.exhaustive === true;
  const rescanner = new Rescanner(options.rescan);
  const rescanNonces = options.rescanNonces ?? RESCAN_NONCES;
  return {
    name: 'hash',
    // The task id, and so the preimage, differs with every seq; the extra nonce keeps preimages apart on its own as well.
    nextUnit: async ({ seq, hashRate }) => unit(fixed ?? sizeFor(hashRate), seq % 2 ** 32, exhaustive),
    check: (lease, result) => checkShares(lease, result.body.nonces),
    // Of every part q that is skipped, all of it is caught least for what it saves: 1 − e^(−qfλ) is concave in q.
    detectionPpm: ({ unit: one }) =>
      one.spec.exhaustive === true
        ? Math.floor(
            WHOLE_PPM *
              rescanDetection(1, Math.min(1, rescanNonces / one.input.nonceCount), expectedShares(one)),
          )
        : WHOLE_PPM,
    opens: () => false,
    checkOpening: () => ok(null),
    audit: async (lease, claim) =>
      lease.unit.spec.exhaustive === true
        ? auditRange(lease, claim, rescanNonces, rescanner)
        : auditShares(lease, claim),
    deadlineMs: ({ input }) =>
      Math.min(MAX_DEADLINE_MS, WAIT_MS + Math.ceil((1000 * input.nonceCount) / SLOWEST)),
    close: () => rescanner.close(),
  };
}
