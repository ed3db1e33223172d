import { createHash } from 'node:crypto';
import { equalBytes } from '../../protocol/bytes.ts';
import { decodeMessage } from '../../protocol/codec.ts';
import { encodeFrame, FrameDecoder } from '../../protocol/frame.ts';
import { differs } from './difference.ts';
import {
  EXPORT_LIMITS,
  frameSchema,
  MAX_FRAME_BYTES,
  noRows,
  pageRows,
  ROW_KINDS,
  type ExportedEpoch,
  type ExportLimits,
  type Frame,
  type LedgerFrame,
  type RowKind,
} from './frames.ts';

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
export type Section =
  | ({ is: 'ledger' } & LedgerFrame)
  /** The last epoch is open: nothing of it is final. */
  | { is: 'epoch'; epoch: ExportedEpoch; isOpen: boolean };

/**
 * Reads an export: what it is of, then epoch after epoch, one in memory at a time. Throws a Difference at the first byte that cannot
 * be right, and at the end where the checksum of the whole does not fit.
 */
export async function* readExport(
  bytes: Bytes,
  limits: ExportLimits = EXPORT_LIMITS,
): AsyncGenerator<Section, void, undefined> {
  let epochAt = 0;
  let epoch: ExportedEpoch | null = null;
  let begun = false;
  for await (const { at, frame } of readFrames(bytes)) {
    if (begun === (frame.frame === 'ledger'))
      differs(`byte ${at}: ${begun ? 'a second ledger begins' : 'it does not begin with what it is of'}`);
    begun = true;
    if (frame.frame === 'ledger') {
      yield { is: 'ledger', ...frame };
    } else if (frame.frame === 'epoch') {
      if (epoch !== null) yield { is: 'epoch', epoch, isOpen: false };
      const { frame: _, ...rest } = frame;
      epoch = { ...rest, rows: noRows() };
      epochAt = at;
    } else if (frame.frame === 'end') {
      if (epoch !== null) yield { is: 'epoch', epoch, isOpen: true };
    } else if (epoch === null) {
      differs(`byte ${at}: ${frame.frame} of no epoch`);
    } else {
      if (at - epochAt > limits.epochBytes) differs(`byte ${at}: epoch ${epoch.epoch} is too large`);
      addRows(epoch, frame, at, limits.epochRows);
    }
  }
}

/** Pages come kind after kind, and each but the last of its kind is full: one epoch has one form. */
function addRows(
  { epoch, rows }: ExportedEpoch,
  { frame: kind, rows: page }: Extract<Frame, { frame: RowKind }>,
  at: number,
  maxRows: number,
): void {
  const where = `byte ${at}, ${kind} of epoch ${epoch}`;
  const later = ROW_KINDS.slice(ROW_KINDS.indexOf(kind) + 1);
  const known: unknown[] = rows[kind];
  if (later.some((each) => rows[each].length > 0) || known.length % pageRows(kind) !== 0)
    differs(`${where}: not in the order of an export`);
  if (known.length + page.length > maxRows) differs(`${where}: more than ${maxRows}`);
  known.push(...page);
}

/** Frames with the place of their first byte. */
async function* readFrames(bytes: Bytes): AsyncGenerator<{ at: number; frame: Frame }, void, undefined> {
  const decoder = new FrameDecoder(MAX_FRAME_BYTES);
  const checksum = createHash('sha256');
  let at = 0;
  let ended = false;
  for await (const chunk of bytes) {
    for (const payload of decoder.push(chunk)) {
      if (ended) differs(`byte ${at}: bytes after the end`);
      if (!payload.ok) return differs(`byte ${at}: ${payload.message}`);
      const decoded = decodeMessage(frameSchema, payload.value);
      if (!decoded.ok)
        return differs(`byte ${at}, in a frame of ${payload.value.length} bytes: ${decoded.message}`);
      const frame = decoded.value;
      yield { at, frame };
      const whole = encodeFrame(payload.value);
      if (frame.frame === 'end') {
        ended = true;
        // Everything that a header covers has been checked by now.
        if (!equalBytes(new Uint8Array(checksum.digest()), frame.sha256))
          differs(
            `byte ${at}: the checksum of the bytes before it does not fit: something that no header covers is not as it was written`,
          );
      } else checksum.update(whole);
      at += whole.length;
    }
  }
  if (!ended || decoder.midFrame)
    differs(`byte ${at}: ${ended ? 'bytes after the end' : 'it ends too early'}`);
}
