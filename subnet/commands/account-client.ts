import * as v from 'valibot';
import type { Account } from '../../protocol/account.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { subnetIdOf } from '../../protocol/manifest.ts';
import { signOperation, type Action } from '../../protocol/operation.ts';
import { fail, ok, type Failure, type Ok } from '../../protocol/outcome.ts';
import { accountViewSchema, operationDoneSchema } from '../http/account-json.ts';
import { toBase64 } from '../http/base64.ts';
import type { OperationDone } from '../spending/submit.ts';
import { fetchManifest, nodeCall, type ClientProblem, type NodeAddress } from './node-call.ts';

/** `reason` is the code with which the node refused. */
export type Reply<T> = Ok<T> | (Failure<ClientProblem> & { readonly reason?: string });
export type ShownAccount = v.InferOutput<typeof accountViewSchema>;

export type AccountClient = {
  /** What an account has, and what its next operation has to say. */
  show(account: AccountId): Promise<Reply<ShownAccount>>;
  /**
   * Signs an action as the account's next operation and has it done. `action` is told the open epoch. Where the answer is lost, the
   * same operation is sent again: it is done once.
   */
  act(account: Account, action: (epoch: number) => Action): Promise<Reply<OperationDone>>;
};

/** Epochs in which an operation that was sent may still be done: it is sent at once, and again while an epoch is being settled. */
const EPOCHS_TO_DO_IT = 10;

/** Speaks to the HTTP API of a node. */
export function accountClient(node: NodeAddress): AccountClient {
  const call = nodeCall(node);
  const show = async (account: AccountId): Promise<Reply<ShownAccount>> => {
    const reply = await call('GET', `api/accounts/${account}`);
    return reply.ok ? parse(accountViewSchema, reply.value) : reply;
  };
  return {
    show,
    async act(account, action) {
      const manifest = await fetchManifest(call);
      if (!manifest.ok) return manifest;
      const shown = await show(account.id);
      if (!shown.ok) return shown;
      const { nextNonce: nonce, epoch } = shown.value;
      const { payload, signature } = signOperation(
        {
          subnet: subnetIdOf(manifest.value),
          account: account.publicKey,
          nonce,
          notAfterEpoch: epoch + EPOCHS_TO_DO_IT,
          action: action(epoch),
        },
        account.seed,
      );
      const body = JSON.stringify({ payload: toBase64(payload), signature: toBase64(signature) });
      const reply = await call('POST', 'api/operations', { body, repeatable: true });
      return reply.ok ? parse(operationDoneSchema, reply.value) : reply;
    },
  };
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown): Reply<T> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return ok(parsed.output);
  const why = v.summarize(parsed.issues).slice(0, 300);
  return fail('UNREACHABLE', `The node's answer cannot be read: ${why}`);
}
