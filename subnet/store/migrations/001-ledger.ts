import type { Kysely, Migration } from 'kysely';
import { createTable, type ColumnTypes } from './columns.ts';

/** All tables as `Schema` (../schema.ts) describes them, in SQLite or PostgreSQL. */
export const migration001 = (types: ColumnTypes): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const table = (name: string, spec: Parameters<typeof createTable>[3]): Promise<void> =>
      createTable(db, types, name, spec);

    await table('meta', { columns: { key: 'text', value: 'text' }, key: ['key'] });
    await table('peers', {
      columns: {
        peer: 'text',
        account: 'text',
        registered_at_ms: 'int',
        last_seen_at_ms: 'int',
        latency: 'int=65536',
        strikes: 'int=0',
        punished_until: 'int=0',
      },
      key: ['peer'],
    });
    await table('tasks', {
      columns: {
        task_id: 'bytes',
        validator: 'text',
        peer: 'text',
        epoch: 'int',
        seq: 'int',
        kind: 'text',
        hash_rate: 'real',
        job: 'int?',
        state: 'text',
        issued_at_ms: 'int',
        deadline_at_ms: 'int',
        code: 'text?',
        evidence: 'text?',
        digest: 'bytes?',
        provider: 'text?',
        elapsed_ms: 'real?',
        judged_at_ms: 'int?',
        account: 'text?',
        artefact: 'text?',
        audited: 'int=0',
        recheck: 'int=0',
        revoked: 'text?',
      },
      key: ['task_id'],
      unique: [['validator', 'peer', 'seq']],
      indexes: [['epoch'], ['state', 'peer'], ['recheck']],
    });
    await table('results', {
      columns: { task_id: 'bytes', epoch: 'int', body: 'bytes' },
      key: ['task_id'],
      indexes: [['epoch']],
    });

    await table('standings', {
      columns: {
        peer: 'text',
        kind: 'text',
        account: 'text',
        accepted: 'int',
        escrow_from: 'int',
        escrow: 'text',
        escrow_epoch: 'int',
        audits: 'text',
        suspect_left: 'int',
      },
      key: ['peer', 'kind'],
      indexes: [['account', 'kind', 'escrow_epoch']],
    });
    await table('qualities', {
      columns: { account: 'text', kind: 'text', passed: 'int', failed: 'int' },
      key: ['account', 'kind'],
    });
    await table('penalties', {
      columns: {
        task_id: 'bytes',
        epoch: 'int',
        peer: 'text',
        account: 'text',
        kind: 'text',
        code: 'text',
        at_ms: 'int',
      },
      key: ['task_id'],
      indexes: [['peer', 'epoch'], ['epoch']],
    });

    await table('receipts', {
      columns: {
        task_id: 'bytes',
        validator: 'text',
        epoch: 'int',
        kind: 'text',
        peer: 'text',
        account: 'text',
        work: 'text',
        kind_index: 'int',
        payload: 'bytes',
        signature: 'bytes',
        hash: 'bytes',
      },
      key: ['id'],
      unique: [['task_id']],
      // What an account has in order, an epoch's receipts by hash, and those of a peer that have still to vest.
      indexes: [
        ['account', 'id'],
        ['epoch', 'hash'],
        ['peer', 'kind', 'kind_index'],
      ],
    });
    await table('epoch_work', {
      columns: { epoch: 'int', kind: 'text', account: 'text', peer: 'text', units: 'int', work: 'text' },
      key: ['epoch', 'kind', 'account', 'peer'],
    });
    await table('epochs', {
      columns: {
        epoch: 'int',
        beacon: 'bytes',
        slots: 'int=0',
        opened_at_ms: 'int',
        sealed_at_ms: 'int?',
        counter: 'text?',
        settler: 'text?',
        payload: 'bytes?',
        signature: 'bytes?',
      },
      key: ['epoch'],
    });
    await table('audit_keys', {
      columns: {
        epoch: 'int',
        validator: 'text',
        commitment: 'bytes',
        signature: 'bytes',
        audit_key: 'bytes?',
        published_epoch: 'int?',
      },
      key: ['epoch', 'validator'],
    });
    await table('validator_sets', {
      columns: { from_epoch: 'int', payload: 'bytes', signature: 'bytes' },
      key: ['from_epoch'],
    });
    await table('policies', { columns: { digest: 'bytes', payload: 'bytes' }, key: ['digest'] });
    await table('vote_commits', {
      columns: { epoch: 'int', validator: 'text', commitment: 'bytes', signature: 'bytes' },
      key: ['epoch', 'validator', 'commitment'],
    });
    await table('vote_reveals', {
      columns: { epoch: 'int', validator: 'text', hash: 'bytes', payload: 'bytes', signature: 'bytes' },
      key: ['epoch', 'validator', 'hash'],
    });
    await table('reports', {
      columns: { epoch: 'int', validator: 'text', code: 'text', subject: 'text', detail: 'text' },
      key: ['epoch', 'validator', 'code', 'subject'],
    });
    await table('proposals', {
      columns: { epoch: 'int', hash: 'bytes', validator: 'text', payload: 'bytes', signature: 'bytes' },
      key: ['epoch', 'hash'],
    });
    await table('header_signatures', {
      columns: { epoch: 'int', hash: 'bytes', validator: 'text', signature: 'bytes' },
      key: ['epoch', 'hash', 'validator'],
    });
    await table('addresses', {
      columns: { validator: 'text', address: 'text', signature: 'bytes' },
      key: ['validator', 'address'],
    });
    await table('consensus_states', {
      columns: { mechanism: 'text', epoch: 'int', payload: 'bytes' },
      key: ['mechanism'],
    });

    await table('weights', {
      columns: {
        epoch: 'int',
        mechanism: 'text',
        account: 'text',
        peer: 'text',
        quality: 'int',
        latency: 'int',
        weight: 'text',
        last_index: 'int',
      },
      key: ['epoch', 'mechanism', 'account', 'peer'],
    });
    await table('settlements', {
      columns: { epoch: 'int', mechanism: 'text', role: 'text', account: 'text', amount: 'text' },
      key: ['epoch', 'mechanism', 'role', 'account'],
      indexes: [['account', 'epoch']],
    });
    await table('balances', { columns: { account: 'text', amount: 'text' }, key: ['account'] });
    await table('holdings', {
      columns: { account: 'text', spendable: 'text', escrow: 'text', on_hold: 'text' },
      key: ['account'],
    });
    await table('lots', {
      columns: {
        epoch: 'int',
        mechanism: 'text',
        account: 'text',
        peer: 'text',
        amount: 'text',
        last_index: 'int',
        ended_epoch: 'int?',
        ended_as: 'text?',
      },
      key: ['epoch', 'mechanism', 'account', 'peer'],
      // What an account has in escrow, and what is still held, without reading every lot there ever was.
      indexes: [
        ['account', 'ended_as'],
        ['ended_epoch', 'epoch'],
      ],
    });
    await table('operations', {
      columns: {
        epoch: 'int',
        account: 'text',
        nonce: 'int',
        hash: 'bytes',
        payload: 'bytes',
        signature: 'bytes',
      },
      key: ['id'],
      unique: [['account', 'nonce'], ['hash']],
      indexes: [['epoch', 'id']],
    });
    await table('operation_parties', {
      columns: { account: 'text', operation: 'int' },
      key: ['account', 'operation'],
    });
    await table('holds', {
      columns: {
        hold: 'bytes',
        account: 'text',
        payee: 'text',
        amount: 'text',
        opened_epoch: 'int',
        expires_epoch: 'int',
        ended_epoch: 'int?',
        paid: 'text?',
      },
      key: ['hold'],
      indexes: [
        ['account', 'ended_epoch'],
        ['payee', 'ended_epoch'],
        ['ended_epoch', 'expires_epoch'],
      ],
    });

    await table('jobs', {
      columns: {
        validator: 'text',
        name: 'text',
        model: 'text',
        kind: 'text',
        unit: 'bytes',
        state: 'text',
        created_at_ms: 'int',
        task_id: 'bytes?',
        body: 'bytes?',
        attempts: 'int=0',
      },
      key: ['id'],
      unique: [['name']],
      indexes: [['state', 'id']],
    });
    await table('job_refusals', {
      columns: { job: 'int', account: 'text' },
      key: ['job', 'account'],
      parent: { column: 'job', of: 'jobs.id' },
    });
  },
});
