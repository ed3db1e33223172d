import { expect, it } from 'vitest';
import { toHex } from '../../protocol/bytes.ts';
import { asWork } from '../../protocol/ids.ts';
import { sealOf } from '../../protocol/kinds/infer.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import { signReceipt } from '../../protocol/receipt.ts';
import { taskIdOf } from '../../protocol/task.ts';
import { float32Tensor } from '../../protocol/tensor.ts';
import { peerOf, VALIDATOR_SEED } from '../testing/ledger.ts';
import { receiptJson } from './submit-result.ts';

it('the receipt of a model with tensors inside holds for its outputs with their seal, and for no others', async () => {
  const outputs = [float32Tensor('y', [1], Float32Array.of(1))];
  const sealed = sealOf([float32Tensor('inside', [1], Float32Array.of(2))]);
  const peer = await peerOf(1);
  const taskId = new Uint8Array(32).fill(4);
  const receipt = signReceipt(
    {
      subnet: new Uint8Array(32),
      validator: await peerOf(101),
      epoch: 1,
      taskId,
      kind: 'infer',
      peer,
      account: new Uint8Array(32).fill(1),
      work: asWork(12n),
      digest: digestOf({ kind: 'infer', body: { outputs, sealed } }),
      audit: { threshold: new Uint8Array(32), commitment: new Uint8Array(32), drawn: false },
      issuedAtMs: 1_000,
    },
    VALIDATOR_SEED,
  );
  const evidence = { receipt, taskId: taskIdOf(taskId), peer };
  expect(receiptJson({ ...evidence, sealed: toHex(sealed) }, outputs)).toMatchObject({ holds: true });
  expect(receiptJson(evidence, outputs)).toMatchObject({ holds: false });
  expect(receiptJson({ ...evidence, sealed: '00'.repeat(32) }, outputs)).toMatchObject({ holds: false });
});
