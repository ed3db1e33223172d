import { parentPort } from 'node:worker_threads';
import { HeaderDigester } from '../header-digest.ts';
import type { Reply, Request } from './messages.ts';

/** Entry of the rescan thread: searches nonce ranges on the CPU, one request at a time. Talks to rescanner.ts alone. */
parentPort?.on('message', ({ preimage, target, ranges }: Request) => {
  const digester = new HeaderDigester(preimage);
  const nonces = ranges.flatMap(({ start, count }) => digester.search(start, count, target));
  const reply: Reply = { nonces };
  parentPort?.postMessage(reply);
});
