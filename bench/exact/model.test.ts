import { expect, it } from 'vitest';
import { checkExact } from '../../exact/check/check.ts';
import { taskOf } from '../../exact/evaluate/tasks.ts';
import { insideOut } from './altered.ts';
import { compare, REFERENCE, referenceDigests } from './equality.ts';
import { subjectOf } from './model.ts';
import { cpu } from './node-backends.ts';

it('the control beyond the bound is refused by the checker and differs over levels, the exact model does neither', async () => {
  const subject = await subjectOf(taskOf('digits-residual'), 4);
  expect(checkExact(subject.exact.file)).toMatchObject({ ok: true });
  expect(checkExact(subject.beyond.file)).toMatchObject({ ok: false, code: 'UNCERTIFIED' });
  const mismatches = async ({ file }: { file: Uint8Array }): Promise<number> => {
    const model = { name: 'inside', file: insideOut(file), feed: null };
    const reference = await referenceDigests(cpu(), model, subject.bases, 4);
    const way = { ...REFERENCE, level: 'disabled', images: 4 } as const;
    return (await compare(cpu(), model, subject.bases, way, reference)).mismatches;
  };
  expect(await mismatches(subject.exact)).toBe(0);
  expect(await mismatches(subject.beyond)).toBe(4);
});
