import type { Connection, Stream } from '@libp2p/interface';
import type { GenericSchema } from 'valibot';
import type { PeerId } from '../../protocol/ids.ts';
import {
  JOIN_PROTOCOL,
  JOIN_TIMEOUT_MS,
  LEDGER_PROTOCOL,
  MAX_JOIN_MESSAGE_BYTES,
  MAX_LEDGER_MESSAGE_BYTES,
  MAX_STREAMS_PER_PROTOCOL,
  MAX_WORK_MESSAGE_BYTES,
  WORK_PROTOCOL,
} from '../../protocol/limits.ts';
import { joinFromTab, ledgerFromTab, workFromTab } from '../../protocol/messages.ts';
import { errorText } from '../../protocol/outcome.ts';
import { Wire } from '../../protocol/wire.ts';
import type { ValidatorContext } from './context.ts';
import { serveJoin } from './join.ts';
import { serveLedger } from './ledger-stream.ts';
import type { Net } from './libp2p.ts';
import { serveWork } from './work.ts';

/** Registers the protocols. Whatever a peer does on its streams ends there: nothing it causes reaches the process. */
export async function serveTabs(net: Net, context: ValidatorContext): Promise<void> {
  const handle = <In, Out extends { type: string }>(
    protocol: string,
    schema: GenericSchema<unknown, In>,
    maxBytes: number,
    serve: (wire: Wire<In, Out>, connection: Connection, context: ValidatorContext) => Promise<void>,
    timeoutMs?: number,
  ) =>
    net.handle(
      protocol,
      (stream: Stream, connection: Connection) => {
        const wire = new Wire<In, Out>(stream, { schema, maxBytes });
        const timer =
          timeoutMs === undefined ? undefined : setTimeout(() => wire.abort('took too long'), timeoutMs);
        const peer = connection.remotePeer.toString() as PeerId;
        serve(wire, connection, context)
          // Our end too: a stream closed on one side only would count against the peer for as long as it is connected.
          .then(() => wire.close())
          .catch((error: unknown) => {
            context.logger.error({ protocol, peer, error: errorText(error) }, 'stream handler failed');
            wire.abort('internal error');
          })
          .finally(() => clearTimeout(timer));
      },
      { maxInboundStreams: MAX_STREAMS_PER_PROTOCOL },
    );

  await handle(JOIN_PROTOCOL, joinFromTab, MAX_JOIN_MESSAGE_BYTES, serveJoin, JOIN_TIMEOUT_MS);
  await handle(WORK_PROTOCOL, workFromTab, MAX_WORK_MESSAGE_BYTES, serveWork);
  await handle(LEDGER_PROTOCOL, ledgerFromTab, MAX_LEDGER_MESSAGE_BYTES, serveLedger);
  net.addEventListener('peer:disconnect', (event) => context.tabs.leave(event.detail.toString() as PeerId));
}
