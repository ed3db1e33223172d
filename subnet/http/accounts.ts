import * as v from 'valibot';
import { decodeCbor } from '../../protocol/cbor.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { MAX_OPERATIONS_PER_PAGE } from '../../protocol/limits.ts';
import { signedOperationSchema, type SignedOperation } from '../../protocol/operation.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { OperationRefusal } from '../spending/submit.ts';
import { accountToJson, operationRequestSchema, operationToJson } from './account-json.ts';
import { AddressLimit, RATE_LIMITED } from './address-limit.ts';
import { readBytes, readJson, type BodyFailure } from './body.ts';
import { sendJson, type Exchange } from './exchange.ts';
import type { HttpLimits } from './limits.ts';
import { sendProblem, type Problem } from './problem.ts';
import type { Handler, Route } from './router.ts';
import type { SpendingApi } from './spending-api.ts';

/** 409: another operation came first. 422: it can be read, and the rules are against it. */
const REFUSED: Readonly<Record<OperationRefusal, Pick<Problem, 'status' | 'headers'>>> = {
  MALFORMED: { status: 400 },
  BAD_SIGNATURE: { status: 422 },
  WRONG_SUBNET: { status: 422 },
  EXPIRED: { status: 422 },
  NONCE_USED: { status: 409 },
  NONCE_AHEAD: { status: 409 },
  TOO_SMALL: { status: 422 },
  TO_SELF: { status: 422 },
  INSUFFICIENT: { status: 422 },
  BAD_EXPIRY: { status: 422 },
  TOO_MANY_HOLDS: { status: 422 },
  NO_SUCH_HOLD: { status: 422 },
  NOT_PAYEE: { status: 422 },
  HOLD_EXPIRED: { status: 422 },
  OVER_HOLD: { status: 422 },
  SETTLING: { status: 503, headers: { 'Retry-After': '1' } },
};

export type AccountsOptions = {
  spending: SpendingApi;
  limits: Pick<
    HttpLimits,
    | 'operationBytes'
    | 'operationsPerSecond'
    | 'operationBurst'
    | 'looksPerSecond'
    | 'lookBurst'
    | 'addressesRemembered'
  >;
};

/**
 * POST /api/operations, GET /api/accounts/:account and GET /api/accounts/:account/operations[?after=id], for anybody: operations are
 * signed, and what accounts own is public, as the ledger is.
 */
export function accountRoutes({ spending, limits }: AccountsOptions): Route[] {
  const { addressesRemembered } = limits;
  const operations = new AddressLimit(limits.operationsPerSecond, limits.operationBurst, addressesRemembered);
  const looks = new AddressLimit(limits.looksPerSecond, limits.lookBurst, addressesRemembered);
  const limited =
    (limit: AddressLimit, handler: Handler): Handler =>
    (exchange) =>
      limit.take(exchange.request) ? handler(exchange) : sendProblem(exchange, RATE_LIMITED);

  const post = async (exchange: Exchange): Promise<void> => {
    const body = await readOperationBody(exchange, limits.operationBytes);
    if (!body.ok) return sendProblem(exchange, bodyProblem(body.code, body.message));
    const done = await spending.submit(body.value);
    if (done.ok) return sendJson(exchange, 200, done.value);
    return sendProblem(exchange, { code: done.code, detail: done.message, ...REFUSED[done.code] });
  };
  const show = async (exchange: Exchange): Promise<void> =>
    sendJson(exchange, 200, accountToJson(await spending.account(accountOf(exchange))));
  const log = async (exchange: Exchange): Promise<void> => {
    const after = exchange.query.get('after') ?? '0';
    if (!/^\d{1,15}$/.test(after))
      return sendProblem(exchange, bodyProblem('MALFORMED', 'after: expected the id of an operation.'));
    const account = accountOf(exchange);
    const page = await spending.operations(account, Number(after), MAX_OPERATIONS_PER_PAGE);
    await sendJson(exchange, 200, { ...page, operations: page.operations.map(operationToJson) });
  };

  return [
    { pattern: /^\/api\/operations$/, POST: limited(operations, post) },
    { pattern: /^\/api\/accounts\/(?<account>[0-9a-f]{64})$/, GET: limited(looks, show) },
    { pattern: /^\/api\/accounts\/(?<account>[0-9a-f]{64})\/operations$/, GET: limited(looks, log) },
  ];
}

const accountOf = ({ params }: Exchange): AccountId => (params['account'] ?? '') as AccountId;

const bodyProblem = (code: BodyFailure | 'MEDIA_TYPE', detail: string): Problem => ({
  status: code === 'TOO_LARGE' ? 413 : code === 'MEDIA_TYPE' ? 415 : 400,
  code,
  detail,
});

/** `{payload, signature}`, in base64 as JSON or as dag-cbor. */
async function readOperationBody(
  { request }: Exchange,
  maxBytes: number,
): Promise<Outcome<SignedOperation, BodyFailure | 'MEDIA_TYPE'>> {
  const [mediaType = ''] = (request.headers['content-type'] ?? '').toLowerCase().split(/[;\s]/, 1);
  switch (mediaType) {
    case 'application/json': {
      const body = await readJson(request, maxBytes);
      return body.ok ? parsed(operationRequestSchema, body.value) : body;
    }
    case 'application/cbor':
    case 'application/vnd.ipld.dag-cbor': {
      const body = await readBytes(request, maxBytes);
      if (!body.ok) return body;
      const decoded = decodeCbor(body.value);
      return decoded.ok ? parsed(signedOperationSchema, decoded.value) : decoded;
    }
    default:
      return fail('MEDIA_TYPE', 'Send application/json or application/cbor.');
  }
}

function parsed(
  schema: v.GenericSchema<unknown, SignedOperation>,
  value: unknown,
): Outcome<SignedOperation, 'MALFORMED'> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return ok(result.output);
  const [issue] = result.issues;
  return fail('MALFORMED', `${v.getDotPath(issue) ?? 'body'}: ${issue.message}`.slice(0, 300));
}
