import { expect, it } from 'vitest';
import { sha256dWgsl } from './generate.ts';

it('shaders/sha256d.wgsl is what the generator writes', async () => {
  await expect(sha256dWgsl()).toMatchFileSnapshot('../../shaders/sha256d.wgsl');
});
