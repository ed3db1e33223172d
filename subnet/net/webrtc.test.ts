import { describe, expect, it } from 'vitest';
import { atMost } from './webrtc.ts';

describe('atMost', () => {
  const signal = new AbortController().signal;
  /** Calls that run until they are told to end. */
  const calls = () => {
    const running: { host: string; end: (error?: Error) => void }[] = [];
    const take = (_ufrag: string, host: string): Promise<void> =>
      new Promise((resolve, reject) => {
        running.push({ host, end: (error) => (error === undefined ? resolve() : reject(error)) });
      });
    return { running, take };
  };

  it('drops what is beyond the limit of a host and of all, until others have ended', async () => {
    const { running, take } = calls();
    const guarded = atMost(3, 2, take);
    const made = ['a', 'a', 'a', 'b', 'b', 'c'].map((host) => guarded('', host, 1, signal));
    expect(running.map(({ host }) => host)).toEqual(['a', 'a', 'b']);
    running[0]?.end();
    await made[0];
    const more = [guarded('', 'a', 1, signal), guarded('', 'b', 1, signal)];
    expect(running.map(({ host }) => host)).toEqual(['a', 'a', 'b', 'a']);
    for (const { end } of running) end();
    await Promise.all([...made, ...more]);
  });

  it('counts a call that fails as ended', async () => {
    const { running, take } = calls();
    const guarded = atMost(1, 1, take);
    for (let i = 0; i < 5; i++) {
      const made = guarded('', 'a', 1, signal);
      running[i]?.end(new Error('no handshake'));
      await expect(made).rejects.toThrow('no handshake');
    }
  });
});
