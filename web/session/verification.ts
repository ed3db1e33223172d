import { hexToBytes, toHex } from '../../protocol/bytes.ts';
import type { Store } from '../identity/store.ts';
import type { ReceiptBook } from '../receipts/book.ts';
import type { StateStore } from '../state/store.ts';
import { loadHeaderPin, saveHeaderPin } from '../verify/pin.ts';
import type { VerificationReport } from '../verify/report.ts';
import type { ProofSource } from '../verify/source.ts';
import { verifyRewards } from '../verify/verify.ts';
import { breathe } from './breathe.ts';

/** Verifies the rewards of an account over a connection, shows how far it is, and then what it found. */
export async function verifyAndShow(
  { state, store, book }: { state: StateStore; store: Store; book: ReceiptBook },
  /** `owner` is hex, as the manifest that this tab trusts names it. */
  who: { subnet: Uint8Array; owner: string; account: { publicKey: Uint8Array } },
  proofs: ProofSource,
): Promise<VerificationReport> {
  const subnet = toHex(who.subnet);
  state.update({ verification: { status: 'running', step: 'signed', done: 0, of: null } }, 'now');
  const report = await verifyRewards(
    {
      subnet: who.subnet,
      owner: hexToBytes(who.owner),
      account: who.account.publicKey,
      receipts: await book.all(),
      pin: await loadHeaderPin(store, subnet),
      openEpoch: state.current.subnet?.epoch ?? null,
    },
    proofs,
    {
      nowMs: () => Date.now(),
      breathe,
      onProgress: (progress) => state.update({ verification: { status: 'running', ...progress } }),
      onPin: (pin) => saveHeaderPin(store, subnet, pin),
    },
  );
  state.update({ verification: { status: 'done', report } }, 'now');
  return report;
}
